import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EVENT_TYPES } from '../../src/domain/event.ts';
import { listCommands } from '../../src/store/commands.ts';
import { findLogs } from '../../src/store/activityQueries.ts';
import { at, delivery as event } from '../helpers/story.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
beforeEach(async () => {
  t = await startTestApp();
});
afterEach(() => t.stop());

const story = [
  event('CustomerCreatedEvent', 0),
  event('CardIssuedEvent', 1),
  event('CardInstalledEvent', 2, { card: { id: 'card_1', status: 'installed', balance: 0 } }),
  event('CardBalanceUpdatedEvent', 3, { balance: 120 }),
  event('CardScannedEvent', 4),
  event('CustomerReferralCreatedEvent', 5),
  event('CustomerSegmentLinkedEvent', 6, { segment: 'Gold Club' }),
  event('FeedbackCreatedEvent', 7, { rating: 2, comment: 'Slow today' }),
  event('PaymentCompletedSuccessfulEvent', 8, { amount: 12.5, currency: 'USD', payment_id: 'pay_1' }),
  event('PaymentCompletedFailedEvent', 9, { amount: 3, currency: 'USD', payment_id: 'pay_2' }),
  event('PaymentRefundedEvent', 10, { amount: 12.5, currency: 'USD', payment_id: 'pay_1' }),
  event('RecurrentPaymentCompletedFailedEvent', 11),
];

test('a day of deliveries becomes one contact with the right fields and tags', async () => {
  for (const delivery of story) expect((await t.deliver(delivery)).status).toBe(202);
  const run = await t.run();
  // The person, and the seven notes and tasks of the day.
  expect(run).toMatchObject({
    status: 'completed',
    totalRecords: 8,
    createdCount: 1,
    failedCount: 0,
    direction: 'both',
    trigger: 'manual',
  });
  const contact = onlyContact(t);
  expect(contact).toMatchObject({ firstName: 'Ana', lastName: 'Lee', email: 'ana@example.com', phone: '+12125550142' });
  expect(contact.customFields).toEqual({
    stickycards_customer_id: 'cus_1',
    card_id: 'card_1',
    card_status: 'installed',
    card_installed: 'installed',
    card_issued_date: '2026-03-20',
    card_installed_date: '2026-03-20',
    loyalty_points: 120,
    last_activity: '2026-03-20',
    last_purchase_date: '2026-03-20',
    referral_count: 1,
  });
  expect(t.ghl.state.tagsOf(contact.id).toSorted()).toEqual(['card holder', 'gold club', 'referrer']);
});

test('all 14 events are known; each leaves its mark', async () => {
  const told = [...story.map((s) => s['event_type']), 'CardExpiredEvent', 'CardRemovedEvent'];
  expect(new Set(told)).toEqual(new Set(EVENT_TYPES));
  for (const delivery of story) await t.deliver(delivery);
  await t.run();
  await t.deliver(event('CardExpiredEvent', 20));
  await t.run();
  expect(onlyContact(t).customFields).toMatchObject({ card_status: 'expired' });
  expect(t.ghl.state.tagsOf(onlyContact(t).id)).toContain('card expired');
  await t.deliver(event('CardRemovedEvent', 21));
  await t.run();
  expect(onlyContact(t).customFields).toMatchObject({ card_status: 'removed', card_installed: 'removed' });
  // No card is valid again, so the tag that says so stays.
  expect(t.ghl.state.tagsOf(onlyContact(t).id).toSorted()).toEqual(['card expired', 'gold club', 'referrer']);
});

test('feedback, payments and refunds become notes and tasks, once', async () => {
  for (const delivery of [...story, ...story]) await t.deliver(delivery);
  await t.run();
  const commands = await listCommands(t.app.store, { connection: 'default', state: 'applied' }, 50);
  const made = commands.filter((c) => c.kind !== 'create_contact');
  expect(made.map((c) => `${c.kind} ${String(c.params['about'])}`).toSorted()).toEqual([
    'note feedback',
    'note payment',
    'note payment_failed',
    'note refund',
    'task feedback',
    'task payment_failed',
    'task subscription_failed',
  ]);
  const { id } = onlyContact(t);
  expect([t.ghl.state.notes(id).length, t.ghl.state.tasks(id).length]).toEqual([4, 3]);
});

