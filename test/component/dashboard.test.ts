import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { IDLE_MS } from '../../src/store/sessions.ts';
import { addUser, removeUser, setPassword } from '../../src/store/users.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { delivery } from '../helpers/story.ts';
import { startTestApp, type TestApp } from '../helpers/testApp.ts';
import { Visitor } from '../helpers/visitor.ts';

const PASSWORD = 'nine in the evening';
const CUSTOMER = '/customers/default/cus_1';
const clock = movableClock();
let t: TestApp;

beforeAll(async () => {
  t = await startTestApp({
    env: { ADMIN_PASSWORD: PASSWORD },
    overrides: { clock },
    ghl: { now: () => clock.nowMs() },
  });
  await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { first_name: '<img src=x onerror=alert(1)>', balance: 120 }));
  await t.run();
  await addUser(t.app.store, { name: 'Vera', role: 'viewer', password: PASSWORD }, 'test');
});
afterAll(() => t.stop());

const signedIn = async (name = 'admin') => {
  const visitor = new Visitor(t);
  expect(await visitor.signIn(name, PASSWORD)).toMatchObject({ status: 303, location: '/' });
  return visitor;
};

const audits = async () => t.app.store.db.select().from(t.app.store.s.syncAuditLogs);

describe('signing in', () => {
  test('every page, file and button is for people who are signed in', async () => {
    const visitor = new Visitor(t);
    const paths = ['/', '/customers', CUSTOMER, '/customers.csv', '/runs/run_1/live', '/settings', '/audit'];
    for (const path of paths) {
      const { status, location, text } = await visitor.get(path);
      expect({ path, status, location }).toEqual({
        path,
        status: 303,
        location: path === '/' ? '/login' : `/login?next=${encodeURIComponent(path)}`,
      });
      expect(text).not.toContain('ana@');
    }
    expect(await visitor.post(`${CUSTOMER}/retry`, { back: CUSTOMER })).toMatchObject({
      status: 303,
      location: `/login?next=${encodeURIComponent(CUSTOMER)}`,
    });
  });

  test('one lands where one wanted to go, on this service and nowhere else', async () => {
    const landed = async (next: string) => (await new Visitor(t).signIn('ADMIN ', PASSWORD, next)).location;
    expect(await landed('/problems?state=resolved')).toBe('/problems?state=resolved');
    for (const elsewhere of [
      '//evil.example',
      'https://evil.example/',
      '/\\evil.example',
      'javascript:alert(1)',
      '/logout',
      '/.//evil.example',
      '/x/..//evil.example',
    ])
      expect(await landed(elsewhere)).toBe('/');
  });

  test('a form of another site does nothing, with a guessed token or none', async () => {
    const visitor = await signedIn();
    const before = (await audits()).length;
    const csrf = await visitor.csrf(CUSTOMER);
    expect((await visitor.post(`${CUSTOMER}/pause`, {})).status).toBe(403);
    expect((await visitor.post(`${CUSTOMER}/pause`, { csrf: 'x'.repeat(43) })).status).toBe(403);
    expect((await visitor.post(`${CUSTOMER}/pause`, { csrf }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect(await audits()).toHaveLength(before);
    expect((await new Visitor(t).post('/login', { name: 'admin', password: PASSWORD })).status).toBe(403);
  });

  test('the cookie is out of reach of scripts, and goes over https only where there is https', async () => {
    const lineOf = ({ headers }: { headers: Headers }) =>
      headers.getSetCookie().find((line) => line.startsWith('sticky_session')) ?? '';
    const plain = lineOf(await new Visitor(t).signIn('admin', PASSWORD));
    expect(plain).toMatch(/; Path=\/; HttpOnly; SameSite=Lax$/);
    const other = await startTestApp({
      env: { ADMIN_PASSWORD: PASSWORD, TRUST_PROXY: '1', PUBLIC_URL: 'https://sync.example.com' },
    });
    const visitor = new Visitor(other);
    const csrf = await visitor.csrf('/login');
    const form = { csrf, name: 'admin', password: PASSWORD };
    const secure = lineOf(await visitor.post('/login', form, { 'x-forwarded-proto': 'https' }));
    await other.stop();
    expect(secure).toContain('Secure');
  });

  test('a session ends when it idles, with a new password, and with its user', async () => {
    const visitor = await signedIn();
    clock.ahead(IDLE_MS - 60_000);
    expect((await visitor.get('/')).status).toBe(200);
    // Looking keeps it alive.
    clock.ahead(IDLE_MS - 60_000);
    expect((await visitor.get('/')).status).toBe(200);
    clock.ahead(IDLE_MS + 60_000);
    expect((await visitor.get('/')).status).toBe(303);

    await addUser(t.app.store, { name: 'otto', role: 'operator', password: PASSWORD }, 'test');
    const otto = await signedIn('otto');
    await setPassword(t.app.store, 'otto', `${PASSWORD}!`, 'test');
    expect((await otto.get('/')).status).toBe(303);
    expect((await otto.signIn('otto', `${PASSWORD}!`)).status).toBe(303);
    await removeUser(t.app.store, 'otto', 'test');
    expect((await otto.get('/')).status).toBe(303);
  });

  test('signing out ends the session here, not only in the browser', async () => {
    const visitor = await signedIn();
    const stolen = new Visitor(t);
    for (const [name, value] of visitor.cookies) stolen.cookies.set(name, value);
    await visitor.press('/', '/logout');
    expect((await stolen.get('/')).status).toBe(303);
  });

  test('wrong passwords lock an address out for a while, also from the right one', async () => {
    const visitor = new Visitor(t);
    for (let guess = 0; guess < 5; guess++) expect((await visitor.signIn('admin', `guess ${guess}`)).status).toBe(401);
    const locked = await visitor.signIn('admin', PASSWORD);
    expect(locked).toMatchObject({ status: 429 });
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0);
    clock.ahead(15 * 60_000);
    expect((await visitor.signIn('admin', PASSWORD)).status).toBe(303);
  });

  test('a changed ADMIN_PASSWORD counts from the next start on and ends the sessions of the old one', async () => {
    const env = { ADMIN_PASSWORD: 'the old password', ENCRYPTION_KEY: '5a'.repeat(32) };
    const { databaseUrl } = t.app.config;
    const folder = databaseUrl.replace(/[^/]*$/, 'changed.db');
    const before = await startTestApp({ env, databaseUrl: folder });
    const visitor = new Visitor(before);
    await visitor.signIn('admin', 'the old password');
    expect((await visitor.get('/')).status).toBe(200);
    await before.stop();
    const after = await startTestApp({ env: { ...env, ADMIN_PASSWORD: 'the new password' }, databaseUrl: folder });
    const again = new Visitor(after);
    for (const [name, value] of visitor.cookies) again.cookies.set(name, value);
    expect((await again.get('/')).status).toBe(303);
    expect((await again.signIn('admin', 'the old password')).status).toBe(401);
    expect((await again.signIn('admin', 'the new password')).status).toBe(303);
    await after.stop();
  });
});

describe('pages', () => {
  test('what people typed is text, and no script but our own may run', async () => {
    const { text, headers } = await (await signedIn()).get(CUSTOMER);
    expect(text).toContain('&lt;img src=x');
    expect(text).not.toContain('<img src=x');
    expect(headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(text).not.toMatch(/<script(?![^>]*\ssrc="\/assets\/)[^>]*>|\sstyle="|\son\w+="/);
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('an address that is nobody’s is a page for browsers and a problem for programs', async () => {
    const visitor = await signedIn();
    expect(await visitor.get('/nowhere')).toMatchObject({
      status: 404,
      text: expect.stringContaining('<h1>Not found'),
    });
    const program = await visitor.get('/nowhere', { accept: 'application/json' });
    expect(program).toMatchObject({ status: 404, text: expect.stringContaining('"not_found"') });
    expect((await visitor.get('/customers/default/nobody')).status).toBe(404);
  });

  test('style sheet, scripts and chart are served, nothing else of the folders around them', async () => {
    const visitor = new Visitor(t);
    for (const name of ['dashboard.css', 'dashboard.js', 'uplot/uPlot.iife.min.js', 'uplot/uPlot.min.css', 'icon.svg'])
      expect({ name, status: (await visitor.get(`/assets/${name}`)).status }).toEqual({ name, status: 200 });
    for (const name of ['..%2fpackage.json', 'uplot/..%2f..%2fpackage.json', '', 'uplot'])
      expect({ name, status: (await visitor.get(`/assets/${name}`)).status }).toEqual({ name, status: 404 });
  });

  test('a list as CSV is what the list shows', async () => {
    const { text, headers } = await (await signedIn()).get('/customers.csv?syncStatus=SYNCED');
    expect(headers.get('content-disposition')).toBe('attachment; filename="in-sync.csv"');
    expect(text.trim().split('\r\n')).toHaveLength(2);
  });

  test('a run that is over tells its counts and the end, once, as a stream', async () => {
    const visitor = await signedIn();
    const run = await t.run();
    const { text, headers } = await visitor.get(`/runs/${run.id}/live`, { accept: 'text/event-stream' });
    expect(headers.get('content-type')).toContain('text/event-stream');
    expect(text).toMatch(
      /^event: counts\ndata: \{"totalRecords":\d+.*\}\n\nevent: over\ndata: \{"status":"completed"\}\n\n$/,
    );
  });
});

test('a browser that follows a run does not hold up the end of the service', async () => {
  const other = await startTestApp({ env: { ADMIN_PASSWORD: PASSWORD } });
  other.ghl.faults.add({ kind: 'delay', method: 'POST', path: /\/contacts\/$/, times: 1, delayMs: 6000 });
  await other.deliver(delivery('CustomerCreatedEvent', 0));
  const visitor = new Visitor(other);
  await visitor.signIn('admin', PASSWORD);
  const asked = await visitor.press('/runs', '/runs', { connection: 'default' });
  expect(asked.location).toMatch(/^\/runs\/run_/);
  const stream = visitor.get(`${asked.location}/live`, { accept: 'text/event-stream' });
  await other.app.store.clock.sleep(1000);
  const beganMs = performance.now();
  const stopped = other.stop();
  // At once, long before the call that the run waits for.
  expect((await stream).text).toMatch(/^event: counts/);
  expect(performance.now() - beganMs).toBeLessThan(4000);
  await stopped;
});

describe('buttons', () => {
  test('each leaves its mark in the audit log, with the name of whoever pressed it', async () => {
    const visitor = await signedIn();
    const pressed: [page: string, action: string, fields: Record<string, string>, audit: string][] = [
      [CUSTOMER, `${CUSTOMER}/retry`, {}, 'customer.retry'],
      [CUSTOMER, `${CUSTOMER}/resync`, {}, 'customer.resync'],
      [CUSTOMER, `${CUSTOMER}/pause`, {}, 'customer.pause'],
      [CUSTOMER, `${CUSTOMER}/resume`, {}, 'customer.resume'],
      ['/connections/default', '/connections/default/pause', { direction: 'ghl_to_stickycards' }, 'connection.pause'],
      ['/connections/default', '/connections/default/resume', { direction: 'ghl_to_stickycards' }, 'connection.resume'],
      ['/connections/default', '/connections/default/observe', {}, 'connection.observe'],
      ['/connections/default', '/connections/default/activate', {}, 'connection.activate'],
    ];
    for (const [page, action, fields, audit] of pressed) {
      const { status, location } = await visitor.press(page, action, fields);
      expect({ action, status, here: location?.startsWith(page) }).toEqual({ action, status: 303, here: true });
      expect((await visitor.get(location ?? '')).text).toContain('class="notice"');
      expect((await audits()).at(-1)).toMatchObject({ actor: 'admin', action: audit });
    }
    const started = await visitor.press('/runs', '/runs', { connection: 'default', direction: 'stickycards_to_ghl' });
    expect(started.location).toMatch(/^\/runs/);
    expect((await audits()).at(-1)).toMatchObject({
      actor: 'admin',
      action: 'run.start',
      subject: 'default',
      connectionId: 'default',
      after: { direction: 'stickycards_to_ghl', trigger: 'manual' },
    });
    expect((await visitor.get('/audit')).text).toContain('run.start');
    const event = ((await t.api('/events?source=stickycards')).body['items'] as { id: string }[])[0]?.id ?? '';
    expect((await visitor.press(`/inbox/${event}`, `/inbox/${event}/replay`)).status).toBe(303);
    expect((await audits()).at(-1)).toMatchObject({ actor: 'admin', action: 'event.replay', subject: event });
  });

  test('a viewer sees no button, and pressing one all the same is refused', async () => {
    const visitor = await signedIn('vera');
    const { text } = await visitor.get(CUSTOMER);
    expect(text).not.toContain('action="/customers/default/cus_1/');
    const before = (await audits()).length;
    expect((await visitor.press(CUSTOMER, `${CUSTOMER}/pause`)).status).toBe(403);
    expect((await visitor.press('/connections/default', '/connections/pause-all')).status).toBe(403);
    expect((await visitor.press('/runs', '/runs', { connection: 'default' })).status).toBe(403);
    expect(await audits()).toHaveLength(before);
  });

  test('everything can be paused at once, and the pages say so', async () => {
    const visitor = await signedIn();
    await visitor.press('/connections', '/connections/pause-all');
    expect((await visitor.get(CUSTOMER)).text).toContain('is paused for the connection default');
    await visitor.press('/connections', '/connections/resume-all');
    expect((await visitor.get(CUSTOMER)).text).not.toContain('is paused for the connection default');
  });
});
