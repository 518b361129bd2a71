import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { rebuild } from '../../src/ops/rebuild.ts';
import { listCommands } from '../../src/store/commands.ts';
import { insertDeliveries, listEvents, type NewInboxRow } from '../../src/store/inbox.ts';
import { listProblems } from '../../src/store/problems.ts';
import { loadPeople } from '../../src/store/staging.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { at, delivery } from '../helpers/story.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
afterEach(() => t.stop());

/** A delivery that names no customer: only what is given. */
const nameless = (type: string, minute: number, rest: Record<string, unknown>): Record<string, unknown> => ({
  event_type: type,
  timestamp: at(minute),
  ...rest,
});
const created = delivery('CustomerCreatedEvent', 0);
const other = { customer_id: 'cus_2', card_id: 'card_2', phone_number: '+12125550143' };

const statuses = async () =>
  (await listEvents(t.app.store, { source: 'stickycards' }, 50))
    .toReversed()
    .map(({ type, status, reason, customerId }) => [type, status, reason, customerId]);
const problems = async () =>
  (await listProblems(t.app.store, { code: 'customer_unknown' }, 9)).map(({ state, affected }) => [state, affected]);
const notes = () => t.ghl.state.notes(onlyContact(t).id).map(({ body }) => body?.split('\n')[0]);

/** Everything that was delivered is folded. */
const fold = () => t.app.folder.foldAll(t.app.registry.get('default') as never);

