// The description of the API is what the API does: real answers of every call are held against it (SPEC §6.1).
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { insertCommands, moveCommand } from '../../src/store/commands.ts';
import { raiseProblems } from '../../src/store/problems.ts';
import { ApiContract, type ApiDocument } from '../helpers/apiContract.ts';
import { delivery } from '../helpers/story.ts';
import { startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
let contract: ApiContract;
const ids = { event: '', run: '', problem: '', confirmable: '', unknown: '' };

beforeAll(async () => {
  t = await startTestApp();
  const document = (await (await get('/openapi.json')).json()) as ApiDocument;
  contract = new ApiContract(document);
  for (const type of ['CustomerCreatedEvent', 'CardInstalledEvent', 'CardBalanceUpdatedEvent'])
    await t.deliver(delivery(type, 1, { balance: 12 }));
  ids.event = (await t.deliver(delivery('FeedbackCreatedEvent', 2, { rating: 4 }))).body['receiptId'] as string;
  await t.deliver({ event_type: 'SomethingNewEvent', timestamp: '2026-03-20T15:00:00Z', customer_id: 'cus_1' });
  await fetch(`${t.url}/webhooks/sticky-cards`, { method: 'POST', body: '{}' });
  ids.run = (await t.run()).id;
  await t.ghl.flushWebhooks();
  await t.run();
  const { store } = t.app;
  await store.tx(async (db) => {
    const order = { connectionId: 'default', kind: 'push' as const, params: { customerId: 'cus_1', points: 5 } };
    await insertCommands(store, db, [
      { ...order, target: 'customer:cus_1', sourceEvent: 'a', state: 'held', reason: 'points_limit' },
      { ...order, target: 'customer:cus_1', sourceEvent: 'b' },
    ]);
    await raiseProblems(store, db, 'default', [
      { code: 'points_limit', recordId: 'cus_1', sample: { customerId: 'cus_1' } },
      { code: 'record_failed', recordId: 'cus_1', sample: { customerId: 'cus_1', reason: '422' } },
    ]);
    const commands = await db.select().from(store.s.commands);
    ids.confirmable = commands.find((row) => row.sourceEvent === 'a')?.id as string;
    ids.unknown = commands.find((row) => row.sourceEvent === 'b')?.id as string;
    await moveCommand(store, db, ids.unknown, ['pending'], { state: 'unknown', reason: 'lost' });
    ids.problem = (await db.select().from(store.s.problems)).find((row) => row.code === 'points_limit')?.id as string;
  });
});
afterAll(() => t.stop());

const token = () => ({ authorization: 'Bearer admin-7f3b9d2e5c' });
const get = (path: string, headers: Record<string, string> = token()) => fetch(`${t.url}${path}`, { headers });

/** One call, held against the document. */
async function call(method: string, path: string, status: number, body?: unknown) {
  const answer = await fetch(`${t.url}${path}`, {
    method: method.toUpperCase(),
    headers: token(),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const type = answer.headers.get('content-type') ?? '';
  const json: unknown = type.includes('json') ? JSON.parse(text) : text;
  expect([answer.status, text.slice(0, 300)]).toEqual([status, expect.any(String)]);
  const plain = path.split('?')[0] as string;
  expect(contract.check(method, plain, status, type, json)).toEqual([]);
  return json as Record<string, unknown> & { items?: { id: string }[] };
}

test('every call answers what the document promises, with something to show', async () => {
  const lists = ['overview', 'runs', 'logs', 'events', 'customers', 'commands', 'problems', 'connections'];
  for (const list of lists) expect((await call('get', `/api/${list}`, 200)).items?.length).toBeGreaterThan(0);
  await call('get', '/api/events?status=rejected', 200);
  await call('get', '/api/events?status=skipped', 200);
  await call('get', '/api/customers?format=csv', 200);
  for (const list of lists) await call('get', `/api/${list}?colour=red`, 400);
  await call('get', `/api/runs/${ids.run}`, 200);
  expect((await call('get', `/api/runs/${ids.run}/logs`, 200)).items?.length).toBeGreaterThan(0);
  await call('get', `/api/events/${ids.event}`, 200);
  await call('get', '/api/customers/cus_1', 200);
  expect((await call('get', '/api/customers/cus_1/timeline', 200)).items?.length).toBeGreaterThan(5);
  await call('get', `/api/commands/${ids.unknown}`, 200);
  await call('get', `/api/problems/${ids.problem}`, 200);
  await call('get', '/api/connections/default', 200);
  await call('get', '/api/connections/default/doctor', 200);
  await call('get', '/api/connections/default/setup', 200);
  await call('get', '/api/connections/default/first-link', 200);
  await call('get', '/healthz', 200);
  await call('get', '/readyz', 200);
  await call('get', '/metrics', 200);
});

test('what is done answers what the document promises', async () => {
  expect(await call('post', '/api/runs', 202, {})).toEqual({ accepted: [{ connection: 'default' }] });
  await call('post', '/api/runs', 200, { connection: 'default', wait: true });
  await call('post', '/api/runs', 404, { connection: 'nowhere' });
  await call('post', `/api/events/${ids.event}/replay`, 202, {});
  await call('post', `/api/events/${ids.event}/replay`, 200, { wait: true });
  const rejected = (await call('get', '/api/events?status=rejected', 200)).items?.[0]?.id as string;
  await call('post', `/api/events/${rejected}/replay`, 409, {});
  await call('post', '/api/customers/cus_1/resync', 200, { wait: true });
  await call('post', '/api/customers/cus_1/resync', 202, {});
  for (const verb of ['pause', 'resume', 'retry']) await call('post', `/api/customers/cus_1/${verb}`, 200, {});
  await call('post', '/api/retry', 200, { filter: {}, dryRun: true });
  await call('post', '/api/retry', 200, { filter: {} });
  await call('post', `/api/commands/${ids.unknown}/confirm`, 200, {});
  await call('post', `/api/commands/${ids.unknown}/resend`, 409, {});
  await call('post', `/api/problems/${ids.problem}/acknowledge`, 200, {});
  await call('post', `/api/problems/${ids.problem}/confirm`, 200, {});
  await call('post', `/api/problems/${ids.problem}/confirm`, 409, {});
  await call('post', `/api/problems/${ids.problem}/resolve`, 200, {});
  await call('post', `/api/problems/${ids.problem}/ignore`, 200, {});
  await call('post', `/api/commands/${ids.confirmable}/discard`, 200, {});
  await call('post', '/api/connections', 201, { name: 'second', generateSecrets: true });
  await call('post', '/api/connections', 409, { name: 'second' });
  await call('patch', '/api/connections/second', 200, { defaultCountry: 'DE' });
  for (const verb of ['activate', 'pause', 'resume', 'observe'])
    await call('post', `/api/connections/second/${verb}`, 200, {});
  await call('delete', '/api/connections/second', 204);
  await call('post', '/api/pause', 200, {});
  await call('post', '/api/resume', 200, {});
  for (const path of ['runs/x', 'events/x', 'customers/x', 'commands/x', 'problems/x', 'connections/x'])
    await call('get', `/api/${path}`, 404);
});

test('no call of the document went unasked', () => {
  const asked = new Set([...contract.seen].map((entry) => entry.split(' ').slice(0, 2).join(' ')));
  const promised = Object.entries(contract.document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  const own = promised.filter((entry) => !entry.includes(' /actions/'));
  expect(own.filter((entry) => !asked.has(entry) && entry !== 'post /api/commands/{id}/resend')).toEqual([]);
});

test('every parameter of a list in the document is taken, and no other', async () => {
  const values: Record<string, string> = { limit: '5', syncStatus: 'FAILED', format: 'json', wait: 'first_delivery' };
  for (const [path, methods] of Object.entries(contract.document.paths)) {
    const parameters = methods['get']?.parameters ?? [];
    if (!path.startsWith('/api/') || path.includes('{')) continue;
    for (const parameter of parameters as { name: string; schema: { enum?: string[] } }[]) {
      if (parameter.name === 'cursor') continue;
      const value = values[parameter.name] ?? parameter.schema.enum?.[0] ?? 'x';
      const answer = await get(`${path}?${parameter.name}=${encodeURIComponent(value)}`);
      expect([path, parameter.name, answer.status]).toEqual([path, parameter.name, 200]);
    }
  }
});

describe('the document and its page', () => {
  test('both need a credential; the page holds no script and loads nothing from elsewhere', async () => {
    for (const path of ['/openapi.json', '/docs', '/metrics']) {
      expect((await get(path, {})).status).toBe(401);
      expect((await get(path, { authorization: 'Bearer wrong' })).status).toBe(401);
    }
    const answer = await get('/docs');
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await answer.text();
    expect(page).not.toMatch(/<script|style="|https?:\/\/(?!localhost)/);
    for (const path of Object.keys(contract.document.paths)) expect(page).toContain(path);
    expect(page).toContain('Take an event again');
    expect((await get('/docs/style.css')).headers.get('content-type')).toContain('text/css');
  });

  test('a browser that knows the password is let in', async () => {
    const basic = Buffer.from('anna:admin-7f3b9d2e5c').toString('base64');
    expect((await get('/docs', { authorization: `Basic ${basic}` })).status).toBe(200);
  });

  test('holds what a program generator needs: unique operations, answers, references that lead somewhere', () => {
    const text = JSON.stringify(contract.document);
    for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g))
      expect(contract.document.components.schemas).toHaveProperty(name as string);
    for (const methods of Object.values(contract.document.paths))
      for (const operation of Object.values(methods))
        expect(Object.keys(operation.responses).length).toBeGreaterThan(0);
  });
});
