import { and, asc, desc, eq, gte, inArray, isNull, lt, sql } from 'drizzle-orm';
import type { Schema } from '../../drizzle/schema.ts';
import type { Direction, RunStatus, RunTrigger } from '../../drizzle/tables/runs.ts';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

export type RunRow = Schema['syncRunSummaries']['$inferSelect'];
export type LogRow = Schema['syncLogs']['$inferSelect'];
export type NewLogRow = Omit<LogRow, 'id' | 'createdAt'>;

export interface RunCounts {
  totalRecords: number;
  createdCount: number;
  updatedCount: number;
  unchangedCount: number;
  skippedCount: number;
  failedCount: number;
  apiCalls: number;
  rateLimitWaits: number;
}

export const noCounts = (): RunCounts => ({
  totalRecords: 0,
  createdCount: 0,
  updatedCount: 0,
  unchangedCount: 0,
  skippedCount: 0,
  failedCount: 0,
  apiCalls: 0,
  rateLimitWaits: 0,
});

/** Opens a run; one that is over already (an overlap) is closed at once. */
export async function openRun(
  store: Store,
  run: { connectionId: string; direction: Direction | 'both'; trigger: RunTrigger; status?: RunStatus },
): Promise<string> {
  const id = store.newId('run');
  const now = store.clock.now();
  const over = run.status !== undefined && run.status !== 'running';
  await store.tx((db) =>
    db.insert(store.s.syncRunSummaries).values({
      id,
      connectionId: run.connectionId,
      direction: run.direction,
      trigger: run.trigger,
      status: run.status ?? 'running',
      startedAt: now,
      heartbeatAt: now,
      completedAt: over ? now : null,
      durationMs: over ? 0 : null,
    }),
  );
  return id;
}

/** Keeps a running run's counts and heartbeat current. */
export const touchRun = (store: Store, db: Db, id: string, counts: RunCounts) =>
  db
    .update(store.s.syncRunSummaries)
    .set({ ...counts, heartbeatAt: store.clock.now() })
    .where(eq(store.s.syncRunSummaries.id, id));

export async function closeRun(
  store: Store,
  id: string,
  counts: RunCounts,
  status: RunStatus,
  lastError: string | null,
): Promise<void> {
  const { syncRunSummaries: t } = store.s;
  const now = store.clock.now();
  await store.tx(async (db) => {
    const [row] = await db.select({ startedAt: t.startedAt }).from(t).where(eq(t.id, id));
    const durationMs = row ? Math.max(0, now.getTime() - row.startedAt.getTime()) : null;
    await db
      .update(t)
      .set({ ...counts, status, lastError, heartbeatAt: now, completedAt: now, durationMs })
      .where(eq(t.id, id));
  });
}

/** Closes what a dead holder left `running`; called by whoever holds the connection's lease now. */
export const closeStaleRuns = (store: Store, connectionId: string): Promise<number> =>
  store.tx(async (db) => {
    const { syncRunSummaries: t } = store.s;
    const now = store.clock.now();
    const closed = await db
      .update(t)
      .set({ status: 'stale', completedAt: now, lastError: 'the process that ran it ended before the run did' })
      .where(and(eq(t.connectionId, connectionId), eq(t.status, 'running')))
      .returning({ id: t.id });
    return closed.length;
  });

export async function writeLogs(store: Store, db: Db, logs: readonly NewLogRow[]): Promise<void> {
  if (logs.length === 0) return;
  const createdAt = store.clock.now();
  await store.bulk.write(
    db,
    store.s.syncLogs,
    logs.map((log) => ({ ...log, id: store.newId('log'), createdAt })),
    { conflict: ['id'], update: 'none' },
  );
}

export interface RunFilter {
  connection?: string;
  status?: string;
  direction?: string;
  trigger?: string;
}

