import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { createCore } from '../../src/core.ts';
import { loadConfig } from '../../src/config.ts';
import { silentLogger } from '../../src/log.ts';
import { projectRoot } from '../../src/paths.ts';
import { createGhlSimulator, type Fault } from '../../src/simulators/ghl/index.ts';
import { insertDeliveries } from '../../src/store/inbox.ts';
import { listProblems } from '../../src/store/problems.ts';
import type { Store } from '../../src/store/store.ts';
import { inboxRow } from '../../bench/inboxRow.ts';
import { contactIdOf, writeLinkedPeople } from '../../bench/linkedPeople.ts';
import { firstLinkStory, outcomesIn, whatIsWrong } from '../helpers/firstLinkStory.ts';
import { mass } from '../helpers/mass.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { delivery, person } from '../helpers/story.ts';
import { LOCATION, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp | null = null;
afterEach(async () => {
  await t?.stop();
  t = null;
});

/** Into the inbox of a service that has been started once: its connection is there. */
async function storeDeliveries(store: Store, bodies: readonly Record<string, unknown>[]): Promise<void> {
  await store.tx((db) => insertDeliveries(store, db, bodies.map(inboxRow)));
}

const PEOPLE = mass(100, 300);
const CONTACTS = mass(1000, 2000);
const PAGES = CONTACTS / 500;
const KILLS = mass(2, 4);

describe('first links of many people', () => {
  test.each([false, true])(
    'nobody is doubled, everyone ambiguous is listed, about one call each (duplicates allowed: %s)',
    async (allowDuplicateContact) => {
      const story = firstLinkStory(PEOPLE, CONTACTS, allowDuplicateContact);
      const folder = mkdtempSync(join(tmpdir(), 'many-'));
      const file = join(folder, 'sync.db');
      t = await startTestApp({ databaseUrl: `file:${file}`, location: { allowDuplicateContact } });
      await storeDeliveries(t.app.store, story.deliveries);
      t.ghl.seedContacts(LOCATION, story.contacts);
      expect(await t.run()).toMatchObject({ failedCount: 0, status: 'completed' });
      const db = new Database(file, { readonly: true });
      expect(whatIsWrong(story, t.ghl.state.contacts(LOCATION), outcomesIn(db))).toEqual([]);
      db.close();
      const provisioning = t.ghl.callCount({ path: '/locations/' });
      const looks = t.ghl.callCount({ path: '/contacts/search/duplicate' });
      const searches = t.ghl.callCount({ path: /^\/contacts\/search$/ });
      const rest = t.ghl.callCount() - provisioning - looks - searches;
      // A full last page may be followed by an empty one.
      expect(searches).toBeLessThanOrEqual(PAGES + 1);
      expect(rest).toBeLessThanOrEqual(1.1 * PEOPLE);
      // One per creation, by phone; a second one by e-mail where the first found nobody.
      expect(looks).toBeLessThanOrEqual(allowDuplicateContact ? 2 * story.creations : 0);
    },
  );

  test('killed in the middle again and again: the same end, nobody doubled, no page read twice', async () => {
    const story = firstLinkStory(PEOPLE, CONTACTS, false);
    const file = join(mkdtempSync(join(tmpdir(), 'many-')), 'sync.db');
    const ghl = createGhlSimulator({
      rateLimit: { max: 1_000_000, intervalMs: 10_000, daily: 10_000_000 },
      locations: [{ id: LOCATION, timezone: 'America/New_York', country: 'US', tokens: ['pit-5f2c'] }],
    });
    await ghl.start();
    ghl.seedContacts(LOCATION, story.contacts);
    // Slow enough that a kill finds calls under way.
    ghl.faults.add({ kind: 'delay', delayMs: 15 });
    const env = {
      DATABASE_URL: `file:${file}`,
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'error',
      START_MODE: 'live',
      SYNC_CRON: '* * * * * *',
      ADMIN_TOKEN: 'admin-7f3b9d2e5c',
      ADMIN_PASSWORD: 'pw-7f3b9d2e5c',
      ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
      GHL_API_BASE_URL: ghl.url,
      GHL_LOCATION_ID: LOCATION,
      GHL_ACCESS_TOKEN: 'pit-5f2c',
      STICKY_CARDS_WEBHOOK_SECRET: 'whsec_7d1f0c',
    };
    let child: ChildProcess | null = null;
    const start = async (): Promise<ChildProcess> => {
      child = spawn(process.execPath, ['--no-warnings', join(projectRoot, 'src/main.ts')], {
        env: { ...process.env, NODE_OPTIONS: '', ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
      return child;
    };
    const kill = async (running: ChildProcess) => {
      const ended = once(running, 'exit');
      running.kill('SIGKILL');
      await ended;
    };
    try {
      // Once without a run, so that its connection is there.
      const core = await createCore(loadConfig({ ...env, SYNC_PAUSED: 'on' }), { log: silentLogger });
      await storeDeliveries(core.store, story.deliveries);
      await core.close();
      const db = new Database(file, { readonly: true });
      const unfolded = db.prepare('select count(*) from webhook_events where folded_at is null').pluck();
      const open = db.prepare("select count(*) from sticky_cards_customers where sync_status = 'PENDING'").pluck();
      for (let kills = 0; kills <= KILLS; kills++) {
        const running = await start();
        const before = ghl.callCount();
        // A kill comes somewhere among the calls of this start: what decides is where the process is.
        const calls = kills === KILLS ? Infinity : 5 + Math.floor(Math.random() * 60);
        while (ghl.callCount() - before < calls && (unfolded.get() !== 0 || open.get() !== 0)) {
          if (running.exitCode !== null) throw new Error('the service ended by itself');
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        await kill(running);
      }
      db.close();
    } finally {
      (child as ChildProcess | null)?.kill('SIGKILL');
      await ghl.stop();
    }
    const db = new Database(file, { readonly: true });
    expect(whatIsWrong(story, ghl.state.contacts(LOCATION), outcomesIn(db))).toEqual([]);
    db.close();
    // A page whose cursor was not on disk yet is read again: at most one per kill.
    expect(ghl.callCount({ path: /^\/contacts\/search$/ })).toBeLessThanOrEqual(PAGES + 1 + KILLS);
  }, 60_000);
});

test('two people of different pages who claim one contact: the first one gets it, the second is listed', async () => {
  t = await startTestApp();
  t.ghl.seedContacts(LOCATION, [{ id: 'conOfBoth', phone: '+12125550100' }]);
  const bodies = Array.from({ length: 205 }, (_, n) => ({
    event_type: 'CardInstalledEvent',
    timestamp: Math.floor(Date.UTC(2026, 2, 20, 15) / 1000),
    customer_id: `cus_${String(n).padStart(3, '0')}`,
    // Everybody between them has nothing to be found by, and takes no time.
    ...(n === 0 || n === 204 ? { phone_number: '+1 212 555 0100' } : {}),
  }));
  await storeDeliveries(t.app.store, bodies);
  expect(await t.run()).toMatchObject({ status: 'completed', updatedCount: 1, skippedCount: 204, failedCount: 0 });
  expect(t.ghl.state.contacts(LOCATION)).toHaveLength(1);
  expect(await listProblems(t.app.store, { code: 'already_linked' }, 9)).toMatchObject([{ affected: 1 }]);
});

const ALIKE = mass(500, 1000);

test(`${ALIKE} equal tag changes cost a handful of bulk calls`, async () => {
  t = await startTestApp();
  const { store } = t.app;
  await writeLinkedPeople(store, 0, ALIKE);
  const people = await store.db.select().from(store.s.stickyCardsCustomers);
  t.ghl.seedContacts(
    LOCATION,
    people.map((_, n) => ({ id: contactIdOf(n), tags: ['by hand'], dateUpdated: '2026-01-01T00:00:00Z' })),
  );
  const told = people.map(({ stickycardsId, email }) => ({
    event_type: 'CustomerSegmentLinkedEvent',
    timestamp: Math.floor(Date.now() / 1000),
    customer_id: stickycardsId,
    email,
    segment: 'Gold',
  }));
  await storeDeliveries(store, told);
  expect(await t.run()).toMatchObject({ updatedCount: ALIKE, failedCount: 0 });
  const contacts = t.ghl.state.contacts(LOCATION);
  expect(contacts.filter(({ tags }) => tags.includes('gold') && tags.includes('by hand'))).toHaveLength(ALIKE);
  const bulk = t.ghl.callCount({ path: '/contacts/bulk/tags/update/add' });
  expect(bulk).toBeLessThanOrEqual(5);
  // Besides the one question what was changed in GHL.
  expect(t.ghl.callCount({ path: /^\/contacts\/(?!search)/ })).toBe(bulk);
});

test('GHL down for a day: nobody is failed, no attempt counts, and all of it arrives once when it is back', async () => {
  const clock = movableClock();
  t = await startTestApp({ overrides: { clock } });
  const people = 20;
  for (let n = 0; n < people; n++) await t.deliver(delivery('CardInstalledEvent', 1, person(n)));
  const linked = people / 2;
  await t.run();
  // Half of them are there already and change; the other half arrives while GHL is down.
  for (let n = 0; n < linked; n++)
    await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { ...person(n), balance: 10 + n }));
  for (let n = people; n < people + linked; n++) await t.deliver(delivery('CardInstalledEvent', 3, person(n)));

  // The first answers are lost behind what they did; then nothing gets through in one way or another. (A call that is
  // never answered is a lost answer after 30 s of real time: callApi.test.ts.)
  const moods: Fault[] = [
    { kind: 'reset_before' },
    { kind: 'status', status: 503 },
    { kind: 'html' },
    { kind: 'status', status: 500 },
  ];
  const { stickyCardsCustomers: c } = t.app.store.s;
  const { store } = t.app;
  const attempts = () => store.db.select({ attempts: c.attempts, status: c.syncStatus }).from(c);
  t.ghl.faults.add({ kind: 'reset_after' });
  await t.app.schedule.tick();
  for (let tick = 0; tick < (24 * 60) / 5; tick++) {
    clock.ahead(5 * 60_000);
    t.ghl.faults.clear();
    t.ghl.faults.add(moods[tick % moods.length] as Fault);
    await t.app.schedule.tick();
  }
  const waiting = await attempts();
  expect(waiting.filter((row) => row.attempts > 0 || row.status === 'FAILED')).toEqual([]);
  expect(await listProblems(t.app.store, { state: 'open' }, 9)).toMatchObject([{ code: 'ghl_down' }]);

  t.ghl.faults.clear();
  for (let tick = 0; tick < 24 && (await attempts()).some((row) => row.status === 'PENDING'); tick++) {
    clock.ahead(5 * 60_000);
    await t.app.schedule.tick();
  }
  expect((await attempts()).every((row) => row.status === 'SYNCED')).toBe(true);
  const contacts = t.ghl.state.contacts(LOCATION);
  expect(contacts).toHaveLength(people + linked);
  const customerIds = contacts.map((contact) => contact.customFields['stickycards_customer_id']);
  expect(new Set(customerIds).size).toBe(contacts.length);
  for (let n = 0; n < linked; n++) {
    const contact = contacts.find((one) => one.customFields['stickycards_customer_id'] === `cus_${n}`);
    expect(contact?.customFields['loyalty_points']).toBe(10 + n);
  }
  expect(await listProblems(t.app.store, { state: 'open' }, 9)).toEqual([]);
}, 90_000);
