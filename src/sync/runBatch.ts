import type { Direction, RunStatus, RunTrigger } from '../../drizzle/tables/runs.ts';
import { canonicalTag } from '../domain/canonical.ts';
import type { Connection } from '../domain/connection.ts';
import type { TagMap } from '../domain/fieldMap.ts';
import { notConnected } from '../domain/notConnected.ts';
import { messageOf } from '../errors.ts';
import type { GhlSide } from '../platforms/ghl/sides.ts';
import { isApiError } from '../platforms/apiError.ts';
import type { StickySide } from '../platforms/stickycards/sides.ts';
import { hasDueMarks } from '../store/marks.ts';
import { tellOfWaiting } from '../store/nameless.ts';
import { hasDueCustomers } from '../store/pairs.ts';
import { retakeBases } from '../store/retakeBases.ts';
import { closeRun, noCounts, openRun, type RunCounts, touchRun } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { wantedReads } from '../store/wantedReads.ts';
import { type Capabilities, capabilitiesOf } from './capabilities.ts';
import { applyBrake, brakeRests, MassChange } from './brake.ts';
import { tellWhetherConnected } from './ghlConnected.ts';
import { createJobQueue } from './jobQueue.ts';
import { locationFacts } from './locationFacts.ts';
import { hasDueCommands } from './performCommands.ts';
import { pollContacts } from './pollContacts.ts';
import { pushMarked } from './pushMarked.ts';
import { pushPages } from './pushPages.ts';
import { readSticky } from './readSticky.ts';
import { createRunContext, performLedger, type RunParts } from './runContext.ts';
import type { RunBatchNeeds } from './runNeeds.ts';
import { haltOf } from './settleFailure.ts';
import { pauseSide, resumeSide, RunHalted, sidePauseOf } from './sidePause.ts';
import { createStickyHealth, type StickyHealth } from './stickyHealth.ts';

export type { RunBatchNeeds } from './runNeeds.ts';

export interface RunOrder {
  connection: Connection;
  direction: Direction | 'both';
  trigger: RunTrigger;
  signal: AbortSignal;
}

/** What this run may do, and with whom. */
interface Doors {
  /** Why nothing may be written now; null when it may. */
  blocked: Blocked | null;
  ghl: GhlSide | null;
  sticky: StickySide | null;
  toGhl: boolean;
  toSticky: boolean;
  /** The sides that paused themselves and are tried again by this run. */
  paused: { ghl: boolean; stickycards: boolean };
  /** Times that the pace of GHL had made a call wait before this run. */
  waitsBefore: number;
}

interface Blocked {
  reason: string;
  /** Somebody wants it so: a run that does nothing then is no failure. */
  wanted: boolean;
}

/** At a time and connection, to begin with (SPEC §2.6); the pace allows 20 at most. */
const CONCURRENCY = 5;

/**
 * One run of one connection (SPEC §2.6): fold what was received, ask GHL what changed there, then plan each pair once
 * and let one worker perform it. The caller holds the lease and lets only one run of a connection happen at a time.
 * Answers the run's id; null when a cron pass found nothing to do.
 */
export async function runBatch(needs: RunBatchNeeds, order: RunOrder): Promise<string | null> {
  const { store } = needs;
  const { connection, direction, trigger, signal } = order;
  await needs.foldAll(connection);
  await tellOfWaiting(store, connection.id);
  await tellWhetherConnected(store, connection);
  const doors = await openDoors(needs, order);
  if (!doors) return null;
  const counts = noCounts();
  const count = () => {
    counts.apiCalls += 1;
  };
  const { ghl, sticky } = doors;
  const health = createStickyHealth(() => {
    doors.toSticky = false;
  });
  const capabilities = capabilitiesOf(store, connection.id, { tryAll: trigger !== 'cron' });
  const unsubscribe = [ghl?.onCall(count), sticky?.onCall(count), sticky?.onCall((call) => health.heard(call))];
  let runId: string | null = null;
  let status: RunStatus = doors.blocked?.wanted === false ? 'failed' : 'completed';
  let lastError: string | null = doors.blocked?.reason ?? null;
  try {
    if (doors.blocked === null) await retakeBases(store, connection.id, derivedTags(needs.tagMap), signal);
    if (doors.blocked === null && doors.toSticky) await poll({ ...needs, capabilities }, order, doors);
    const found = doors.blocked === null && (await findsWork(store, connection.id, doors));
    if (!found && trigger === 'cron') {
      // Also a tick that does nothing may have learnt that GHL cannot be asked, or can again.
      await capabilities.settle();
      return null;
    }
    runId = await openRun(store, { connectionId: connection.id, direction, trigger });
    if (found) await work(needs, order, doors, { runId, counts, health, capabilities });
    if (counts.failedCount > 0) status = 'partial';
    if (doors.paused.ghl && found) await resumeSide(store, needs.connections, connection.id);
  } catch (error) {
    runId ??= await openRun(store, { connectionId: connection.id, direction, trigger });
    ({ status, lastError } = await endedEarly(needs, connection, runId, counts, error, signal));
  } finally {
    for (const end of unsubscribe) end?.();
  }
  const refused = await capabilities.settle();
  lastError = (await settleStickyHealth(needs, connection, doors, health)) ?? refused ?? lastError;
  sumUp(counts, doors);
  await closeRun(store, runId, counts, status, lastError);
  return runId;
}

