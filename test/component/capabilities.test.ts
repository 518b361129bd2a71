// A permission that is missing stops just what it is needed for (SPEC §2.6, classes of errors); a search that is ill stops
// nothing that can be written without it.
import { afterEach, expect, test } from '@jest/globals';
import { listProblems } from '../../src/store/problems.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { delivery, person } from '../helpers/story.ts';
import { LOCATION, startTestApp, type TestApp } from '../helpers/testApp.ts';

const MINUTE = 60_000;
let t: TestApp;
let clock: ReturnType<typeof movableClock>;
afterEach(() => t.stop());

async function start(): Promise<void> {
  clock = movableClock();
  const now = () => clock.nowMs();
  t = await startTestApp({ overrides: { clock }, ghl: { now }, stickyCards: { now } });
}
const installed = (n: number, minute: number, rest = {}) =>
  t.deliver(delivery('CardInstalledEvent', minute, { ...person(n), ...rest }));
const scanned = (n: number, minute: number) => t.deliver(delivery('CardScannedEvent', minute, person(n)));
const byClock = () => t.app.schedule.run({ connectionId: 'default', direction: 'both', trigger: 'cron' });
const contact = (n: number) => t.ghl.state.contacts(LOCATION).find(({ email }) => email === `person${n}@example.com`);
const open = async () =>
  (await listProblems(t.app.store, {}, 50)).filter(({ state }) => state === 'open').map(({ code }) => code);
const paused = async () => Object.keys((await t.app.connections.get('default'))?.cursors ?? {});

test('tags that may not be written wait; everybody is made and kept up to date, and the tags follow', async () => {
  await start();
  t.ghl.faults.add({ kind: 'status', status: 403, path: /tags/ });
  for (const n of [1, 2]) await installed(n, 1);
  await byClock();
  expect([contact(1), contact(2)].map((c) => c?.customFields['card_status'])).toEqual(['installed', 'installed']);
  expect(await open()).toEqual(['ghl_scope_missing']);
  expect(await paused()).not.toContain('ghlPause');
  const refused = () => t.ghl.journal.filter(({ status }) => status === 403).length;
  const before = refused();
  clock.ahead(6 * MINUTE);
  await scanned(1, 3);
  await byClock();
  expect(contact(1)?.customFields).toHaveProperty('last_activity');
  expect(refused()).toBe(before);
  t.ghl.faults.clear();
  clock.ahead(15 * MINUTE);
  await byClock();
  expect([contact(1), contact(2)].map((c) => c?.tags)).toEqual([['card holder'], ['card holder']]);
  expect(await open()).toEqual([]);
});

test.each([500, 422, 403])(
  'a search that answers %i: what is linked is written, and the problem says so',
  async (status) => {
    await start();
    await installed(1, 1);
    await t.run();
    t.ghl.faults.add({ kind: 'status', status, path: /^\/contacts\/search$/ });
    clock.ahead(6 * MINUTE);
    await scanned(1, 3);
    await installed(2, 3);
    expect(await t.run()).toMatchObject({ status: 'completed', failedCount: 0 });
    expect(contact(1)?.customFields).toHaveProperty('last_activity');
    // All contacts of the location are known already, so that a new one can be made.
    expect(contact(2)).toBeDefined();
    expect(await open()).toEqual([status === 403 ? 'ghl_scope_missing' : 'ghl_poll_failed']);
    t.ghl.faults.clear();
    await t.run();
    expect(await open()).toEqual([]);
  },
);

test('a tick that finds nothing to do says that the search fails, and that it works again', async () => {
  await start();
  await installed(1, 1);
  await t.run();
  t.ghl.faults.add({ kind: 'status', status: 422, path: /^\/contacts\/search$/ });
  clock.ahead(6 * MINUTE);
  expect(await byClock()).toBeNull();
  expect(await open()).toEqual(['ghl_poll_failed']);
  t.ghl.faults.clear();
  clock.ahead(6 * MINUTE);
  expect(await byClock()).toBeNull();
  expect(await open()).toEqual([]);
});

test('without a search nobody new is made, for nobody knows who is there', async () => {
  await start();
  t.ghl.faults.add({ kind: 'status', status: 403, path: /^\/contacts\/search$/ });
  await installed(1, 1);
  await t.run();
  expect(contact(1)).toBeUndefined();
  expect(await open()).toEqual(['ghl_scope_missing']);
  t.ghl.faults.clear();
  await t.run();
  expect(contact(1)).toBeDefined();
  expect(await open()).toEqual([]);
});

test('GHL that answers nothing at all is down', async () => {
  await start();
  await installed(1, 1);
  await t.run();
  t.ghl.faults.add({ kind: 'status', status: 503, path: /./ });
  await scanned(1, 3);
  await t.run();
  expect(await open()).toEqual(['ghl_down']);
  t.ghl.faults.clear();
  clock.ahead(60 * MINUTE);
  await t.run();
  expect(await open()).toEqual([]);
});

test('segments that may not be written wait; names go on, and the segment follows', async () => {
  await start();
  const { till } = t.stickyCards;
  const { customerId } = till.createCustomer({ firstName: 'Ana', email: 'person1@example.com' });
  till.linkSegment(till.createCustomer({ email: 'other@example.com' }).customerId, 'Lunch');
  const told = async () => {
    await t.stickyCards.flushWebhooks();
    await t.ghl.flushWebhooks();
    clock.ahead(6 * MINUTE);
    await byClock();
  };
  await told();
  await told();
  t.stickyCards.faults.add({ kind: 'status', status: 403, path: /\/segments$/ });
  const id = contact(1)?.id as string;
  t.ghl.ui.addTags(id, ['lunch']);
  await told();
  expect(await open()).toEqual(['sticky_scope_missing']);
  t.ghl.ui.updateContact(id, { firstName: 'Anna' });
  await told();
  expect(t.stickyCards.state.customer(customerId)).toMatchObject({ firstName: 'Anna', segments: [] });
  t.stickyCards.faults.clear();
  for (let i = 0; i < 3; i += 1) await told();
  expect(t.stickyCards.state.customer(customerId)?.segments).toEqual(['Lunch']);
  expect(await open()).toEqual([]);
});