describe('a delivery without a customer id', () => {
  const paid = nameless('PaymentCompletedSuccessfulEvent', 5, {
    email: 'Ana@Example.com ',
    amount: 12.5,
    currency: 'USD',
    payment_id: 'pay_1',
  });

  test.each([
    ['after its customer', [created, paid], true],
    ['before its customer', [paid, created], true],
    ['beside its customer', [paid, created], false],
  ])('is about the one customer with its e-mail, told %s', async (_name, order, apart) => {
    t = await startTestApp();
    for (const body of order) {
      await t.deliver(body);
      if (apart) await fold();
    }
    await t.run();
    expect(notes()).toEqual(['Payment of 12.50 USD received']);
    expect(onlyContact(t).customFields).toMatchObject({ last_purchase_date: '2026-03-20' });
    expect(await statuses()).toEqual(order.map((body) => [body['event_type'], 'folded', null, 'cus_1']));
    expect((await problems()).filter(([state]) => state === 'open')).toEqual([]);
  });

  test('is about the one with its phone, and brings in a card that nobody has named yet', async () => {
    t = await startTestApp();
    await t.deliver(delivery('CustomerCreatedEvent', 0, { card_id: undefined }));
    await t.deliver(nameless('CardScannedEvent', 5, { card_id: 'card_7', phone_number: '(212) 555-0142' }));
    await t.run();
    expect(onlyContact(t).customFields).toMatchObject({ card_id: 'card_7', last_activity: '2026-03-20' });
  });

  test('a card that was brought in by contact details belongs to whom an event with both ids names', async () => {
    t = await startTestApp();
    await t.deliver(delivery('CustomerCreatedEvent', 0, { card_id: undefined }));
    await t.deliver(nameless('CardScannedEvent', 5, { card_id: 'card_2', email: 'ana@example.com' }));
    await fold();
    await t.deliver(delivery('CardIssuedEvent', 4, { ...other, email: 'bo@example.com' }));
    await fold();
    const { store } = t.app;
    const { customers, cards } = await loadPeople(store, store.db, 'default', ['cus_1', 'cus_2'], []);
    expect([...cards.values()].map(({ cardId, stickycardsId }) => [cardId, stickycardsId])).toEqual([
      ['card_2', 'cus_2'],
    ]);
    expect([customers.get('cus_1')?.cardId, customers.get('cus_2')?.cardId]).toEqual([null, 'card_2']);
  });

  test('a refund is about the customer of its payment, and the opportunity becomes lost', async () => {
    t = await startTestApp({
      env: { GHL_PIPELINE_ID: 'PIPE1', GHL_PIPELINE_STAGE_ID: 'STAGE1' },
      location: { pipelines: [{ id: 'PIPE1', name: 'Sales', stages: [{ id: 'STAGE1', name: 'Paid' }] }] },
    });
    await t.deliver(nameless('PaymentRefundedEvent', 6, { payment_id: 'pay_1', amount: 12.5 }));
    await fold();
    await t.deliver(delivery('PaymentCompletedSuccessfulEvent', 5, { payment_id: 'pay_1', amount: 12.5 }));
    await t.run();
    await t.run();
    expect(t.ghl.state.opportunities(LOCATION)).toMatchObject([{ status: 'lost' }]);
    expect(notes()).toEqual(['Refund of 12.50']);
  });

  test('of two customers with its e-mail nobody is guessed: it waits, and a problem says so', async () => {
    t = await startTestApp();
    await t.deliver(created);
    await t.deliver(delivery('CustomerCreatedEvent', 1, other));
    await t.deliver(nameless('FeedbackCreatedEvent', 5, { email: 'ana@example.com', rating: 5 }));
    await t.run();
    expect((await statuses()).at(-1)).toEqual(['FeedbackCreatedEvent', 'waiting', 'several_customers', null]);
    expect(await problems()).toEqual([['open', 1]]);
  });

  test('of somebody who is not known waits with a problem, and is used as soon as the customer is named', async () => {
    t = await startTestApp();
    await t.deliver(nameless('CustomerCreatedEvent', 0, { email: 'ana@example.com', first_name: 'Ana' }));
    await t.run();
    expect(t.ghl.state.contacts(LOCATION)).toEqual([]);
    expect(await statuses()).toEqual([['CustomerCreatedEvent', 'waiting', 'customer_not_known_yet', null]]);
    expect(await problems()).toEqual([['open', 1]]);
    await t.deliver(delivery('CardIssuedEvent', 1, { first_name: undefined }));
    await t.run();
    expect(onlyContact(t)).toMatchObject({ firstName: 'Ana' });
    expect(await problems()).toEqual([['resolved', 0]]);
  });

  test('that names nothing at all is skipped with a problem', async () => {
    t = await startTestApp();
    await t.deliver(nameless('FeedbackCreatedEvent', 0, { rating: 1 }));
    await t.run();
    expect(await statuses()).toEqual([['FeedbackCreatedEvent', 'skipped', 'no_customer', null]]);
    expect(await problems()).toEqual([['open', 1]]);
  });

  test('waits for its card a day before a problem tells of it, once', async () => {
    const clock = movableClock();
    t = await startTestApp({ overrides: { clock }, ghl: { now: () => clock.nowMs() } });
    await t.deliver(nameless('CardScannedEvent', 5, { card_id: 'card_7' }));
    await t.run();
    expect(await statuses()).toEqual([['CardScannedEvent', 'waiting', 'card_not_known_yet', null]]);
    expect(await problems()).toEqual([]);
    clock.ahead(25 * 3_600_000);
    await t.run();
    await t.run();
    expect(await problems()).toEqual([['open', 1]]);
  });

  test('and its card are folded together when they arrive together', async () => {
    t = await startTestApp();
    const { store } = t.app;
    const bodies = [
      nameless('CardBalanceUpdatedEvent', 5, { card_id: 'card_1', balance: 40 }),
      delivery('CardIssuedEvent', 1),
    ];
    await store.tx((db) => insertDeliveries(store, db, bodies.map(inboxRow)));
    await fold();
    expect((await statuses()).map(([, status]) => status)).toEqual(['folded', 'folded']);
  });

  test('about one of several cards leaves the shown card as it is', async () => {
    t = await startTestApp();
    await t.deliver(delivery('CardInstalledEvent', 1));
    await t.deliver(delivery('CardRemovedEvent', 2, { card_id: 'card_0' }));
    await fold();
    await t.deliver(nameless('CardScannedEvent', 5, { card_id: 'card_0' }));
    await t.run();
    expect(onlyContact(t).customFields).toMatchObject({ card_id: 'card_1', card_status: 'installed' });
  });
});

function inboxRow(body: Record<string, unknown>): NewInboxRow {
  const payload = JSON.stringify(body);
  const hash = createHash('sha256').update(payload).digest('hex');
  return {
    connectionId: 'default',
    source: 'stickycards',
    dedupeKey: hash,
    deliveryId: null,
    type: body['event_type'] as string,
    occurredAt: new Date(body['timestamp'] as string),
    receivedAt: t.app.store.clock.now(),
    customerId: (body['customer_id'] as string | undefined) ?? null,
    cardId: (body['card_id'] as string | undefined) ?? null,
    contactId: null,
    verification: 'verified',
    flags: [],
    headers: null,
    bodyHash: hash,
    payload,
  };
}

