// Texts that a database cannot hold, and bodies that are not what they say (SPEC §8: bad input gets a clear error).
import { afterEach, describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { callAction } from '../helpers/actions.ts';
import { databases } from '../helpers/databases.ts';
import { startTestApp, type TestApp } from '../helpers/testApp.ts';
import { Visitor } from '../helpers/visitor.ts';

const PASSWORD = 'correct horse battery';

let t: TestApp;
afterEach(() => t.stop());

async function call(method: string, path: string, body?: string | Uint8Array<ArrayBuffer>, headers = {}) {
  const answer = await fetch(`${t.url}/api${path}`, {
    method,
    headers: { authorization: `Bearer ${t.app.config.adminToken}`, ...headers },
    ...(body !== undefined && { body }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

const cursor = (id: string) => Buffer.from(id, 'utf8').toString('base64url');

describe.each(Object.entries(databases))('on %s', (_name, makeUrl) => {
  test('the API names the field that holds what is no text', async () => {
    t = await startTestApp({ databaseUrl: await makeUrl() });
    const asked: [method: string, path: string, field: string, body?: string][] = [
      ['GET', '/customers?q=a%00', 'q'],
      ['GET', '/customers?connection=%00b', 'connection'],
      ['GET', '/customers/%00', 'customerId'],
      ['GET', '/customers/c1?connection=a%00b', 'connection'],
      ['GET', '/customers/a%00b/timeline', 'customerId'],
      ['GET', `/customers?cursor=${cursor('default/a\0')}`, 'cursor'],
      ['GET', '/logs?customerId=a%00', 'customerId'],
      ['GET', `/logs?cursor=${cursor('log_\0')}`, 'cursor'],
      ['GET', '/events/%00', 'id'],
      ['GET', `/events?cursor=${cursor('evt_\0')}`, 'cursor'],
      ['GET', '/runs?connection=a%00', 'connection'],
      ['GET', '/runs/run_%00', 'id'],
      ['GET', '/commands/cmd_%00', 'id'],
      ['GET', '/problems?code=a%00', 'code'],
      ['GET', '/problems/%00', 'id'],
      ['GET', '/connections/%00', 'id'],
      ['GET', '/connections/a%00/setup', 'id'],
      ['GET', '/overview?connection=a%00', 'connection'],
      ['DELETE', '/connections/a%00', 'id'],
      ['POST', '/events/a%00/replay', 'id', '{}'],
      ['POST', '/runs', 'connection', '{"connection":"a\\u0000"}'],
      ['POST', '/retry', 'filter.q', '{"filter":{"q":"a\\u0000b"}}'],
      ['PATCH', '/connections/default', 'pipelineId', '{"pipelineId":"a\\u0000b"}'],
      ['PATCH', '/connections/default', 'stickyCardsWorkspace', '{"stickyCardsWorkspace":"\\ud800"}'],
      ['PATCH', '/connections/default', 'stickyCardsWebhookSecrets.0', '{"stickyCardsWebhookSecrets":["\\udc00x"]}'],
    ];
    for (const [method, path, field, body] of asked) {
      const answer = await call(method, path, body);
      expect({ method, path, sent: body, ...answer }).toMatchObject({
        status: 400,
        body: { code: 'invalid_parameter', field, detail: expect.stringMatching(/no text/) },
      });
    }
  });

  test('an action refuses it too, and keeps nothing of it', async () => {
    t = await startTestApp({ databaseUrl: await makeUrl() });
    const asked: [action: string, body: Record<string, unknown>, field: string][] = [
      ['push', { contact_id: 'c1', message: 'a\0b' }, 'message'],
      ['push', { contact_id: 'c\0', message: 'a' }, 'contact_id'],
      ['issue-card', { email: 'a\0@example.com' }, 'email'],
      ['issue-card', { phone: '+1\ud800' }, 'phone'],
      ['segments', { contact_id: 'c1', customData: { add: ['gold', 'si\0lver'] } }, 'add.1'],
    ];
    for (const [action, body, field] of asked)
      expect(await callAction(t.url, action, body)).toMatchObject({ status: 400, body: { code: 'parameter', field } });
    expect(await t.app.store.db.select().from(t.app.store.s.idempotencyKeys)).toEqual([]);
  });

  test('no page and no button of the dashboard fails over it; a name with it is nobody', async () => {
    t = await startTestApp({ databaseUrl: await makeUrl(), env: { ADMIN_PASSWORD: PASSWORD } });
    const visitor = new Visitor(t);
    expect((await visitor.signIn('ad\0min', PASSWORD)).status).toBe(401);
    expect((await visitor.signIn('admin', PASSWORD)).status).toBe(303);
    const paths = [
      '/customers?q=%00',
      '/customers/default/%00',
      '/problems?cursor=%00',
      '/inbox/%00',
      '/runs/%00/live',
    ];
    for (const path of [...paths, '/connections/%00', '/commands?connection=%00', '/audit?cursor=%00']) {
      const page = await visitor.get(path);
      expect([path, page.status, page.text]).toEqual([path, 400, expect.stringMatching(/no text/)]);
    }
    const pressed = await visitor.press('/runs', '/runs', { connection: 'a\0' });
    expect([pressed.status, pressed.text]).toEqual([400, expect.stringMatching(/connection: .*no text/)]);
    expect((await visitor.get('/oauth/install?connection=%00')).status).toBe(404);
  });
});

test.each(['gzip', 'br', 'deflate', 'zstd'])('a body that is not the %s that it says is refused', async (encoding) => {
  t = await startTestApp();
  const sent = { 'content-encoding': encoding };
  const refused = { status: 400, body: { code: 'content_encoding' } };
  expect(await call('POST', '/retry', '{"filter":{}}', sent)).toMatchObject(refused);
  const login = await fetch(`${t.url}/login`, {
    method: 'POST',
    headers: { ...sent, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'name=admin&password=x',
  });
  expect([login.status, await login.json()]).toMatchObject([400, { code: 'content_encoding' }]);
});

test('a compressed body that is cut off is refused; a whole one is taken', async () => {
  t = await startTestApp();
  const whole = new Uint8Array(gzipSync('{"filter":{}}'));
  const sent = { 'content-encoding': 'gzip' };
  expect((await call('POST', '/retry', whole, sent)).status).toBe(200);
  const cut = await call('POST', '/retry', whole.slice(0, -4), sent);
  expect(cut).toMatchObject({ status: 400, body: { code: 'content_encoding' } });
});
