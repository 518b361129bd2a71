import { and, desc, eq, inArray, isNull, min, sql } from 'drizzle-orm';
import type { SyncStatus } from '../../drizzle/tables/staging.ts';
import type { RunRow } from './runs.ts';
import type { Store } from './store.ts';

export type StatusCounts = Record<SyncStatus, number>;

/** Of a larger backlog the first ones tell its age well enough. */
const PENDING_LOOKED_AT = 2_000;

const noStatuses = (): StatusCounts => ({ PENDING: 0, SYNCED: 0, FAILED: 0, SKIPPED: 0 });

/** People by connection and status, in one pass over an index. */
export async function statusCounts({ db, s }: Store): Promise<Map<string, StatusCounts>> {
  const { stickyCardsCustomers: t } = s;
  const rows = await db
    .select({ connectionId: t.connectionId, syncStatus: t.syncStatus, count: sql`count(*)`.mapWith(Number) })
    .from(t)
    .groupBy(t.connectionId, t.syncStatus);
  const counts = new Map<string, StatusCounts>();
  for (const row of rows) {
    const known = counts.get(row.connectionId) ?? noStatuses();
    known[row.syncStatus] = row.count;
    counts.set(row.connectionId, known);
  }
  return counts;
}

/** When the oldest delivery that is not folded yet was received, by connection. */
export async function oldestUnfolded({ db, s }: Store): Promise<Map<string, Date>> {
  const { webhookEvents: t } = s;
  const rows = await db
    .select({ connectionId: t.connectionId, at: min(t.receivedAt) })
    .from(t)
    .where(isNull(t.foldedAt))
    .groupBy(t.connectionId);
  return new Map(rows.flatMap((row) => (row.at === null ? [] : [[row.connectionId, row.at] as const])));
}

/** When the person who waits longest for a run was last changed. */
export async function oldestPending({ db, s }: Store, connectionId: string): Promise<Date | null> {
  const { stickyCardsCustomers: t } = s;
  const first = db
    .select({ updatedAt: t.updatedAt })
    .from(t)
    .where(and(eq(t.connectionId, connectionId), eq(t.syncStatus, 'PENDING')))
    .limit(PENDING_LOOKED_AT)
    .as('first');
  const [row] = await db.select({ at: min(first.updatedAt) }).from(first);
  return row?.at ?? null;
}

/** The same for several connections, in one question. */
export async function oldestPendings({ db, s }: Store, connectionIds: readonly string[]): Promise<Map<string, Date>> {
  const { connections: c, stickyCardsCustomers: t } = s;
  if (connectionIds.length === 0) return new Map();
  const first = db
    .select({ updatedAt: t.updatedAt })
    .from(t)
    .where(and(eq(t.connectionId, c.id), eq(t.syncStatus, 'PENDING')))
    .limit(PENDING_LOOKED_AT)
    .as('first');
  const rows = await db
    .select({ id: c.id, at: sql`(${db.select({ at: min(first.updatedAt) }).from(first)})`.mapWith(t.updatedAt) })
    .from(c)
    .where(inArray(c.id, [...connectionIds]));
  return new Map(rows.flatMap(({ id, at }) => ((at as Date | null) === null ? [] : [[id, at as Date] as const])));
}

/** The newest run of each connection, in one seek for each. */
export async function lastRuns({ db, s }: Store): Promise<Map<string, RunRow>> {
  const { connections: c, syncRunSummaries: t } = s;
  const newest = db.select({ id: t.id }).from(t).where(eq(t.connectionId, c.id)).orderBy(desc(t.id)).limit(1);
  const rows = await db
    .select({ run: t })
    .from(c)
    .innerJoin(t, eq(t.id, sql`(${newest})`));
  return new Map(rows.map(({ run }) => [run.connectionId, run]));
}

export const lastRun = async ({ db, s }: Store, connectionId: string): Promise<RunRow | null> => {
  const { syncRunSummaries: t } = s;
  const [row] = await db.select().from(t).where(eq(t.connectionId, connectionId)).orderBy(desc(t.id)).limit(1);
  return row ?? null;
};
