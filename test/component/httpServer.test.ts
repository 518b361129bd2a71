import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { json, Router } from 'express';
import { systemClock } from '../../src/clock.ts';
import { AppError } from '../../src/errors.ts';
import { startTestApp } from '../helpers/testApp.ts';
import { ADMIN_TOKEN, type Receiver, startReceiver } from '../helpers/receiver.ts';

const MB = 1024 * 1024;
let now = 0;
let free = 0;
let receiver: Receiver;

const api = Router();
api.get('/ok', (_req, res) => void res.json({ fine: true }));
api.post('/echo', json(), (req, res) => void res.json(req.body));
api.get('/expected', () => {
  throw new AppError('run_unknown', 'there is no such run', { httpStatus: 404 });
});
api.get('/later', () => {
  throw new AppError('busy', 'try again', { retry: 'later', retryAfterMs: 1500 });
});
api.get('/broken', async () => {
  await Promise.resolve();
  throw new Error('select secret from table');
});

beforeEach(async () => {
  now = Date.parse('2026-03-01T10:00:00Z');
  free = 500 * MB;
  receiver = await startReceiver({
    clock: { ...systemClock, nowMs: () => now, now: () => new Date(now) },
    apiRouter: api,
    freeBytes: () => Promise.resolve(free),
  });
});
afterEach(() => receiver.stop());

const get = async (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) => {
  const answer = await fetch(receiver.url + path, { ...init, headers });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: JSON.parse(text) as Record<string, unknown> };
};
const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };

describe('health', () => {
  test('/healthz and /readyz answer without a credential', async () => {
    expect((await get('/healthz')).body).toEqual({ status: 'ok' });
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
  });

  test('/readyz fails under 200 MB of free disk, looked at every ten seconds', async () => {
    expect((await get('/readyz')).status).toBe(200);
    free = 199 * MB;
    expect((await get('/readyz')).status).toBe(200);
    now += 10_000;
    const answer = await get('/readyz');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toMatch(/problem\+json/);
    expect(answer.body.detail).toMatch(/^disk: 199 MB/);
    free = 200 * MB;
    now += 10_000;
    expect((await get('/readyz')).status).toBe(200);
  });

  test('/readyz fails when the database does not answer', async () => {
    await receiver.store.close();
    const answer = await get('/readyz');
    expect(answer).toMatchObject({ status: 503, body: { code: 'not_ready' } });
    expect(answer.body.detail).toMatch(/^database: /);
    receiver.store.close = () => Promise.resolve();
  });
});

describe('the API', () => {
  test('wants the admin token and says how to send it', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Basic ${ADMIN_TOKEN}` }]) {
      const answer = await get('/api/ok', headers as Record<string, string>);
      expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
    expect(await get('/api/ok', admin)).toMatchObject({ status: 200, body: { fine: true } });
  });

  test('limits wrong tokens per address and never the right one', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 32; i += 1) statuses.push((await get('/api/ok', { authorization: `Bearer ${i}` })).status);
    expect(statuses.slice(0, 30)).toEqual(Array.from({ length: 30 }, () => 401));
    expect(statuses.slice(30)).toEqual([429, 429]);
    expect((await get('/api/ok', admin)).status).toBe(200);
  });

  test('answers errors as problem+json, with nothing internal', async () => {
    expect(await get('/api/expected', admin)).toMatchObject({
      status: 404,
      body: { type: 'urn:sticky-ghl:problem:run_unknown', detail: 'there is no such run', status: 404 },
    });
    const later = await get('/api/later', admin);
    expect(later.status).toBe(503);
    expect(later.headers.get('retry-after')).toBe('2');
    const broken = await get('/api/broken', admin);
    expect(broken.status).toBe(500);
    expect(JSON.stringify(broken.body)).not.toContain('secret');
    const headers = { ...admin, 'content-type': 'application/json' };
    expect(await get('/api/echo', headers, { method: 'POST', body: '{"a":' })).toMatchObject({
      status: 400,
      body: { code: 'malformed_json' },
    });
    expect(await get('/api/nothing', admin)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test('answers a program as a program, whatever kind of answer it takes, and browsers with pages elsewhere', async () => {
    const t = await startTestApp();
    const ask = async (method: string, path: string) => {
      const headers = { authorization: 'Bearer admin-7f3b9d2e5c', accept: 'text/html' };
      const answer = await fetch(`${t.url}${path}`, { method, headers });
      return [answer.status, answer.headers.get('content-type')?.split(';')[0]];
    };
    for (const [method, path, status] of [
      ['GET', '/api/nope', 404],
      ['POST', '/api/nope', 404],
      ['GET', '/api', 404],
      ['DELETE', '/api/runs', 404],
      ['GET', '/api/runs/run_none', 404],
      ['GET', '/api/runs?colour=red', 400],
      ['POST', '/webhooks/nope', 404],
      ['GET', '/webhooks', 404],
      ['POST', '/actions/nope', 404],
    ] as const)
      expect([path, ...(await ask(method, path))]).toEqual([path, status, 'application/problem+json']);
    expect(await ask('GET', '/nope')).toEqual([404, 'text/html']);
    await t.stop();
  });

  test('comes with the headers of helmet and does not name its framework', async () => {
    const { headers } = await get('/api/ok', admin);
    expect(headers.get('content-security-policy')).toBeTruthy();
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

test('an address that cannot be listened at is one line that names its variable', async () => {
  const line = async (port: number, host: string) => {
    const other = await startReceiver();
    await other.http.stop();
    const refused: unknown = await other.http.listen(port, host).catch((error: unknown) => error);
    await other.stop();
    return refused instanceof AppError ? refused.message : 'no words for it';
  };
  // 192.0.2.0/24 is kept for documentation: it is nobody's.
  expect(await line(0, '192.0.2.1')).toMatch(/^HOST: "192\.0\.2\.1" is no address of this machine: use .*$/);
  expect(await line(0, 'no-such-host.invalid')).toMatch(/^HOST: "no-such-host\.invalid" is no address .*$/);
  expect(await line(receiver.port, '127.0.0.1')).toMatch(/^PORT: \d+ is taken by another program: set .*$/);
});

describe('stopping', () => {
  test('answers what is under way, takes nothing new, and ends at once', async () => {
    const under = Array.from({ length: 30 }, (_, i) =>
      receiver.deliver({ event_type: 'CardScannedEvent', timestamp: now / 1000, customer_id: `c${i}` }),
    );
    await Promise.race(under);
    await receiver.http.stop();
    const outcomes = await Promise.allSettled(under);
    const taken = outcomes.filter((o) => o.status === 'fulfilled' && o.value.status === 202);
    expect(taken.length).toBeGreaterThan(0);
    expect(await receiver.rows()).toHaveLength(taken.length);
    await expect(fetch(`${receiver.url}/healthz`)).rejects.toThrow('fetch failed');
  });

  test('a second stop is harmless', async () => {
    await receiver.http.stop();
    await expect(receiver.http.stop()).resolves.toBeUndefined();
  });
});
