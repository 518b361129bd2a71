import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Clock, systemClock } from '../../src/clock.ts';
import { connection, OLD_SECRET, type Receiver, SECRET, sign, startReceiver } from '../helpers/receiver.ts';

const PATH = '/webhooks/sticky-cards';
const NOW = Date.parse('2026-03-01T10:00:00.000Z');
const event = (change: Record<string, unknown> = {}) => ({
  event_type: 'CardBalanceUpdatedEvent',
  timestamp: NOW / 1000,
  customer_id: 'cust-1',
  card_id: 'card-1',
  balance: 120,
  ...change,
});
const stopped: Clock = { ...systemClock, now: () => new Date(NOW), nowMs: () => NOW };

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver({ clock: stopped });
});
afterEach(() => receiver.stop());

const expectProblem = (answer: Awaited<ReturnType<Receiver['post']>>, status: number, code: string, field?: string) => {
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({ status, type: `urn:sticky-ghl:problem:${code}`, ...(field && { field }) });
  expect(answer.body.title).toEqual(expect.any(String));
  expect(answer.body.detail).toEqual(expect.any(String));
};
const rejected = async () => (await receiver.rows()).filter((row) => row.status === 'rejected');
const kept = async () => (await receiver.rows()).filter((row) => row.status !== 'rejected');

describe('a signed delivery', () => {
  test('is on disk before its 202 and is handed to folding', async () => {
    const answer = await receiver.deliver(event(), { 'user-agent': 'StickyCards/2', 'x-sticky-delivery-id': 'd-1' });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ receiptId: expect.stringMatching(/^evt_[0-9A-Z]{26}$/), duplicate: false });
    const [row, ...others] = await receiver.rows();
    expect(others).toEqual([]);
    expect(row).toEqual({
      id: answer.body.receiptId,
      connectionId: 'default',
      source: 'stickycards',
      dedupeKey: expect.any(String),
      deliveryId: 'd-1',
      type: 'CardBalanceUpdatedEvent',
      occurredAt: new Date(NOW),
      receivedAt: new Date(NOW),
      customerId: 'cust-1',
      cardId: 'card-1',
      contactId: null,
      status: 'received',
      reason: null,
      verification: 'verified',
      flags: [],
      duplicates: 0,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'StickyCards/2',
        'x-sticky-delivery-id': 'd-1',
        signature: 'x-sticky-signature',
      },
      bodyHash: expect.any(String),
      payload: JSON.stringify(event()),
      foldedAt: null,
    });
    await new Promise(setImmediate);
    expect(receiver.committed).toEqual(['default']);
  });

  test('keeps its raw body byte for byte, whatever its spacing and letters', async () => {
    const body = '{ "event_type":"CardScannedEvent",\n  "customer_id" : "c", "first_name":"Zoë 🎉", "n":1.0 }';
    const answer = await receiver.post(PATH, body, { 'x-signature': `sha256=${sign(body).toUpperCase()}` });
    expect(answer.status).toBe(202);
    expect((await receiver.rows())[0]?.payload).toBe(body);
  });

  test('names its connection in the path, with or without a slash at the end', async () => {
    expect((await receiver.deliver(event(), {}, 'default')).status).toBe(202);
    expect((await receiver.deliver(event({ balance: 1 }), {}, 'default/')).status).toBe(202);
    expect((await receiver.deliver(event(), {}, 'open')).body.duplicate).toBe(false);
    expect((await receiver.rows()).map((row) => row.connectionId)).toEqual(['default', 'default', 'open']);
  });

  test('may be signed with either live secret', async () => {
    const body = JSON.stringify(event());
    const answer = await receiver.post(PATH, body, { 'sticky-signature': sign(body, OLD_SECRET) });
    expect(answer.status).toBe(202);
  });

  test('of an unknown type or from the sandbox is stored too: folding decides', async () => {
    expect((await receiver.deliver({ event: 'CouponRedeemedEvent', timestamp: NOW, data: {} })).status).toBe(202);
    expect((await receiver.deliver(event({ is_sandbox: true }))).status).toBe(202);
    expect(await kept()).toHaveLength(2);
  });
});

