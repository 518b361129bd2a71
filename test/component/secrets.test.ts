import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import winston from 'winston';
import { systemClock } from '../../src/clock.ts';
import { createLogger } from '../../src/log.ts';
import { createConnectionStore } from '../../src/store/connections.ts';
import { keysInUse } from '../../src/store/connectionKeys.ts';
import { createSecretBox } from '../../src/store/secrets.ts';
import { sqliteUrl } from '../helpers/databases.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { sign } from '../helpers/receiver.ts';
import { LOCATION, SECRET, startTestApp, type TestApp, WORKFLOW_KEY } from '../helpers/testApp.ts';

let t: TestApp | undefined;
afterEach(async () => {
  await t?.stop();
  t = undefined;
});

const person = (n: number) => ({
  event_type: 'CardInstalledEvent',
  event_id: `e${n}`,
  timestamp: Math.floor(Date.now() / 1000),
  customer_id: `cus-${n}`,
  card_id: `card-${n}`,
  email: `person${n}@example.com`,
  balance: 10,
});

describe('the key that seals the secrets', () => {
  const key = () => randomBytes(32).toString('base64');
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

  async function cli(env: Record<string, string>, ...args: string[]): Promise<{ code: number | null; out: string }> {
    const child = spawn(process.execPath, ['--no-warnings', main, ...args], {
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        SANDBOX: '0',
        ADMIN_TOKEN: 'x'.repeat(9),
        ADMIN_PASSWORD: 'y'.repeat(9),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += String(chunk)));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out };
  }

  test('is changed while the service runs: nothing stands still, afterwards the old one is not needed', async () => {
    const [old, next] = [key(), key()];
    const databaseUrl = sqliteUrl();
    t = await startTestApp({ databaseUrl, env: { ENCRYPTION_KEY: old } });
    await t.app.connections.create('north', { stickyCardsApiKey: 'sk-north', ghlWorkflowKey: 'wf-north' }, 'test');
    await t.stop();
    const env = { ENCRYPTION_KEY: `v2:${next},v1:${old}` };
    t = await startTestApp({ databaseUrl, env });
    const listed = await cli({ DATABASE_URL: databaseUrl, ...env }, 'keys', 'list');
    expect(listed.out).toMatch(/v2 +0 secrets[^]*v1 +[1-9]\d* secrets/);
    const service = t;
    let going = true;
    const traffic = (async () => {
      const statuses: number[] = [];
      for (let n = 0; going; n += 1) {
        statuses.push((await service.deliver(person(n % 20))).status);
        await systemClock.sleep(20);
      }
      return statuses;
    })();
    const rotated = await cli({ DATABASE_URL: databaseUrl, ...env }, 'keys', 'rotate');
    going = false;
    expect(rotated.out).toContain('2 connections were sealed anew with key v2, 0 were already, 0 failed.');
    expect(rotated.code).toBe(0);
    expect((await traffic).every((status) => status === 202 || status === 200)).toBe(true);
    await t.app.registry.refresh();
    expect(t.app.registry.get('north')).toMatchObject({ stickyCards: { apiKey: 'sk-north' } });
    expect(await t.run()).toMatchObject({ failedCount: 0, status: 'completed' });
    expect([...(await keysInUse(t.app.store)).keys()]).toEqual(['v2']);
    const alone = createConnectionStore(
      t.app.store,
      createSecretBox([{ version: 2, key: Buffer.from(next, 'base64') }]),
    );
    expect((await alone.get('north'))?.ghl.workflowKey).toBe('wf-north');
    const again = await cli({ DATABASE_URL: databaseUrl, ...env }, 'keys', 'rotate');
    expect(again.out).toContain('0 connections were sealed anew with key v2, 2 were already, 0 failed.');
  }, 120_000);

  test('what the given keys do not open is left, named, and fails the command', async () => {
    const [old, next] = [key(), key()];
    const databaseUrl = sqliteUrl();
    t = await startTestApp({ databaseUrl, env: { ENCRYPTION_KEY: old } });
    const { code, out } = await cli({ DATABASE_URL: databaseUrl, ENCRYPTION_KEY: `v2:${next}` }, 'keys', 'rotate');
    expect(code).toBe(1);
    expect(out).toContain('0 connections were sealed anew with key v2, 0 were already, 1 failed.');
    expect(out).toMatch(/default: ENCRYPTION_KEY: does not open/);
    expect(out).not.toContain(next);
    expect(await t.run()).toMatchObject({ status: 'completed' });
  }, 60_000);
});

