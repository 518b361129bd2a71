// Guessing a password (SPEC §8): many at once, at another door, from another address.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { addUser } from '../../src/store/users.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { startTestApp, type TestApp } from '../helpers/testApp.ts';
import { Visitor } from '../helpers/visitor.ts';

const PASSWORD = 'nine in the evening';
const TOKEN = 'admin-7f3b9d2e5c';
const QUARTER_MS = 15 * 60_000;
let t: TestApp;
const clock = movableClock();
beforeEach(async () => {
  t = await startTestApp({ env: { ADMIN_PASSWORD: PASSWORD, TRUST_PROXY: '1' }, overrides: { clock } });
  // The start of a window: none ends in the middle of a test.
  clock.ahead(QUARTER_MS - (clock.nowMs() % QUARTER_MS));
});
afterEach(() => t.stop());

const from = (address: string) => ({ 'x-forwarded-for': address });

/** Signs in with each of the passwords, all at the same moment; the statuses. */
async function signIns(address: string, passwords: string[], name = 'admin'): Promise<number[]> {
  const visitor = new Visitor(t);
  const csrf = await visitor.csrf('/login');
  const forms = passwords.map((password) => visitor.post('/login', { csrf, name, password }, from(address)));
  return (await Promise.all(forms)).map(({ status }) => status);
}

const guesses = (count: number) => Array.from({ length: count }, (_, n) => `guess number ${n}`);

const ask = async (password: string, address: string, path = '/metrics') => {
  const authorization = `Basic ${Buffer.from(`anna:${password}`).toString('base64')}`;
  return fetch(`${t.url}${path}`, { headers: { authorization, ...from(address) } });
};

test('sixty guesses at the same moment are five guesses, and the right one among the rest is not looked at', async () => {
  const statuses = await signIns('192.0.2.1', [...guesses(59), PASSWORD]);
  expect(statuses.filter((status) => status === 401)).toHaveLength(5);
  expect(statuses.filter((status) => status === 429)).toHaveLength(55);
  // Nobody is shut out by what others send in his name from elsewhere.
  expect(await signIns('198.51.100.7', [PASSWORD])).toEqual([303]);
  clock.ahead(QUARTER_MS);
  expect(await signIns('192.0.2.1', [PASSWORD])).toEqual([303]);
});

test('the right password is no attempt: it may be sent any number of times, with mistakes in between', async () => {
  await addUser(t.app.store, { name: 'otto', role: 'operator', password: PASSWORD }, 'test');
  for (const password of ['mistyped', PASSWORD, 'mistyped', PASSWORD, PASSWORD, PASSWORD])
    expect(await signIns('192.0.2.1', [password], 'otto')).toEqual([password === PASSWORD ? 303 : 401]);
  for (let n = 0; n < 12; n++) expect((await ask(PASSWORD, '192.0.2.1')).status).toBe(200);
});

test('the browser’s own question for a password keeps the same count as the form, and 429 stands before the right one', async () => {
  for (const path of ['/metrics', '/docs', '/openapi.json', '/oauth/install?connection=default', '/metrics'])
    expect((await ask('wrong', '192.0.2.1', path)).status).toBe(401);
  const closed = await ask(PASSWORD, '192.0.2.1');
  expect(closed.status).toBe(429);
  expect(Number(closed.headers.get('retry-after'))).toBeGreaterThan(14 * 60);
  expect(await closed.json()).toMatchObject({ code: 'too_many_failures' });
  expect(await signIns('192.0.2.1', [PASSWORD])).toEqual([429]);
  expect((await ask(PASSWORD, '192.0.2.2')).status).toBe(200);

  expect(await signIns('192.0.2.3', guesses(5))).toEqual(Array(5).fill(401));
  expect((await ask(PASSWORD, '192.0.2.3')).status).toBe(429);
});

test('the admin token as a bearer never waits, and a wrong one does not close the sign-in', async () => {
  await signIns('192.0.2.1', guesses(6));
  const bearer = (token: string, address: string) =>
    fetch(`${t.url}/metrics`, { headers: { authorization: `Bearer ${token}`, ...from(address) } });
  expect((await bearer(TOKEN, '192.0.2.1')).status).toBe(200);
  const statuses: number[] = [];
  for (let n = 0; n < 11; n++) statuses.push((await bearer(n === 0 ? PASSWORD : 'wrong', '192.0.2.2')).status);
  expect(statuses).toEqual([...Array(10).fill(401), 429]);
  expect((await bearer(TOKEN, '192.0.2.2')).status).toBe(200);
  expect(await signIns('192.0.2.2', [PASSWORD])).toEqual([303]);
});
