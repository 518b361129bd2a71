import { afterEach, describe, expect, test } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { newLink, writeLinks } from '../../src/store/links.ts';
import { listLogs, listRuns } from '../../src/store/runs.ts';
import { newCustomerRow, writePeople } from '../../src/store/staging.ts';
import { databases } from '../helpers/databases.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { ana } from '../helpers/story.ts';
import {
  callsBesidePolls,
  LOCATION,
  onlyContact,
  startTestApp,
  type TestApp,
  type TestAppOptions,
} from '../helpers/testApp.ts';

const DAY = 86_400_000;
const TAG = 'inactive 30d';

let t: TestApp;
let clock: ReturnType<typeof movableClock>;
afterEach(() => t.stop());

async function start(options: TestAppOptions = {}) {
  clock = movableClock();
  // GHL's time is the service's, or all that it says would be stale.
  t = await startTestApp({ overrides: { clock }, ghl: { now: () => clock.nowMs() }, ...options });
}

/** A delivery that happens now. */
const happens = (type: string, rest: Record<string, unknown> = {}) =>
  t.deliver({ event_type: type, timestamp: clock.now().toISOString(), ...ana, ...rest });

/** Some days later: that night's sweep. Answers the calls that it cost. */
async function night(days: number): Promise<number> {
  clock.ahead(days * DAY);
  const before = t.ghl.callCount();
  await t.app.schedule.sweep();
  return t.ghl.callCount() - before;
}

/** People who are linked and in step, active until now; answers the ids of their contacts. */
async function linkedPeople(count: number): Promise<string[]> {
  const { store } = t.app;
  const people = Array.from({ length: count }, (_, n) => ({ id: `cus_${n}`, email: `person${n}@example.com` }));
  const ids = t.ghl.seedContacts(
    LOCATION,
    people.map(({ email }) => ({ email })),
  );
  const customers = people.map(({ id, email }) => ({
    ...newCustomerRow('default', id, clock.now()),
    email,
    lastActivity: clock.now(),
    pushedVersion: 1,
    syncStatus: 'SYNCED' as const,
  }));
  const links = people.map(({ id }, n) => newLink(store, 'default', id, ids[n] as string, 'live'));
  await store.tx(async (db) => {
    await writePeople(store, db, customers, []);
    await writeLinks(store, db, links);
  });
  return ids;
}

const tagsOf = (id = onlyContact(t).id) => t.ghl.state.tagsOf(id);
const sweeps = async () => (await listRuns(t.app.store, { trigger: 'cron' }, 50)).toReversed();

describe.each(Object.entries(databases))('on %s', (_name, makeUrl) => {
  test('a month without activity puts the tag on, the next activity takes it off', async () => {
    await start({ databaseUrl: await makeUrl() });
    await happens('CardInstalledEvent');
    await happens('CardScannedEvent');
    await t.run();
    expect(await night(29)).toBe(0);
    expect(tagsOf()).toEqual(['card holder']);
    expect(await night(2)).toBe(1);
    expect(tagsOf()).toContain(TAG);
    expect(await sweeps()).toMatchObject([
      { status: 'completed', direction: 'stickycards_to_ghl', totalRecords: 1, updatedCount: 1, apiCalls: 1 },
    ]);
    const [log] = await listLogs(t.app.store, { customerId: 'cus_1' }, 1);
    expect(log).toMatchObject({ action: 'tag', status: 'success', tagsAdded: [TAG], tagsRemoved: [] });
    expect(await night(1)).toBe(0);
    await happens('CardScannedEvent');
    expect(await t.run()).toMatchObject({ status: 'completed', updatedCount: 1 });
    expect(tagsOf()).toEqual(['card holder']);
    expect(await night(1)).toBe(0);
    expect(await sweeps()).toHaveLength(1);
  });
});

test('a normal run leaves the tag on for as long as nothing happens at the till', async () => {
  await start();
  await happens('CardInstalledEvent');
  await t.run();
  await night(31);
  await happens('CustomerSegmentLinkedEvent', { segment: 'Gold Club' });
  await happens('CardBalanceUpdatedEvent', { balance: 10 });
  await t.run();
  expect(tagsOf().toSorted()).toEqual(['card holder', 'gold club', TAG]);
});

test('activity that only the sweep sees takes it off too', async () => {
  await start();
  await happens('CardInstalledEvent');
  await t.run();
  await night(31);
  await happens('CardScannedEvent');
  // As after a run that could not be: the person waits, and the night comes first.
  expect(await night(1)).toBe(1);
  expect(tagsOf()).toEqual(['card holder']);
});