/** null = a side that paused itself is not to be tried again yet, and nothing else can be done. */
async function openDoors(needs: RunBatchNeeds, { connection, direction, trigger }: RunOrder): Promise<Doors | null> {
  const { connections, store } = needs;
  const pause = await sidePauseOf(connections, connection.id);
  const now = store.clock.nowMs();
  const early = (probeAtMs: number) => trigger === 'cron' && now < probeAtMs;
  if (pause && early(pause.probeAtMs)) return null;
  if (needs.massChangeBrake && trigger === 'cron' && (await brakeRests(store, connection.id))) return null;
  const stickyPause = await sidePauseOf(connections, connection.id, 'stickycards');
  const isPaused = (half: Direction) => connection.pausedDirections.includes(half);
  const toGhl = direction !== 'ghl_to_stickycards' && !isPaused('stickycards_to_ghl');
  const sticky = needs.stickySideOf(connection);
  const stickyOpen = sticky !== null && !(stickyPause && early(stickyPause.probeAtMs));
  const toSticky = direction !== 'stickycards_to_ghl' && !isPaused('ghl_to_stickycards') && stickyOpen;
  const ghl = needs.ghlSideOf(connection);
  return {
    blocked: blockedBy(connection, ghl, direction),
    ghl,
    sticky: stickyOpen ? sticky : null,
    toGhl,
    toSticky,
    paused: { ghl: pause !== null, stickycards: stickyPause !== null },
    waitsBefore: ghl?.pace.waits ?? 0,
  };
}

const derivedTags = ({ derived }: TagMap): Set<string> => new Set(Object.values(derived).map(canonicalTag));

/** Why a run must not write anything now; null when it may. */
function blockedBy(connection: Connection, ghl: GhlSide | null, direction: Direction | 'both'): Blocked | null {
  const wanted = wantedPause(connection, direction);
  if (wanted !== null) return { reason: wanted, wanted: true };
  if (ghl !== null) return null;
  return { reason: notConnected(connection) ?? 'GHL is not connected', wanted: false };
}

function wantedPause(connection: Connection, direction: Direction | 'both'): string | null {
  if (connection.mode === 'observe') return 'the connection is in observe: nothing is written until it is activated';
  if (connection.state !== 'ready') return connection.reason ?? `the connection is ${connection.state}`;
  const wanted: Direction[] = direction === 'both' ? ['stickycards_to_ghl', 'ghl_to_stickycards'] : [direction];
  if (!wanted.every((half) => connection.pausedDirections.includes(half))) return null;
  if (wanted.length > 1) return 'both directions are paused';
  return `the direction ${direction === 'stickycards_to_ghl' ? 'Sticky Cards → GHL' : 'GHL → Sticky Cards'} is paused`;
}

/** What changed in GHL, also where no webhook told of it (SPEC §3.1). */
async function poll(
  needs: RunBatchNeeds & { capabilities: Capabilities },
  { connection, signal }: RunOrder,
  doors: Doors,
): Promise<void> {
  const ghl = doors.ghl as GhlSide;
  const { capabilities } = needs;
  const facts = await locationFacts(needs, connection, ghl, { again: false });
  if (capabilities.isRefused('search')) return;
  try {
    await pollContacts({ ...needs, connection, facts, ghl: ghl.client, signal });
    capabilities.allow('search');
  } catch (error) {
    if (!isApiError(error) || error.side !== 'ghl' || signal.aborted) throw error;
    if (error.class !== 'scope' && haltOf(error)) throw error;
    // The search may be what is ill: only when a plain read fails as well, GHL is away (SPEC §2.6, circuit breaker).
    if (error.class === 'transient') await ghl.client.getLocation({ priority: 'next', signal });
    capabilities.refuse('search', error);
  }
}

