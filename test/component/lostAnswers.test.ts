import { afterEach, describe, expect, test } from '@jest/globals';
import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import { listCommands } from '../../src/store/commands.ts';
import { listProblems } from '../../src/store/problems.ts';
import { findLogs } from '../../src/store/activityQueries.ts';
import { delivery, person } from '../helpers/story.ts';
import { callsBesidePolls, LOCATION, onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
afterEach(() => t.stop());

/** Real time, moved ahead by hand: what waits for its next attempt is due at once. */
function movableClock(): Clock & { ahead(ms: number): void } {
  let offset = 0;
  return {
    now: () => new Date(systemClock.nowMs() + offset),
    nowMs: () => systemClock.nowMs() + offset,
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    ahead: (ms) => {
      offset += ms;
    },
  };
}

const HOUR = 3_600_000;
const created = () => t.ghl.journal.filter((x) => x.method === 'POST' && x.path === '/contacts/').length;

describe('a creation whose answer is lost', () => {
  test('is not repeated: the contact is found by its identity', async () => {
    const clock = movableClock();
    t = await startTestApp({ overrides: { clock } });
    await t.deliver(delivery('CardInstalledEvent', 1));
    t.ghl.faults.add({ kind: 'reset_after', method: 'POST', path: /^\/contacts\/$/, times: 1 });
    await t.run();
    expect(await listCommands(t.app.store, { kind: 'create_contact' }, 9)).toMatchObject([{ state: 'unknown' }]);
    clock.ahead(HOUR);
    await t.run();
    expect(onlyContact(t).customFields).toMatchObject({ stickycards_customer_id: 'cus_1', card_status: 'installed' });
    expect(created()).toBe(1);
    expect(await listCommands(t.app.store, { kind: 'create_contact' }, 9)).toMatchObject([
      { state: 'applied', result: { contactId: onlyContact(t).id } },
    ]);
    expect(await t.app.store.db.select().from(t.app.store.s.claimedIdentities)).toEqual([]);
  });

  test('where duplicates are allowed it is looked for twice, two minutes apart, before it is sent again', async () => {
    const clock = movableClock();
    // Without the jitter of the backoff: the second attempt is due after exactly a minute.
    t = await startTestApp({ overrides: { clock, random: () => 0.5 }, location: { allowDuplicateContact: true } });
    await t.deliver(delivery('CardInstalledEvent', 1));
    t.ghl.faults.add({ kind: 'reset_before', method: 'POST', path: /^\/contacts\/$/, times: 1 });
    await t.run();
    const posted = created();
    clock.ahead(61_000);
    await t.run();
    expect(created()).toBe(posted);
    clock.ahead(HOUR);
    await t.run();
    expect(created()).toBe(posted + 1);
    expect(t.ghl.state.contacts(LOCATION)).toHaveLength(1);
  });

  test('a process that dies while it is on its way leaves it to be looked for', async () => {
    t = await startTestApp();
    await t.deliver(delivery('CardInstalledEvent', 1));
    t.ghl.faults.add({ kind: 'reset_after', method: 'POST', path: /^\/contacts\/$/, times: 1 });
    await t.run();
    // As a kill leaves it: still `sending`, the record due at once.
    const { commands, stickyCardsCustomers } = t.app.store.s;
    await t.app.store.tx(async (db) => {
      await db.update(commands).set({ state: 'sending' });
      await db.update(stickyCardsCustomers).set({ nextAttemptAt: null });
    });
    await t.restart();
    expect(await listCommands(t.app.store, { kind: 'create_contact' }, 9)).toMatchObject([{ state: 'unknown' }]);
    await t.run();
    expect(t.ghl.state.contacts(LOCATION)).toHaveLength(1);
    expect(created()).toBe(1);
  });
});

describe('a PUT whose answer is lost', () => {
  test('is looked for with a GET; what it wrote becomes the base and is not written twice', async () => {
    const clock = movableClock();
    t = await startTestApp({ overrides: { clock } });
    await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { balance: 10 }));
    await t.run();
    await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { balance: 30 }));
    t.ghl.faults.add({ kind: 'reset_after', method: 'PUT', times: 1 });
    await t.run();
    expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 30 });
    const puts = t.ghl.callCount({ method: 'PUT' });
    clock.ahead(HOUR);
    expect(await t.run()).toMatchObject({ failedCount: 0 });
    expect(t.ghl.callCount({ method: 'PUT' })).toBe(puts);
    const [log] = await findLogs(t.app.store, { customerId: 'cus_1' }, 1);
    expect(log).toMatchObject({ status: 'success', changes: [{ field: 'loyalty_points', before: 10, after: 30 }] });
    // Our own write is no edit of a person.
    expect(await listCommands(t.app.store, { kind: 'add_points' }, 9)).toEqual([]);
  });

  test('that never arrived is planned afresh, with what came meanwhile', async () => {
    const clock = movableClock();
    t = await startTestApp({ overrides: { clock } });
    await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { balance: 10 }));
    await t.run();
    await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { balance: 30 }));
    t.ghl.faults.add({ kind: 'reset_before', method: 'PUT', times: 1 });
    await t.run();
    await t.deliver(delivery('CardBalanceUpdatedEvent', 3, { balance: 45 }));
    clock.ahead(HOUR);
    await t.run();
    expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 45 });
    expect(await listCommands(t.app.store, { kind: 'add_points' }, 9)).toEqual([]);
  });

  test('and a third value there: nobody guesses which difference is the edit', async () => {
    const clock = movableClock();
    // A delivery that showed ours would say that it had arrived.
    t = await startTestApp({ overrides: { clock }, ghlWebhooks: false });
    await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { balance: 10 }));
    await t.run();
    await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { balance: 30 }));
    t.ghl.faults.add({ kind: 'reset_after', method: 'PUT', times: 1 });
    await t.run();
    t.ghl.ui.updateContact(onlyContact(t).id, { customFields: { loyalty_points: 77 } });
    clock.ahead(HOUR);
    await t.run();
    expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 77 });
    expect(await listCommands(t.app.store, { kind: 'add_points' }, 9)).toEqual([]);
    expect(await listProblems(t.app.store, { code: 'points_ambiguous' }, 9)).toHaveLength(1);
  });
});

