// card_status typed under one card while Sticky Cards has another one for the contact by now (SPEC §2.4): it is for the card
// that the contact showed, whatever becomes of the call.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listProblems } from '../../src/store/problems.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

const HOUR = 3_600_000;
type Direction = 'both' | 'stickycards_to_ghl' | 'ghl_to_stickycards';
let t: TestApp;
let clock: ReturnType<typeof movableClock>;
let customerId: string;
let old: string;
let shown: string;

beforeEach(async () => {
  clock = movableClock();
  const now = () => clock.nowMs();
  t = await startTestApp({ overrides: { clock }, ghl: { now }, stickyCards: { now } });
  ({ customerId } = t.stickyCards.till.createCustomer({ firstName: 'Ana', email: 'ana@example.com' }));
  old = t.stickyCards.till.issueCard(customerId, { balance: 100 }).cardId;
  t.stickyCards.till.installCard(old);
  await told();
  await run('both');
  shown = t.stickyCards.till.issueCard(customerId, { balance: 7 }).cardId;
  clock.ahead(HOUR);
  t.stickyCards.till.installCard(shown);
});
afterEach(() => t.stop());

async function told(): Promise<void> {
  await t.stickyCards.flushWebhooks();
  await t.ghl.flushWebhooks();
  clock.ahead(HOUR);
}
const run = (direction: Direction) => t.app.schedule.run({ connectionId: 'default', direction, trigger: 'manual' });
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    await told();
    await run('both');
  }
}
const type = (card_status: string) => t.ghl.ui.updateContact(onlyContact(t).id, { customFields: { card_status } });
const statuses = () => [old, shown].map((id) => t.stickyCards.state.card(id)?.status);
const statusCalls = () =>
  t.stickyCards.journal.filter(({ path }) => path.endsWith('/status')).map(({ path }) => path.split('/')[2]);
const open = async () =>
  (await listProblems(t.app.store, {}, 50)).filter(({ state }) => state === 'open').map(({ code }) => code);

/** The contact shows the new card as it is, and a further round has nothing to write. */
async function expectNewCardShown(status = 'installed'): Promise<void> {
  expect(onlyContact(t).customFields).toMatchObject({ card_id: shown, card_status: status, loyalty_points: 7 });
  const writes = () => t.ghl.callCount({ method: 'PUT' }) + statusCalls().length;
  const before = writes();
  await settled();
  expect(writes()).toBe(before);
}

test('each direction in a run of its own: the old card is set, then the contact shows the new one', async () => {
  type('suspended');
  t.stickyCards.till.expireCard(old);
  await told();
  await run('stickycards_to_ghl');
  expect(onlyContact(t).customFields).toMatchObject({ card_id: old, card_status: 'suspended' });
  await run('ghl_to_stickycards');
  expect(statuses()).toEqual(['Suspended', 'installed']);
  await settled();
  await expectNewCardShown();
});

describe('the call for the old card fails', () => {
  const fails = [
    ['is answered 500', { kind: 'status', status: 500 }],
    ['is lost', { kind: 'reset_after' }],
    ['never arrives', { kind: 'reset_before' }],
  ] as const;

  test.each(fails)('it %s: the next attempt is for the old card, and other fields go on', async (_, fault) => {
    type('suspended');
    await told();
    t.stickyCards.faults.add({ ...fault, path: `/cards/${old}/status`, method: 'PUT', times: 1 });
    t.stickyCards.till.refer(customerId);
    await told();
    await run('both');
    expect(onlyContact(t).customFields).toMatchObject({ card_id: old, referral_count: 1 });
    await settled();
    expect(statuses()).toEqual(['Suspended', 'installed']);
    expect(new Set(statusCalls())).toEqual(new Set([old]));
    await expectNewCardShown();
    expect(await open()).toEqual([]);
  });

  test('the old card was removed and refuses: the new one is left alone, and the refusal stays listed', async () => {
    type('suspended');
    t.stickyCards.till.removeCard(old);
    await settled();
    expect(statuses()).toEqual(['removed', 'installed']);
    expect(statusCalls()).toEqual([old]);
    await expectNewCardShown();
    expect(await open()).toEqual(['not_writable']);
  });

  test('refused in a run of the reverse half alone: the half that comes later does not re-aim it', async () => {
    type('suspended');
    t.stickyCards.till.removeCard(old);
    await told();
    await run('ghl_to_stickycards');
    await settled();
    expect(statusCalls()).toEqual([old]);
    await expectNewCardShown();
  });

  test('the old card is not there any more: it is listed as a card, not as a customer', async () => {
    type('suspended');
    t.stickyCards.faults.add({ kind: 'status', status: 404, path: `/cards/${old}/status`, method: 'PUT' });
    await settled();
    expect(statuses()).toEqual(['installed', 'installed']);
    await expectNewCardShown();
    expect(await open()).toEqual(['card_gone_in_sticky_cards']);
  });

  test('the old card answers another status: the contact still gets the new card', async () => {
    type('suspended');
    const answer = { status: 200, body: { card_id: old, status: 'Active' } };
    t.stickyCards.faults.add({ kind: 'status', ...answer, path: `/cards/${old}/status`, method: 'PUT' });
    await settled();
    expect(statuses()).toEqual(['installed', 'installed']);
    await expectNewCardShown();
    expect(await open()).toEqual(['field_refused_by_sticky_cards']);
  });
});

test('without a client for Sticky Cards the contact does not wait for a card that nobody can tell', async () => {
  await t.app.connections.patch('default', { stickyCardsApiKey: null }, 'test');
  await t.app.registry.refresh();
  type('suspended');
  await settled();
  expect(statusCalls()).toEqual([]);
  await expectNewCardShown();
  expect(await open()).toContain('not_writable_by_api');
});

test('typed when the contact shows the new card, it is for the new card', async () => {
  await settled();
  type('suspended');
  await settled();
  expect(statuses()).toEqual(['installed', 'Suspended']);
  await expectNewCardShown('suspended');
});
