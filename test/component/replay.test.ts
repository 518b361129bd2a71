// Events taken again, customers read anew, and the story of a customer (SPEC §6, §6.1).
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { desc, eq } from 'drizzle-orm';
import { listCommands } from '../../src/store/commands.ts';
import { onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';
import { delivery } from '../helpers/story.ts';

let t: TestApp;
beforeEach(async () => {
  t = await startTestApp();
});
afterEach(() => t.stop());

interface Item {
  id: string;
  kind: string;
  event?: { type: string; source: string; status: string };
  log?: { action: string; status: string; changes: unknown[] };
  command?: { kind: string; state: string };
  audit?: { action: string; actor: string };
}
const items = (body: Record<string, unknown>) => body['items'] as Item[];
const receipt = async (body: Record<string, unknown>) => (await t.deliver(body)).body['receiptId'] as string;
const writesToGhl = () => t.ghl.journal.filter((e) => e.method !== 'GET' && !e.path.endsWith('/search')).length;
const audits = async () =>
  (await t.app.store.db.select().from(t.app.store.s.syncAuditLogs).orderBy(desc(t.app.store.s.syncAuditLogs.id))).map(
    (row) => [row.action, row.subject],
  );

/** A person with an installed card, in both sides. */
async function ana() {
  // A minute ago: an answer names the second only, so a read in the second of an event settles nothing.
  const till = t.stickyCards.tillAt(t.stickyCards.now() - 60_000);
  const { customerId } = till.createCustomer({
    firstName: 'Ana',
    lastName: 'Lee',
    email: 'ana@example.com',
    phone: '+12125550142',
  });
  const { cardId } = till.issueCard(customerId, { balance: 100 });
  till.installCard(cardId);
  await t.stickyCards.flushWebhooks();
  await t.run();
  await t.ghl.flushWebhooks();
  await t.run();
  return { customerId, cardId, contactId: onlyContact(t).id };
}

describe('an event is taken again', () => {
  test('one that succeeded plans its customer anew, changes nothing and makes no note twice', async () => {
    const id = await receipt(delivery('FeedbackCreatedEvent', 1, { rating: 2, comment: 'Slow' }));
    await t.run();
    const before = { writes: writesToGhl(), commands: (await listCommands(t.app.store, {}, 99)).map((c) => c.id) };
    const { status, body } = await t.api(`/events/${id}/replay`, { wait: true });
    expect(status).toBe(200);
    expect(body['event']).toMatchObject({ id, status: 'FOLDED' });
    expect(body['run']).toMatchObject({ trigger: 'replay', status: 'completed', unchangedCount: 1, failedCount: 0 });
    expect(writesToGhl()).toBe(before.writes);
    expect((await listCommands(t.app.store, {}, 99)).map((c) => c.id)).toEqual(before.commands);
    expect((await audits())[0]).toEqual(['event.replay', id]);
  });

  test('replaying everything, twice and in any order, leaves both sides as they are', async () => {
    const ids: string[] = [];
    ids.push(await receipt(delivery('CardInstalledEvent', 1)));
    ids.push(await receipt(delivery('CardBalanceUpdatedEvent', 2, { balance: 120 })));
    ids.push(await receipt(delivery('CustomerReferralCreatedEvent', 3)));
    ids.push(
      await receipt(delivery('PaymentCompletedFailedEvent', 4, { amount: 3, currency: 'USD', payment_id: 'p' })),
    );
    await t.run();
    const contact = structuredClone(onlyContact(t));
    const before = writesToGhl();
    for (const id of [...ids.toReversed(), ...ids]) await t.api(`/events/${id}/replay`, {});
    await t.run();
    expect(writesToGhl()).toBe(before);
    expect(onlyContact(t).customFields).toEqual(contact.customFields);
  });

  test('without wait it is 202, and the run follows by itself', async () => {
    const id = await receipt(delivery('CardInstalledEvent', 1));
    await t.run();
    const { status, body } = await t.api(`/events/${id}/replay`, {});
    expect([status, body['run']]).toEqual([202, null]);
    // A run that is asked for waits for the one under way.
    await t.run();
    expect(items((await t.api('/runs?trigger=replay')).body)).toMatchObject([{ status: 'completed' }]);
  });

  test('one of GHL has its contact read; what it once showed is no edit', async () => {
    const { cardId, contactId } = await ana();
    t.ghl.ui.updateContact(contactId, { customFields: { loyalty_points: 130 } });
    await t.ghl.flushWebhooks();
    await t.run();
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(130);
    const [event] = items((await t.api('/events?source=ghl&type=ContactUpdate&limit=1')).body);
    t.stickyCards.till.addPoints(cardId, 20);
    await t.stickyCards.flushWebhooks();
    await t.run();
    const reads = () => t.ghl.journal.filter((e) => e.method === 'GET' && e.path === `/contacts/${contactId}`).length;
    const before = reads();
    const { status } = await t.api(`/events/${event?.id ?? ''}/replay`, { wait: true });
    expect(status).toBe(200);
    expect(reads()).toBeGreaterThan(before);
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(150);
    expect(items((await t.api('/problems?state=open')).body)).toEqual([]);
  });

  test('one that was put aside is worked in once its cause is gone', async () => {
    const id = await receipt({
      event_type: 'CardBalanceUpdatedEvent',
      timestamp: '2026-03-20T15:00:00Z',
      card_id: 'card_1',
      balance: 5,
    });
    await t.run();
    expect((await t.api(`/events/${id}`)).body).toMatchObject({ status: 'WAITING' });
    const { store } = t.app;
    await store.tx((db) => db.update(store.s.webhookEvents).set({ status: 'skipped', reason: 'fold_failed' }));
    await t.deliver(delivery('CardIssuedEvent', 1));
    await t.run();
    await t.api(`/events/${id}/replay`, { wait: true });
    expect((await t.api(`/events/${id}`)).body).toMatchObject({ status: 'FOLDED', customerId: 'cus_1' });
    expect((await t.api('/customers/cus_1')).body).toMatchObject({ loyaltyPoints: 5 });
  });

  test('what has no body, belongs to nobody or does not exist is refused with what to do instead', async () => {
    await fetch(`${t.url}/webhooks/sticky-cards`, { method: 'POST', body: '{}' });
    const [rejected] = items((await t.api('/events?status=rejected')).body);
    const refused = await t.api(`/events/${rejected?.id ?? ''}/replay`, {});
    expect([refused.status, refused.body['code'], refused.body['reason']]).toEqual([409, 'not_replayable', 'rejected']);
    const id = await receipt(delivery('CardInstalledEvent', 1));
    await t.run();
    const { store } = t.app;
    await store.tx((db) => db.update(store.s.webhookEvents).set({ payload: null }));
    expect((await t.api(`/events/${id}/replay`, {})).body['detail']).toContain('resync');
    expect((await t.api('/events/evt_none/replay', {})).status).toBe(404);
    expect((await t.api(`/events/${id}/replay`, { force: true })).body['field']).toBe('force');
  });

  test('in observe nothing runs: the event waits for the fold alone', async () => {
    const id = await receipt(delivery('CardInstalledEvent', 1));
    await t.run();
    await t.api('/connections/default/observe', {});
    const { status, body } = await t.api(`/events/${id}/replay`, { wait: true });
    expect([status, body['run']]).toEqual([200, null]);
  });
});

test('a resync reads both sides anew and brings together what no webhook told', async () => {
  const { customerId, cardId, contactId } = await ana();
  t.stickyCards.setWebhookUrl(undefined);
  t.ghl.setWebhookUrl(undefined);
  t.stickyCards.till.addPoints(cardId, 11);
  const { status, body } = await t.api(`/customers/${customerId}/resync`, { wait: true });
  expect([status, (body['run'] as { status: string }).status]).toEqual([200, 'completed']);
  expect(body['customer']).toMatchObject({ customerId, loyaltyPoints: 111, syncStatus: 'SYNCED' });
  expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 111 });
  expect(t.stickyCards.journal.filter((e) => e.method === 'GET' && e.path.includes(customerId)).length).toBeGreaterThan(
    0,
  );
  expect(t.ghl.journal.filter((e) => e.method === 'GET' && e.path === `/contacts/${contactId}`).length).toBeGreaterThan(
    0,
  );
  expect((await audits())[0]).toEqual(['customer.resync', customerId]);
  const { store } = t.app;
  const { syncAuditLogs: a } = store.s;
  expect(await store.db.select().from(a).where(eq(a.action, 'customer.resync'))).toMatchObject([
    {
      before: { syncStatus: 'SYNCED', attempts: 0, readWanted: false },
      after: { syncStatus: 'PENDING', attempts: 0, readWanted: true },
    },
  ]);
  expect((await t.api('/customers/nobody/resync', {})).status).toBe(404);
});

