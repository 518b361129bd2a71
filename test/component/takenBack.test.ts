// An edit in GHL whose call to Sticky Cards got no answer, taken back in GHL before the next attempt (SPEC §3.3): what a
// person said last holds, whether the call had landed or not.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listProblems } from '../../src/store/problems.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { LOCATION, startTestApp, type TestApp } from '../helpers/testApp.ts';

const HOUR = 3_600_000;
let t: TestApp;
let clock: ReturnType<typeof movableClock>;
let ana: { customerId: string; cardId: string; contactId: string };

beforeEach(async () => {
  clock = movableClock();
  const now = () => clock.nowMs();
  t = await startTestApp({ overrides: { clock }, ghl: { now }, stickyCards: { now } });
  t.ghl.webhooks.setOptions({ auto: false });
  const { till } = t.stickyCards;
  const { customerId } = till.createCustomer({ firstName: 'Ana', email: 'ana@example.com' });
  const { cardId } = till.issueCard(customerId, { balance: 100 });
  till.installCard(cardId);
  // Known as a segment of Sticky Cards by somebody else's.
  till.linkSegment(till.createCustomer({ email: 'other@example.com' }).customerId, 'Lunch');
  till.linkSegment(customerId, 'VIP');
  await settled();
  const contactId = t.ghl.state.contacts(LOCATION).find(({ email }) => email === 'ana@example.com')?.id as string;
  ana = { customerId, cardId, contactId };
});
afterEach(() => t.stop());

const told = async () => {
  await t.stickyCards.flushWebhooks();
  await t.ghl.flushWebhooks();
};
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    await told();
    clock.ahead(HOUR);
    await t.run();
  }
}

const contact = () => t.ghl.state.contacts(LOCATION).find(({ id }) => id === ana.contactId);
const customer = () => t.stickyCards.state.customer(ana.customerId);
const edit = (customFields: Record<string, string>) => t.ghl.ui.updateContact(ana.contactId, { customFields });

const cases = [
  {
    what: 'a segment’s tag put on and taken off',
    path: /\/segments$/,
    edit: () => t.ghl.ui.addTags(ana.contactId, ['lunch']),
    back: () => t.ghl.ui.removeTags(ana.contactId, ['lunch']),
    stands: () => ({ tags: contact()?.tags.includes('lunch'), segments: customer()?.segments }),
    end: { tags: false, segments: ['VIP'] },
  },
  {
    what: 'a segment’s tag taken off and put on again',
    path: /\/segments$/,
    edit: () => t.ghl.ui.removeTags(ana.contactId, ['vip']),
    back: () => t.ghl.ui.addTags(ana.contactId, ['vip']),
    stands: () => ({ tags: contact()?.tags.includes('vip'), segments: customer()?.segments }),
    end: { tags: true, segments: ['VIP'] },
  },
  {
    what: 'card_status suspended and active again',
    path: /\/status$/,
    edit: () => edit({ card_status: 'suspended' }),
    back: () => edit({ card_status: 'active' }),
    stands: () => ({
      shown: contact()?.customFields['card_status'],
      card: t.stickyCards.state.card(ana.cardId)?.status,
    }),
    end: { shown: 'installed', card: 'Active' },
  },
  {
    what: 'opted out and in again',
    path: /\/preferences$/,
    edit: () => edit({ opt_in_status: 'no' }),
    back: () => edit({ opt_in_status: 'yes' }),
    stands: () => ({ optIn: customer()?.optIn }),
    end: { optIn: true },
  },
  {
    what: 'a name changed and changed back',
    path: /^\/v1\/customers$/,
    edit: () => t.ghl.ui.updateContact(ana.contactId, { firstName: 'Anna' }),
    back: () => t.ghl.ui.updateContact(ana.contactId, { firstName: 'Ana' }),
    stands: () => ({ ghl: contact()?.firstName, sticky: customer()?.firstName }),
    end: { ghl: 'Ana', sticky: 'Ana' },
  },
] as const;

describe.each(cases)('$what', ({ path, edit: change, back, stands, end }) => {
  test.each([
    ['had landed', 'reset_after', false],
    ['had landed and was told by Sticky Cards meanwhile', 'reset_after', true],
    ['never arrived', 'reset_before', false],
  ] as const)('the first call %s: what was said last holds', async (_, kind, toldMeanwhile) => {
    clock.ahead(HOUR);
    change();
    await t.ghl.flushWebhooks();
    const before = t.stickyCards.journal.length;
    t.stickyCards.faults.add({ kind, path, times: 1, method: path.source.includes('customers') ? 'POST' : 'PUT' });
    await t.run();
    // The fault was met: else this would test nothing.
    expect(t.stickyCards.journal.slice(before).filter(({ status }) => status === 0)).toHaveLength(1);
    clock.ahead(HOUR);
    back();
    if (toldMeanwhile) await told();
    await settled();
    expect(stands()).toEqual(end);
    const calls = () =>
      t.stickyCards.journal.filter(({ method }) => method !== 'GET').length + t.ghl.callCount({ method: 'PUT' });
    const quiet = calls();
    await settled();
    expect(calls()).toBe(quiet);
  });
});

test('churned put on and taken off while the answers get lost: the order is carried out on every card', async () => {
  const { cardId: second } = t.stickyCards.till.issueCard(ana.customerId, { balance: 5 });
  await settled();
  t.ghl.ui.addTags(ana.contactId, ['churned']);
  await t.ghl.flushWebhooks();
  t.stickyCards.faults.add({ kind: 'reset_after', path: /\/status$/, method: 'PUT', times: 1 });
  await t.run();
  const states = () => [ana.cardId, second].map((id) => t.stickyCards.state.card(id)?.status);
  expect(states()).toEqual(expect.arrayContaining(['Inactive', 'issued']));
  clock.ahead(HOUR);
  t.ghl.ui.removeTags(ana.contactId, ['churned']);
  await settled();
  expect(states()).toEqual(['Inactive', 'Inactive']);
});

test.each([503, 401])(
  'Sticky Cards answers %i while a lost write is to be cleared up: GHL is kept up to date, the edit arrives later',
  async (status) => {
    t.ghl.ui.updateContact(ana.contactId, { firstName: 'Anna' });
    await t.ghl.flushWebhooks();
    t.stickyCards.faults.add({ kind: 'status', status: 503, path: /^\/v1\/customers$/, method: 'POST', times: 1 });
    await t.run();
    t.stickyCards.faults.add({ kind: 'status', status, path: /./ });
    t.stickyCards.till.scan(ana.cardId);
    // Two balances of one moment would be a question to Sticky Cards.
    clock.ahead(1000);
    t.stickyCards.till.addPoints(ana.cardId, 5);
    await settled();
    expect(contact()?.customFields).toMatchObject({ loyalty_points: 105 });
    const problems = await listProblems(t.app.store, {}, 50);
    const open = problems.filter((problem) => problem.state === 'open').map(({ code }) => code);
    expect(open).not.toContain('record_failed');
    expect(open.includes('sticky_key_rejected')).toBe(status === 401);
    t.stickyCards.faults.clear();
    await settled();
    expect(customer()?.firstName).toBe('Anna');
    expect((await listProblems(t.app.store, {}, 50)).filter((problem) => problem.state === 'open')).toEqual([]);
  },
);
