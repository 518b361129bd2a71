import { afterEach, expect, test } from '@jest/globals';
import { listProblems } from '../../src/store/problems.ts';
import { at, delivery } from '../helpers/story.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp, type TestAppOptions } from '../helpers/testApp.ts';

let t: TestApp;
afterEach(() => t.stop());

/** Ana at the platform, whose own deliveries are kept away: the test says what arrives. */
async function anaAtThePlatform(balance: number, options: TestAppOptions = {}): Promise<void> {
  t = await startTestApp(options);
  t.stickyCards.setWebhookUrl(undefined);
  t.stickyCards.till.createCustomer({
    customerId: 'cus_1',
    firstName: 'Ana',
    email: 'ana@example.com',
    phone: '+12125550142',
  });
  t.stickyCards.till.issueCard('cus_1', { cardId: 'card_1' });
  t.stickyCards.till.installCard('card_1');
  t.stickyCards.till.addPoints('card_1', balance);
}

const reads = () => t.stickyCards.journal.filter((x) => x.method === 'GET').map((x) => x.path);

test('a balance event without a balance is answered by one read of the card in the next run', async () => {
  await anaAtThePlatform(85);
  await t.deliver(delivery('CardBalanceUpdatedEvent', 1));
  expect(await t.run()).toMatchObject({ failedCount: 0, createdCount: 1 });
  expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 85 });
  expect(reads()).toEqual(['/v1/cards/card_1']);
  await t.run();
  expect(reads()).toHaveLength(1);
});

test('a balance that names no card is read from the customer, whose only card it need not be', async () => {
  await anaAtThePlatform(77);
  await t.deliver(delivery('CardInstalledEvent', 1, { balance: 5 }));
  await t.run();
  expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 5 });
  await t.deliver({ event_type: 'CardBalanceUpdatedEvent', timestamp: at(2), customer_id: 'cus_1', balance: 70 });
  await t.run();
  expect(reads()).toEqual(['/v1/customers/cus_1']);
  expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 77 });
});

test('two different balances of one time are settled by a read, not by a guess', async () => {
  await anaAtThePlatform(30);
  await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { balance: 20 }));
  await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { balance: 25 }));
  await t.run();
  expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 30 });
});

test('a read settles what was heard before it in the very second that its answer names', async () => {
  const second = Date.parse(at(1));
  await anaAtThePlatform(30, { stickyCards: { now: () => second + 700 } });
  for (const balance of [20, 25])
    await t.deliver(
      delivery('CardBalanceUpdatedEvent', 1, { timestamp: new Date(second + 65).toISOString(), balance }),
    );
  await t.run();
  expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 30 });
  await t.run();
  expect(reads()).toEqual(['/v1/cards/card_1']);
});

test('a linked event without a segment is answered by one read of the customer, which tells the whole set', async () => {
  await anaAtThePlatform(0);
  t.stickyCards.till.linkSegment('cus_1', 'VIP');
  await t.deliver(delivery('CustomerSegmentLinkedEvent', 1));
  await t.run();
  expect(t.ghl.state.tagsOf(onlyContact(t).id)).toContain('vip');
  expect(reads()).toEqual(['/v1/customers/cus_1']);
});

test('when Sticky Cards does not answer, what is known is pushed and the question stays for the next run', async () => {
  await anaAtThePlatform(85);
  t.stickyCards.faults.add({ kind: 'status', status: 503, times: 1 });
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.deliver(delivery('CardBalanceUpdatedEvent', 2));
  expect(await t.run()).toMatchObject({ createdCount: 1, failedCount: 0 });
  expect(onlyContact(t).customFields).toMatchObject({ card_status: 'installed' });
  await t.run();
  expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 85 });
});

test('a person that Sticky Cards does not know any more is asked about once and listed', async () => {
  t = await startTestApp();
  await t.deliver(delivery('CardBalanceUpdatedEvent', 1));
  await t.run();
  const asked = reads().length;
  await t.run();
  expect(reads()).toHaveLength(asked);
  const problems = await t.app.store.db.select().from(t.app.store.s.problems);
  expect(problems).toMatchObject([{ code: 'gone_in_sticky_cards', affected: 1 }]);
});

const refusals = async () =>
  (await listProblems(t.app.store, { code: 'read_refused_by_sticky_cards' }, 9)).map(({ affected }) => affected);

/** People c00 to c19 whose balances only a read can tell; the cards of some cannot be read. */
async function twenty(status: number, bad: RegExp): Promise<() => unknown[]> {
  t = await startTestApp();
  t.stickyCards.setWebhookUrl(undefined);
  for (let n = 0; n < 20; n += 1) {
    const id = `c${String(n).padStart(2, '0')}`;
    t.stickyCards.seed([
      { customerId: id, email: `${id}@example.com`, cards: [{ cardId: `card_${id}`, balance: 50 + n }] },
    ]);
    await t.deliver({
      event_type: 'CardBalanceUpdatedEvent',
      timestamp: new Date().toISOString(),
      customer_id: id,
      card_id: `card_${id}`,
      email: `${id}@example.com`,
    });
  }
  t.stickyCards.faults.add({ kind: 'status', status, path: bad });
  return () => t.ghl.state.contacts(LOCATION).flatMap((c) => c.customFields['loyalty_points'] ?? []);
}

test('somebody whom Sticky Cards refuses to show is listed once; everybody else is read in the same run', async () => {
  const points = await twenty(422, /^\/v1\/cards\/card_c0[3-8]$/);
  expect(await t.run()).toMatchObject({ createdCount: 20 });
  expect(points()).toHaveLength(14);
  expect(await refusals()).toEqual([6]);
  const asked = t.stickyCards.callCount();
  await t.run();
  expect(t.stickyCards.callCount()).toBe(asked);
});

test('people whose reads end in server errors keep nobody waiting for longer than a run', async () => {
  const points = await twenty(500, /^\/v1\/cards\/card_c0[0-6]$/);
  await t.run();
  await t.run();
  expect(points()).toHaveLength(13);
  t.stickyCards.faults.clear();
  await t.run();
  await t.run();
  expect(points()).toHaveLength(20);
});

test('a key that is rejected pauses the side, with its problem', async () => {
  await twenty(401, /./);
  await t.run();
  expect(await listProblems(t.app.store, { code: 'sticky_key_rejected' }, 9)).toHaveLength(1);
  expect(t.stickyCards.callCount()).toBeLessThan(20);
});
