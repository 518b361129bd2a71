import PQueue from 'p-queue';
import type { Direction } from '../../drizzle/tables/runs.ts';
import { ApiError, type Side } from '../platforms/apiError.ts';
import type { CommandRow } from '../store/commands.ts';
import {
  dueCommands,
  type DueQuery,
  hasOpenCommands,
  holdOldCommands,
  loseStraySends,
  pausedAmong,
} from '../store/dueCommands.ts';
import { createSettler } from '../store/settle.ts';
import type { Store } from '../store/store.ts';
import { type CommandCounts, type CommandPass, customerIdOf, type SideHealth } from './commandPass.ts';
import { PERFORMERS } from './commands/performers.ts';
import type { CommandContext, Performer } from './commands/performer.ts';
import { type CrashHook, noCrash } from './crashPoints.ts';
import { performCommand } from './performCommand.ts';

export interface PerformContext extends CommandContext {
  /** A random number in [0, 1). */
  random(): number;
  /** Commands under way at once; the pace alone limits the calls. */
  concurrency?: number;
  /** All of the program's when left out. */
  performers?: readonly Performer[];
  crashPoint?: CrashHook;
}

export interface CommandSelection {
  target?: string;
  /** Only these rows: an action performs what it has just written down. */
  ids?: readonly string[];
}

const PAGE = 200;
const CONCURRENCY = 15;
const TOO_OLD_MS = 30 * 86_400_000;

const DIRECTION_OF: Readonly<Record<Side, Direction>> = {
  ghl: 'stickycards_to_ghl',
  stickycards: 'ghl_to_stickycards',
};

/**
 * Performs the due commands of a connection (SPEC §3.5), those whose answers were lost first: in order of their making
 * for one target, different targets side by side. Nothing in observe, nothing of a side that is not there or whose
 * direction is paused. The caller holds the connection's lease.
 *
 * Rejects, after everything of the other side was done, with the ApiError that stops a side as a whole (`side` says
 * which one; class auth, daily_budget, or transient when it is down): what is left is pending and nobody's attempt. Rejects
 * with the signal's reason when it was aborted.
 */
export async function performCommands(ctx: PerformContext, only: CommandSelection = {}): Promise<CommandCounts> {
  const counts: CommandCounts = { applied: 0, failed: 0, held: 0, unknown: 0, waiting: 0 };
  const { store, connection } = ctx;
  const performers = performable(ctx);
  if (performers.length === 0 || !(await hasOpenCommands(store, connection.id))) return counts;
  const fresh = (): SideHealth => ({ succeeded: 0, failedInARow: 0, stopped: null });
  const pass: CommandPass = {
    ctx,
    settler: createSettler(store, connection.id),
    health: { ghl: fresh(), stickycards: fresh() },
    refusedKinds: new Set(),
    counts,
    random: () => ctx.random(),
    crashPoint: ctx.crashPoint ?? noCrash,
  };
  const kinds = performers.flatMap((performer) => performer.kinds);
  await loseStraySends(store, connection.id, kinds, underWayIn(store));
  if (only.target === undefined && only.ids === undefined) {
    const before = new Date(store.clock.nowMs() - TOO_OLD_MS);
    counts.held += await holdOldCommands(store, connection.id, kinds, before);
  }
  const query = {
    kinds,
    linkedKinds: performers.filter(({ side }) => side === 'ghl').flatMap((performer) => performer.kinds),
    target: only.target,
    ids: only.ids,
  };
  const queue = new PQueue({ concurrency: ctx.concurrency ?? CONCURRENCY });
  await sweep(pass, queue, performers, { ...query, state: 'unknown' });
  await sweep(pass, queue, performers, { ...query, state: 'pending' });
  for (const { stopped } of Object.values(pass.health)) if (stopped instanceof ApiError) throw stopped;
  return counts;
}

