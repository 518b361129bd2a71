import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { systemClock } from '../../src/clock.ts';
import type { Logger } from '../../src/log.ts';
import { ApiError } from '../../src/platforms/apiError.ts';
import { type Api, type ApiOptions, type CallRecord, createApi } from '../../src/platforms/callApi.ts';
import { classifyGhl } from '../../src/platforms/ghl/classify.ts';
import { createPace, type Pace } from '../../src/platforms/pace.ts';

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}
type Answer = (res: ServerResponse, seen: Seen) => void;

let server: Server;
let sockets: Set<Socket>;
let seen: Seen[];
/** What the remote answers, one per request; the last one stays. */
let answers: Answer[];
let lines: { level: string; message: string; meta: Record<string, unknown> }[];
let calls: CallRecord[];
let pace: Pace;
let api: Api;

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (res) =>
    res.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
const text =
  (status: number, body: string, type = 'text/html'): Answer =>
  (res) =>
    res.writeHead(status, { 'Content-Type': type }).end(body);
const reset: Answer = (res) => res.socket?.destroy();
const silence: Answer = () => undefined;

const contact = z.looseObject({ contact: z.looseObject({ id: z.string() }) });
const failure = async (work: Promise<unknown>): Promise<ApiError> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
};

function makeApi(more: Partial<ApiOptions> = {}): Api {
  const log = Object.fromEntries(
    ['error', 'warn', 'info', 'debug'].map((level) => [
      level,
      (message: string, meta: Record<string, unknown>) => lines.push({ level, message, meta }),
    ]),
  ) as unknown as Logger;
  pace = createPace({ clock: systemClock, log });
  return createApi({
    side: 'ghl',
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    headers: () => ({ Authorization: 'Bearer pit-secret' }),
    pace,
    clock: systemClock,
    log,
    timeoutMs: 300,
    classify: classifyGhl,
    onCall: (call) => calls.push(call),
    ...more,
  });
}

beforeEach(async () => {
  [seen, answers, lines, calls, sockets] = [[], [], [], [], new Set()];
  server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const one = {
        method: req.method ?? '',
        url: req.url ?? '',
        headers: req.headers,
        body: Buffer.concat(chunks).toString(),
      };
      seen.push(one);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      answer?.(res, one);
    });
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  api = makeApi();
});

afterEach(async () => {
  api.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const put = (more: object = {}) =>
  api.call({ method: 'PUT', path: '/contacts/{id}', params: { id: 'c1' }, body: { firstName: 'Ann' }, ...more });
const get = (more: object = {}) => api.call({ method: 'GET', path: '/contacts/{id}', params: { id: 'c1' }, ...more });

describe('a call that is answered', () => {
  it('sends what it was given and hands on data, trace id and the remote’s time', async () => {
    const date = 'Sat, 21 Nov 2026 09:00:00 GMT';
    answers = [json(200, { contact: { id: 'c1', extra: 1 }, traceId: 't-1' }, { Date: date })];
    const answer = await api.call({
      method: 'PUT',
      path: '/contacts/{id}',
      params: { id: 'a/b' },
      query: { number: '+15555550100', none: undefined },
      body: { firstName: 'Ann' },
      schema: contact,
    });
    expect(answer).toMatchObject({
      status: 200,
      data: { contact: { id: 'c1', extra: 1 } },
      asExpected: true,
      traceId: 't-1',
      dateMs: Date.parse(date),
    });
    expect(seen[0]).toMatchObject({
      method: 'PUT',
      url: '/contacts/a%2Fb?number=%2B15555550100',
      body: '{"firstName":"Ann"}',
      headers: { authorization: 'Bearer pit-secret', 'content-type': 'application/json' },
    });
    expect(calls).toEqual([
      expect.objectContaining({ method: 'PUT', path: '/contacts/{id}', status: 200, class: null }),
    ]);
  });

  it('sends a DELETE with a body, and keeps the connection for the next call', async () => {
    answers = [json(200, { tags: [] })];
    await api.call({ method: 'DELETE', path: '/contacts/c1/tags', body: { tags: ['x'] } });
    // the socket is free again a moment after the answer's end
    await new Promise((resolve) => setImmediate(resolve));
    await get();
    expect(seen[0]).toMatchObject({ method: 'DELETE', body: '{"tags":["x"]}' });
    for (let more = 0; more < 6; more++) await get();
    // An answer may be told a moment before its connection is free again: at most one more is opened for that.
    expect(sockets.size).toBeLessThanOrEqual(2);
  });

  it('writes one line without body, id, token or contact details', async () => {
    answers = [json(400, { message: 'email ann@example.com must be an email', traceId: 't-2' })];
    await failure(put({ body: { email: 'ann@example.com' } }));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 'warn',
      meta: {
        side: 'ghl',
        method: 'PUT',
        path: '/contacts/{id}',
        status: 400,
        class: 'field',
        traceId: 't-2',
        attempt: 1,
      },
    });
    expect(JSON.stringify(lines)).not.toMatch(/ann@example\.com|pit-secret|c1/);
  });

  it('repeats nothing of the token that was sent, whatever it looks like and wherever the remote puts it', async () => {
    const token = 'k+4930123456789.ana@example.com-17';
    api = makeApi({ headers: () => ({ Authorization: `Bearer ${token}` }) });
    const long = `${'x'.repeat(270)} ${token}`;
    for (const body of [{ message: `Invalid token: ${token}` }, { errors: { token: [`${token} is invalid`] } }, long]) {
      answers = [json(401, body)];
      const error = await failure(put());
      expect(`${error.message} ${JSON.stringify(lines)}`).not.toMatch(/k\+4|example\.com|-17/);
    }
  });

  it('shows no phone number and no web token that a refusal repeats', async () => {
    answers = [json(422, { message: ['phone +1-555-1234 must be a valid phone number'] })];
    const refused = await failure(put());
    expect(refused.message).toContain('422 phone +1-***34 must be a valid phone number');
    answers = [json(401, { message: 'Invalid JWT: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig_secret' })];
    expect((await failure(put())).message).toBe('401 Invalid JWT: eyJ***');
    expect(JSON.stringify(lines)).not.toMatch(/555|sig_secret|eyJz/);
  });

  it('follows no redirect', async () => {
    answers = [(res) => res.writeHead(302, { Location: '/elsewhere' }).end()];
    expect(await failure(get())).toMatchObject({ class: 'transient', status: 302, answered: true });
    expect(seen).toHaveLength(1);
  });

  it.each(['', '.', '..'])('refuses the id "%s" before anything is sent', async (id) => {
    await expect(get({ params: { id } })).rejects.toMatchObject({ code: 'missing_path_parameter' });
    expect(seen).toHaveLength(0);
  });
});

