// The tags churned and reactivated (SPEC §3.2): the one that came later wins, however close and whatever failed before, and
// a card that refuses keeps none of the others.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listProblems } from '../../src/store/problems.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

const HOUR = 3_600_000;
let t: TestApp;
let clock: ReturnType<typeof movableClock>;
/** What GHL's clock is stopped at; null = it goes with ours. */
let ghlStandsAtMs: number | null;
let cards: string[];

beforeEach(async () => {
  clock = movableClock();
  ghlStandsAtMs = null;
  const now = () => clock.nowMs();
  t = await startTestApp({ overrides: { clock }, ghl: { now: () => ghlStandsAtMs ?? now() }, stickyCards: { now } });
  const { till } = t.stickyCards;
  const { customerId } = till.createCustomer({ firstName: 'Ana', email: 'ana@example.com' });
  cards = [1, 2, 3].map(() => till.issueCard(customerId, { balance: 10 }).cardId);
  for (const id of cards) till.installCard(id);
  await settled();
});
afterEach(() => t.stop());

async function settled(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    await t.stickyCards.flushWebhooks();
    await t.ghl.flushWebhooks();
    clock.ahead(HOUR);
    await t.run();
  }
}
const contactId = () => onlyContact(t).id;
async function put(tags: string[]): Promise<void> {
  t.ghl.ui.addTags(contactId(), tags);
  await t.ghl.flushWebhooks();
}
const statuses = () => cards.map((id) => t.stickyCards.state.card(id)?.status);
const all = (status: string) => cards.map(() => status);
const tagsLeft = () => onlyContact(t).tags.filter((tag) => tag === 'churned' || tag === 'reactivated');
const refuse = (cardId: string, status: number) =>
  t.stickyCards.faults.add({ kind: 'status', status, method: 'PUT', path: `/cards/${cardId}/status` });
const open = async () =>
  (await listProblems(t.app.store, {}, 50)).filter(({ state }) => state === 'open').map(({ code }) => code);

describe('both are new', () => {
  test.each([50, 1500])('churned in the second of the last read, reactivated %i ms later: active', async (laterMs) => {
    ghlStandsAtMs = Math.floor(clock.nowMs() / 1000) * 1000 + 100;
    // Something that makes a run read the contact.
    t.ghl.ui.updateContact(contactId(), { firstName: 'Anna' });
    await t.ghl.flushWebhooks();
    await t.run();
    ghlStandsAtMs += 800;
    await put(['churned']);
    ghlStandsAtMs += laterMs;
    await put(['reactivated']);
    ghlStandsAtMs = null;
    await settled();
    expect(statuses()).toEqual(all('Active'));
    expect(tagsLeft()).toEqual(['reactivated']);
    expect(await open()).toEqual([]);
  });

  // 503 may have arrived, 401 has not: only the first leaves a trace in the link.
  test.each([503, 401])('the call for the first one is answered %i: the second one is obeyed', async (status) => {
    for (const id of cards) refuse(id, status);
    await put(['reactivated']);
    await t.run();
    clock.ahead(2200);
    await put(['churned']);
    t.stickyCards.faults.clear();
    await settled();
    expect(statuses()).toEqual(all('Inactive'));
    expect(tagsLeft()).toEqual(['churned']);
    expect(await open()).toEqual([]);
  });

  test('without webhooks two reads tell which came later', async () => {
    t.ghl.setWebhookUrl(undefined);
    for (const id of cards) refuse(id, 401);
    await put(['reactivated']);
    clock.ahead(HOUR);
    await t.run();
    clock.ahead(HOUR);
    await put(['churned']);
    t.stickyCards.faults.clear();
    await settled();
    expect(statuses()).toEqual(all('Inactive'));
    expect(tagsLeft()).toEqual(['churned']);
  });

  test('one edit brought both while an older order waits: the cards are left as they are', async () => {
    for (const id of cards) refuse(id, 503);
    await put(['churned']);
    await t.run();
    clock.ahead(HOUR);
    t.ghl.ui.removeTags(contactId(), ['churned']);
    await t.ghl.flushWebhooks();
    await t.run();
    clock.ahead(HOUR);
    await put(['churned', 'reactivated']);
    t.stickyCards.faults.clear();
    await settled();
    expect(statuses()).toEqual(all('installed'));
    expect(await open()).toEqual(['churn_conflict']);
    t.ghl.ui.removeTags(contactId(), ['churned']);
    await settled();
    expect(statuses()).toEqual(all('Active'));
  });
});

describe('one card of several is refused', () => {
  test('404: the others are set, the card is listed as one that is gone, nothing is tried again', async () => {
    const [first = ''] = cards;
    refuse(first, 404);
    await put(['churned']);
    await settled();
    expect(statuses()).toEqual(['installed', 'Inactive', 'Inactive']);
    expect(await open()).toEqual(['card_gone_in_sticky_cards']);
    const calls = t.stickyCards.callCount({ method: 'PUT' });
    await settled();
    expect(t.stickyCards.callCount({ method: 'PUT' })).toBe(calls);
  });

  test('422: the others are set, and the record waits for a person, whose Retry sets the card too', async () => {
    const [first = ''] = cards;
    refuse(first, 422);
    await put(['churned']);
    await settled();
    expect(statuses()).toEqual(['installed', 'Inactive', 'Inactive']);
    expect(await open()).toEqual(['record_failed']);
    t.stickyCards.faults.clear();
    await t.api('/retry', { filter: {} });
    await settled();
    expect(statuses()).toEqual(all('Inactive'));
    expect(await open()).toEqual([]);
  });

  test('500: the others are set at once, the card when it answers', async () => {
    const [first = ''] = cards;
    refuse(first, 500);
    await put(['churned']);
    await t.run();
    expect(statuses()).toEqual(['installed', 'Inactive', 'Inactive']);
    t.stickyCards.faults.clear();
    await settled();
    expect(statuses()).toEqual(all('Inactive'));
    expect(await open()).toEqual([]);
  });

  test('an answer with another status is listed, and staging has what was answered', async () => {
    const [first = ''] = cards;
    const answer = { status: 200, body: { card_id: first, status: 'Suspended' } };
    t.stickyCards.faults.add({ kind: 'status', ...answer, method: 'PUT', path: `/cards/${first}/status`, times: 1 });
    await put(['churned']);
    await settled();
    expect(await open()).toEqual(['field_refused_by_sticky_cards']);
    const { items } = (await t.api('/customers')).body as { items: { cards: { cardId: string; status: string }[] }[] };
    expect(JSON.stringify(items[0]?.cards.find(({ cardId }) => cardId === first))).toContain('suspended');
  });
});
