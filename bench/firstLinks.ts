// Finding the right contacts of many people (docs: SPEC §2.5, §7): once straight through, with the calls counted, and
// once with the service killed at random instants and started again; where the location allows duplicate contacts and
// where it does not. Nobody may be doubled, everyone ambiguous must be listed.
//   npm run check:first-links [-- people [contacts [kills]]]
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createCore } from '../src/core.ts';
import { type Clock, systemClock } from '../src/clock.ts';
import { loadConfig } from '../src/config.ts';
import { silentLogger } from '../src/log.ts';
import { projectRoot } from '../src/paths.ts';
import { createGhlSimulator, type GhlSimulator } from '../src/simulators/ghl/index.ts';
import { insertDeliveries } from '../src/store/inbox.ts';
import { type FirstLinkStory, firstLinkStory, outcomesIn, whatIsWrong } from '../test/helpers/firstLinkStory.ts';
import { inboxRow } from './inboxRow.ts';

const PEOPLE = Number(process.argv[2] ?? 5000);
const CONTACTS = Number(process.argv[3] ?? 30_000);
const KILLS = Number(process.argv[4] ?? 20);
const PAGES = Math.ceil(CONTACTS / 500);
const LOCATION = 'LOC1';
const MINUTES_MAX = 15;

const env = (file: string, ghl: GhlSimulator): Record<string, string> => ({
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
});

async function startGhl(story: FirstLinkStory, allowDuplicateContact: boolean): Promise<GhlSimulator> {
  const ghl = createGhlSimulator({
    // The pace has a bench of its own.
    rateLimit: { max: 1_000_000, intervalMs: 10_000, daily: 10_000_000 },
    locations: [
      { id: LOCATION, timezone: 'America/New_York', country: 'US', tokens: ['pit-5f2c'], allowDuplicateContact },
    ],
  });
  await ghl.start();
  ghl.seedContacts(LOCATION, story.contacts);
  return ghl;
}

const startCore = async (file: string, ghl: GhlSimulator, clock: Clock = systemClock) => {
  const config = loadConfig({ ...env(file, ghl), SYNC_PAUSED: 'on' }, projectRoot);
  const core = await createCore(config, { log: silentLogger, clock });
  await core.begin();
  return core;
};

/** Everybody into the inbox of a service that was started once. */
async function deliver(file: string, ghl: GhlSimulator, story: FirstLinkStory): Promise<void> {
  const core = await startCore(file, ghl);
  const { store } = core;
  for (let i = 0; i < story.deliveries.length; i += 500) {
    const rows = story.deliveries.slice(i, i + 500).map(inboxRow);
    await store.tx((db) => insertDeliveries(store, db, rows));
  }
  await core.close();
}

function judge(file: string, ghl: GhlSimulator, story: FirstLinkStory): string[] {
  const db = new Database(file, { readonly: true });
  const wrong = whatIsWrong(story, ghl.state.contacts(LOCATION), outcomesIn(db));
  db.close();
  return wrong;
}

let missed = 0;
function check(what: string, wrong: readonly string[], detail: string): void {
  console.log(`${wrong.length === 0 ? 'ok    ' : 'WRONG '} ${what.padEnd(44)} ${detail}`);
  for (const line of wrong.slice(0, 10)) console.log(`         ${line}`);
  if (wrong.length > 10) console.log(`         … and ${wrong.length - 10} more`);
  missed += wrong.length;
}

async function straightThrough(folder: string, allowDuplicates: boolean): Promise<void> {
  const story = firstLinkStory(PEOPLE, CONTACTS, allowDuplicates);
  const ghl = await startGhl(story, allowDuplicates);
  const file = join(folder, `straight-${allowDuplicates}.db`);
  await deliver(file, ghl, story);
  const core = await startCore(file, ghl);
  const startedMs = performance.now();
  const run = await core.schedule.run({ connectionId: 'default', direction: 'both', trigger: 'manual' });
  const seconds = (performance.now() - startedMs) / 1000;
  await core.close();
  const calls = ghl.callCount();
  const looks = ghl.callCount({ path: '/contacts/search/duplicate' });
  const searches = ghl.callCount({ path: /^\/contacts\/search$/ });
  await ghl.stop();
  const wrong = judge(file, ghl, story);
  if (run?.failedCount !== 0 || run.status !== 'completed') wrong.push(`the run: ${JSON.stringify(run)}`);
  check(
    `straight through, duplicates ${allowDuplicates}`,
    wrong,
    `${story.creations} created, ${seconds.toFixed(1)} s`,
  );
  const bound = Math.floor(1.1 * PEOPLE) + PAGES + (allowDuplicates ? story.creations : 0);
  const parts = `${searches} pages, ${looks} looks`;
  check('  calls', calls <= bound ? [] : [`${calls} calls are more than ${bound}`], `${calls} of ${bound}: ${parts}`);
  // A full last page may be followed by an empty one.
  check('  pages read once', searches <= PAGES + 1 ? [] : [`${searches} of ${PAGES} pages`], `${searches} of ${PAGES}`);
}