describe('a 2xx that is not what was asked for', () => {
  it.each([
    ['HTML', text(200, '<!doctype html><p>maintenance</p>')],
    ['no body', text(200, '', 'application/json')],
    ['another shape', json(200, { contact: {} })],
  ])('is no answer to a read: %s', async (_name, answer) => {
    answers = [answer];
    const error = await failure(get({ schema: contact }));
    expect(error).toMatchObject({
      class: 'transient',
      code: 'unexpected_answer',
      mayHaveLanded: false,
      retry: 'later',
    });
  });

  it.each([
    ['no body', text(200, '', 'application/json'), {}],
    ['another shape', json(201, { contact: { ID: 'c1' } }), { contact: { ID: 'c1' } }],
    ['a list', json(200, []), []],
  ])('is still a write that happened: %s', async (_name, answer, data) => {
    answers = [answer];
    expect(await put({ schema: contact })).toMatchObject({ asExpected: false, data });
    expect(lines.at(-1)?.level).toBe('warn');
  });

  it('proves nothing about a write when it is a page of HTML', async () => {
    answers = [text(200, '<html></html>')];
    expect(await failure(put())).toMatchObject({
      code: 'unexpected_answer',
      mayHaveLanded: true,
      retry: 'check-first',
    });
  });

  it('is read as JSON whatever its content type says', async () => {
    answers = [text(200, '{"contact":{"id":"c1"}}', 'text/plain')];
    expect((await get({ schema: contact })).data).toEqual({ contact: { id: 'c1' } });
  });
});

describe('an answer that never came', () => {
  it.each([
    ['a reset', reset, 'network'],
    ['silence', silence, 'timeout'],
    ['a 500', json(500, { message: 'boom' }), 'transient'],
    ['a 502 page', text(502, '<html>bad gateway</html>'), 'html_answer'],
  ])('leaves a write open: %s', async (_name, answer, code) => {
    answers = [answer];
    expect(await failure(put())).toMatchObject({ class: 'transient', code, mayHaveLanded: true, retry: 'check-first' });
    expect(seen).toHaveLength(1);
    expect(calls).toHaveLength(1);
  });

  it.each([
    ['a reset', reset],
    ['silence', silence],
    ['a 500', json(500, {})],
  ])('leaves nothing open after a read, and is not repeated in here: %s', async (_name, answer) => {
    answers = [answer];
    expect(await failure(get())).toMatchObject({ class: 'transient', mayHaveLanded: false, retry: 'later' });
    expect(seen).toHaveLength(1);
  });

  it('is lost too when the body breaks off', async () => {
    answers = [
      (res) => {
        res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '100' });
        res.write('{"contact":');
        setTimeout(() => res.socket?.destroy(), 20);
      },
    ];
    expect(await failure(put())).toMatchObject({ class: 'transient', answered: false, mayHaveLanded: true });
  });

  it('ends although a byte drips in now and then', async () => {
    answers = [
      (res) => {
        res.writeHead(200, { 'Content-Type': 'application/json' });
        const drip = setInterval(() => res.write(' '), 100);
        res.on('close', () => clearInterval(drip));
      },
    ];
    expect(await failure(get())).toMatchObject({ code: 'timeout' });
  });

  it.each([
    ['nobody listens', 'http://127.0.0.1:1'],
    ['no such host', 'http://nobody.invalid'],
  ])('never left when %s', async (_name, baseUrl) => {
    api = makeApi({ baseUrl });
    const error = await failure(put());
    expect(error).toMatchObject({ class: 'transient', mayHaveLanded: false, retry: 'later' });
  });

  it('keeps credentials out of the error', async () => {
    answers = [reset];
    const error = await failure(put());
    expect(JSON.stringify([error, error.cause, String((error.cause as Error).stack)])).not.toContain('pit-secret');
  });
});