test('one bad e-mail does not keep a person from arriving: that field is held, the rest goes', async () => {
  t = await startTestApp();
  await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { email: 'not an address', balance: 12 }));
  expect(await t.run()).toMatchObject({ createdCount: 1, failedCount: 0 });
  expect(onlyContact(t)).toMatchObject({ phone: '+12125550142', customFields: { loyalty_points: 12 } });
  expect(await listProblems(t.app.store, { code: 'field_refused' }, 9)).toMatchObject([
    { affected: 1, cause: 'email' },
  ]);
  const calls = callsBesidePolls(t);
  await t.run();
  expect(callsBesidePolls(t)).toBe(calls);
  await t.deliver(delivery('CustomerCreatedEvent', 9, { email: 'ana@example.com' }));
  await t.run();
  expect(onlyContact(t)).toMatchObject({ email: 'ana@example.com' });
});

test('GHL down: nothing is lost, nobody is failed, and it all arrives afterwards', async () => {
  const clock = movableClock();
  t = await startTestApp({ overrides: { clock } });
  for (let n = 0; n < 30; n++) await t.deliver(delivery('CardInstalledEvent', 1, person(n)));
  t.ghl.faults.add({ kind: 'status', status: 503 });
  const run = await t.run();
  expect(run).toMatchObject({ status: 'failed', createdCount: 0 });
  expect(run.lastError).toMatch(/GHL/);
  const { stickyCardsCustomers: c } = t.app.store.s;
  const rows = await t.app.store.db.select({ attempts: c.attempts, status: c.syncStatus }).from(c);
  expect(rows.every((row) => row.attempts === 0 && row.status === 'PENDING')).toBe(true);
  t.ghl.faults.clear();
  clock.ahead(HOUR);
  expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 30 });
  expect(t.ghl.state.contacts(LOCATION)).toHaveLength(30);
});

test('a contact deleted in GHL is left out from then on and never made again', async () => {
  t = await startTestApp();
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.run();
  t.ghl.ui.deleteContact(onlyContact(t).id);
  await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { balance: 5 }));
  expect(await t.run()).toMatchObject({ skippedCount: 1, failedCount: 0 });
  await t.deliver(delivery('CardBalanceUpdatedEvent', 3, { balance: 6 }));
  await t.run();
  expect(t.ghl.state.contacts(LOCATION)).toHaveLength(0);
  const [log] = await findLogs(t.app.store, { status: 'skipped' }, 1);
  expect(log).toMatchObject({ errorCode: 'deleted_in_ghl' });
});