async function killed(folder: string, allowDuplicates: boolean): Promise<void> {
  const story = firstLinkStory(PEOPLE, CONTACTS, allowDuplicates);
  const ghl = await startGhl(story, allowDuplicates);
  const file = join(folder, `killed-${allowDuplicates}.db`);
  await deliver(file, ghl, story);
  // Slow enough that a kill finds calls under way, and that the work lasts for all of them.
  ghl.faults.add({ kind: 'delay', delayMs: 15 });
  let child: ChildProcess | null = null;
  // By the number of calls, spread over all that will be made: what decides is where the process is.
  const expected = PEOPLE + PAGES;
  for (let kill = 0; kill < KILLS; kill++) {
    child = spawn(process.execPath, ['--no-warnings', join(projectRoot, 'src/main.ts')], {
      env: { ...process.env, ...env(file, ghl) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    await Promise.race([once(child.stdout as NonNullable<typeof child.stdout>, 'data'), ended]);
    const until = ghl.callCount() + Math.floor(Math.random() * ((1.8 * expected) / KILLS));
    // Nothing asked for three seconds: all of it is done.
    let [calls, sinceMs] = [ghl.callCount(), Date.now()];
    while (calls < until && Date.now() - sinceMs < 3000 && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 3));
      if (ghl.callCount() !== calls) [calls, sinceMs] = [ghl.callCount(), Date.now()];
    }
    if (child.exitCode !== null) throw new Error(`the service ended by itself: ${child.exitCode}`);
    child.kill('SIGKILL');
    await ended;
  }
  const before = ghl.callCount();
  // What waits for a second look is due at once.
  let aheadMs = 0;
  const nowMs = () => systemClock.nowMs() + aheadMs;
  const clock: Clock = { now: () => new Date(nowMs()), nowMs, sleep: (ms, signal) => systemClock.sleep(ms, signal) };
  const core = await startCore(file, ghl, clock);
  const { stickyCardsCustomers: t } = core.store.s;
  for (let runs = 0; runs < 12; runs++) {
    await core.schedule.run({ connectionId: 'default', direction: 'both', trigger: 'manual' });
    const rows = await core.store.db.select({ status: t.syncStatus }).from(t);
    if (rows.length === PEOPLE && rows.every((row) => row.status !== 'PENDING')) break;
    aheadMs += 3_600_000;
  }
  await core.close();
  await ghl.stop();
  const searches = ghl.callCount({ path: /^\/contacts\/search$/ });
  const wrong = judge(file, ghl, story);
  const left = `${before} calls before the last start, ${ghl.callCount() - before} after`;
  check(`${KILLS} × kill -9, duplicates ${allowDuplicates}`, wrong, left);
  // A page whose cursor was not on disk yet is read again.
  const most = PAGES + 1 + KILLS;
  check('  pages read once', searches <= most ? [] : [`${searches} of ${most}`], `${searches} of ${PAGES}`);
}

const folder = mkdtempSync(join(tmpdir(), 'first-links-'));
const tooLong = setTimeout(() => {
  console.log(`not done after ${MINUTES_MAX} minutes`);
  process.exit(1);
}, MINUTES_MAX * 60_000);
console.log(`${PEOPLE} people, ${CONTACTS} contacts`);
try {
  for (const allowDuplicates of [false, true]) {
    await straightThrough(folder, allowDuplicates);
    await killed(folder, allowDuplicates);
  }
} finally {
  clearTimeout(tooLong);
  rmSync(folder, { recursive: true, force: true });
}
console.log(missed === 0 ? 'all is well' : `${missed} things are wrong`);
process.exit(missed === 0 ? 0 : 1);
