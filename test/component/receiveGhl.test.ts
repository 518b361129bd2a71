import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { Connection } from '../../src/domain/connection.ts';
import { createGhlReceiver } from '../../src/http/receiveGhl.ts';
import { createGhlWorkflowReceiver, type WorkflowActionCall } from '../../src/http/receiveGhlWorkflow.ts';
import { sendProblem } from '../../src/http/problem.ts';
import { receivedAtOf } from '../../src/store/ghlInbox.ts';
import { createInboxAppender, type InboxAppender } from '../../src/store/inbox.ts';
import { connection, type Receiver, startReceiver } from '../helpers/receiver.ts';

const NOW = Date.parse('2026-03-01T10:00:00.000Z');
let nowMs = NOW;
const stepped: Clock = { ...systemClock, now: () => new Date(nowMs), nowMs: () => nowMs };

const ed25519 = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key: typeof ed25519.publicKey) => key.export({ type: 'spki', format: 'pem' }).toString();
const signed = (body: string | Buffer) => sign(null, Buffer.from(body), ed25519.privateKey).toString('base64');
const rsaSigned = (body: string) => sign('sha256', Buffer.from(body), rsa.privateKey).toString('base64');

const atLocation = (id: string, locationId: string, workflowKey: string | null): Connection => {
  const made = connection(id);
  return { ...made, ghl: { ...made.ghl, locationId, workflowKey } };
};
const KNOWN = [
  atLocation('default', 'LOC1', 'wf-key-one'),
  atLocation('north', 'LOC2', 'wf-key-two'),
  atLocation('twin-a', 'LOC3', 'shared-key'),
  atLocation('twin-b', 'LOC4', 'shared-key'),
  atLocation('keyless', 'LOC5', null),
];
const registry = {
  all: () => KNOWN,
  get: (id: string) => KNOWN.find((c) => c.id === id),
  byLocation: (id: string) => KNOWN.find((c) => c.ghl.locationId === id),
};

let receiver: Receiver;
async function start(options: {
  rsaKey?: string | null;
  inbox?: InboxAppender;
  onAction?: (res: Parameters<typeof sendProblem>[0], call: WorkflowActionCall) => void;
}) {
  receiver = await startReceiver({
    clock: stepped,
    known: KNOWN,
    ...(options.inbox && { inbox: options.inbox }),
    receivers: [
      createGhlReceiver({ connections: registry, ed25519Key: pem(ed25519.publicKey), rsaKey: options.rsaKey ?? null }),
      createGhlWorkflowReceiver({
        connections: registry,
        receivedAtOf: (...call) => receivedAtOf(receiver.store, ...call),
        ...(options.onAction && { onAction: options.onAction }),
      }),
    ],
  });
}
beforeEach(async () => {
  nowMs = NOW;
  await start({});
});
afterEach(() => receiver.stop());

const delivery = (change: Record<string, unknown> = {}) => ({
  type: 'ContactUpdate',
  locationId: 'LOC1',
  id: 'con_1',
  firstName: 'Ana',
  customFields: [],
  tags: [],
  appId: 'app',
  versionId: 'app',
  timestamp: new Date(NOW - 1000).toISOString(),
  webhookId: 'wh-1',
  ...change,
});
const post = (body: string | Record<string, unknown>, headers?: Record<string, string>) => {
  const raw = typeof body === 'string' ? body : JSON.stringify(body);
  return receiver.post('/webhooks/ghl', raw, headers ?? { 'x-ghl-signature': signed(raw) });
};
const kept = async () => (await receiver.rows()).filter((row) => row.status !== 'rejected');
const refused = async () => (await receiver.rows()).filter((row) => row.status === 'rejected').map((row) => row.reason);