describe('webhook secrets', () => {
  const deliver = async (app: TestApp, n: number, secret: string) => {
    const body = JSON.stringify(person(n));
    const headers = { 'x-sticky-signature': sign(body, secret) };
    return (await fetch(`${app.url}/webhooks/sticky-cards`, { method: 'POST', headers, body })).status;
  };
  const patch = (app: TestApp, body: unknown) =>
    fetch(`${app.url}/api/connections/default`, {
      method: 'PATCH',
      headers: { authorization: 'Bearer admin-7f3b9d2e5c' },
      body: JSON.stringify(body),
    });

  test('two are live while they are changed, and the old one ends when it is taken out', async () => {
    t = await startTestApp();
    expect((await patch(t, { stickyCardsWebhookSecrets: ['whsec_new_1', SECRET] })).status).toBe(200);
    expect([await deliver(t, 1, 'whsec_new_1'), await deliver(t, 2, SECRET)]).toEqual([202, 202]);
    expect((await patch(t, { stickyCardsWebhookSecrets: ['whsec_new_1'] })).status).toBe(200);
    expect([await deliver(t, 3, 'whsec_new_1'), await deliver(t, 4, SECRET)]).toEqual([202, 401]);
    expect((await patch(t, { stickyCardsWebhookSecrets: ['a', 'b', 'c'] })).status).toBe(400);
  });
});