test('an unchanged record costs no call; a change costs the change', async () => {
  for (const delivery of story) await t.deliver(delivery);
  await t.run();
  await t.deliver(event('CardScannedEvent', 30));
  const before = t.ghl.callCount();
  // Every run asks once what changed in GHL.
  expect(await t.run()).toMatchObject({ unchangedCount: 1, apiCalls: 1 });
  expect(t.ghl.callCount()).toBe(before + 1);
  await t.deliver({ ...event('CardScannedEvent', 30), timestamp: '2026-03-22T15:00:00Z' });
  expect(await t.run()).toMatchObject({ updatedCount: 1, apiCalls: 2 });
  await t.deliver(event('CardBalanceUpdatedEvent', 40, { balance: 130 }));
  // A two-way counter is read before it is written.
  expect(await t.run()).toMatchObject({ updatedCount: 1, apiCalls: 3 });
  expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 130 });
});

test('the log says before and after, field by field', async () => {
  await t.deliver(event('CardBalanceUpdatedEvent', 1, { balance: 10 }));
  await t.run();
  await t.deliver(event('CardBalanceUpdatedEvent', 2, { balance: 25 }));
  const run = await t.run();
  const [log] = await findLogs(t.app.store, { runId: run.id }, 10);
  expect(log).toMatchObject({
    action: 'update',
    status: 'success',
    direction: 'stickycards_to_ghl',
    customerId: 'cus_1',
    changes: [{ field: 'loyalty_points', before: 10, after: 25 }],
    traceId: expect.any(String),
  });
});

test('a tag that a person put on in GHL survives every run', async () => {
  await t.deliver(event('CardInstalledEvent', 1));
  await t.run();
  const { id } = onlyContact(t);
  t.ghl.ui.addTags(id, ['VIP by hand', 'card expired']);
  for (const [minute, type] of [
    [2, 'CardScannedEvent'],
    [3, 'CustomerReferralCreatedEvent'],
    [4, 'CardRemovedEvent'],
    [5, 'CardInstalledEvent'],
  ] as const) {
    await t.deliver(event(type, minute));
    await t.run();
    expect(t.ghl.state.tagsOf(id)).toEqual(expect.arrayContaining(['vip by hand', 'card expired']));
  }
  expect(
    t.ghl.journal.filter(
      (x) =>
        JSON.stringify(x.body ?? '').includes('"tags"') &&
        /^\/contacts\/(?!bulk)[^/]*$/.test(x.path) &&
        x.method !== 'GET',
    ),
  ).toEqual([]);
});