test('a contact that was deleted and made again by hand is linked when a person asks for it', async () => {
  t = await startTestApp();
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.run();
  t.ghl.ui.deleteContact(onlyContact(t).id);
  await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { balance: 5 }));
  await t.run();
  const again = t.ghl.ui.createContact(LOCATION, { email: 'ana@example.com' }).id;
  expect((await t.api('/customers/cus_1/retry', {})).status).toBe(200);
  expect(await t.run()).toMatchObject({ updatedCount: 1, skippedCount: 0 });
  expect(onlyContact(t)).toMatchObject({ id: again, customFields: { loyalty_points: 5 } });
});

test('where duplicates are allowed, an e-mail that another contact has is not sent to the one with the phone', async () => {
  t = await startTestApp({ location: { allowDuplicateContact: true } });
  await t.deliver(delivery('CardInstalledEvent', 1, person(9)));
  await t.run();
  // Made after the location's contacts were read.
  const phone = t.ghl.ui.createContact(LOCATION, { phone: '+12125550142' }).id;
  t.ghl.ui.createContact(LOCATION, { email: 'ana@example.com' });
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.run();
  expect(t.ghl.state.contact(phone)).toMatchObject({ customFields: { stickycards_customer_id: 'cus_1' } });
  expect(t.ghl.state.contact(phone)?.email ?? null).toBeNull();
  expect(await listProblems(t.app.store, { code: 'identity_conflict' }, 9)).toHaveLength(1);
});

test('a contact that was merged into another: the survivor is linked, what it says of itself is kept', async () => {
  t = await startTestApp();
  t.stickyCards.seed([{ customerId: 'cus_1', firstName: 'Ana' }]);
  await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { balance: 5 }));
  await t.run();
  const loser = onlyContact(t).id;
  const survivor = t.ghl.ui.createContact(LOCATION, { firstName: 'Anna-Maria', lastName: 'Lee' }).id;
  t.ghl.ui.mergeContacts(survivor, loser);
  await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { balance: 9 }));
  expect(await t.run()).toMatchObject({ updatedCount: 1, skippedCount: 0, failedCount: 0 });
  expect(onlyContact(t)).toMatchObject({ id: survivor, firstName: 'Anna-Maria', customFields: { loyalty_points: 9 } });
  await t.deliver(delivery('CardBalanceUpdatedEvent', 3, { balance: 11 }));
  expect(await t.run()).toMatchObject({ updatedCount: 1 });
  expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 11 });
});

test('five bad records in a row do not stop the others, and their attempts count', async () => {
  const clock = movableClock();
  t = await startTestApp({ overrides: { clock } });
  for (let n = 0; n < 30; n++) await t.deliver(delivery('CardInstalledEvent', 1, person(n)));
  await t.run();
  const poisoned = new Set(Array.from({ length: 8 }, (_, n) => `person${n}@example.com`));
  const ids = t.ghl.state
    .contacts(LOCATION)
    .filter((c) => poisoned.has(c.email ?? ''))
    .map((c) => c.id);
  t.ghl.faults.add({ kind: 'status', status: 500, path: new RegExp(`^/contacts/(${ids.join('|')})`) });
  for (let n = 0; n < 30; n++) await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { ...person(n), balance: 7 }));
  expect(await t.run()).toMatchObject({ status: 'partial', failedCount: 8, updatedCount: 22 });
  t.ghl.faults.clear();
  clock.ahead(HOUR);
  expect(await t.run()).toMatchObject({ status: 'completed', updatedCount: 8 });
});

test('a token that GHL does not accept pauses the side: one problem, no attempts, a probe every 15 minutes, and it resumes by itself', async () => {
  const clock = movableClock();
  t = await startTestApp({ overrides: { clock } });
  await t.deliver(delivery('CardInstalledEvent', 1));
  t.ghl.faults.add({
    kind: 'status',
    status: 401,
    body: { statusCode: 401, message: 'Invalid token: access token is invalid', error: 'Unauthorized' },
  });
  expect(await t.run()).toMatchObject({ status: 'failed', failedCount: 0, lastError: expect.stringMatching(/token/i) });
  expect(await listProblems(t.app.store, { state: 'open' }, 9)).toMatchObject([
    { code: 'ghl_token_rejected', affected: 1 },
  ]);
  const calls = t.ghl.callCount();
  await t.app.schedule.tick();
  expect(t.ghl.callCount()).toBe(calls);
  clock.ahead(16 * 60_000);
  await t.app.schedule.tick();
  expect(t.ghl.callCount()).toBeGreaterThan(calls);
  t.ghl.faults.clear();
  clock.ahead(16 * 60_000);
  await t.app.schedule.tick();
  expect(onlyContact(t).customFields).toMatchObject({ card_status: 'installed' });
  expect(await listProblems(t.app.store, { state: 'open' }, 9)).toEqual([]);
});