describe('secrets never come out', () => {
  test('of any answer of the API, log at debug level, error, export, audit or table', async () => {
    const lines: string[] = [];
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        lines.push(String(chunk));
        done();
      },
    });
    const log = createLogger('debug');
    log.clear().add(new winston.transports.Stream({ stream }));
    const clock = movableClock();
    const databaseUrl = sqliteUrl();
    const environment = {
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      ADMIN_TOKEN: 'admin-token-1f9c7d',
      ADMIN_PASSWORD: 'admin-password-8d2e',
      GHL_CLIENT_SECRET: 'sim-client-secret',
      STICKER_WEBHOOK_SECRET: 'sticker-secret-51aa',
    };
    t = await startTestApp({
      databaseUrl,
      env: { GHL_ACCESS_TOKEN: '', GHL_CLIENT_ID: 'simapp-1', ...environment },
      overrides: { clock, log },
      ghl: { now: () => clock.nowMs() },
    });
    const app = t;
    const secrets = new Map<string, string>(
      Object.entries({ ...environment, SECRET, WORKFLOW_KEY, sticky: 'sk_7a9e' }),
    );
    const headers = { authorization: `Bearer ${environment.ADMIN_TOKEN}` };
    const seen: { where: string; text: string }[] = [];
    const call = async (path: string, init: RequestInit = {}): Promise<string> => {
      const answer = await fetch(`${app.url}${path}`, { headers, redirect: 'manual', ...init });
      const text = `${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`;
      // A redirect to GHL names the state: that is its purpose.
      if (!path.startsWith('/oauth/install')) seen.push({ where: `${init.method ?? 'GET'} ${path}`, text });
      return text;
    };
    const send = (method: string, path: string, body: unknown) => call(path, { method, body: JSON.stringify(body) });

    const given = {
      ghlAccessToken: 'pit-given-77aa11',
      ghlWorkflowKey: 'wf-given-22bb33',
      stickyCardsApiKey: 'sk-given-44cc55',
      stickyCardsWebhookSecrets: ['whsec-given-66dd', 'whsec-given-77ee'],
      stickerWebhookSecret: 'sticker-given-88ff',
    };
    for (const [name, value] of Object.entries(given))
      for (const each of [value].flat()) secrets.set(`${name} ${each}`, each);
    await send('POST', '/api/connections', { name: 'north', ...given });
    await send('PATCH', '/api/connections/north', { ...given, ghlAccessToken: 'pit-given-99zz11' });
    secrets.set('second token', 'pit-given-99zz11');
    await send('PATCH', '/api/connections/north', { ghlAccessToken: { wrong: given.ghlAccessToken } });
    await send('PATCH', '/api/connections/north', {
      stickyCardsWebhookSecrets: [...given.stickyCardsWebhookSecrets, 'x'],
    });
    await send('PATCH', '/api/connections/north', {
      [given.stickyCardsApiKey.replaceAll('-', '_')]: 1,
      ...given,
      lowRating: 99,
    });
    await call('/api/connections/north', {
      method: 'PATCH',
      body: `{"ghlAccessToken": "${given.ghlAccessToken}", broken`,
    });

    // OAuth, its failures, and a run with tokens that GHL repeats in its refusals.
    const install = await call('/oauth/install?connection=default');
    const state = /[?&]state=([\w-]{43})/.exec(install)?.[1] ?? '';
    const code = app.ghl.oauth.issueCode({ locationId: LOCATION });
    secrets.set('state', state).set('code', code);
    await call(`/oauth/callback?state=${state}&code=made-up-code-1234`);
    const second = /[?&]state=([\w-]{43})/.exec(await call('/oauth/install?connection=default'))?.[1] ?? '';
    await call(`/oauth/callback?state=${second}&code=${code}`);
    await call(`/oauth/callback?state=${second}&code=${code}`);
    const remember = async (label: string) => {
      const oauth = (await app.app.connections.get('default'))?.ghl.oauth;
      expect(oauth?.accessToken).toMatch(/^oauth-/);
      secrets.set(`${label} access`, oauth?.accessToken ?? '').set(`${label} refresh`, oauth?.refreshToken ?? '');
      return oauth;
    };
    const first = await remember('first');
    await app.deliver(person(1));
    await app.deliver({ ...person(2), secret: 'wrong' }, { 'x-sticky-signature': 'sha256=00' });
    await app.run();
    const body = { statusCode: 401, message: `Invalid token: ${first?.accessToken} is invalid`, error: 'Unauthorized' };
    app.ghl.faults.add({ kind: 'status', status: 401, path: '/contacts', body });
    const refused = { statusCode: 400, message: `invalid_grant: token ${first?.refreshToken} is invalid` };
    app.ghl.faults.add({ kind: 'status', status: 400, path: '/oauth', body: refused });
    await app.deliver(person(3));
    await app.run();
    app.ghl.faults.clear();
    clock.ahead(25 * 3_600_000);
    await app.deliver(person(4));
    await app.run();
    await remember('second');
    const workflow = { contact_id: 'c1', location: { id: LOCATION }, customData: { key: WORKFLOW_KEY } };
    await call('/webhooks/ghl/workflow', { method: 'POST', body: JSON.stringify(workflow) });
    await call(`/webhooks/ghl/workflow?key=${WORKFLOW_KEY}x`, { method: 'POST', body: JSON.stringify(workflow) });
    await call(`/webhooks/sticky-cards/north/${given.stickyCardsWebhookSecrets[0]}`, { method: 'POST', body: '{"a":' });

    for (const path of ['overview', 'runs', 'logs', 'events', 'commands', 'problems', 'connections', 'customers']) {
      const list = JSON.parse((await call(`/api/${path}?limit=200`)).replace(/^\d+ \[\[.*?\]\] /, '')) as {
        items?: { id?: string; customerId?: string }[];
      };
      for (const { id, customerId } of list.items ?? []) await call(`/api/${path}/${customerId ?? id}`);
      for (const { id } of path === 'runs' ? (list.items ?? []) : []) await call(`/api/runs/${id}/logs`);
    }
    await call('/api/events?status=rejected');
    await call('/api/customers?format=csv');
    for (const id of ['default', 'north'])
      for (const part of ['', '/first-link', '/doctor', '/setup']) await call(`/api/connections/${id}${part}`);
    for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs', '/', '/nowhere']) await call(path);
    expect(seen.length).toBeGreaterThan(60);
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.join('')).toContain('api call');

    const tables: { where: string; text: string }[] = [];
    for (const [name, table] of Object.entries(app.app.store.s))
      tables.push({ where: `table ${name}`, text: JSON.stringify(await app.app.store.db.select().from(table)) });
    await app.app.store.tx(() => Promise.resolve());
    const file = databaseUrl.slice('file:'.length);
    const raw = ['', '-wal'].map((end) => ({ where: `file${end}`, text: readFileSync(`${file}${end}`, 'latin1') }));
    const everything = [...seen, ...tables, ...raw, ...lines.map((text) => ({ where: 'log', text }))];
    const leaks = [...secrets].flatMap(([name, secret]) =>
      everything.filter(({ text }) => secret !== '' && text.includes(secret)).map(({ where }) => `${name} in ${where}`),
    );
    expect([...new Set(leaks)]).toEqual([]);
    // The search finds what is there: an id that is no secret.
    expect(everything.some(({ text }) => text.includes('person1@example.com'))).toBe(true);
  }, 60_000);
});
