// Points that stand in GHL while nobody has told the card's balance yet (SPEC §2.5, no base): the card's balance goes to
// GHL, never the other way, and nothing is booked.
import { afterEach, expect, test } from '@jest/globals';
import { listCommands } from '../../src/store/commands.ts';
import { listProblems } from '../../src/store/problems.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

const HOUR = 3_600_000;
let t: TestApp;
let clock: ReturnType<typeof movableClock>;
afterEach(() => t.stop());

async function start(): Promise<void> {
  clock = movableClock();
  const now = () => clock.nowMs();
  t = await startTestApp({ overrides: { clock }, ghl: { now }, stickyCards: { now } });
}
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    await t.stickyCards.flushWebhooks();
    await t.ghl.flushWebhooks();
    clock.ahead(HOUR);
    await t.run();
  }
}
const points = () => onlyContact(t).customFields['loyalty_points'];
const edit = (loyalty_points: number | string) =>
  t.ghl.ui.updateContact(onlyContact(t).id, { customFields: { loyalty_points } });
const bookings = () => listCommands(t.app.store, { kind: 'add_points' }, 9);

/** A customer whose card nobody has told the balance of, and a contact with that e-mail and 500 points of old. */
async function oldPoints(): Promise<void> {
  t.ghl.ui.addCustomField(LOCATION, { name: 'Loyalty Points', dataType: 'NUMERICAL' });
  t.ghl.ui.createContact(LOCATION, { email: 'ana@example.com', customFields: { loyalty_points: 500 } });
  t.stickyCards.seed([{ customerId: 'cus_1', email: 'ana@example.com', cards: [{ cardId: 'card_1', balance: 50 }] }]);
  await t.deliver({
    event_type: 'CardScannedEvent',
    timestamp: new Date(clock.nowMs()).toISOString(),
    customer_id: 'cus_1',
    card_id: 'card_1',
    email: 'ana@example.com',
  });
}

test('at the first link it is read first, by one call, and goes to GHL', async () => {
  await start();
  await oldPoints();
  await t.run();
  expect(points()).toBe(50);
  expect(t.stickyCards.callCount({ path: '/v1/cards/card_1' })).toBe(1);
  expect(await bookings()).toEqual([]);
  await settled();
  expect(t.stickyCards.callCount({ path: '/v1/cards/card_1' })).toBe(1);
});

test('a read that fails is made again; what is typed meanwhile is no difference to anything', async () => {
  await start();
  await oldPoints();
  t.stickyCards.faults.add({ kind: 'status', status: 500, path: /^\/v1\/cards\//, times: 1 });
  await t.run();
  expect(points()).toBe(500);
  edit(40);
  await settled();
  expect(points()).toBe(50);
  expect(await bookings()).toEqual([]);
  expect((await listProblems(t.app.store, {}, 9)).filter(({ state }) => state === 'open')).toEqual([]);
});

test('a number typed for somebody without a card gives way to the first card; from then on it counts', async () => {
  await start();
  const { customerId } = t.stickyCards.till.createCustomer({ email: 'ana@example.com' });
  await settled();
  edit(40);
  await settled();
  expect(points()).toBe(40);
  const { cardId } = t.stickyCards.till.issueCard(customerId, { balance: 10 });
  await settled();
  expect(points()).toBe(10);
  expect(await bookings()).toEqual([]);
  t.stickyCards.till.addPoints(cardId, 5);
  await settled();
  expect(points()).toBe(15);
  edit(25);
  await settled();
  expect([points(), t.stickyCards.state.card(cardId)?.balance]).toEqual([25, 25]);
  expect(await bookings()).toMatchObject([{ params: { points: 10 } }]);
});