/** Newest first; `floor` = the oldest id that is looked at. `findRuns` is the one that is quick for every filter. */
export const listRuns = (
  { db, s }: Store,
  filter: RunFilter,
  limit: number,
  before?: string,
  floor?: string | null,
): Promise<RunRow[]> => {
  const { syncRunSummaries: t } = s;
  return db
    .select()
    .from(t)
    .where(
      and(
        filter.connection === undefined ? undefined : eq(t.connectionId, filter.connection),
        filter.status === undefined ? undefined : eq(t.status, filter.status as RunStatus),
        filter.direction === undefined ? undefined : eq(t.direction, filter.direction as Direction),
        filter.trigger === undefined ? undefined : eq(t.trigger, filter.trigger as RunTrigger),
        before === undefined ? undefined : lt(t.id, before),
        floor == null ? undefined : gte(t.id, floor),
      ),
    )
    .orderBy(desc(t.id))
    .limit(limit);
};

export const getRun = async ({ db, s }: Store, id: string): Promise<RunRow | null> =>
  (await db.select().from(s.syncRunSummaries).where(eq(s.syncRunSummaries.id, id)))[0] ?? null;

export interface LogFilter {
  connection?: string;
  /** Any of these, where `connection` names none. */
  connections?: readonly string[];
  runId?: string;
  customerId?: string;
  status?: string;
}

const isOdd = (status: string | undefined) => status === 'failed' || status === 'skipped';

/** Newest first; `floor` = the oldest id that is looked at. `findLogs` is the one that is quick for every filter. */
export const listLogs = (
  { db, s }: Store,
  filter: LogFilter,
  limit: number,
  before?: string,
  floor?: string | null,
): Promise<LogRow[]> => {
  const { syncLogs: t } = s;
  return db
    .select()
    .from(t)
    .where(
      and(
        filter.connection === undefined ? undefined : eq(t.connectionId, filter.connection),
        filter.connections === undefined ? undefined : inArray(t.connectionId, [...filter.connections]),
        // Said in the index's own words, or SQLite does not see that its partial index serves the query.
        filter.connection === undefined && filter.connections === undefined && isOdd(filter.status)
          ? sql`${t.status} in ('failed', 'skipped')`
          : undefined,
        filter.runId === undefined ? undefined : eq(t.runId, filter.runId),
        filter.customerId === undefined ? undefined : eq(t.customerId, filter.customerId),
        filter.status === undefined ? undefined : eq(t.status, filter.status as LogRow['status']),
        before === undefined ? undefined : lt(t.id, before),
        floor == null ? undefined : gte(t.id, floor),
      ),
    )
    .orderBy(desc(t.id))
    .limit(limit);
};

export type RunRequest = Schema['runRequests']['$inferSelect'];

/** Asks the holder of the connection's lease for a run; answers the request's id. */
export async function requestRun(
  store: Store,
  request: { connectionId: string; kind?: RunRequest['kind']; direction: Direction | 'both'; trigger: RunTrigger },
): Promise<string> {
  const id = store.newId('req');
  await store.tx((db) => db.insert(store.s.runRequests).values({ ...request, id, requestedAt: store.clock.now() }));
  return id;
}

export const openRequests = ({ db, s }: Store, connectionIds: string[]): Promise<RunRequest[]> =>
  connectionIds.length === 0
    ? Promise.resolve([])
    : db
        .select()
        .from(s.runRequests)
        .where(and(isNull(s.runRequests.completedAt), inArray(s.runRequests.connectionId, connectionIds)))
        .orderBy(asc(s.runRequests.id))
        .limit(100);

export const completeRequest = (store: Store, id: string, runId: string | null): Promise<void> =>
  store.tx(async (db) => {
    await db
      .update(store.s.runRequests)
      .set({ runId, completedAt: store.clock.now() })
      .where(eq(store.s.runRequests.id, id));
  });

export const getRequest = async ({ db, s }: Store, id: string): Promise<RunRequest | null> =>
  (await db.select().from(s.runRequests).where(eq(s.runRequests.id, id)))[0] ?? null;