describe('refusals', () => {
  test.each([
    ['no signature', {}, 'signature_missing'],
    ['a wrong signature', { 'x-sticky-signature': sign('something else') }, 'signature_wrong'],
    [
      'a signature under another secret',
      { 'x-sticky-signature': sign(JSON.stringify(event()), 'other') },
      'signature_wrong',
    ],
    ['a signature that is no hex', { 'x-signature': 'zz' }, 'signature_wrong'],
  ])('401: %s', async (_name, headers, code) => {
    expectProblem(await receiver.post(PATH, JSON.stringify(event()), headers as Record<string, string>), 401, code);
    expect(await kept()).toEqual([]);
  });

  test('401: the first signature header that is present decides, even when a later one is right', async () => {
    const body = JSON.stringify(event());
    const headers = { 'x-sticky-signature': sign('other'), 'x-signature': sign(body) };
    expectProblem(await receiver.post(PATH, body, headers), 401, 'signature_wrong');
  });

  test('401: a connection without a secret takes nothing, not even a body signed with the empty secret', async () => {
    const body = JSON.stringify(event());
    expectProblem(await receiver.post(`${PATH}/bare`, body, { 'x-signature': sign(body, '') }), 401, 'signature_wrong');
  });

  test('401: one changed byte', async () => {
    const body = JSON.stringify(event());
    const answer = await receiver.post(PATH, body.replace('120', '121'), { 'x-signature': sign(body) });
    expectProblem(answer, 401, 'signature_wrong');
  });

  test('404: a connection that is not set up', async () => {
    expectProblem(await receiver.deliver(event(), {}, 'nobody'), 404, 'unknown_connection');
    expect((await rejected())[0]).toMatchObject({ connectionId: '-', reason: 'unknown_connection' });
  });

  test.each([
    '/webhooks/sticky-cards/a/b/c',
    '/webhooks/sticky-cardsx',
    '/webhooks/other',
    '/webhooks/sticky-cards/%E0%A4',
  ])('404: %s is no address of ours', async (path) => {
    expect((await receiver.post(path, '{}')).status).toBe(404);
  });

  test.each(['GET', 'PUT', 'DELETE'])('405: %s', async (method) => {
    const answer = await fetch(receiver.url + PATH, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
    expect(await receiver.rows()).toEqual([]);
  });

  test.each([
    ['', 'malformed_json', undefined],
    ['{"event_type":', 'malformed_json', undefined],
    ['not json', 'malformed_json', undefined],
    [Buffer.from([0x7b, 0xff, 0x7d]), 'malformed_json', undefined],
    ['[]', 'not_an_object', undefined],
    ['null', 'not_an_object', undefined],
    ['{"customer_id":"c"}', 'no_event_type', 'event_type'],
    ['{"event_type":"CardScannedEvent","timestamp":1400000000}', 'time_before_2015', 'timestamp'],
  ])('400: %s', async (body, code, field) => {
    expectProblem(await receiver.post(PATH, body, { 'x-signature': sign(body) }), 400, code, field);
    expect(await kept()).toEqual([]);
  });

  test('415: a compressed body, although its bytes are signed', async () => {
    const body = gzipSync(JSON.stringify(event()));
    const answer = await receiver.post(PATH, body, { 'content-encoding': 'gzip', 'x-signature': sign(body) });
    expectProblem(answer, 415, 'content_encoding');
  });

  test('they are counted and listed without personal data, one row for repeats', async () => {
    const body = JSON.stringify(event({ email: 'a.person@example.com' }));
    for (let i = 0; i < 3; i += 1) await receiver.post(PATH, body, { 'x-signature': 'f'.repeat(64) });
    await receiver.post(PATH, `${body} `, { 'x-signature': 'f'.repeat(64) });
    await receiver.deliver(event());
    const rows = await rejected();
    expect(rows.map((row) => row.duplicates)).toEqual([2, 0]);
    expect(rows[0]).toMatchObject({
      connectionId: 'default',
      reason: 'signature_wrong',
      verification: 'failed',
      payload: null,
      headers: null,
      customerId: null,
      foldedAt: new Date(NOW),
    });
    expect(JSON.stringify(rows)).not.toContain('a.person');
  });
});

describe('the order of the checks', () => {
  const huge = 'x'.repeat(1024 * 1024 + 1);
  test('413 comes before 404, 401 and 400', async () => {
    expectProblem(await receiver.post(`${PATH}/nobody`, huge), 413, 'too_large');
  });
  test('404 comes before 401 and 400', async () => {
    expectProblem(await receiver.post(`${PATH}/nobody`, 'not json'), 404, 'unknown_connection');
  });
  test('401 comes before 400', async () => {
    expectProblem(await receiver.post(PATH, 'not json'), 401, 'signature_missing');
  });
});

test('requests of every kind over one connection, sent at once, are answered one by one in their order', async () => {
  const request = (method: string, path: string, body: string, headers = '') =>
    `${method} ${path} HTTP/1.1\r\nhost: x\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const delivery = (balance: number, more = '') => {
    const body = JSON.stringify(event({ balance }));
    return request('POST', PATH, body, `x-signature: ${sign(body)}\r\n${more}`);
  };
  const answer = await receiver.raw((send) =>
    send(
      [
        delivery(1),
        request('POST', PATH, '', `x-signature: ${sign('')}\r\n`),
        request('GET', '/healthz', ''),
        request('POST', PATH, '{}'),
        delivery(2),
        delivery(2, 'connection: close\r\n'),
      ].join(''),
    ),
  );
  expect(answer.match(/HTTP\/1\.1 \d+/g)?.map((line) => line.slice(9))).toEqual([
    '202',
    '400',
    '200',
    '401',
    '202',
    '200',
  ]);
  expect((await kept()).map((row) => (JSON.parse(row.payload as string) as { balance: number }).balance)).toEqual([
    1, 2,
  ]);
});

describe('size', () => {
  test('a body of exactly 1 MiB is taken', async () => {
    const shell = JSON.stringify(event({ comment: '' }));
    const body = JSON.stringify(event({ comment: 'x'.repeat(1024 * 1024 - shell.length) }));
    expect(Buffer.byteLength(body)).toBe(1024 * 1024);
    expect((await receiver.post(PATH, body, { 'x-signature': sign(body) })).status).toBe(202);
  });

  test('an announced body that is too large is refused before it comes, and the connection closes', async () => {
    const answer = await receiver.raw((send) =>
      send(`POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 50000000\r\n\r\n{"event`),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toMatch(/connection: close/i);
    expect(answer).toContain('"code":"too_large"');
  });

  test('a sender that waits for "100 Continue" with such a body gets the refusal instead', async () => {
    const answer = await receiver.raw((send) =>
      send(`POST ${PATH} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 50000000\r\n\r\n`),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('a sender that waits for "100 Continue" with a fitting body is let through', async () => {
    const body = JSON.stringify(event());
    const head = `POST ${PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\nx-signature: ${sign(body)}`;
    const answer = await receiver.raw((send) => {
      send(`${head}\r\ncontent-length: ${body.length}\r\n\r\n`);
      setTimeout(() => send(body), 30);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 202 /);
  });

  test('a chunked body that grows too large is refused while it is coming', async () => {
    const answer = await receiver.raw(async (send) => {
      send(`POST ${PATH} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`);
      for (let i = 0; i < 20; i += 1) {
        send(`10000\r\n${'x'.repeat(0x10000)}\r\n`);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      send('0\r\n\r\n');
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(await kept()).toEqual([]);
  });

  test('a body in many small chunks is put together', async () => {
    const body = JSON.stringify(event());
    const answer = await receiver.raw((send) => {
      send(
        `POST ${PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-signature: ${sign(body)}\r\ntransfer-encoding: chunked\r\n\r\n`,
      );
      for (const letter of body) send(`1\r\n${letter}\r\n`);
      send('0\r\n\r\n');
    });
    expect(answer).toMatch(/^HTTP\/1\.1 202 /);
  });

  test('a client that sends slowly, or goes away in the middle, holds up nobody', async () => {
    const body = JSON.stringify(event());
    const slow = receiver.raw(async (send) => {
      send(
        `POST ${PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-signature: ${sign(body)}\r\ncontent-length: ${body.length}\r\n\r\n`,
      );
      for (const part of [body.slice(0, 20), body.slice(20, 50), body.slice(50)]) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        send(part);
      }
    });
    const gone = connect(receiver.port, '127.0.0.1', () => {
      gone.write(`POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{"ev`, () => gone.destroy());
    });
    await once(gone, 'close');
    expect((await receiver.deliver(event({ balance: 7 }))).status).toBe(202);
    expect(await slow).toMatch(/^HTTP\/1\.1 202 /);
  });
});

describe('modes', () => {
  test('log-only stores everything and flags what does not verify', async () => {
    const body = JSON.stringify(event());
    expect((await receiver.post(`${PATH}/open`, body)).status).toBe(202);
    expect((await receiver.post(`${PATH}/open`, `${body} `, { 'x-signature': 'ff' })).status).toBe(202);
    expect((await receiver.post(`${PATH}/open`, `${body}  `, { 'x-signature': sign(`${body}  `) })).status).toBe(202);
    expect((await receiver.rows()).map((row) => [row.verification, row.flags])).toEqual([
      ['unverified', ['signature_missing']],
      ['unverified', ['signature_wrong']],
      ['verified', []],
    ]);
  });

  test('path-secret takes the secret in the address, without a signature', async () => {
    const body = JSON.stringify(event());
    expect((await receiver.post(`${PATH}/path/${SECRET}`, body)).status).toBe(202);
    expect((await receiver.post(`${PATH}/path/${OLD_SECRET}`, body)).body.duplicate).toBe(true);
    expectProblem(await receiver.post(`${PATH}/path/wrong`, body), 401, 'path_secret_wrong');
    expectProblem(await receiver.post(`${PATH}/path`, body, { 'x-signature': sign(body) }), 401, 'path_secret_missing');
    const [row] = await kept();
    expect(row?.verification).toBe('path_secret');
    expect(JSON.stringify(await receiver.rows())).not.toContain(SECRET);
  });

  test('enforce is not satisfied by a secret in the address', async () => {
    expectProblem(await receiver.post(`${PATH}/default/${SECRET}`, JSON.stringify(event())), 401, 'signature_missing');
  });
});

describe('duplicates', () => {
  test('the same bytes again: 200 with the first receipt, counted, and folded once', async () => {
    const first = await receiver.deliver(event());
    const second = await receiver.deliver(event());
    expect(second.status).toBe(200);
    expect(second.body).toEqual({ receiptId: first.body.receiptId, duplicate: true });
    const rows = await receiver.rows();
    expect(rows.map((row) => row.duplicates)).toEqual([1]);
    await new Promise(setImmediate);
    expect(receiver.committed).toEqual(['default']);
  });

  test.each(['x-sticky-delivery-id', 'x-delivery-id', 'idempotency-key'])(
    '%s decides, however the body was written this time',
    async (header) => {
      const first = await receiver.deliver(event(), { [header]: 'd-1' });
      const again = await receiver.deliver(event({ timestamp: NOW / 1000 + 9 }), { [header]: 'd-1' });
      expect(again.body).toEqual({ receiptId: first.body.receiptId, duplicate: true });
      const other = await receiver.deliver(event(), { [header]: 'd-2' });
      expect(other.body.duplicate).toBe(false);
    },
  );

  test('without such a header the event_id of the body decides', async () => {
    await receiver.deliver(event({ event_id: 'e-1' }));
    expect((await receiver.deliver(event({ event_id: 'e-1', balance: 9 }))).body.duplicate).toBe(true);
    expect((await receiver.rows())[0]?.deliveryId).toBe('e-1');
  });

  test('the same id with another type or subject is an event of its own', async () => {
    const id = { 'x-sticky-delivery-id': 'd-1' };
    await receiver.deliver(event(), id);
    expect((await receiver.deliver(event({ event_type: 'CardScannedEvent' }), id)).body.duplicate).toBe(false);
    expect((await receiver.deliver(event({ customer_id: 'cust-2' }), id)).body.duplicate).toBe(false);
    expect((await receiver.deliver(event({ card_id: 'card-2' }), id)).body.duplicate).toBe(false);
    expect((await receiver.rows()).map((row) => row.deliveryId)).toEqual(['d-1', 'd-1', 'd-1', 'd-1']);
  });

  test.each([
    ['e-mails', { email: 'p@example.com' }, { email: 'q@example.com' }],
    ['phones', { phone_number: '+12125550142' }, { phone_number: '+12125550143' }],
    ['bodies', { comment: 'one' }, { comment: 'two' }],
  ])('the same id for two deliveries that name nobody by id: their %s tell them apart', async (_what, one, two) => {
    const id = { 'x-sticky-delivery-id': 'd-1' };
    const nameless = (rest: object) => ({ event_type: 'CustomerCreatedEvent', timestamp: NOW / 1000, ...rest });
    expect((await receiver.deliver(nameless(one), id)).body.duplicate).toBe(false);
    expect((await receiver.deliver(nameless(two), id)).body.duplicate).toBe(false);
    expect((await receiver.deliver(nameless(one), id)).body.duplicate).toBe(true);
    expect((await receiver.rows()).map((row) => [row.deliveryId, row.duplicates])).toEqual([
      ['d-1', 1],
      ['d-1', 0],
    ]);
  });

  test('ids that a number would round are two ids', async () => {
    const body = (id: string) =>
      `{"event_type":"CardScannedEvent","timestamp":${NOW},"event_id":${id},"customer_id":${id},"card_id":17}`;
    const send = (text: string) => receiver.post(PATH, text, { 'x-signature': sign(text) });
    expect((await send(body('1445678901234567890'))).body.duplicate).toBe(false);
    expect((await send(body('1445678901234567891'))).body.duplicate).toBe(false);
    expect((await send(body('1445678901234567891'))).body.duplicate).toBe(true);
    expect((await receiver.rows()).map((row) => [row.deliveryId, row.customerId, row.cardId])).toEqual([
      ['1445678901234567890', '1445678901234567890', '17'],
      ['1445678901234567891', '1445678901234567891', '17'],
    ]);
  });

  test('an id of any length works', async () => {
    const id = { 'x-sticky-delivery-id': 'i'.repeat(3000) };
    expect((await receiver.deliver(event(), id)).body.duplicate).toBe(false);
    expect((await receiver.deliver(event(), id)).body.duplicate).toBe(true);
  });
});

test('what no column can hold is stored all the same: a long type cut, a long id left to the body', async () => {
  const long = (id: string) =>
    event({ event_type: 'E'.repeat(121), customer_id: `${'c'.repeat(3000)}${id}`, card_id: 'k'.repeat(256) });
  expect((await receiver.deliver(long('1'))).status).toBe(202);
  const id = { 'x-sticky-delivery-id': 'd-1' };
  expect((await receiver.deliver(long('1'), id)).body.duplicate).toBe(false);
  expect((await receiver.deliver(long('2'), id)).body.duplicate).toBe(false);
  expect((await receiver.deliver(long('1'), id)).body.duplicate).toBe(true);
  expect((await receiver.deliver(event({ event_id: 'e'.repeat(3000) }))).body.duplicate).toBe(false);
  expect((await receiver.deliver(event({ event_id: 'e'.repeat(3000) }))).body.duplicate).toBe(true);
  const [first, , , last] = await receiver.rows();
  expect(first).toMatchObject({
    type: 'E'.repeat(120),
    customerId: null,
    cardId: null,
    payload: JSON.stringify(long('1')),
  });
  expect(last).toMatchObject({ deliveryId: 'e'.repeat(255), customerId: 'cust-1' });
});

describe('event time', () => {
  test.each([
    ['missing', undefined, NOW, ['time_missing']],
    ['unreadable', 'yesterday', NOW, ['time_missing']],
    ['six minutes ahead', NOW / 1000 + 360, NOW, ['time_in_future']],
    ['four minutes ahead', NOW / 1000 + 240, NOW + 240_000, []],
    ['milliseconds', NOW - 5000, NOW - 5000, []],
    ['ISO without a zone', '2026-02-28T10:00:00', Date.parse('2026-02-28T10:00:00Z'), []],
  ])('%s', async (_name, timestamp, occurredAtMs, flags) => {
    await receiver.deliver(event({ timestamp }));
    expect((await receiver.rows())[0]).toMatchObject({ occurredAt: new Date(occurredAtMs), flags });
  });
});

test('NUL and half surrogate pairs never reach a column', async () => {
  const body = `{"event_type":"Card\\u0000ScannedEvent","customer_id":"c\\ud800x","card_id":"k\\u0000","timestamp":${NOW}}`;
  expect((await receiver.post(PATH, body, { 'x-signature': sign(body) })).status).toBe(202);
  const [row] = await receiver.rows();
  expect(row).toMatchObject({ type: 'CardScannedEvent', customerId: 'c\ufffdx', cardId: 'k', payload: body });
});

test('200 at once: each acknowledged, each stored, each once', async () => {
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) => receiver.deliver(event({ customer_id: `c${i}` }))),
  );
  expect(answers.map((a) => a.status)).toEqual(Array.from({ length: 200 }, () => 202));
  const ids = answers.map((a) => a.body.receiptId);
  expect(new Set(ids).size).toBe(200);
  expect(new Set((await receiver.rows()).map((row) => row.id))).toEqual(new Set(ids));
});

test('a commit that fails is answered 503 with Retry-After, and nothing is handed to folding', async () => {
  const broken = await startReceiver({
    inbox: {
      append: () => Promise.reject(new Error('disk full')),
      waiting: () => 0,
      busy: () => false,
      close: () => Promise.resolve(),
    },
  });
  try {
    const answer = await broken.deliver(event());
    expectProblem(answer, 503, 'not_stored');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(JSON.stringify(answer.body)).not.toContain('disk');
    // A refusal is still a refusal when it cannot be listed.
    expectProblem(await broken.post(PATH, '{}'), 401, 'signature_missing');
    expect(broken.committed).toEqual([]);
  } finally {
    await broken.stop();
  }
});

test('an unforeseen error ends the request, not the service', async () => {
  let broken = true;
  const shaky = await startReceiver({
    connections: {
      get: (id) => {
        if (broken) throw new Error('internal detail');
        return connection(id);
      },
    },
  });
  try {
    const answer = await shaky.deliver(event());
    expectProblem(answer, 500, 'internal');
    expect(JSON.stringify(answer.body)).not.toContain('internal detail');
    broken = false;
    expect((await shaky.deliver(event())).status).toBe(202);
  } finally {
    await shaky.stop();
  }
});

describe('the limit of failures', () => {
  let limited: Receiver;
  beforeEach(async () => {
    limited = await startReceiver({ clock: stopped, failuresPerMinute: 5, trustProxy: 1 });
  });
  afterEach(() => limited.stop());
  const fail = (address: string, body = '{}') => limited.post(PATH, body, { 'x-forwarded-for': address });

  test('over it an address gets 429 and no more rows, while what verifies is always taken', async () => {
    for (let i = 0; i < 5; i += 1) expect((await fail('203.0.113.7', `{"n":${i}}`)).status).toBe(401);
    const refused = await fail('203.0.113.7', '{"n":6}');
    expectProblem(refused, 429, 'too_many_failures');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await limited.rows()).toHaveLength(5);
    expect((await limited.deliver(event(), { 'x-forwarded-for': '203.0.113.7' })).status).toBe(202);
    expect((await fail('203.0.113.8')).status).toBe(401);
  });

  test('a network of IPv6 counts as one address', async () => {
    for (let i = 0; i < 5; i += 1) await fail(`2001:db8:1:2::${i}`, `{"n":${i}}`);
    expect((await fail('2001:db8:1:2:aaaa::1')).status).toBe(429);
    expect((await fail('2001:db8:1:3::1')).status).toBe(401);
  });

  test('verified deliveries are never limited', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => limited.deliver(event({ balance: i }))));
    expect(answers.every((a) => a.status === 202)).toBe(true);
  });
});

test('a path without a connection means the one that the start named', async () => {
  const sandbox = await startReceiver({ known: [connection('sandbox')], defaultConnectionId: 'sandbox' });
  try {
    await sandbox.deliver(event());
    expect((await sandbox.rows())[0]?.connectionId).toBe('sandbox');
  } finally {
    await sandbox.stop();
  }
});
