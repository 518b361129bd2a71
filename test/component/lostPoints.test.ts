// Points that are edited in GHL while an answer gets lost (SPEC §3.3): nothing is guessed, nothing is forgotten.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { listCommands } from '../../src/store/commands.ts';
import { listProblems } from '../../src/store/problems.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

const HOUR = 3_600_000;
const clock = movableClock();
let t: TestApp;
beforeEach(async () => {
  const now = () => clock.nowMs();
  t = await startTestApp({ overrides: { clock }, ghl: { now }, stickyCards: { now } });
  // They leave when the test says so: whatever is delivered, it is known after which run.
  t.ghl.webhooks.setOptions({ auto: false });
});
afterEach(() => t.stop());

const deliver = async () => {
  await t.stickyCards.flushWebhooks();
  await t.ghl.flushWebhooks();
};
const settled = async () => {
  for (let i = 0; i < 3; i++) {
    await deliver();
    clock.ahead(HOUR);
    await t.run();
  }
};
const contact = () => onlyContact(t);
const balance = (cardId: string) => t.stickyCards.state.card(cardId)?.balance;
const edit = (loyalty_points: number) => t.ghl.ui.updateContact(contact().id, { customFields: { loyalty_points } });
const openProblems = async () =>
  (await listProblems(t.app.store, {}, 50)).filter(({ state }) => state === 'open').map(({ code }) => code);
const PUT = { method: 'PUT', path: /^\/contacts\/[^/]+$/ } as const;

/** A customer with a card of 100 points, linked. */
async function linked(): Promise<{ customerId: string; cardId: string }> {
  const { till } = t.stickyCards;
  const { customerId } = till.createCustomer({ firstName: 'Ana', email: 'ana@example.com' });
  const { cardId } = till.issueCard(customerId, { balance: 100 });
  await settled();
  expect(contact().customFields).toMatchObject({ loyalty_points: 100 });
  return { customerId, cardId };
}

test('nobody can say whether our number had arrived: it waits until a person put the right one into GHL and pressed Retry', async () => {
  const { customerId, cardId } = await linked();
  t.ghl.setWebhookUrl(undefined);
  t.stickyCards.till.addPoints(cardId, 20);
  await t.stickyCards.flushWebhooks();
  t.ghl.faults.add({ ...PUT, kind: 'reset_after', times: 1 });
  await t.run();
  edit(150);
  await settled();
  expect(await openProblems()).toEqual(['points_ambiguous']);
  // Whatever happens at the till says nothing about that question.
  t.stickyCards.till.addPoints(cardId, 5);
  await settled();
  expect([contact().customFields['loyalty_points'], balance(cardId)]).toEqual([150, 125]);
  expect(await listCommands(t.app.store, { kind: 'add_points' }, 9)).toEqual([]);
  // Failed records in bulk are another thing than this answer about one person.
  await t.api('/retry', { filter: {} });
  edit(155);
  await settled();
  expect(balance(cardId)).toBe(125);
  expect((await t.api(`/customers/${customerId}/retry`, {})).status).toBe(200);
  await settled();
  expect([contact().customFields['loyalty_points'], balance(cardId)]).toEqual([155, 155]);
  expect(await listCommands(t.app.store, { kind: 'add_points' }, 9)).toMatchObject([{ params: { points: 30 } }]);
  expect(await openProblems()).toEqual([]);
});

test('an edit that our write went over is booked although the answer to that write was lost', async () => {
  const { cardId } = await linked();
  t.stickyCards.till.addPoints(cardId, 20);
  await t.stickyCards.flushWebhooks();
  const lost = { ...PUT, kind: 'reset_after', times: 1 } as const;
  t.ghl.faults.add({ ...lost, when: () => (edit(130), true) });
  await t.run();
  expect(contact().customFields['loyalty_points']).toBe(120);
  await settled();
  expect([contact().customFields['loyalty_points'], balance(cardId)]).toEqual([150, 150]);
  expect(await openProblems()).toEqual([]);
});

test('the contact changes to another card and the answer is lost: each edit goes to the card that it was typed under', async () => {
  const { customerId, cardId } = await linked();
  const { till } = t.stickyCards;
  const other = till.issueCard(customerId, { balance: 50 }).cardId;
  till.installCard(other);
  await t.stickyCards.flushWebhooks();
  const lost = { ...PUT, kind: 'reset_after', times: 1 } as const;
  t.ghl.faults.add({ ...lost, when: () => (edit(130), true) });
  await t.run();
  expect(contact().customFields).toMatchObject({ card_id: other, loyalty_points: 50 });
  clock.ahead(5000);
  edit(60);
  await settled();
  expect([balance(cardId), balance(other)]).toEqual([130, 60]);
  expect(contact().customFields).toMatchObject({ card_id: other, loyalty_points: 60 });
  expect(await openProblems()).toEqual([]);
});

test('a write that never arrived as its other fields show: what stands there is an edit of the old card, nobody is asked', async () => {
  const { customerId, cardId } = await linked();
  const { till } = t.stickyCards;
  const other = till.issueCard(customerId, { balance: 50 }).cardId;
  till.installCard(other);
  await t.stickyCards.flushWebhooks();
  t.ghl.faults.add({ ...PUT, kind: 'reset_before', times: 1 });
  await t.run();
  edit(130);
  await settled();
  expect([balance(cardId), balance(other)]).toEqual([130, 50]);
  expect(contact().customFields).toMatchObject({ card_id: other, loyalty_points: 50 });
  expect(await openProblems()).toEqual([]);
});

test('steps after our write, within its second, are no edits that it went over', async () => {
  const { cardId } = await linked();
  t.stickyCards.till.addPoints(cardId, 20);
  await deliver();
  await t.run();
  edit(170);
  edit(125);
  await settled();
  expect([contact().customFields['loyalty_points'], balance(cardId)]).toEqual([125, 125]);
  expect(await listCommands(t.app.store, { kind: 'add_points' }, 9)).toMatchObject([{ params: { points: 5 } }]);
});
