import type { LinkTags } from '../../drizzle/tables/links.ts';
import { canonicalTag } from '../domain/canonical.ts';
import type { Connection } from '../domain/connection.ts';
import { inactiveSince, lastSweepDueMs, planInactivity, settledTag, withPending } from '../domain/inactivity.ts';
import { messageOf } from '../errors.ts';
import { isApiError } from '../platforms/apiError.ts';
import type { BulkTagsRow } from '../platforms/ghl/client.ts';
import type { GhlSide } from '../platforms/ghl/sides.ts';
import {
  askForRun,
  linkedPeople,
  type LinkedPerson,
  nextStretch,
  stateChanges,
  writeTags,
} from '../store/inactivity.ts';
import { closeRun, noCounts, openRun, type RunCounts, touchRun, writeLogs } from '../store/runs.ts';
import { customerLog } from './jobContext.ts';
import type { RunBatchNeeds } from './runBatch.ts';
import { haltOf } from './settleFailure.ts';
import { pauseSide, sidePauseOf } from './sidePause.ts';
import { writtenAt } from './writtenAt.ts';

/** So many people are looked at by one query: some 20 ms, in which nobody else is served. */
const STRETCH = 5000;
/** What one bulk call may name (reference/ghl.md §5.4). */
const BULK_MAX = 500;
const CURSOR = 'inactivity';

type SweepNeeds = Pick<RunBatchNeeds, 'store' | 'log' | 'connections' | 'tagMap' | 'ghlSideOf' | 'foldAll'>;

/** One sweep while it goes on; it has a run from the first change on. */
interface Sweep {
  needs: SweepNeeds;
  connection: Connection;
  side: GhlSide;
  tag: string;
  signal: AbortSignal;
  runId: string | null;
  counts: RunCounts;
}

interface Work extends LinkedPerson {
  customerId: string;
  call: 'add' | 'remove' | null;
  tags: LinkTags;
}

/**
 * The night's look at who became inactive or active again (SPEC §2.3): puts one tag on and takes it off through the
 * bulk endpoint, never touching fields. Leaves no row when nothing changed. The caller holds the lease and lets no run
 * of the connection happen meanwhile. Answers whether this night's sweep is done; one that is not is tried again.
 */
export async function sweepInactive(needs: SweepNeeds, connection: Connection, signal: AbortSignal): Promise<boolean> {
  const { store, connections } = needs;
  const side = needs.ghlSideOf(connection);
  if (!mayWrite(connection) || !side) return false;
  const dueAtMs = lastSweepDueMs(store.clock.nowMs());
  // Whoever was linked a moment ago is looked at by the first night that follows.
  if ((connection.activatedAt?.getTime() ?? Infinity) >= dueAtMs) return true;
  const done = (await connections.remembered(connection.id))?.cursors[CURSOR] as { doneAtMs: number } | undefined;
  if (done && done.doneAtMs >= dueAtMs) return true;
  const pause = await sidePauseOf(connections, connection.id);
  if (pause && store.clock.nowMs() < pause.probeAtMs) return false;
  await needs.foldAll(connection);
  const tag = canonicalTag(needs.tagMap.derived.inactive);
  const sweep: Sweep = { needs, connection, side, tag, signal, runId: null, counts: noCounts() };
  const finished = await performed(sweep);
  if (finished) await connections.rememberCursor(connection.id, CURSOR, { doneAtMs: store.clock.nowMs() });
  return finished;
}

const mayWrite = (connection: Connection) =>
  connection.mode === 'live' &&
  connection.state === 'ready' &&
  !connection.pausedDirections.includes('stickycards_to_ghl');

/** The sweep with its run row; answers whether there is nothing left to try again soon. */
async function performed(sweep: Sweep): Promise<boolean> {
  const { needs, connection, side, counts } = sweep;
  const waitsBefore = side.pace.waits;
  const unsubscribe = side.onCall(() => {
    counts.apiCalls += 1;
  });
  let failure: unknown = null;
  try {
    await everybody(sweep);
  } catch (error) {
    failure = error;
  } finally {
    unsubscribe();
  }
  const halt = failure === null ? null : haltOf(failure);
  if (halt) await pauseSide(needs.store, needs.connections, connection.id, halt);
  counts.totalRecords = counts.updatedCount + counts.failedCount;
  counts.rateLimitWaits = side.pace.waits - waitsBefore;
  const reason = failure === null ? null : (halt?.message ?? messageOf(failure));
  if (reason !== null)
    needs.log.warn('the sweep for inactive customers ended early', { connection: connection.id, reason });
  if (sweep.runId !== null) {
    const status =
      failure === null && counts.failedCount === 0 ? 'completed' : counts.updatedCount > 0 ? 'partial' : 'failed';
    await closeRun(needs.store, sweep.runId, counts, status, reason);
  }
  // What GHL will say again in five minutes waits for the next night.
  return failure === null || (!halt && !sweep.signal.aborted && isApiError(failure) && failure.retry === 'never');
}

