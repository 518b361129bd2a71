/**
 * The mass of what `lostAnswers`, `createCustomer` and `pointsOnce` show case by case: neither side knows a request again
 * that it has seen before (SPEC §3.5), and every third answer is lost.
 */
import { afterEach, expect, test } from '@jest/globals';
import type { CommandRow } from '../../src/store/commands.ts';
import { mass } from '../helpers/mass.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { LOCATION, startTestApp, type TestApp, type TestAppOptions } from '../helpers/testApp.ts';

const HOUR = 3_600_000;
const PEOPLE = mass(40, 500);
const GRANTS = mass(60, 1000);
const PATIENCE_MS = mass(60_000, 240_000);

let t: TestApp;
let clock: ReturnType<typeof movableClock>;
afterEach(() => t.stop());

async function start(options: TestAppOptions = {}): Promise<void> {
  clock = movableClock();
  const now = () => clock.nowMs();
  t = await startTestApp({ ...options, overrides: { clock }, ghl: { now }, stickyCards: { now } });
}

const commands = (): Promise<CommandRow[]> => t.app.store.db.select().from(t.app.store.s.commands);
const told = async () => {
  await t.stickyCards.flushWebhooks();
  await t.ghl.flushWebhooks();
};

/** Runs, an hour and now and then a day apart, until everything is in an end state. */
async function settled(): Promise<void> {
  for (let round = 0; round < 24; round += 1) {
    await told();
    await t.run();
    const open = (await commands()).filter(({ state, nextAttemptAt }) => state === 'pending' || nextAttemptAt !== null);
    const marked = await t.app.store.db.select().from(t.app.store.s.contactMarks);
    if (open.length === 0 && marked.length === 0 && round > 3) return;
    clock.ahead(round % 4 === 3 ? 24 * HOUR : HOUR);
  }
}

/** Every third call of that kind gets no answer that says what became of it: one half had happened. */
function loseEveryThird(simulator: TestApp['ghl'] | TestApp['stickyCards'], method: string, path: RegExp): void {
  simulator.faults.add({ kind: 'reset_after', method, path, every: 6 });
  simulator.faults.add({ kind: 'reset_before', method, path, every: 7 });
}

const lost = (simulator: TestApp['ghl'] | TestApp['stickyCards']): number =>
  simulator.journal.filter(({ status }) => status === 0).length;

const people = (n: number) =>
  Array.from({ length: n }, (_, i) => ({
    firstName: `P${i}`,
    email: `p${i}@example.com`,
    phone: `+1212555${String(i).padStart(4, '0')}`,
  }));
const howOften = (values: readonly unknown[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const value of values) counts[String(value)] = (counts[String(value)] ?? 0) + 1;
  return counts;
};
const once = (all: readonly { email: string }[]) => Object.fromEntries(all.map(({ email }) => [email, 1]));
const states = async () => howOften((await commands()).map(({ kind, state }) => `${kind} ${state}`));

test(
  `${PEOPLE} contacts become as many customers with as many cards`,
  async () => {
    await start();
    loseEveryThird(t.stickyCards, 'POST', /^\/v1\/customers(\/[^/]+\/cards)?$/);
    const all = people(PEOPLE);
    for (const person of all) t.ghl.ui.createContact(LOCATION, person);
    await settled();
    expect(await states()).toEqual({ 'create_customer applied': PEOPLE, 'create_card applied': PEOPLE });
    expect(howOften(t.stickyCards.state.customers().map(({ email }) => email))).toEqual(once(all));
    const owners = t.stickyCards.state.customers().map(({ customerId }) => customerId);
    expect(howOften(t.stickyCards.state.cards().map(({ customerId }) => customerId))).toEqual(howOften(owners));
    // Made with the customer, in one call.
    expect(lost(t.stickyCards)).toBeGreaterThan(PEOPLE / 4);
  },
  PATIENCE_MS,
);

test.each([false, true])(
  `${PEOPLE} customers become as many contacts (duplicates allowed: %s)`,
  async (allowDuplicateContact) => {
    await start({ location: { allowDuplicateContact } });
    loseEveryThird(t.ghl, 'POST', /^\/contacts\/$/);
    const all = people(PEOPLE);
    for (const person of all) t.stickyCards.till.createCustomer(person);
    await settled();
    expect(await states()).toEqual({ 'create_contact applied': PEOPLE });
    expect(howOften(t.ghl.state.contacts(LOCATION).map(({ email }) => email))).toEqual(once(all));
    expect(lost(t.ghl)).toBeGreaterThan(PEOPLE / 4);
  },
  PATIENCE_MS,
);

test(
  `${GRANTS} grants of points are booked once each, or wait for a person`,
  async () => {
    await start();
    const all = people(GRANTS);
    for (const person of all) {
      const { customerId } = t.stickyCards.till.createCustomer(person);
      t.stickyCards.till.issueCard(customerId, { balance: 100 });
    }
    await told();
    await t.run();
    loseEveryThird(t.stickyCards, 'PUT', /\/balance$/);
    // Other numbers, so that one that is booked to somebody else is seen; little enough for the brake.
    const granted = (email: string) => 1 + (Number(email.slice(1, email.indexOf('@'))) % 5);
    for (const { id, email } of t.ghl.state.contacts(LOCATION))
      t.ghl.ui.updateContact(id, { customFields: { loyalty_points: 100 + granted(String(email)) } });
    await settled();
    const rows = await commands();
    const commandOf = new Map(rows.filter(({ kind }) => kind === 'add_points').map((row) => [row.target, row]));
    expect(commandOf.size).toBe(GRANTS);
    expect(rows.filter(({ kind }) => kind === 'add_points')).toHaveLength(GRANTS);
    const wrong = t.stickyCards.state.customers().flatMap(({ customerId, email }) => {
      const card = t.stickyCards.state.cards(customerId)[0];
      const state = commandOf.get(`card:${card?.cardId}`)?.state;
      const once = 100 + granted(String(email));
      const right =
        state === 'applied' ? card?.balance === once : state === 'unknown' && [100, once].includes(card?.balance ?? 0);
      return right ? [] : [{ email, state, balance: card?.balance, once }];
    });
    expect(wrong).toEqual([]);
    expect(lost(t.stickyCards)).toBeGreaterThan(GRANTS / 4);
  },
  PATIENCE_MS,
);