test('the story of a customer holds deliveries, calls, commands and decisions, in pages without gaps or repeats', async () => {
  for (const [i, type] of ['CustomerCreatedEvent', 'CardInstalledEvent', 'CardBalanceUpdatedEvent'].entries())
    await t.deliver(delivery(type, i, { balance: 10 }));
  await t.deliver(delivery('FeedbackCreatedEvent', 5, { rating: 5, comment: 'Nice' }));
  await t.run();
  await t.ghl.flushWebhooks();
  await t.run();
  await t.api('/customers/cus_1/retry', {});
  const all: Item[] = [];
  for (let cursor = ''; ;) {
    const { status, body } = await t.api(`/customers/cus_1/timeline?limit=3${cursor && `&cursor=${cursor}`}`);
    expect(status).toBe(200);
    all.push(...items(body));
    if (body['nextCursor'] === null) break;
    cursor = body['nextCursor'] as string;
  }
  expect(new Set(all.map((item) => item.id)).size).toBe(all.length);
  const keys = all.map((item) => item.id.slice(4));
  expect(keys).toEqual(keys.toSorted().toReversed());
  expect(all[0]?.audit).toMatchObject({ action: 'customer.retry', actor: 'api' });
  expect(all.filter((item) => item.event?.source === 'stickycards')).toHaveLength(4);
  // The echo of our own writes belongs to the story.
  expect(all.some((item) => item.event?.source === 'ghl')).toBe(true);
  expect(new Set(all.flatMap((item) => (item.command ? [item.command.kind] : [])))).toEqual(
    new Set(['create_contact', 'note']),
  );
  expect(all.some((item) => item.log?.action === 'create' && item.log.status === 'success')).toBe(true);
  expect((await t.api('/customers/cus_1/timeline?cursor=abc')).body['field']).toBe('cursor');
});

test('a retry of a filter can be counted first', async () => {
  const { store } = t.app;
  await t.deliver(delivery('CustomerCreatedEvent', 0));
  await t.run();
  await store.tx((db) =>
    db
      .update(store.s.stickyCardsCustomers)
      .set({ syncStatus: 'FAILED', syncError: { class: 'validation', code: 'validation', message: '422' } }),
  );
  expect((await t.api('/retry', { filter: {}, dryRun: true })).body).toEqual({ count: 1, dryRun: true });
  expect((await t.api('/retry', { filter: { code: 'validation', q: 'Ana' }, dryRun: true })).body['count']).toBe(1);
  expect((await t.api('/retry', { filter: { code: 'other' }, dryRun: true })).body['count']).toBe(0);
  expect((await t.api('/customers/cus_1')).body).toMatchObject({ syncStatus: 'FAILED' });
  expect((await t.api('/retry', { filter: { code: 'validation' } })).body).toEqual({ count: 1 });
  expect((await t.api('/customers/cus_1')).body).toMatchObject({ syncStatus: 'PENDING', syncError: null });
});