describe('an app webhook', () => {
  test('is on disk before its 202, for the connection of its location', async () => {
    const answer = await post(delivery());
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ receiptId: expect.stringMatching(/^evt_/), duplicate: false });
    expect(await receiver.rows()).toMatchObject([
      {
        id: answer.body.receiptId,
        connectionId: 'default',
        source: 'ghl',
        deliveryId: 'wh-1',
        type: 'ContactUpdate',
        contactId: 'con_1',
        occurredAt: new Date(NOW - 1000),
        receivedAt: new Date(NOW),
        status: 'received',
        verification: 'verified',
        flags: [],
        headers: { 'content-type': 'application/json', signature: 'x-ghl-signature' },
        payload: JSON.stringify(delivery()),
        foldedAt: null,
      },
    ]);
    await new Promise(setImmediate);
    expect(receiver.committed).toEqual(['default']);
  });

  test('is verified on its raw bytes, whatever its spacing and letters', async () => {
    const raw = `{ "type":"ContactUpdate", "locationId" : "LOC1",\n "id":"con_1", "firstName":"Zoë 🎉" }`;
    expect((await post(raw)).status).toBe(202);
    expect((await receiver.rows())[0]?.payload).toBe(raw);
  });

  test('may be nested in data, with its envelope on either level', async () => {
    const { type, webhookId, timestamp, ...inner } = delivery();
    expect((await post({ type, webhookId, timestamp, data: inner })).status).toBe(202);
    expect((await post({ data: { ...delivery({ webhookId: 'wh-2' }) } })).status).toBe(202);
    expect(await kept()).toMatchObject([
      { connectionId: 'default', type: 'ContactUpdate', contactId: 'con_1', deliveryId: 'wh-1' },
      { connectionId: 'default', type: 'ContactUpdate', contactId: 'con_1', deliveryId: 'wh-2' },
    ]);
  });

  test('is known again by its webhookId, without one by its body', async () => {
    const first = await post(delivery());
    const again = await post(delivery({ firstName: 'Another body' }));
    expect(again).toMatchObject({ status: 200, body: { receiptId: first.body.receiptId, duplicate: true } });
    const { webhookId: _, ...anonymous } = delivery();
    expect((await post(anonymous)).status).toBe(202);
    expect((await post(anonymous)).status).toBe(200);
    expect((await post({ ...anonymous, firstName: 'Eva' })).status).toBe(202);
    expect((await kept()).map((row) => row.duplicates)).toEqual([1, 1, 0]);
  });

  test.each([
    ['of a location that is not connected', delivery({ locationId: 'LOC9' }), 'unknown_location'],
    ['of an agency, without a location', { type: 'UNINSTALL', companyId: 'C1', webhookId: 'w' }, 'unknown_location'],
    ['that is no JSON', '{"type": "ContactUpdate"', 'unreadable'],
    ['that is no object', '[1]', 'unreadable'],
    ['without a type', { locationId: 'LOC1' }, 'unreadable'],
    ['with bytes that no database takes', '\u0000', 'unreadable'],
  ])('%s gets its 202 too, and is kept as skipped', async (_name, body, reason) => {
    expect((await post(body)).status).toBe(202);
    expect(await kept()).toMatchObject([{ connectionId: '-', status: 'skipped', reason, foldedAt: new Date(NOW) }]);
  });

  test('without a usable time counts as sent when it arrived, and is flagged', async () => {
    await post(delivery({ timestamp: undefined, webhookId: 'a' }));
    await post(delivery({ timestamp: 'yesterday', webhookId: 'b' }));
    await post(delivery({ timestamp: '2030-01-01T00:00:00Z', webhookId: 'c' }));
    expect((await kept()).map((row) => [row.occurredAt.getTime(), row.flags])).toEqual([
      [NOW, ['time_missing']],
      [NOW, ['time_missing']],
      [NOW, ['time_in_future']],
    ]);
  });

  test('from before 2015 keeps its time: it is stale, and not one that came without a time', async () => {
    await post(delivery({ timestamp: '2001-02-03T04:05:06Z', webhookId: 'a' }));
    await post(delivery({ timestamp: 1000, webhookId: 'b' }));
    await post(delivery({ timestamp: -1e12, webhookId: 'c' }));
    expect((await kept()).map((row) => [row.occurredAt.toISOString(), row.flags])).toEqual([
      ['2001-02-03T04:05:06.000Z', []],
      ['1970-01-01T00:16:40.000Z', []],
      ['1970-01-01T00:00:00.000Z', []],
    ]);
  });

  test('that cannot be stored gets 429 with Retry-After, the one status that GHL has always retried', async () => {
    await receiver.stop();
    const broken = { append: () => Promise.reject(new Error('disk full')), waiting: () => 0, busy: () => false };
    await start({ inbox: { ...broken, close: () => Promise.resolve() } });
    const answer = await post(delivery());
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(await receiver.rows()).toEqual([]);
  });
});