async function everybody(sweep: Sweep): Promise<void> {
  const { store } = sweep.needs;
  const rule = { inactiveSince: inactiveSince(store.clock.nowMs()), tag: sweep.tag };
  for (let after: string | null = ''; after !== null;) {
    sweep.signal.throwIfAborted();
    const stretch = await nextStretch(store, sweep.connection.id, after, STRETCH);
    const changes = await stateChanges(store, sweep.connection.id, stretch, rule);
    for (let i = 0; i < changes.length; i += BULK_MAX) {
      const inactive = new Map(changes.slice(i, i + BULK_MAX).map((change) => [change.customerId, change.inactive]));
      await settleChunk(sweep, inactive);
    }
    after = stretch.until;
    // Whoever waits for an answer meanwhile goes first.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** At most BULK_MAX people: those who need no call are settled at once, the others share one call for each kind. */
async function settleChunk(sweep: Sweep, inactive: ReadonlyMap<string, boolean>): Promise<void> {
  const { needs, connection, tag } = sweep;
  const people = await linkedPeople(needs.store, connection.id, [...inactive.keys()]);
  const works = [...people].map(([customerId, person]): Work => {
    const { link, contact } = person;
    const seen =
      contact?.seenBy === 'answer' ? { tags: contact.tags, seenAtMs: contact.observedAt?.getTime() ?? 0 } : null;
    return { customerId, ...person, ...planInactivity(tag, inactive.get(customerId) === true, link.tags, seen) };
  });
  const settled = works.filter((work) => work.call === null && !sameTags(work.tags, work.link.tags));
  if (settled.length > 0) {
    const links = settled.map(({ link, tags }) => ({ ...link, tags }));
    await needs.store.tx((db) => writeTags(needs.store, db, links));
  }
  for (const call of ['remove', 'add'] as const) {
    const callable = works.filter((work) => work.call === call);
    if (callable.length > 0) await bulk(sweep, call, callable);
  }
}

const sameTags = (a: LinkTags, b: LinkTags) =>
  a.base.join('\n') === b.base.join('\n') &&
  Object.keys(a.off).join('\n') === Object.keys(b.off).join('\n') &&
  (a.pending === undefined) === (b.pending === undefined);

/** One call, written ahead; each row of its answer is settled on its own (SPEC §2.6). */
async function bulk(sweep: Sweep, call: 'add' | 'remove', works: Work[]): Promise<void> {
  const { needs, connection, side, tag, signal } = sweep;
  const { store } = needs;
  signal.throwIfAborted();
  sweep.runId ??= await openRun(store, {
    connectionId: connection.id,
    direction: 'stickycards_to_ghl',
    trigger: 'cron',
  });
  const runId = sweep.runId;
  const sentAtMs = store.clock.nowMs();
  const links = works.map(({ link, tags }) => ({ ...link, tags: withPending(tags, call, tag, sentAtMs) }));
  const ids = works.map((work) => work.link.ghlId as string);
  const answer = await side.client.bulkTags(call, ids, [tag], {
    signal,
    beforeSend: () => store.tx((db) => writeTags(store, db, links)),
  });
  const said = new Map(answer.rows.map((row) => [row.contactId, row]));
  const isTaken = (work: Work) => said.get(work.link.ghlId as string)?.ok === true;
  const taken = works.filter(isTaken);
  const refused = works.filter((work) => !isTaken(work));
  sweep.counts.updatedCount += taken.length;
  sweep.counts.failedCount += refused.length;
  await store.tx(async (db) => {
    await writeTags(
      store,
      db,
      taken.map(({ link, tags }) => ({ ...writtenAt(link, answer.dateMs), tags: settledTag(tags, call, tag) })),
      taken.flatMap(({ contact }) => (contact ? [{ ...contact, tags: tagsAfter(contact.tags, call, tag) }] : [])),
    );
    await writeLogs(
      store,
      db,
      works.map((work) => logOf(sweep, runId, work, said.get(work.link.ghlId as string), answer.traceId)),
    );
    // The next run asks GHL for each of them alone, and finds out whether the contact is gone or only moved.
    await askForRun(
      store,
      db,
      connection.id,
      refused.map((work) => work.customerId),
    );
    await touchRun(store, db, runId, sweep.counts);
  });
}

const tagsAfter = (tags: readonly string[], call: 'add' | 'remove', tag: string): string[] => {
  const others = tags.filter((name) => name !== tag);
  return (call === 'add' ? [...others, tag] : others).toSorted();
};

function logOf(sweep: Sweep, runId: string, work: Work, row: BulkTagsRow | undefined, traceId: string | null) {
  const { connection, tag } = sweep;
  const ok = row?.ok === true;
  return customerLog({ connection, runId }, work.customerId, work.link.ghlId, {
    action: 'tag',
    status: ok ? 'success' : 'failed',
    tagsAdded: ok && work.call === 'add' ? [tag] : [],
    tagsRemoved: ok && work.call === 'remove' ? [tag] : [],
    traceId,
    ...(ok
      ? {}
      : {
          errorClass: 'transient',
          errorCode: 'tags_not_taken',
          errorMessage: `tags not taken: ${row?.message || 'the answer did not name the contact'}`,
        }),
  });
}
