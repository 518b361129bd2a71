import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EVENT_TYPES, type StickyCardsEvent } from '../../src/domain/event.ts';
import { projectRoot } from '../../src/paths.ts';
import { verifyHmac } from '../../src/platforms/signature.ts';
import { loadDialects } from '../../src/platforms/stickycards/dialect.ts';
import { parseEnvelope } from '../../src/platforms/stickycards/envelope.ts';
import {
  createStickyCardsSimulator,
  type StickyCardsSimulator,
  type StickyCardsSimulatorOptions,
} from '../../src/simulators/stickycards/index.ts';
import { playSmallDay } from '../../src/simulators/stickycards/smallDay.ts';
import { playEveryEvent, stickyCardsFixture } from '../helpers/stickyCardsFixtures.ts';
import { startWebhookSink, type WebhookSink } from '../helpers/webhookSink.ts';

const apiKey = 'sk_sim_1';
const webhookSecret = 'whsec_sim_1';
const ada = { first_name: 'Ada', last_name: 'Miller', email: 'ada.miller@example.com', phone_number: '+12125550142' };

let sink: WebhookSink;
let sim: StickyCardsSimulator;
let nowMs: number;

async function start(options: Partial<StickyCardsSimulatorOptions> = {}): Promise<void> {
  await sim?.stop();
  const webhooks = { url: sink.url, auto: false, ...options.webhooks };
  sim = createStickyCardsSimulator({ apiKey, webhookSecret, now: () => nowMs, ...options, webhooks });
  await sim.start();
}

beforeEach(async () => {
  nowMs = Date.UTC(2026, 2, 2, 15);
  sink = await startWebhookSink();
  await start();
});
afterEach(async () => {
  await sim.stop();
  await sink.stop();
});