describe('signatures of app webhooks', () => {
  test.each([
    ['no signature', {}, 'ghl_signature_missing'],
    ['N/A instead of one', { 'x-ghl-signature': 'N/A', 'x-wh-signature': 'n/a' }, 'ghl_signature_missing'],
    ['that of another body', { 'x-ghl-signature': signed('{}') }, 'ghl_signature_wrong'],
    ['no base64', { 'x-ghl-signature': '%%%' }, 'ghl_signature_wrong'],
  ])('401: %s', async (_name, headers, code) => {
    const answer = await post(delivery(), headers as Record<string, string>);
    expect(answer).toMatchObject({ status: 401, body: { code } });
    expect(await kept()).toEqual([]);
    expect(await refused()).toEqual([code]);
  });

  test('the old RSA signature is refused unless it is switched on', async () => {
    const raw = JSON.stringify(delivery());
    const headers = { 'x-wh-signature': rsaSigned(raw), 'x-ghl-signature': 'N/A' };
    expect(await post(raw, headers)).toMatchObject({ status: 401, body: { code: 'ghl_signature_legacy' } });
    await receiver.stop();
    await start({ rsaKey: pem(rsa.publicKey) });
    expect((await post(raw, headers)).status).toBe(202);
    expect((await kept())[0]?.headers).toMatchObject({ signature: 'x-wh-signature' });
    expect((await post(raw, { 'x-wh-signature': rsaSigned('{}') })).status).toBe(401);
  });

  test('a wrong Ed25519 signature is not saved by a right RSA one', async () => {
    await receiver.stop();
    await start({ rsaKey: 'published' });
    await receiver.stop();
    await start({ rsaKey: pem(rsa.publicKey) });
    const raw = JSON.stringify(delivery());
    const headers = { 'x-ghl-signature': signed('{}'), 'x-wh-signature': rsaSigned(raw) };
    expect((await post(raw, headers)).status).toBe(401);
  });

  test('more than 1 MiB is refused, other methods too', async () => {
    const raw = JSON.stringify(delivery({ note: 'x'.repeat(1024 * 1024) }));
    expect((await post(raw)).status).toBe(413);
    expect((await fetch(`${receiver.url}/webhooks/ghl`)).status).toBe(405);
    expect((await fetch(`${receiver.url}/webhooks/ghlx`, { method: 'POST' })).status).toBe(404);
  });
});

const call = (change: Record<string, unknown> = {}) => ({
  contact_id: 'con_1',
  first_name: 'Ana',
  tags: 'vip, card holder',
  'Loyalty Points': '120',
  location: { id: 'LOC1', name: 'Demo' },
  workflow: { id: 'WF1', name: 'Changed' },
  customData: {},
  ...change,
});
const workflow = (body: unknown, headers: Record<string, string> = {}, path = '') =>
  receiver.post(`/webhooks/ghl/workflow${path}`, typeof body === 'string' ? body : JSON.stringify(body), headers);
const BEARER = { authorization: 'Bearer wf-key-one' };

