import PQueue from 'p-queue';
import type { Direction, RunStatus, RunTrigger } from '../../drizzle/tables/runs.ts';
import type { Connection } from '../domain/connection.ts';
import type { FieldRow, TagMap } from '../domain/fieldMap.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { GhlSide } from '../platforms/ghl/sides.ts';
import { isApiError } from '../platforms/apiError.ts';
import type { StickySide } from '../platforms/stickycards/sides.ts';
import type { ConnectionStore } from '../store/connections.ts';
import { claimPairs, hasDueCustomers, type Pair } from '../store/pairs.ts';
import { closeRun, noCounts, openRun, type RunCounts, touchRun } from '../store/runs.ts';
import { createSettler } from '../store/settle.ts';
import type { Store } from '../store/store.ts';
import { wantedReads } from '../store/wantedReads.ts';
import { indexContacts } from './indexContacts.ts';
import type { JobContext } from './jobContext.ts';
import { candidatesFor } from './linkContact.ts';
import { locationFacts } from './locationFacts.ts';
import { pushContact } from './pushContact.ts';
import { pushTags } from './pushTags.ts';
import { readSticky } from './readSticky.ts';
import { haltOf } from './settleFailure.ts';
import { pauseSide, resumeSide, RunHalted, sidePauseOf } from './sidePause.ts';

export interface RunBatchNeeds {
  store: Store;
  log: Logger;
  connections: ConnectionStore;
  rows: readonly FieldRow[];
  tagMap: TagMap;
  /** null = the connection has no GHL location or token yet. */
  ghlSideOf(connection: Connection): GhlSide | null;
  /** null = no address or key, or a dialect that cannot be read. */
  stickySideOf(connection: Connection): StickySide | null;
  /** Folds everything that was committed before. */
  foldAll(connection: Connection): Promise<void>;
  random(): number;
}

export interface RunOrder {
  connection: Connection;
  direction: Direction | 'both';
  trigger: RunTrigger;
  signal: AbortSignal;
}

const PAGE = 200;
/** At a time and connection, to begin with (SPEC §2.6); the pace allows 20 at most. */
const CONCURRENCY = 5;

/**
 * One run of one connection (SPEC §2.6): fold what was received, then plan each pair once and let one worker perform
 * it. The caller holds the lease and lets only one run of a connection happen at a time. Answers the run's id; null
 * when a cron pass found nothing to do.
 */
export async function runBatch(needs: RunBatchNeeds, order: RunOrder): Promise<string | null> {
  const { store } = needs;
  const { connection, direction, trigger, signal } = order;
  await needs.foldAll(connection);
  const blocked = blockedReason(needs, order);
  const pause = await sidePauseOf(needs.connections, connection.id);
  if (pause && trigger === 'cron' && store.clock.nowMs() < pause.probeAtMs) return null;
  const sticky = blocked === null && forward(direction) ? needs.stickySideOf(connection) : null;
  const asks = sticky !== null && (await wantedReads(store, connection.id, '', 1)).length > 0;
  const found = asks || (blocked === null && forward(direction) && (await hasDueCustomers(store, connection.id)));
  if (!found && trigger === 'cron') return null;
  const runId = await openRun(store, { connectionId: connection.id, direction, trigger });
  const counts = noCounts();
  if (!found) {
    await closeRun(store, runId, counts, 'completed', blocked);
    return runId;
  }
  const side = needs.ghlSideOf(connection) as GhlSide;
  const waitsBefore = side.pace.waits;
  const count = () => {
    counts.apiCalls += 1;
  };
  const unsubscribe = [side.onCall(count), sticky?.onCall(count)];
  let status: RunStatus;
  let lastError: string | null = null;
  try {
    if (sticky && asks) {
      await readSticky({ store, log: needs.log, signal }, connection, sticky);
      await needs.foldAll(connection);
    }
    await pushContacts(needs, connection, side, runId, counts, signal, waitsBefore);
    status = counts.failedCount > 0 ? 'partial' : 'completed';
    if (pause) await resumeSide(store, needs.connections, connection.id);
  } catch (error) {
    const halt =
      haltOf(error) ??
      (isApiError(error, 'transient')
        ? new RunHalted('ghl_down', `GHL does not answer: ${error.message}`, error)
        : null);
    if (halt) await pauseSide(store, needs.connections, connection.id, halt);
    lastError = halt?.message ?? messageOf(error);
    status = counts.createdCount + counts.updatedCount > 0 ? 'partial' : 'failed';
    if (halt || signal.aborted)
      needs.log.warn('a run ended early', { connection: connection.id, runId, reason: lastError });
    else needs.log.error('a run ended early', { connection: connection.id, runId, error });
  } finally {
    for (const end of unsubscribe) end?.();
  }
  sumUp(counts, side.pace.waits - waitsBefore);
  await closeRun(store, runId, counts, status, lastError);
  return runId;
}