async function findsWork(store: Store, connectionId: string, doors: Doors): Promise<boolean> {
  if (doors.sticky && (await wantedReads(store, connectionId, '', 1)).length > 0) return true;
  if (doors.toSticky && (await hasDueMarks(store, connectionId))) return true;
  if (await hasDueCustomers(store, connectionId)) return true;
  return hasDueCommands(store, connectionId, { ghl: doors.toGhl, stickycards: doors.toSticky });
}

/** More often than this a run does not look again for what its own writes made due. */
const SWEEPS_MAX = 3;

async function work(
  needs: RunBatchNeeds,
  order: RunOrder,
  doors: Doors,
  parts: Pick<RunParts, 'runId' | 'counts' | 'health' | 'capabilities'>,
): Promise<void> {
  const { store, connections } = needs;
  const { runId, counts, health, capabilities } = parts;
  const { connection } = order;
  const ghl = doors.ghl as GhlSide;
  if (doors.sticky) {
    await readSticky({ store, log: needs.log, signal: order.signal, health, capabilities }, connection, doors.sticky);
    await needs.foldAll(connection);
  }
  const facts = await locationFacts({ ...needs, capabilities }, connection, ghl, { again: false });
  ghl.pace.setConcurrency(CONCURRENCY);
  const jobs = createJobQueue(ghl.pace, order.signal);
  const { signal } = jobs;
  const { sticky } = doors;
  const ctx = await createRunContext(needs, {
    connection,
    facts,
    ghl,
    sticky,
    // The same object: a side that is given up for this run is given up by all its jobs.
    halves: doors,
    ...parts,
    signal,
  });
  const onPage = async () => {
    sumUp(counts, doors);
    await store.tx((db) => touchRun(store, db, runId, counts));
  };
  const brake = needs.massChangeBrake ? await applyBrake(ctx, jobs) : null;
  // What was left open in the ledger is known to have happened, or not, before anything is planned on it.
  await performLedger(ctx, health);
  await needs.foldAll(connection);
  if (doors.toSticky) {
    await pushMarked(brake?.reads ? { ...ctx, ghl: brake.reads.over(ctx.ghl) } : ctx, jobs, onPage);
    await needs.foldAll(connection);
  }
  for (let sweep = 0; sweep < SWEEPS_MAX; sweep++) {
    await pushPages(ctx, { connections, pace: ghl.pace, jobs, onPage });
    await performLedger(ctx, health);
    // Answers of Sticky Cards to our own writes may be news for GHL.
    await needs.foldAll(connection);
    if (!doors.toGhl || !(await hasDueCustomers(store, connection.id))) break;
  }
  await brake?.release();
}

async function endedEarly(
  needs: RunBatchNeeds,
  connection: Connection,
  runId: string,
  counts: RunCounts,
  error: unknown,
  signal: AbortSignal,
): Promise<{ status: RunStatus; lastError: string }> {
  const halt =
    haltOf(error) ??
    (isApiError(error, 'transient') && error.side === 'ghl'
      ? new RunHalted('ghl_down', `GHL does not answer: ${error.message}`, error)
      : null);
  if (halt) await pauseSide(needs.store, needs.connections, connection.id, halt);
  const lastError = halt?.message ?? messageOf(error);
  if (halt || signal.aborted || error instanceof MassChange)
    needs.log.warn('a run ended early', { connection: connection.id, runId, reason: lastError });
  else needs.log.error('a run ended early', { connection: connection.id, runId, error });
  return { status: counts.createdCount + counts.updatedCount > 0 ? 'partial' : 'failed', lastError };
}

/** Pauses Sticky Cards, or lets it go on, by what this run has heard of it. Answers what the run's row says of it. */
async function settleStickyHealth(
  needs: RunBatchNeeds,
  connection: Connection,
  doors: Doors,
  health: StickyHealth,
): Promise<string | null> {
  const halt = health.halt();
  if (halt) {
    await pauseSide(needs.store, needs.connections, connection.id, halt);
    needs.log.warn('Sticky Cards cannot be written to', { connection: connection.id, reason: halt.message });
    return halt.message;
  }
  if (doors.paused.stickycards && health.answered())
    await resumeSide(needs.store, needs.connections, connection.id, 'stickycards');
  return null;
}

/** Only what was finished one way or the other counts as a record of the run. */
function sumUp(counts: RunCounts, { ghl, waitsBefore }: Doors): void {
  const { createdCount, updatedCount, unchangedCount, skippedCount, failedCount } = counts;
  counts.totalRecords = createdCount + updatedCount + unchangedCount + skippedCount + failedCount;
  counts.rateLimitWaits = (ghl?.pace.waits ?? waitsBefore) - waitsBefore;
}