describe('a workflow call', () => {
  test.each([
    ['as a bearer token', {}, { authorization: 'bearer wf-key-one' }, ''],
    ['as X-Api-Key', {}, { 'x-api-key': 'wf-key-one' }, ''],
    ['in the address', {}, {}, '?key=wf-key-one'],
    ['in the address of the connection', {}, {}, '/default?key=wf-key-one'],
    ['under Custom Data', { customData: { key: 'wf-key-one', note: 'hi' } }, {}, ''],
  ])('is taken with its secret %s', async (_name, change, headers, path) => {
    const answer = await workflow(call(change), headers as Record<string, string>, path);
    expect(answer.status).toBe(202);
    const [row] = await receiver.rows();
    expect(row).toMatchObject({
      id: answer.body.receiptId,
      connectionId: 'default',
      source: 'ghl_workflow',
      type: 'Workflow',
      contactId: 'con_1',
      status: 'received',
      occurredAt: new Date(NOW),
    });
    // The secret itself is not kept.
    expect(JSON.stringify(row)).not.toContain('wf-key-one');
  });

  test.each([
    ['no secret', call(), {}, '', 'workflow_key_missing'],
    ['a wrong one', call(), { authorization: 'Bearer nope' }, '', 'workflow_key_wrong'],
    ['another location than the key’s', call({ location: { id: 'LOC2' } }), BEARER, '', 'workflow_key_wrong'],
    [
      'another location than the address’s',
      call({ location: { id: 'LOC2' } }),
      BEARER,
      '/default',
      'workflow_location_mismatch',
    ],
    ['a location that is not connected', call({ location: { id: 'LOC9' } }), BEARER, '', 'workflow_location_mismatch'],
    [
      'a key that two connections share, without a location',
      call({ location: {} }),
      { 'x-api-key': 'shared-key' },
      '',
      'workflow_key_ambiguous',
    ],
    ['a connection without a key', call({ location: { id: 'LOC5' } }), { 'x-api-key': '' }, '', 'workflow_key_missing'],
    ['a body that is no JSON, unproved', '{', {}, '', 'workflow_key_missing'],
  ])('401: %s', async (_name, body, headers, path, code) => {
    const answer = await workflow(body, headers as Record<string, string>, path);
    expect(answer).toMatchObject({ status: 401, body: { code } });
    expect(await kept()).toEqual([]);
    expect(await refused()).toEqual([code]);
  });

  test('its connection is found by the address, by the location, else by the key', async () => {
    await workflow(call({ location: {}, location_id: 'LOC2' }), { 'x-api-key': 'wf-key-two' });
    await workflow(call({ location: {}, n: 1 }), { 'x-api-key': 'wf-key-two' });
    await workflow(call({ location: {}, n: 2 }), { 'x-api-key': 'shared-key' }, '/twin-b');
    expect((await kept()).map((row) => row.connectionId)).toEqual(['north', 'north', 'twin-b']);
  });

  test('says what is wrong with it', async () => {
    expect(await workflow('{', BEARER)).toMatchObject({ status: 400, body: { code: 'malformed_json' } });
    expect(await workflow(call({ contact_id: undefined }), BEARER)).toMatchObject({
      status: 400,
      body: { code: 'contact_missing', field: 'contact_id' },
    });
    expect((await workflow(call(), BEARER, '/nobody')).status).toBe(404);
    expect((await fetch(`${receiver.url}/webhooks/ghl/workflow`)).status).toBe(405);
    expect((await workflow(call({ note: 'x'.repeat(1024 * 1024) }), BEARER)).status).toBe(413);
  });

  test('is known again by its body for 60 seconds, also over the edge of a minute and a restart', async () => {
    nowMs = NOW + 59_500;
    const first = await workflow(call(), BEARER);
    expect(first.status).toBe(202);
    nowMs = NOW + 60_500;
    expect(await workflow(call(), BEARER)).toMatchObject({ status: 200, body: { receiptId: first.body.receiptId } });
    // What another process received is known from the inbox alone.
    const { http, store } = receiver;
    await http.stop();
    const other = await startReceiver({
      clock: stepped,
      known: KNOWN,
      inbox: createInboxAppender(store),
      receivers: [
        createGhlWorkflowReceiver({ connections: registry, receivedAtOf: (...c) => receivedAtOf(store, ...c) }),
      ],
    });
    const elsewhere = (body: unknown) => other.post('/webhooks/ghl/workflow', JSON.stringify(body), BEARER);
    nowMs = NOW + 59_500 + 59_999;
    expect(await elsewhere(call())).toMatchObject({ status: 200, body: { receiptId: first.body.receiptId } });
    nowMs = NOW + 59_500 + 60_000;
    expect((await elsewhere(call())).status).toBe(202);
    expect((await elsewhere(call({ tags: 'vip' }))).status).toBe(202);
    expect(await store.db.select().from(store.s.webhookEvents)).toHaveLength(3);
    await other.http.stop();
  });

  test('two at once with one body are one', async () => {
    const answers = await Promise.all([workflow(call(), BEARER), workflow(call(), BEARER), workflow(call(), BEARER)]);
    expect(answers.filter((answer) => answer.status === 202)).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(2);
    expect(await kept()).toHaveLength(1);
  });

  test('its action goes to whoever performs actions, with the row not stored yet and without the secret', async () => {
    await workflow(call({ customData: { action: 'send_push' } }), BEARER);
    expect((await kept())[0]?.flags).toEqual(['action_not_performed']);
    await receiver.stop();
    const calls: WorkflowActionCall[] = [];
    await start({
      onAction: (res, action) => {
        calls.push(action);
        res.end('{}');
      },
    });
    const custom = { action: 'send_push', message: 'Hello', key: 'wf-key-one' };
    expect((await workflow(call({ customData: custom }))).status).toBe(200);
    expect(calls).toMatchObject([
      { connection: { id: 'default' }, row: { contactId: 'con_1' }, body: { action: 'send_push', workflowId: 'WF1' } },
    ]);
    expect(calls[0]?.json['customData']).toEqual({ action: 'send_push', message: 'Hello' });
    expect(await kept()).toEqual([]);
  });
});

test('a flood of forgeries is answered 429, signed deliveries beside it are not', async () => {
  await receiver.stop();
  receiver = await startReceiver({
    clock: stepped,
    failuresPerMinute: 5,
    receivers: [createGhlReceiver({ connections: registry, ed25519Key: pem(ed25519.publicKey), rsaKey: null })],
  });
  const statuses: number[] = [];
  for (let i = 0; i < 8; i++) statuses.push((await post(delivery(), { 'x-ghl-signature': randomUUID() })).status);
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
  expect((await post(delivery())).status).toBe(202);
});