/** Only what was finished one way or the other counts as a record of the run. */
function sumUp(counts: RunCounts, waits: number): void {
  const { createdCount, updatedCount, unchangedCount, skippedCount, failedCount } = counts;
  counts.totalRecords = createdCount + updatedCount + unchangedCount + skippedCount + failedCount;
  counts.rateLimitWaits = waits;
}

const forward = (direction: Direction | 'both') => direction !== 'ghl_to_stickycards';

/** Why a run must not write anything now; null when it may. */
function blockedReason(needs: RunBatchNeeds, { connection }: RunOrder): string | null {
  if (connection.mode === 'observe') return 'the connection is in observe: nothing is written until it is activated';
  if (connection.state !== 'ready') return connection.reason ?? `the connection is ${connection.state}`;
  if (connection.pausedDirections.includes('stickycards_to_ghl')) return 'the direction Sticky Cards → GHL is paused';
  if (needs.ghlSideOf(connection) === null)
    return 'the connection has no GHL location or token yet: set GHL_LOCATION_ID and GHL_ACCESS_TOKEN';
  return null;
}

/** The forward half. */
async function pushContacts(
  needs: RunBatchNeeds,
  connection: Connection,
  side: GhlSide,
  runId: string,
  counts: RunCounts,
  signal: AbortSignal,
  waitsBefore: number,
): Promise<void> {
  const { store } = needs;
  const facts = await locationFacts(needs, connection, side, { again: false });
  let refreshing: Promise<void> | null = null;
  const ctx: JobContext = {
    store,
    log: needs.log,
    connection,
    facts,
    locale: { defaultCountry: connection.defaultCountry, timeZone: connection.timeZone ?? facts.timeZone },
    rows: needs.rows,
    tagMap: needs.tagMap,
    ghl: side.client,
    settler: createSettler(store, connection.id),
    runId,
    counts,
    random: () => needs.random(),
    signal,
    // Once per run, for all jobs that meet it; they share the object.
    refreshFacts: () => {
      refreshing ??= locationFacts(needs, connection, side, { again: true }).then(
        (now) => void Object.assign(facts, now),
      );
      return refreshing;
    },
    waited: new Set(),
    health: { succeeded: 0, failedInARow: 0 },
  };
  side.pace.setConcurrency(CONCURRENCY);
  const queue = new PQueue({ concurrency: side.pace.concurrency });
  for (let sweep = 0; sweep < 2; sweep++) {
    ctx.waited.clear();
    for (let after = ''; ;) {
      signal.throwIfAborted();
      const pairs = await claimPairs(store, connection.id, after, PAGE);
      const last = pairs.at(-1);
      if (!last) break;
      after = last.customer.stickycardsId;
      const heldBefore = side.pace.held;
      await pushPage(ctx, needs, queue, pairs);
      if (side.pace.held === heldBefore && pairs.length === PAGE) raiseConcurrency(side, queue);
      sumUp(counts, side.pace.waits - waitsBefore);
      await store.tx((db) => touchRun(store, db, runId, counts));
    }
    // Two people with one phone: the second waited for the first one's creation, and can be matched now.
    if (ctx.waited.size === 0) break;
  }
}

/** A whole page went through without the pace holding anything back: more at a time would be used (SPEC §2.6). */
function raiseConcurrency(side: GhlSide, queue: PQueue): void {
  side.pace.setConcurrency(side.pace.concurrency * 2);
  queue.concurrency = side.pace.concurrency;
}

async function pushPage(ctx: JobContext, needs: RunBatchNeeds, queue: PQueue, pairs: Pair[]): Promise<void> {
  if (pairs.some((pair) => !pair.link)) await indexContacts(ctx, needs.connections);
  const candidates = await candidatesFor(ctx, pairs);
  const halt = new AbortController();
  const signal = AbortSignal.any([ctx.signal, halt.signal]);
  let halted: unknown = null;
  /** Work that comes after a halt is not started: it was nobody's attempt. */
  const perform = async (work: () => Promise<void>) => {
    await queue.add(async () => {
      if (signal.aborted) return;
      try {
        await work();
      } catch (error) {
        halted ??= error;
        halt.abort(error);
      }
    });
  };
  const pageCtx: JobContext = { ...ctx, signal };
  const tagWorks: NonNullable<Awaited<ReturnType<typeof pushContact>>>[] = [];
  await Promise.all(
    pairs.map((pair) =>
      perform(async () => {
        const work = await pushContact(pageCtx, pair, candidates);
        if (work) tagWorks.push(work);
      }),
    ),
  );
  if (halted === null && !ctx.signal.aborted)
    await pushTags(ctx, tagWorks, perform).catch((error: unknown) => (halted ??= error));
  if (halted !== null) throw halted;
  ctx.signal.throwIfAborted();
}