describe('429', () => {
  it('is nobody’s attempt: waited out and repeated, announced once', async () => {
    let announced = 0;
    answers = [json(429, { message: 'Too Many Requests' }, { 'Retry-After': '0.05' }), json(200, { ok: true })];
    const answer = await put({ beforeSend: async () => void (announced += 1) });
    expect(answer.status).toBe(200);
    expect(announced).toBe(1);
    expect(seen.map(({ body }) => body)).toEqual(['{"firstName":"Ann"}', '{"firstName":"Ann"}']);
    expect(pace.waits).toBe(1);
    expect(calls.map(({ class: kind }) => kind)).toEqual(['rate_limited', null]);
  });

  it('with a used-up day ends the call, and the next one is not sent at all', async () => {
    answers = [json(429, {}, { 'X-RateLimit-Daily-Remaining': '0' })];
    expect(await failure(put())).toMatchObject({
      class: 'daily_budget',
      answered: true,
      mayHaveLanded: false,
      retry: 'later',
    });
    let announced = 0;
    const second = await failure(put({ beforeSend: async () => void (announced += 1) }));
    expect(second).toMatchObject({ class: 'daily_budget', answered: false });
    expect(announced).toBe(0);
    expect(seen).toHaveLength(1);
  });

  it('is told to the caller who gives up while waiting: nothing happened', async () => {
    answers = [json(429, {}, { 'Retry-After': '30' })];
    const stop = new AbortController();
    const error = failure(put({ signal: stop.signal }));
    setTimeout(() => stop.abort(new Error('lease lost')), 50);
    expect(await error).toMatchObject({ class: 'rate_limited', answered: true, mayHaveLanded: false });
  });
});

describe('401', () => {
  const refused = json(401, { statusCode: 401, message: 'Invalid JWT' });

  it('is repeated once with a new token', async () => {
    let token = 'old';
    let announced = 0;
    api = makeApi({
      headers: () => ({ Authorization: token }),
      refreshAuth: async () => {
        token = 'new';
      },
    });
    answers = [refused, json(200, {})];
    await put({ beforeSend: async () => void (announced += 1) });
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['old', 'new']);
    expect(announced).toBe(1);
  });

  it('is thrown when the new token is refused too', async () => {
    let refreshes = 0;
    api = makeApi({ refreshAuth: async () => void (refreshes += 1) });
    answers = [refused];
    expect(await failure(put())).toMatchObject({ class: 'auth', retry: 'later', mayHaveLanded: false });
    expect([refreshes, seen.length]).toEqual([1, 2]);
  });

  it('about a scope is not refreshed', async () => {
    let refreshes = 0;
    api = makeApi({ refreshAuth: async () => void (refreshes += 1) });
    answers = [json(401, { message: 'The token is not allowed to access this scope' })];
    expect(await failure(put())).toMatchObject({ class: 'scope' });
    expect(refreshes).toBe(0);
  });
});

describe('leaving', () => {
  it('is announced right before, after the token is there', async () => {
    const order: string[] = [];
    api = makeApi({
      headers: async () => {
        order.push('headers');
        return {};
      },
    });
    answers = [
      (res) => {
        order.push('request');
        res.end('{}');
      },
    ];
    await put({ beforeSend: async () => void order.push('announced') });
    expect(order).toEqual(['headers', 'announced', 'request']);
  });

  it('is stopped by a beforeSend that fails', async () => {
    await expect(put({ beforeSend: async () => Promise.reject(new Error('lease lost')) })).rejects.toThrow(
      'lease lost',
    );
    expect(seen).toHaveLength(0);
  });

  it('does not happen when the signal is aborted in the queue', async () => {
    answers = [silence];
    api = makeApi({ pace: createPace({ clock: systemClock, log: console as unknown as Logger, concurrency: 1 }) });
    const first = failure(get());
    const stop = new AbortController();
    let announced = 0;
    const second = put({ signal: stop.signal, beforeSend: async () => void (announced += 1) });
    stop.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    await first;
    expect([seen.length, announced]).toEqual([1, 0]);
  });

  it('cannot be taken back: a write is awaited after an abort, a read is not', async () => {
    const slow: Answer = (res) => setTimeout(() => res.end('{}'), 100);
    answers = [slow];
    const stop = new AbortController();
    const write = put({ signal: stop.signal });
    const read = get({ signal: stop.signal });
    setTimeout(() => stop.abort(new Error('enough')), 40);
    await expect(read).rejects.toThrow('enough');
    expect((await write).status).toBe(200);
  });
});