async function call(method: string, path: string, body?: unknown, key: string | null = apiKey) {
  const response = await fetch(`${sim.url}${path}`, {
    method,
    headers: { ...(key !== null && { Authorization: `Bearer ${key}` }), 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json')
    ? (JSON.parse(text) as Record<string, unknown>)
    : {};
  return { status: response.status, headers: response.headers, text, body: json };
}
const told = async (): Promise<string[]> => {
  await sim.flushWebhooks();
  return sink.received.splice(0).map(({ body }) => String(body.event_type ?? body.event));
};
const addAda = async (): Promise<{ customerId: string; cardId: string }> => {
  const { customerId } = sim.seed([{ email: ada.email, phone: ada.phone_number, cards: [{ balance: 100 }] }])[0]!;
  return { customerId, cardId: sim.state.cards(customerId)[0]!.cardId };
};
const parsed = (body: unknown): StickyCardsEvent => {
  const result = parseEnvelope(body);
  if (result.kind === 'invalid') throw new Error(`${result.code}: ${result.message}`);
  return result.event;
};

describe('the report dialect (SPEC §4)', () => {
  const report = loadDialects(join(projectRoot, 'config')).get('report')!;

  it.each(Object.entries(report.paths))(
    '%s is there, wants the key, and answers as the table says',
    async (name, row) => {
      const ids = await addAda();
      const path = row.path.replace('{customerId}', ids.customerId).replace('{cardId}', ids.cardId);
      const values: Record<string, unknown> = {
        customerId: ids.customerId,
        cardId: ids.cardId,
        firstName: 'Ada',
        lastName: 'Miller',
        email: ada.email,
        phone: ada.phone_number,
        templateId: '1001',
        balance: 5,
        comment: '[ref:cmd_1]',
        status: 'Active',
        segments: ['VIP'],
        optIn: false,
        message: 'Hello',
        title: 'Hi',
      };
      const entries = Object.entries(row.body).map(([ours, theirs]) => [theirs, values[ours]] as const);
      const body = row.method === 'GET' ? undefined : Object.fromEntries(entries);
      expect((await call(row.method, path, body, null)).status).toBe(401);
      expect((await call(row.method, path, body, 'sk_sim_2')).status).toBe(401);
      const answer = await call(row.method, path, body);
      expect([name, answer.status]).toEqual([name, ['issueCard', 'push'].includes(name) ? 201 : 200]);
      expect(Object.keys(answer.body)).toEqual(expect.arrayContaining(Object.values(row.answer)));
    },
  );

  it('creates a customer once, then matches by phone or by e-mail', async () => {
    const first = await call('POST', '/v1/customers', ada);
    expect(first).toMatchObject({ status: 201, body: { customer_id: expect.any(String), segments: [], cards: [] } });
    const byMail = await call('POST', '/v1/customers', { email: 'ADA.Miller@example.com', last_name: 'Jones' });
    const byPhone = await call('POST', '/v1/customers', { phone_number: ada.phone_number, first_name: '' });
    expect(byMail).toMatchObject({ status: 200, body: { customer_id: first.body.customer_id, last_name: 'Jones' } });
    expect(byPhone).toMatchObject({ status: 200, body: { customer_id: first.body.customer_id, first_name: null } });
    expect(await told()).toEqual(['CustomerCreatedEvent']);
  });

  it('refuses an e-mail that is somebody else’s, naming them', async () => {
    const { customerId } = await addAda();
    const other = await call('POST', '/v1/customers', { email: 'ben.okafor@example.com' });
    const taken = await call('POST', '/v1/customers', { customer_id: other.body.customer_id, email: ada.email });
    expect(taken).toMatchObject({ status: 409, body: { code: 'customer_exists', customer_id: customerId } });
  });

  it.each<[string, string, unknown, RegExp]>([
    ['POST', '/v1/customers', { first_name: 'Nobody' }, /email or a phone_number/],
    ['POST', '/v1/customers', { email: 'not an address' }, /^email must/],
    ['POST', '/v1/customers', { phone_number: '555-0142' }, /^phone_number must/],
    ['POST', '/v1/customers', { ...ada, tags: [] }, /property tags should not exist/],
    ['POST', '/v1/customers', [], /^body must/],
    ['POST', '/v1/cards', {}, /^customer_id must/],
    ['PUT', '/cards/{card}/balance', { balance: 1.5 }, /^balance must be valid: a whole number/],
    ['PUT', '/cards/{card}/balance', { balance: '5' }, /^balance must/],
    ['PUT', '/cards/{card}/balance', { balance: -101 }, /below 0/],
    ['PUT', '/cards/{card}/status', { status: 'Frozen' }, /^status must/],
    ['PUT', '/customers/{customer}/segments', { segments: 'VIP' }, /^segments must/],
    ['PUT', '/customers/{customer}/preferences', { opt_in: 'no' }, /^opt_in must/],
    ['POST', '/v1/pushes/customer', { customer_id: 'x', message: ' ' }, /^message must/],
    ['GET', '/v1/customers?page=0', undefined, /^page must/],
  ])('%s %s %j is a 422', async (method, path, body, message) => {
    const { customerId, cardId } = await addAda();
    const answer = await call(method, path.replace('{card}', cardId).replace('{customer}', customerId), body);
    expect(answer).toMatchObject({ status: 422, body: { message: expect.stringMatching(message) } });
    expect(sim.state.card(cardId)?.balance).toBe(100);
    expect(await told()).toEqual([]);
  });

  it.each([
    ['GET', '/v1/customers/nobody', undefined],
    ['GET', '/v1/cards/none', undefined],
    ['POST', '/v1/customers', { customer_id: 'nobody', first_name: 'X' }],
    ['POST', '/v1/cards', { customer_id: 'nobody' }],
    ['PUT', '/cards/none/balance', { balance: 1 }],
    ['PUT', '/customers/nobody/segments', { segments: [] }],
    ['POST', '/v1/pushes/customer', { customer_id: 'nobody', message: 'x' }],
    ['GET', '/v1/nothing', undefined],
  ])('%s %s is a 404', async (method, path, body) => {
    expect((await call(method, path, body)).status).toBe(404);
  });

  it('answers what is no JSON with 400', async () => {
    expect((await call('POST', '/v1/customers', '{')).status).toBe(400);
  });

  it('pages through the customers, each once', async () => {
    sim.seed(Array.from({ length: 7 }, (_, index) => ({ email: `guest${index}@example.com` })));
    const pages = await Promise.all([1, 2, 3, 4].map((page) => call('GET', `/v1/customers?page=${page}&per_page=3`)));
    expect(pages.map(({ body }) => (body.items as unknown[]).length)).toEqual([3, 3, 1, 0]);
    expect(pages[0]!.body).toMatchObject({ page: 1, total_pages: 3 });
    expect(
      new Set(pages.flatMap(({ body }) => (body.items as { email: string }[]).map(({ email }) => email))).size,
    ).toBe(7);
  });

  it('adds to a balance, or sets it, as the account is', async () => {
    const delta = await addAda();
    expect((await call('PUT', `/cards/${delta.cardId}/balance`, { balance: 20 })).body.balance).toBe(120);
    expect((await call('PUT', `/cards/${delta.cardId}/balance`, { balance: -50 })).body.balance).toBe(70);
    await start({ balanceMode: 'absolute' });
    const absolute = await addAda();
    expect((await call('PUT', `/cards/${absolute.cardId}/balance`, { balance: 20 })).body.balance).toBe(20);
  });

  it('echoes a balance changed by the API as a webhook, with the comment', async () => {
    const { cardId } = await addAda();
    await call('PUT', `/cards/${cardId}/balance`, { balance: 20, comment: '[ref:cmd_1]' });
    await sim.flushWebhooks();
    expect(parsed(sink.received[0]?.body)).toMatchObject({
      type: 'CardBalanceUpdatedEvent',
      cardId,
      balance: 120,
      comment: '[ref:cmd_1]',
    });
  });

  it('takes segments as the whole set and tells the new ones only', async () => {
    const { customerId } = await addAda();
    sim.till.linkSegment(customerId, 'VIP');
    const answer = await call('PUT', `/customers/${customerId}/segments`, { segments: ['Regulars', 'Regulars'] });
    expect(answer.body.segments).toEqual(['Regulars']);
    await sim.flushWebhooks();
    expect(sink.received.map(({ body }) => parsed(body).segment)).toEqual(['VIP', 'Regulars']);
  });

  it('shows the status that was set last, in words that the dialect knows', async () => {
    const { cardId } = await addAda();
    expect((await call('PUT', `/cards/${cardId}/status`, { status: 'Inactive' })).body).toEqual({
      card_id: cardId,
      status: 'Inactive',
    });
    expect((await call('GET', `/v1/cards/${cardId}`)).body.status).toBe('Inactive');
    sim.till.installCard(cardId);
    expect((await call('GET', `/v1/cards/${cardId}`)).body.status).toBe('installed');
    sim.till.removeCard(cardId);
    expect((await call('PUT', `/cards/${cardId}/status`, { status: 'Active' })).status).toBe(422);
  });

  it('keeps pushes with the consent of that moment', async () => {
    const { customerId } = await addAda();
    await call('POST', '/v1/pushes/customer', { customer_id: customerId, message: 'Hello', title: 'Hi' });
    await call('PUT', `/customers/${customerId}/preferences`, { opt_in: false });
    await call('POST', '/v1/pushes/customer', { customer_id: customerId, message: 'Again' });
    expect(sim.state.pushes()).toMatchObject([
      { customerId, message: 'Hello', title: 'Hi', optIn: true },
      { message: 'Again', title: null, optIn: false },
    ]);
  });

  it('has its own clock in the Date header', async () => {
    await start({ clockSkewMs: 90_000 });
    const { headers } = await call('GET', '/v1/customers');
    expect(headers.get('date')).toBe(new Date(nowMs + 90_000).toUTCString());
  });

  it('limits the rate where asked to', async () => {
    await start({ rateLimit: { max: 2, intervalMs: 1_000, retryAfter: true } });
    const statuses = [];
    for (let n = 0; n < 3; n += 1) statuses.push(await call('GET', '/v1/customers'));
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(statuses[2]!.headers.get('retry-after')).toBe('1');
    nowMs += 1_000;
    expect((await call('GET', '/v1/customers')).status).toBe(200);
  });
});

describe('webhooks', () => {
  it('are signed over the bytes sent, with a delivery id where asked for', async () => {
    sim.till.createCustomer({ firstName: 'Zoë', email: 'zoe@example.com' });
    await start({ deliveryIds: true, signatureHeader: 'X-Signature' });
    sim.till.createCustomer({ firstName: 'Zoë', email: 'zoe@example.com' });
    await sim.flushWebhooks();
    const { headers, rawBody } = sink.received[0]!;
    expect(verifyHmac(rawBody, headers['x-signature'] as string, [webhookSecret])).toBe(true);
    expect(headers['x-sticky-delivery-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(sim.webhooks.attempts).toMatchObject([{ type: 'CustomerCreatedEvent', status: 202 }]);
  });

  it('leave by themselves when due', async () => {
    await start({ webhooks: { url: sink.url, auto: true, lagMs: 60_000 } });
    sim.till.createCustomer({ email: 'zoe@example.com' });
    await sim.flushWebhooks({ dueOnly: true });
    expect(sink.received).toHaveLength(0);
    nowMs += 60_000;
    await sink.next();
    expect(sink.received).toHaveLength(1);
  });

  it('may come twice, in any order, or never', async () => {
    const { cardId } = await addAda();
    const changes = (): number[] => Array.from({ length: 20 }, () => sim.till.addPoints(cardId, 1).balance);
    const arrived = async (): Promise<unknown[]> => {
      await sim.flushWebhooks();
      return sink.received.splice(0).map(({ body }) => body.balance);
    };
    sim.webhooks.setOptions({ duplicateRate: 1 });
    const twice = changes().flatMap((balance) => [balance, balance]);
    expect(await arrived()).toEqual(twice);
    sim.webhooks.setOptions({ duplicateRate: 0, shuffle: true });
    const inOrder = changes();
    const shuffled = await arrived();
    expect(shuffled).not.toEqual(inOrder);
    expect(new Set(shuffled)).toEqual(new Set(inOrder));
    sim.webhooks.setOptions({ shuffle: false, lostRate: 1 });
    changes();
    expect(await arrived()).toEqual([]);
  });

  it('are not repeated after a refusal', async () => {
    sink.answer.status = 503;
    sim.till.createCustomer({ email: 'zoe@example.com' });
    await sim.flushWebhooks();
    await sim.flushWebhooks();
    expect(sink.received).toHaveLength(1);
  });

  it('show the record as it was then, even when the next ones overtake them', async () => {
    const { cardId } = await addAda();
    const release = sim.webhooks.holdNext();
    sim.till.addPoints(cardId, 1);
    sim.till.addPoints(cardId, 1);
    release();
    await sim.flushWebhooks();
    expect(sink.received.map(({ body }) => body.balance)).toEqual([102, 101]);
  });
});

describe('faults', () => {
  const add = (cardId: string) => call('PUT', `/cards/${cardId}/balance`, { balance: 5 });

  it('answer with a status or a page, as often as asked, where asked', async () => {
    const { cardId } = await addAda();
    sim.faults.add({ kind: 'status', status: 503, path: '/cards/', times: 1 });
    sim.faults.add({ kind: 'html', method: 'get', path: /customers$/, every: 2 });
    expect((await add(cardId)).status).toBe(503);
    expect((await add(cardId)).body.balance).toBe(105);
    expect((await call('GET', '/v1/customers')).status).toBe(200);
    expect(await call('GET', '/v1/customers')).toMatchObject({ status: 502, text: expect.stringContaining('<html>') });
    sim.faults.clear();
    expect((await call('GET', '/v1/customers')).status).toBe(200);
  });

  it('lose the request, or only the answer', async () => {
    const { cardId } = await addAda();
    sim.faults.add({ kind: 'reset_before', times: 1 });
    await expect(add(cardId)).rejects.toThrow('fetch failed');
    expect(sim.state.card(cardId)?.balance).toBe(100);
    sim.faults.add({ kind: 'reset_after', times: 1 });
    await expect(add(cardId)).rejects.toThrow('fetch failed');
    expect(sim.state.card(cardId)?.balance).toBe(105);
    expect(sim.callCount({ status: 0, path: /balance$/ })).toBe(2);
  });

  it('never answer', async () => {
    const { cardId } = await addAda();
    sim.faults.add({ kind: 'timeout', times: 1 });
    const impatient = fetch(`${sim.url}/v1/cards/${cardId}`, { signal: AbortSignal.timeout(50) });
    await expect(impatient).rejects.toThrow('timeout');
    sim.faults.add({ kind: 'delay', delayMs: 10, times: 1 });
    expect((await add(cardId)).status).toBe(200);
  });
});

describe('fixtures', () => {
  /** The keys and the kinds of their values, all the way down; null goes with everything. */
  const shapeOf = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
    if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
  };

  it.each(['flat', 'native'] as const)('are what the simulator sends, one per event, %s', async (envelope) => {
    await start({ envelope });
    playEveryEvent(sim, nowMs);
    await sim.flushWebhooks();
    const sent = new Map(sink.received.map(({ body }) => [String(body.event_type ?? body.event), body]));
    expect([...sent.keys()].sort()).toEqual([...EVENT_TYPES].sort());
    for (const [event, body] of sent) expect(shapeOf(body)).toEqual(shapeOf(stickyCardsFixture(event, envelope)));
  });

  it.each(EVENT_TYPES)('%s says the same in both envelopes', (event) => {
    const flat = parsed(stickyCardsFixture(event, 'flat'));
    const native = parsed(stickyCardsFixture(event, 'native'));
    expect(flat).toMatchObject({
      type: event,
      customerId: '3f6c1d8e-5b7a-7c21-9d40-2a86e0b94f15',
      email: 'ada.miller@example.com',
      phone: '+12125550142',
    });
    const about = (event: StickyCardsEvent) => ({
      ...event,
      cardId: null,
      card: null,
      balance: null,
      segments: null,
      referralCount: null,
      extra: null,
    });
    expect(about(native)).toEqual(about(flat));
    // A native card event always shows the balance, a flat one inside its card: both as they stand then.
    expect(native.balance === null || native.balance === flat.balance).toBe(true);
  });
});

describe('a small day', () => {
  it('has all 14 events, one delivery twice and one late, always the same', async () => {
    const days: { type: string; subject: unknown; atMs: number | null }[][] = [];
    for (let n = 0; n < 2; n += 1) {
      await start();
      expect(playSmallDay(sim)).toHaveLength(8);
      expect(playSmallDay(sim)).toHaveLength(0);
      await sim.flushWebhooks();
      const events = sink.received.splice(0).map(({ body }) => parsed(body));
      days.push(events.map((event) => ({ type: event.type, subject: event.customerId, atMs: event.occurredAtMs })));
    }
    const [first, second] = days as [(typeof days)[0], (typeof days)[0]];
    expect(second).toEqual(first);
    expect(new Set(first.map(({ type }) => type))).toEqual(new Set(EVENT_TYPES));
    expect(new Set(first.map(({ subject }) => subject)).size).toBe(8);
    const inOrder = first.toSorted((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0));
    expect(first).not.toEqual(inOrder);
    expect(new Set(first.map((event) => JSON.stringify(event))).size).toBe(first.length - 1);
    expect(Math.max(...first.map(({ atMs }) => atMs ?? Number.POSITIVE_INFINITY))).toBeLessThan(nowMs);
  });
});

describe('the control API', () => {
  it('does at the till what a person would, from JSON or from a form', async () => {
    const made = await call(
      'POST',
      '/__sim/till/createCustomer',
      { firstName: 'Ada', email: ada.email, phone: '' },
      null,
    );
    expect(made).toMatchObject({ status: 201, body: { firstName: 'Ada', phone: null } });
    const form = await fetch(`${sim.url}/__sim/till/issueCard`, {
      method: 'POST',
      body: new URLSearchParams({ customerId: String(made.body.customerId), templateId: '' }),
      redirect: 'manual',
    });
    expect([form.status, form.headers.get('location')]).toEqual([303, '/__sim/']);
    expect(await told()).toEqual(['CustomerCreatedEvent', 'CardIssuedEvent']);
    expect((await call('POST', '/__sim/till/addPoints', { cardId: 'none', points: 5 }, null)).status).toBe(404);
    expect((await call('POST', '/__sim/till/addPoints', { cardId: 'none', points: 'many' }, null)).status).toBe(422);
    expect((await call('POST', '/__sim/till/constructor', {}, null)).status).toBe(404);
  });

  it('sets faults and webhooks, and shows what went on', async () => {
    await call('POST', '/__sim/faults', { kind: 'status', status: 500, pattern: '^/v1', times: 1 }, null);
    expect((await call('GET', '/v1/customers')).status).toBe(500);
    await call('PUT', '/__sim/webhooks', { url: null }, null);
    sim.till.createCustomer({ email: ada.email });
    expect(await told()).toEqual([]);
    expect((await call('GET', '/__sim/requests', undefined, null)).body).toMatchObject({
      total: 1,
      requests: [{ status: 500 }],
    });
    expect((await call('POST', '/__sim/faults', { kind: 'fire' }, null)).status).toBe(422);
  });

  it('has a page in which nothing that people typed is markup', async () => {
    sim.till.createCustomer({ firstName: '<script>alert(1)</script>', email: ada.email });
    const { text, status } = await call('GET', '/__sim/', undefined, null);
    expect(status).toBe(200);
    expect(text).not.toContain('<script>');
    expect(text).toContain('&lt;script&gt;');
  });

  it('takes no orders from pages of other sites', async () => {
    const response = await fetch(`${sim.url}/__sim/small-day`, {
      method: 'POST',
      headers: { Origin: 'https://other.example' },
    });
    expect(response.status).toBe(403);
    expect(sim.state.customers()).toEqual([]);
  });
});