test('a tag that a person took off stays off until the customer was active and inactive again', async () => {
  await start();
  await happens('CardInstalledEvent');
  await t.run();
  await night(31);
  t.ghl.ui.removeTags(onlyContact(t).id, [TAG]);
  expect(await night(1)).toBe(0);
  await happens('CardBalanceUpdatedEvent', { balance: 10 });
  await t.run();
  expect(await night(1)).toBe(0);
  expect(tagsOf()).toEqual(['card holder']);
  await happens('CardScannedEvent');
  await t.run();
  expect(await night(31)).toBe(1);
  expect(tagsOf()).toContain(TAG);
});

test('a tag of this name that a person put on somebody who is active is left alone', async () => {
  await start();
  await happens('CardInstalledEvent');
  await t.run();
  t.ghl.ui.addTags(onlyContact(t).id, [TAG]);
  await happens('CardBalanceUpdatedEvent', { balance: 10 });
  await t.run();
  await night(1);
  expect(tagsOf()).toContain(TAG);
});

test('whoever was never active counts from the link', async () => {
  await start();
  await happens('CustomerCreatedEvent');
  await t.run();
  const { stickyCardsCustomers: c } = t.app.store.s;
  expect(await t.app.store.db.select({ at: c.lastActivity }).from(c)).toEqual([{ at: null }]);
  expect(await night(29)).toBe(0);
  expect(await night(2)).toBe(1);
});

test('a thousand people cost a call for each 500, and one contact that is gone spoils none of them', async () => {
  await start();
  const COUNT = 1001;
  const [first] = await linkedPeople(COUNT);
  t.ghl.ui.deleteContact(first as string);
  const fields = t.ghl.callCount({ method: 'PUT' });
  expect(await night(31)).toBe(3);
  expect(t.ghl.callCount({ method: 'PUT' })).toBe(fields);
  expect(t.ghl.state.contacts(LOCATION).filter((c) => c.tags.includes(TAG))).toHaveLength(COUNT - 1);
  expect(await sweeps()).toMatchObject([{ status: 'partial', updatedCount: COUNT - 1, failedCount: 1, apiCalls: 3 }]);
  expect(await night(1)).toBe(1);
  // The next run asks for that one alone, and finds out.
  await t.run();
  const { stickyCardsCustomers: c } = t.app.store.s;
  const left = await t.app.store.db.select().from(c).where(eq(c.syncStatus, 'SKIPPED'));
  expect(left).toMatchObject([{ syncError: { code: 'deleted_in_ghl' } }]);
  expect(await night(1)).toBe(0);
});

test('an answer that is lost is asked for again, and nothing is left behind', async () => {
  await start();
  await happens('CardInstalledEvent');
  await t.run();
  t.ghl.faults.add({ kind: 'reset_after', method: 'POST', path: '/contacts/bulk', times: 1 });
  await night(31);
  expect(await sweeps()).toMatchObject([{ status: 'failed', updatedCount: 0 }]);
  // Meanwhile the customer is back: what may have arrived is taken off.
  await happens('CardScannedEvent');
  await t.run();
  expect(tagsOf()).toEqual(['card holder']);
  const [link] = await t.app.store.db.select().from(t.app.store.s.entityMappings);
  expect(link?.tags).toMatchObject({ base: ['card holder'], off: {} });
  expect(link?.tags).not.toHaveProperty('pending');
});

test('a sweep that failed or was slept through is made up for by the next tick, and done once', async () => {
  await start();
  await happens('CardInstalledEvent');
  await t.run();
  // What GHL tells arrives on its day: a delivery that is a month late would be a reason to read.
  await t.ghl.flushWebhooks();
  t.ghl.faults.add({ kind: 'status', status: 503, method: 'POST', path: '/contacts/bulk', times: 1 });
  await night(31);
  expect(tagsOf()).toEqual(['card holder']);
  await t.app.schedule.tick();
  expect(tagsOf()).toContain(TAG);
  const calls = callsBesidePolls(t);
  await t.restart();
  await t.app.schedule.tick();
  expect(callsBesidePolls(t)).toBe(calls);
});

test.each([
  ['in observe', () => t.app.connections.setMode('default', 'observe', 'test')],
  ['when it is paused', () => t.app.connections.pause('default', 'test')],
  ['when the direction is paused', () => t.app.connections.pause('default', 'test', 'stickycards_to_ghl')],
])('nothing is written %s', async (_when, stop) => {
  await start();
  await happens('CardInstalledEvent');
  await t.run();
  await stop();
  await t.app.registry.refresh();
  expect(await night(31)).toBe(0);
});
