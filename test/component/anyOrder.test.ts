import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { insertDeliveries, listEvents, type NewInboxRow } from '../../src/store/inbox.ts';
import { rebuild } from '../../src/ops/rebuild.ts';
import { writeCheckpoint } from '../../src/store/checkpoints.ts';
import { callsBesidePolls, LOCATION, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
beforeAll(async () => {
  t = await startTestApp();
});
afterAll(() => t.stop());

const MINUTE = 60_000;
const day = Date.UTC(2026, 2, 20, 15);
const nobody = { customer_id: null, email: null, first_name: null };
const moments: [type: string, minute: number, rest?: Record<string, unknown>][] = [
  ['CustomerCreatedEvent', 0],
  ['CardIssuedEvent', 1],
  ['CardInstalledEvent', 2, { card: { status: 'installed', balance: 0 } }],
  ['CardBalanceUpdatedEvent', 3, { balance: 40 }],
  ['CardBalanceUpdatedEvent', 4, { balance: 90 }],
  ['CardBalanceUpdatedEvent', 4, { balance: 95 }],
  ['CardScannedEvent', 5],
  ['CustomerReferralCreatedEvent', 6],
  ['CustomerReferralCreatedEvent', 7],
  ['CustomerSegmentLinkedEvent', 8, { segment: 'VIP' }],
  ['CustomerSegmentLinkedEvent', 9, { segments: ['Gold', 'vip'] }],
  ['FeedbackCreatedEvent', 10, { rating: 1, comment: 'Cold' }],
  ['PaymentCompletedSuccessfulEvent', 11, { amount: 5, payment_id: 'p1' }],
  ['CustomerCreatedEvent', 12, { first_name: 'Anna' }],
  ['CardExpiredEvent', 13],
  ['CardInstalledEvent', 13],
  ['CardRemovedEvent', 14, { card_id: 'card_2' }],
  // What names only the card, and what tells of a card and names none.
  ['CardScannedEvent', 15, { ...nobody }],
  ['CardBalanceUpdatedEvent', 16, { ...nobody, card_id: 'card_2', balance: 7 }],
  ['PaymentCompletedSuccessfulEvent', 17, { ...nobody, amount: 7, payment_id: 'p2' }],
  ['CardScannedEvent', 18, { card_id: null, balance: 3 }],
  // A card that somebody else held before, and whose old events come late.
  ['CardRemovedEvent', 19, { ...nobody, customer_id: 'before', card_id: 'card_3' }],
  ['CardBalanceUpdatedEvent', 20, { card_id: 'card_3', balance: 4 }],
];

/** The story of one person, as bodies: the same for everybody but for the ids. */
const story = (person: string) =>
  moments.map(([type, minute, rest]) => ({
    event_type: type,
    timestamp: (day + minute * MINUTE) / 1000,
    email: `${person}@example.com`,
    first_name: 'Ana',
    ...rest,
    customer_id: rest?.['customer_id'] === undefined ? person : idOf(person, rest['customer_id']),
    card_id: idOf(person, rest?.['card_id'] === undefined ? 'card_1' : rest['card_id']),
  }));

const idOf = (person: string, id: unknown): string | null => (typeof id === 'string' ? `${person}_${id}` : null);

function inboxRow({ person, body }: { person: string; body: ReturnType<typeof story>[number] }): NewInboxRow {
  const payload = JSON.stringify(body);
  // The hash breaks ties: without the person in it, so that everybody's ties break the same way.
  const bodyHash = createHash('sha256').update(payload.replaceAll(person, 'X')).digest('hex');
  return {
    connectionId: 'default',
    source: 'stickycards',
    dedupeKey: createHash('sha256').update(payload).digest('hex'),
    deliveryId: null,
    type: body.event_type,
    occurredAt: new Date(body.timestamp * 1000),
    receivedAt: t.app.store.clock.now(),
    customerId: body.customer_id,
    cardId: body.card_id,
    contactId: null,
    verification: 'verified',
    flags: [],
    headers: null,
    bodyHash,
    payload,
  };
}

const withoutIds = (value: unknown, person: string) =>
  JSON.parse(JSON.stringify(value).replaceAll(person, 'X')) as Record<string, unknown>;

async function staged(person: string): Promise<unknown> {
  const { store } = t.app;
  const [row] = await store.db
    .select()
    .from(store.s.stickyCardsCustomers)
    .where(eq(store.s.stickyCardsCustomers.stickycardsId, person));
  const cards = await store.db
    .select()
    .from(store.s.stickyCardsCards)
    .where(eq(store.s.stickyCardsCards.stickycardsId, person));
  const {
    createdAt: _,
    updatedAt: __,
    version: ___,
    pushedVersion: ____,
    syncedAt: _____,
    readWanted: ______,
    foldState,
    ...values
  } = row as NonNullable<typeof row>;
  const { referrals, ...fold } = foldState;
  return withoutIds(
    {
      values,
      fold: { ...fold, readAtMs: 0, referrals: referrals.length },
      cards: cards
        // When a tie was asked about depends on when it was seen, nothing else does.
        .map(({ createdAt: _c, updatedAt: _u, readWanted: _r, ...card }) => ({
          ...card,
          foldState: { ...card.foldState, readAtMs: 0, balanceTie: null },
        }))
        .toSorted((a, b) => (a.cardId < b.cardId ? -1 : 1)),
    },
    person,
  );
}

test('the same events, shuffled and doubled in 100 random ways and cut into random runs, give the same staging and the same contact', async () => {
  const { store, folder, registry } = t.app;
  const connection = registry.get('default');
  if (!connection) throw new Error('no connection');
  const people = Array.from({ length: 100 }, (_, i) => `p${String(i).padStart(3, '0')}`);
  const random = fc.sample(fc.double({ min: 0, max: 1, noNaN: true }), 100 * 60);
  const next = () => random.pop() ?? 0.5;
  const deliveries = people.map((person, i) => {
    const once = story(person).map((body) => ({ person, body }));
    if (i === 0) return once;
    return [...once, ...once.filter(() => next() < 0.4)]
      .map((delivery) => ({ delivery, key: next() }))
      .toSorted((a, b) => a.key - b.key)
      .map((d) => d.delivery);
  });
  // Everybody's next few deliveries, then a run now and then: what comes late meets what was pushed already.
  for (let round = 0; deliveries.some((d) => d.length > 0); round++) {
    const rows = deliveries.flatMap((d) => d.splice(0, 1 + Math.floor(next() * 12))).map(inboxRow);
    await store.tx((db) => insertDeliveries(store, db, rows));
    await folder.foldAll(connection);
    if (round === 1) await t.run();
  }
  expect(await t.run()).toMatchObject({ failedCount: 0 });
  const expected = await staged('p000');
  for (const person of people) expect({ person, staged: await staged(person) }).toEqual({ person, staged: expected });
  expect(expected).toMatchObject({
    cards: [{ balance: 90 }, { balance: 7 }, { balance: 4, installStatus: 'removed' }],
  });
  for (const person of people)
    expect(await staged(`${person}_before`)).toMatchObject({ values: { cardId: null }, cards: [] });
  const waiting = await listEvents(store, { status: 'waiting' }, 9);
  expect(waiting).toEqual([]);

  const contacts = t.ghl.state.contacts(LOCATION);
  expect(contacts).toHaveLength(100);
  const shown = (contact: (typeof contacts)[number]) => {
    const person = contact.customFields['stickycards_customer_id'] as string;
    const { id: _, dateAdded: __, dateUpdated: ___, ...rest } = contact;
    return withoutIds({ ...rest, tags: t.ghl.state.tagsOf(contact.id).toSorted() }, person);
  };
  const first = contacts.find((c) => c.customFields['stickycards_customer_id'] === 'p000');
  for (const contact of contacts) expect(shown(contact)).toEqual(shown(first as (typeof contacts)[number]));
  expect(shown(first as (typeof contacts)[number])).toMatchObject({
    tags: ['card expired', 'card holder', 'gold', 'referrer', 'vip'],
    customFields: { referral_count: 2, card_status: 'expired', last_activity: '2026-03-20' },
  });
}, 120_000);

test('a rebuild gives the same staging again, from nothing and from a checkpoint, and makes no command twice', async () => {
  const { store, folder, registry } = t.app;
  const connection = registry.get('default');
  if (!connection) throw new Error('no connection');
  // What GHL has to tell of the writes above is told and taken.
  for (let i = 0; i < 2; i += 1) {
    await t.ghl.flushWebhooks();
    await t.run();
  }
  const people = ['p000', 'p042', 'p099'];
  const before = await Promise.all(people.map(staged));
  const commands = await store.db.select().from(store.s.commands);
  await rebuild(store, connection, (c) => folder.foldAll(c));
  expect(await Promise.all(people.map(staged))).toMatchObject(before.map((b) => withoutStatus(b)));
  await store.tx((db) => writeCheckpoint(store, db, 'default'));
  // What the checkpoint stands for may lose its payload.
  await store.tx((db) =>
    db.update(store.s.webhookEvents).set({ payload: null }).where(eq(store.s.webhookEvents.customerId, 'p042')),
  );
  await rebuild(store, connection, (c) => folder.foldAll(c));
  expect(await Promise.all(people.map(staged))).toMatchObject(before.map((b) => withoutStatus(b)));
  expect(await store.db.select().from(store.s.commands)).toEqual(commands);
  const calls = callsBesidePolls(t);
  expect(await t.run()).toMatchObject({ failedCount: 0, updatedCount: 0, createdCount: 0 });
  expect(callsBesidePolls(t)).toBe(calls);
});

/** A rebuild plans again: only the sync status may differ. */
function withoutStatus(value: unknown): Record<string, unknown> {
  const copy = structuredClone(value) as { values: Record<string, unknown> };
  delete copy.values['syncStatus'];
  return copy;
}