/** The story of one person whose e-mail changes; half of it does not name them. */
const story = (who: string): Record<string, unknown>[] => [
  { ...nameless('CustomerCreatedEvent', 0, { customer_id: who, email: `${who}@example.com` }) },
  nameless('CardIssuedEvent', 1, { card_id: `${who}_card`, email: `${who}@example.com` }),
  nameless('CardBalanceUpdatedEvent', 2, { card_id: `${who}_card`, balance: 40 }),
  nameless('FeedbackCreatedEvent', 3, { email: `${who}@example.com`, phone_number: `+1212555${who.slice(1)}` }),
  nameless('CustomerReferralCreatedEvent', 4, { phone_number: `+1212555${who.slice(1)}` }),
  nameless('CustomerSegmentLinkedEvent', 5, { customer_id: who, email: `${who}.new@example.com`, segment: 'VIP' }),
  nameless('CardInstalledEvent', 6, { card_id: `${who}_card`, email: `${who}.new@example.com` }),
  nameless('PaymentCompletedSuccessfulEvent', 7, { email: `${who}@example.com`, amount: 5, payment_id: `${who}_pay` }),
  nameless('PaymentRefundedEvent', 8, { payment_id: `${who}_pay`, amount: 5, first_name: 'Ana' }),
  nameless('CustomerReferralCreatedEvent', 9, { email: `${who}.new@example.com` }),
];

async function staged(who: string): Promise<unknown> {
  const { store } = t.app;
  const { customers, cards } = await loadPeople(store, store.db, 'default', [who], []);
  const withoutTimes = (row: object) => {
    const { createdAt: _, updatedAt: __, version: ___, ...rest } = row as Record<string, unknown>;
    // Bodies differ by the names in them, and so do their hashes.
    return JSON.parse(
      JSON.stringify(rest)
        .replaceAll(who, 'X')
        .replaceAll(`555${who.slice(1)}`, '555N')
        .replaceAll(/[0-9a-f]{64}/g, '#'),
    ) as object;
  };
  return [...customers.values(), ...cards.values()].map(withoutTimes);
}

test('half of the deliveries name nobody: any order, any duplicates and any batches give the same staging, and so does a rebuild', async () => {
  t = await startTestApp();
  const { store, folder, registry } = t.app;
  const connection = registry.get('default');
  if (!connection) throw new Error('no connection');
  const people = Array.from({ length: 60 }, (_, i) => `p${String(i + 1000)}`);
  const random = fc.sample(fc.double({ min: 0, max: 1, noNaN: true }), 60 * 40);
  const next = () => random.pop() ?? 0.5;
  const deliveries = people.map((who, i) => {
    const once = story(who);
    if (i === 0) return once;
    return [...once, ...once.filter(() => next() < 0.3)]
      .map((body) => ({ body, key: next() }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ body }) => body);
  });
  while (deliveries.some((each) => each.length > 0)) {
    const rows = deliveries.flatMap((each) => each.splice(0, 1 + Math.floor(next() * 4))).map(inboxRow);
    await store.tx((db) => insertDeliveries(store, db, rows));
    await folder.foldAll(connection);
  }
  const expected = await staged('p1000');
  expect(expected).toMatchObject([
    { email: 'X.new@example.com', mobile: '+1212555N', firstName: 'Ana', referralCount: 2, cardInstalled: 'installed' },
    { cardId: 'X_card', balance: 40 },
  ]);
  for (const who of people) expect({ who, staged: await staged(who) }).toEqual({ who, staged: expected });
  expect(await store.db.select().from(store.s.waitingDeliveries)).toEqual([]);
  const commands = await listCommands(store, { connection: 'default' }, 1000);
  expect(commands.filter(({ kind }) => kind === 'note')).toHaveLength(60 * 3);

  await rebuild(store, connection, (c) => folder.foldAll(c));
  for (const who of people) expect({ who, staged: await staged(who) }).toEqual({ who, staged: expected });
  expect(await listCommands(store, { connection: 'default' }, 1000)).toEqual(commands);
}, 60_000);
