// A read of the customer that leaves out what it was made for (SPEC §3.2): it says nothing, so nothing is written on it.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { callAction, linkedPerson, type LinkedPerson } from '../helpers/actions.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { nock } from '../helpers/nocked.ts';
import { LOCATION, startTestApp, type TestApp } from '../helpers/testApp.ts';

const HOUR = 3_600_000;
let t: TestApp;
let clock: ReturnType<typeof movableClock>;
let ana: LinkedPerson;

beforeEach(async () => {
  clock = movableClock();
  const now = () => clock.nowMs();
  t = await startTestApp({ overrides: { clock }, ghl: { now }, stickyCards: { now } });
  ana = await linkedPerson(t);
  const { till } = t.stickyCards;
  // Known as a segment of Sticky Cards by somebody else's.
  till.linkSegment(till.createCustomer({ email: 'other@example.com' }).customerId, 'Silver');
  for (const name of ['Gold', 'VIP']) till.linkSegment(ana.customerId, name);
  await settled();
});
afterEach(async () => {
  nock.cleanAll();
  await t.stop();
});

async function settled(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    await t.stickyCards.flushWebhooks();
    await t.ghl.flushWebhooks();
    clock.ahead(HOUR);
    await t.run();
  }
}

/** From now on a read of Ana is answered with just this; everything else is the simulator's. */
const readsShow = (shown: Record<string, unknown>) =>
  nock(t.stickyCards.url, { allowUnmocked: true })
    .get(`/v1/customers/${ana.customerId}`)
    .times(100)
    .reply(200, { customer_id: ana.customerId, email: 'ana@example.com', ...shown });
const writes = (path: RegExp) =>
  t.stickyCards.journal.filter((call) => call.method !== 'GET' && path.test(call.path)).length;
const segments = () => t.stickyCards.state.customer(ana.customerId)?.segments.toSorted();

test.each([
  ['without segments', { cards: [] }],
  ['with segments null', { cards: [], segments: null }],
])('a read %s wipes no segment: the new one waits until a read tells them', async (_, shown) => {
  readsShow(shown);
  t.ghl.ui.addTags(ana.contactId, ['silver']);
  await settled();
  expect(writes(/\/segments$/)).toBe(0);
  expect(segments()).toEqual(['Gold', 'VIP']);
  const { body } = await t.api(`/customers/${ana.customerId}`);
  expect(body).toMatchObject({ syncStatus: 'PENDING', syncError: { code: 'unexpected_answer' } });
  nock.cleanAll();
  await settled();
  expect(segments()).toEqual(['Gold', 'Silver', 'VIP']);
});

test('an action waits likewise, and is done when a read tells the segments', async () => {
  readsShow({ cards: [] });
  const call = { contact_id: ana.contactId, location_id: LOCATION, add: ['Silver'] };
  const answer = await callAction(t.url, 'segments', call);
  expect(answer.body).toMatchObject({ result: 'queued', reason_code: 'sticky_cards_unavailable' });
  expect(segments()).toEqual(['Gold', 'VIP']);
  nock.cleanAll();
  await settled();
  expect(segments()).toEqual(['Gold', 'Silver', 'VIP']);
});

test('a lost write of segments stays on its way while no read tells them', async () => {
  t.ghl.ui.addTags(ana.contactId, ['silver']);
  await t.ghl.flushWebhooks();
  t.stickyCards.faults.add({ kind: 'reset_after', path: /\/segments$/, method: 'PUT', times: 1 });
  await t.run();
  expect(segments()).toEqual(['Gold', 'Silver', 'VIP']);
  readsShow({ cards: [] });
  t.ghl.ui.removeTags(ana.contactId, ['silver']);
  await settled();
  expect(writes(/\/segments$/)).toBe(1);
  nock.cleanAll();
  await settled();
  // It had landed, and was taken back since: known only from the read that told.
  expect(segments()).toEqual(['Gold', 'VIP']);
});

test('no second card is issued to somebody whose cards a read leaves out', async () => {
  readsShow({ segments: ['Gold', 'VIP'] });
  const call = { contact_id: ana.contactId, location_id: LOCATION };
  expect((await callAction(t.url, 'issue-card', call)).body).toMatchObject({ result: 'queued' });
  await settled();
  expect(t.stickyCards.state.cards(ana.customerId)).toHaveLength(1);
  nock.cleanAll();
  await settled();
  expect(t.stickyCards.state.cards(ana.customerId)).toHaveLength(1);
});