/** Whether a run would find a command to perform or to look for, of the sides that it may write to. */
export async function hasDueCommands(
  store: Store,
  connectionId: string,
  open: Readonly<Record<Side, boolean>>,
): Promise<boolean> {
  const performers = PERFORMERS.filter(({ side }) => open[side]);
  const kinds = performers.flatMap((performer) => performer.kinds);
  if (kinds.length === 0 || !(await hasOpenCommands(store, connectionId))) return false;
  const linkedKinds = performers.filter(({ side }) => side === 'ghl').flatMap((performer) => performer.kinds);
  for (const state of ['unknown', 'pending'] as const)
    if ((await dueCommands(store, connectionId, { state, kinds, linkedKinds }, '', 1)).length > 0) return true;
  return false;
}

/** The performers whose side may be written to now. */
function performable(ctx: PerformContext): Performer[] {
  const { connection } = ctx;
  if (connection.mode !== 'live' || connection.state !== 'ready') return [];
  const isThere = { ghl: ctx.ghl !== null, stickycards: ctx.sticky !== null };
  return (ctx.performers ?? PERFORMERS).filter(
    ({ side }) => isThere[side] && !connection.pausedDirections.includes(DIRECTION_OF[side]),
  );
}

/** By store: what this process has in hand. An action and a run must not take the same row, nor either think it lost. */
const underWay = new WeakMap<Store, Set<string>>();

function underWayIn(store: Store): Set<string> {
  let ids = underWay.get(store);
  if (!ids) underWay.set(store, (ids = new Set()));
  return ids;
}

async function sweep(
  pass: CommandPass,
  queue: PQueue,
  performers: readonly Performer[],
  query: DueQuery,
): Promise<void> {
  const { ctx } = pass;
  const performerOf = new Map(performers.flatMap((performer) => performer.kinds.map((kind) => [kind, performer])));
  for (let after = ''; ;) {
    ctx.signal.throwIfAborted();
    const page = await dueCommands(ctx.store, ctx.connection.id, query, after, PAGE);
    const last = page.at(-1);
    if (!last) return;
    after = last.id;
    const people = page.map(customerIdOf).filter((id) => id !== null);
    const paused = await pausedAmong(ctx.store, ctx.connection.id, people);
    const mayGo = page.filter((row) => !paused.has(customerIdOf(row) ?? ''));
    const inLine = new Set<string>();
    for (const performer of performers)
      if (await performer.oneAtATime?.(ctx)) for (const kind of performer.kinds) inLine.add(kind);
    const laneOf = (row: CommandRow) => (inLine.has(row.kind) ? row.kind : row.target);
    const lanes = [...Map.groupBy(mayGo, laneOf).values()].map((rows) =>
      queue.add(async () => {
        for (const row of rows) await take(pass, performerOf.get(row.kind), row);
      }),
    );
    // What is under way is settled before anything that went wrong is told.
    const failed = (await Promise.allSettled(lanes)).find((lane) => lane.status === 'rejected');
    if (failed) throw failed.reason;
  }
}

async function take(pass: CommandPass, performer: Performer | undefined, row: CommandRow): Promise<void> {
  const mine = underWayIn(pass.ctx.store);
  const stopped = !performer || pass.health[performer.side].stopped !== null || pass.refusedKinds.has(row.kind);
  if (stopped || pass.ctx.signal.aborted || mine.has(row.id)) return;
  mine.add(row.id);
  try {
    await inTurnOfTarget(pass.ctx.store, `${row.connectionId} ${row.kind} ${row.target}`, () =>
      performCommand(pass, performer, row),
    );
  } finally {
    mine.delete(row.id);
  }
}

const turns = new WeakMap<Store, Map<string, Promise<unknown>>>();

/** One after the other for one target, whoever performs them: a run and a workflow's action may ask for a card at once. */
async function inTurnOfTarget(store: Store, name: string, work: () => Promise<void>): Promise<void> {
  const ofStore = turns.get(store) ?? new Map<string, Promise<unknown>>();
  turns.set(store, ofStore);
  const before = ofStore.get(name);
  const mine = before ? before.then(work) : work();
  const end = mine.catch(() => undefined);
  ofStore.set(name, end);
  try {
    await mine;
  } finally {
    if (ofStore.get(name) === end) ofStore.delete(name);
  }
}