describe('finding the contact', () => {
  test.each([
    ['the phone', { phone: '(212) 555-0142' }],
    ['the e-mail, whatever its case', { email: 'ANA@example.com' }],
  ])('by %s: linked, not doubled, and what is there is kept', async (_by, keys) => {
    const id = t.ghl.ui.createContact(LOCATION, { firstName: 'Anna', ...keys }).id;
    t.stickyCards.seed([{ customerId: 'cus_1', firstName: 'Ana' }]);
    await t.deliver(event('CardInstalledEvent', 1));
    expect(await t.run()).toMatchObject({ createdCount: 0, updatedCount: 1 });
    // GHL is the source of truth for contact data.
    expect(t.stickyCards.state.customer('cus_1')).toMatchObject({ firstName: 'Anna' });
    expect(onlyContact(t)).toMatchObject({
      id,
      firstName: 'Anna',
      email: expect.stringMatching(/^ana@example.com$/i),
      phone: '+12125550142',
      customFields: { stickycards_customer_id: 'cus_1' },
    });
  });

  test('neither phone nor e-mail: left out, with the reason', async () => {
    await t.deliver({ event_type: 'CustomerCreatedEvent', timestamp: at(1), customer_id: 'cus_9' });
    expect(await t.run()).toMatchObject({ skippedCount: 1, failedCount: 0 });
    const [log] = await findLogs(t.app.store, { customerId: 'cus_9' }, 1);
    expect(log).toMatchObject({ action: 'skip', status: 'skipped', errorCode: 'no_contact_info' });
  });

  test('two people with one phone: one contact, the second is listed with both names', async () => {
    await t.deliver(event('CustomerCreatedEvent', 1));
    await t.deliver(
      event('CustomerCreatedEvent', 1, { customer_id: 'cus_2', card_id: 'card_2', email: 'bo@example.com' }),
    );
    await t.run();
    expect(t.ghl.state.contacts(LOCATION)).toHaveLength(1);
    const [log] = await findLogs(t.app.store, { status: 'skipped' }, 1);
    expect(log).toMatchObject({ errorCode: 'already_linked', errorMessage: expect.stringMatching(/cus_[12]/) });
  });

  test('the phone of one and the e-mail of another: the phone decides, the e-mail is not sent', async () => {
    const phone = t.ghl.ui.createContact(LOCATION, { phone: '+12125550142' }).id;
    const email = t.ghl.ui.createContact(LOCATION, { email: 'ana@example.com' }).id;
    await t.deliver(event('CustomerCreatedEvent', 1));
    await t.run();
    expect(t.ghl.state.contact(phone)).toMatchObject({ customFields: { stickycards_customer_id: 'cus_1' } });
    expect(t.ghl.state.contact(phone)?.email ?? null).toBeNull();
    expect(t.ghl.state.contact(email)?.customFields).toEqual({});
  });
});

test('an unknown event is kept and skipped with a reason', async () => {
  const answer = await t.deliver({ event_type: 'CardPolishedEvent', timestamp: at(1), customer_id: 'cus_1' });
  expect(answer.status).toBe(202);
  await t.run();
  const [stored] = await t.app.store.db.select().from(t.app.store.s.webhookEvents);
  expect(stored).toMatchObject({ id: answer.body['receiptId'], status: 'skipped', reason: 'unknown_event_type' });
});

test('points edited in GHL are never overwritten: the edit becomes one command and the field waits', async () => {
  await t.app.connections.pause('default', 'test', 'ghl_to_stickycards');
  await t.app.registry.refresh();
  await t.deliver(event('CardBalanceUpdatedEvent', 1, { balance: 100 }));
  await t.run();
  t.ghl.ui.updateContact(onlyContact(t).id, { customFields: { loyalty_points: 150 } });
  await t.deliver(event('CardBalanceUpdatedEvent', 2, { balance: 120 }));
  await t.run();
  await t.deliver(event('CardBalanceUpdatedEvent', 3, { balance: 125 }));
  await t.run();
  expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 150 });
  const commands = await listCommands(t.app.store, { kind: 'add_points' }, 10);
  expect(commands).toMatchObject([
    { state: 'pending', target: 'card:card_1', params: { points: 50, from: 100, to: 150 } },
  ]);
});

describe('one real payload of each event', () => {
  test.each(EVENT_TYPES.flatMap((type) => [type, `${type}.native`]))(
    '%s is received, folded and pushed',
    async (name) => {
      const body = JSON.parse(
        readFileSync(new URL(`../fixtures/stickycards/${name}.json`, import.meta.url), 'utf8'),
      ) as Record<string, unknown>;
      expect((await t.deliver(body)).status).toBe(202);
      const run = await t.run();
      expect(run).toMatchObject({ failedCount: 0, lastError: null });
      const [stored] = await t.app.store.db.select().from(t.app.store.s.webhookEvents).limit(1);
      expect(stored).toMatchObject({ type: name.replace('.native', ''), status: 'folded' });
      expect(run.createdCount).toBe(1);
    },
  );
});
