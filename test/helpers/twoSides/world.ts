import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startTestApp, type TestApp } from '../testApp.ts';
import { calmDown, type Hook, plague } from './faults.ts';
import { type HurriedClock, hurriedClock } from './hurriedClock.ts';
import type { Mix } from './mixes.ts';
import type { Person } from './person.ts';
import { createRandom, type Random } from './random.ts';

/** Both simulators with the service between them, and the people whose records go wrong. */
export interface World {
  t: TestApp;
  clock: HurriedClock;
  mix: Mix;
  seed: number;
  random: Random;
  /** Of what happens while a run is under way: how often it is asked depends on the machine. */
  inRun: Random;
  people: Person[];
  databaseFile: string;
  /** Called at every call of the service that reaches a simulator, before it is looked at. */
  onCall: Hook | null;
  /** Deliveries that were begun in the middle of a run. */
  deliveries: Promise<void>[];
  /** What was done to the whole world, for the stories. */
  log: { atMs: number; text: string }[];
}

export async function endWorld({ t, databaseFile }: World): Promise<void> {
  await t.stop();
  rmSync(dirname(databaseFile), { recursive: true });
}

export async function startWorld(seed: number, mix: Mix): Promise<World> {
  const clock = hurriedClock();
  const databaseFile = join(mkdtempSync(join(tmpdir(), 'both-sides-')), 'sync.db');
  const random = createRandom(seed);
  const now = () => clock.nowMs();
  const t = await startTestApp({
    databaseUrl: `file:${databaseFile}`,
    // Runs are asked for by the test alone.
    // A whole world edits at once here: the brake is another test's matter.
    env: { SYNC_CRON: '0 0 1 1 *', MASS_CHANGE_BRAKE: 'off' },
    overrides: { clock, random: () => random.next() },
    ghl: { now },
    stickyCards: { now },
  });
  for (const side of [t.ghl, t.stickyCards]) side.webhooks.setOptions({ auto: false, random: () => random.next() });
  return {
    t,
    clock,
    mix,
    seed,
    random,
    inRun: createRandom(seed ^ 0x5bd1e995),
    people: [],
    databaseFile,
    onCall: null,
    deliveries: [],
    log: [],
  };
}

export const note = (world: World, text: string): void => {
  world.log.push({ atMs: world.clock.nowMs(), text });
};

export const tell = (world: World, person: Person, text: string): void => {
  person.log.push({ atMs: world.clock.nowMs(), text });
};

/** A run with the world's faults; what it comes to is nobody's concern here. */
export async function run(world: World): Promise<void> {
  const { t, mix, random } = world;
  const kind = random.next();
  plague(world);
  try {
    if (kind < mix.crashes) await crashedRun(world, random.int(1, 60));
    else if (kind < mix.crashes + mix.restarts) await restartedRun(world, random.int(1, 60));
    else await t.run().catch((error: unknown) => note(world, `the run failed: ${String(error)}`));
  } finally {
    calmDown(world);
    await Promise.all(world.deliveries.splice(0));
  }
}

/** The orderly way: as an update of the program does it. */
async function restartedRun(world: World, afterCalls: number): Promise<void> {
  const { t } = world;
  const { reached, going } = untilCall(world, afterCalls, () => undefined);
  await Promise.race([reached, going]);
  note(world, 'the service is restarted');
  await t.restart();
  await going;
  // The registry asks GHL nothing; the lease was let go.
  world.onCall = null;
}

const FILES = ['', '-wal'];

/**
 * kill -9 as far as one process can show it: of the database just what was on disk at that moment is kept, and nothing
 * that the old process sends from then on arrives.
 */
async function crashedRun(world: World, afterCalls: number): Promise<void> {
  const { t, databaseFile, random } = world;
  const told = new Set<object>();
  const answerLost = random.chance(0.5);
  let died = false;
  const die = () => {
    died = true;
    note(world, 'the process dies');
    for (const side of [t.ghl, t.stickyCards]) for (const attempt of side.webhooks.attempts) told.add(attempt);
    for (const end of FILES)
      if (existsSync(`${databaseFile}${end}`)) copyFileSync(`${databaseFile}${end}`, `${databaseFile}.dead${end}`);
    for (const side of [t.ghl, t.stickyCards]) {
      // The call of this moment arrives, or it does not.
      if (answerLost) side.faults.add({ kind: 'reset_after', times: 1 });
      side.faults.add({ kind: 'reset_before' });
    }
  };
  const { reached, going } = untilCall(world, afterCalls, die);
  await Promise.race([reached, going]);
  // All of its calls went by before its hour came.
  if (!died) return;
  const { app } = t;
  Object.assign(t, {
    app: {
      ...app,
      stop: async () => {
        await app.stop();
        for (const end of [...FILES, '-shm']) rmSync(`${databaseFile}${end}`, { force: true });
        for (const end of FILES)
          if (existsSync(`${databaseFile}.dead${end}`)) {
            copyFileSync(`${databaseFile}.dead${end}`, `${databaseFile}${end}`);
            rmSync(`${databaseFile}.dead${end}`);
          }
        calmDown(world);
        // This process lives, so the lease of the dead one has to run out.
        world.clock.ahead(31_000);
      },
    },
  });
  await t.restart();
  await going;
  await Promise.all(world.deliveries.splice(0));
  const isNew = (attempt: object) => !told.has(attempt);
  for (const { body, headers } of t.stickyCards.webhooks.attempts.filter(isNew))
    await tellAgain(t, '/webhooks/sticky-cards', JSON.stringify(body), headers);
  for (const { body, headers } of t.ghl.webhooks.attempts.filter(isNew))
    await tellAgain(t, '/webhooks/ghl', body, { ...headers, 'content-type': 'application/json' });
}

/** What was told to a process that had died was not taken, although here it lived on and answered. */
async function tellAgain({ url }: TestApp, path: string, body: string, headers: Record<string, string>): Promise<void> {
  const { status } = await fetch(`${url}${path}`, { method: 'POST', headers, body });
  if (status >= 300) throw new Error(`${path} answered ${status} to what it had taken before`);
}

/** A run that is begun; `reached` when so many of its calls have arrived. */
function untilCall(world: World, calls: number, then: () => void) {
  let left = calls;
  let arrived: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (arrived = resolve));
  const before = world.onCall;
  world.onCall = (call) => {
    before?.(call);
    if (--left !== 0) return;
    then();
    arrived();
  };
  const going = world.t.run().then(
    () => undefined,
    () => undefined,
  );
  return { reached, going };
}

/** What either side has to tell is told; `all`: also what is not due yet. */
export async function deliver(world: World, all: boolean): Promise<void> {
  const options = { dueOnly: !all };
  await Promise.all([world.t.ghl.flushWebhooks(options), world.t.stickyCards.flushWebhooks(options)]);
}
