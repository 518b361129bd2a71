import { afterEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { rebuild } from '../../src/ops/rebuild.ts';
import { insertDeliveries, type NewInboxRow } from '../../src/store/inbox.ts';
import { listProblems } from '../../src/store/problems.ts';
import { loadPeople } from '../../src/store/staging.ts';
import { at, delivery } from '../helpers/story.ts';
import { onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
afterEach(() => t.stop());

type Body = Record<string, unknown>;
const named = (type: string, minute: number, rest: Body): Body => ({
  event_type: type,
  timestamp: at(minute),
  ...rest,
});

const connection = () => t.app.registry.get('default') as NonNullable<ReturnType<typeof t.app.registry.get>>;
const fold = () => t.app.folder.foldAll(connection());

/** Several deliveries in one batch. */
async function together(...bodies: Body[]): Promise<void> {
  const { store } = t.app;
  const rows = bodies.map((body): NewInboxRow => {
    const payload = JSON.stringify(body);
    const hash = createHash('sha256').update(payload).digest('hex');
    return {
      connectionId: 'default',
      source: 'stickycards',
      dedupeKey: hash,
      deliveryId: null,
      type: body['event_type'] as string,
      occurredAt: new Date(body['timestamp'] as string),
      receivedAt: store.clock.now(),
      customerId: (body['customer_id'] as string | undefined) ?? null,
      cardId: (body['card_id'] as string | undefined) ?? null,
      contactId: null,
      verification: 'verified',
      flags: [],
      headers: null,
      bodyHash: hash,
      payload,
    };
  });
  await store.tx((db) => insertDeliveries(store, db, rows));
  await fold();
}

async function apart(...bodies: Body[]): Promise<void> {
  for (const body of bodies) await together(body);
}

const events = async () => {
  const { store } = t.app;
  const { webhookEvents: e } = store.s;
  const rows = await store.db.select().from(e).where(eq(e.source, 'stickycards')).orderBy(e.id);
  return rows.map(({ status, reason, customerId }) => [status, reason, customerId]);
};
const people = async (...ids: string[]) => {
  const { customers, cards } = await loadPeople(t.app.store, t.app.store.db, 'default', ids, []);
  return {
    shown: ids.map((id) => customers.get(id)?.cardId),
    holders: [...cards.values()].map(({ cardId, stickycardsId }) => `${cardId} of ${stickycardsId}`),
  };
};
const orders = (bodies: Body[]): [string, () => Promise<void>][] => [
  ['in one batch', () => together(...bodies)],
  ['in one batch, the other way round', () => together(...bodies.toReversed())],
  ['one by one', () => apart(...bodies)],
  ['one by one, the other way round', () => apart(...bodies.toReversed())],
];

describe('an event that names only its card', () => {
  test('leaves the other cards of its holder where they are: GHL goes on showing the valid one', async () => {
    t = await startTestApp();
    await t.deliver(delivery('CardInstalledEvent', 1, { card_id: 'OLD', balance: 5 }));
    await t.deliver(delivery('CardInstalledEvent', 2, { card_id: 'NEW', balance: 900 }));
    await t.run();
    await t.deliver(named('CardRemovedEvent', 3, { card_id: 'OLD' }));
    await t.run();
    expect(onlyContact(t).customFields).toMatchObject({
      card_id: 'NEW',
      card_status: 'installed',
      loyalty_points: 900,
    });
  });

  const bodies = [
    named('PaymentCompletedSuccessfulEvent', 5, { card_id: 'K1', amount: 12.5 }),
    named('CardInstalledEvent', 1, { customer_id: 'C1', card_id: 'K1' }),
  ];
  test.each(orders(bodies))('is used whenever its card becomes known: %s', async (_how, deliver) => {
    t = await startTestApp();
    await deliver();
    const folded = ['folded', null, 'C1'];
    expect(await events()).toEqual([folded, folded]);
  });
});

describe('a payment where payments of strangers are the account’s own bills (SPEC §2.3)', () => {
  const billing = { env: { STICKY_CARDS_DIALECT: 'digitalwallet' } };
  const paid = (who: Body) => named('PaymentCompletedSuccessfulEvent', 5, { ...who, amount: 5, payment_id: 'p1' });
  const installed = named('CardInstalledEvent', 1, { customer_id: 'C1', card_id: 'K1' });

  test.each(
    [
      ['customer', { customer_id: 'C1' }] as const,
      ['card', { card_id: 'K1' }] as const,
      ['customer and card', { customer_id: 'C1', card_id: 'K1' }] as const,
    ].flatMap(([by, who]) => orders([paid(who), installed]).map(([how, deliver]) => [by, how, deliver] as const)),
  )('that names its %s counts, before and after the card: %s', async (_by, _how, deliver) => {
    t = await startTestApp(billing);
    await deliver();
    const folded = ['folded', null, 'C1'];
    expect(await events()).toEqual([folded, folded]);
    expect((await t.api('/customers/C1')).body).toMatchObject({ lastPurchaseDate: '2026-03-20T15:05:00.000Z' });
    expect(await t.app.store.db.select().from(t.app.store.s.commands)).toMatchObject([{ target: 'customer:C1' }]);
  });

  test('of somebody without a card is left out, and so is one that names nobody; neither is a problem', async () => {
    t = await startTestApp(billing);
    await apart(paid({ customer_id: 'C2' }), paid({}), installed);
    const [first, second] = await events();
    expect([first, second]).toEqual([
      ['skipped', 'no_customer', 'C2'],
      ['skipped', 'no_customer', null],
    ]);
    expect(await listProblems(t.app.store, {}, 9)).toEqual([]);
  });

  test('does not forget what is known of its customer when their first card makes it count', async () => {
    t = await startTestApp(billing);
    await apart(
      named('CustomerCreatedEvent', 0, { customer_id: 'C1', email: 'ana@example.com' }),
      named('CardInstalledEvent', 1, { customer_id: 'C2', card_id: 'K2', balance: 8 }),
      paid({ customer_id: 'C1' }),
      named('CardIssuedEvent', 2, { customer_id: 'C1', card_id: 'K2' }),
    );
    expect((await t.api('/customers/C1')).body).toMatchObject({ email: 'ana@example.com', loyaltyPoints: 8 });
    expect(await events()).toHaveLength(4);
    expect((await events()).map(([status]) => status)).toEqual(['folded', 'folded', 'folded', 'folded']);
  });
});

describe('whose card it is', () => {
  const bodies = [
    named('CardInstalledEvent', 1, { customer_id: 'o1', card_id: 'ok1', email: 'o1@example.com' }),
    named('CardBalanceUpdatedEvent', 2, { customer_id: 'o2', card_id: 'ok1', balance: 7, email: 'o2@example.com' }),
    named('CardScannedEvent', 3, { card_id: 'ok1' }),
  ];
  test.each(orders(bodies))('the newest event decides: %s', async (_how, deliver) => {
    t = await startTestApp();
    await deliver();
    expect(await people('o1', 'o2')).toEqual({ shown: [null, 'ok1'], holders: ['ok1 of o2'] });
    expect((await t.api('/customers/o2')).body).toMatchObject({ loyaltyPoints: 7, cardInstalled: 'installed' });
    await rebuild(t.app.store, connection(), (c) => t.app.folder.foldAll(c));
    expect(await people('o1', 'o2')).toEqual({ shown: [null, 'ok1'], holders: ['ok1 of o2'] });
  });

  test('both people are planned anew: GHL shows the card with its new holder only', async () => {
    t = await startTestApp();
    await together(bodies[0] as Body);
    await t.run();
    await together(bodies[1] as Body);
    expect(await t.run()).toMatchObject({ createdCount: 1, updatedCount: 1, failedCount: 0 });
    const staged = await t.app.store.db.select().from(t.app.store.s.stickyCardsCustomers);
    expect(staged.map(({ stickycardsId, syncStatus, cardId }) => [stickycardsId, syncStatus, cardId])).toEqual([
      ['o1', 'SYNCED', null],
      ['o2', 'SYNCED', 'ok1'],
    ]);
  });
});

test('what cannot be folded is left out with a problem that names it', async () => {
  t = await startTestApp();
  await apart(delivery('CustomerCreatedEvent', 1));
  const { store } = t.app;
  const { stickyCardsCustomers: c } = store.s;
  await store.tx((db) => db.update(c).set({ foldState: { broken: true } as never }));
  await apart(delivery('CustomerSegmentLinkedEvent', 2, { segment: 'VIP' }));
  expect((await events()).at(-1)).toEqual(['skipped', 'fold_failed', 'cus_1']);
  expect(await listProblems(store, { code: 'fold_failed' }, 9)).toMatchObject([{ state: 'open', affected: 1 }]);
});

test('a segment may be called Constructor or __proto__', async () => {
  t = await startTestApp();
  for (const [minute, segment] of ['Constructor', '__proto__', 'Constructor'].entries())
    await t.deliver(delivery('CustomerSegmentLinkedEvent', minute, { segment }));
  await t.run();
  expect(t.ghl.state.tagsOf(onlyContact(t).id).toSorted()).toEqual(['__proto__', 'constructor']);
  expect((await t.api('/customers/cus_1')).body['segments']).toEqual(['__proto__', 'Constructor']);
});

test.each([
  ['customer_id', { customer_id: 'c'.repeat(256) }],
  ['card_id', { card_id: 'k'.repeat(3000) }],
])('a delivery with an endless %s is stored and left out with its reason', async (_name, rest) => {
  t = await startTestApp();
  expect((await t.deliver(delivery('CardInstalledEvent', 1, rest))).status).toBe(202);
  expect((await t.deliver(delivery('E'.repeat(121), 2))).status).toBe(202);
  await fold();
  expect((await events()).map(([status, reason]) => [status, reason])).toEqual([
    ['skipped', 'id_too_long'],
    ['skipped', 'unknown_event_type'],
  ]);
});

test('two people whose ids a number would round are two people', async () => {
  t = await startTestApp();
  for (const id of ['1445678901234567890', '1445678901234567891'])
    await t.deliverRaw(
      `{"event_type":"CustomerCreatedEvent","timestamp":"${at(1)}","customer_id":${id},"email":"p${id}@example.com"}`,
    );
  await fold();
  for (const id of ['1445678901234567890', '1445678901234567891'])
    expect((await t.api(`/customers/${id}`)).body).toMatchObject({ customerId: id, email: `p${id}@example.com` });
});
