import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import type { ProblemRow } from './problems.ts';
import type { Store } from './store.ts';

/**
 * Problems whose state the alerts have not told yet, oldest first of each connection: those that opened (again), and those
 * that are over. `after` = the last one of the page before: it may be untold still.
 */
export const untoldProblems = (
  { db, s }: Store,
  connectionIds: readonly string[],
  limit: number,
  after?: Pick<ProblemRow, 'connectionId' | 'id'>,
): Promise<ProblemRow[]> => {
  const { problems: t } = s;
  if (connectionIds.length === 0) return Promise.resolve([]);
  return db
    .select()
    .from(t)
    .where(
      and(
        inArray(t.connectionId, [...connectionIds]),
        after && sql`(${t.connectionId}, ${t.id}) > (${after.connectionId}, ${after.id})`,
        // Said in the index's own words, or SQLite does not see that its partial index serves the query.
        sql`((${t.state} = 'open' and ${t.toldState} <> 'open') or (${t.state} = 'resolved' and ${t.toldState} <> 'resolved'))`,
      ),
    )
    .orderBy(asc(t.connectionId), asc(t.id))
    .limit(limit);
};

/** What was told of a problem, or is on its way (`unsure`); it is told again when it is something else by now. */
export const markTold = (store: Store, id: string, told: ProblemRow['toldState']): Promise<void> =>
  store.tx(async (db) => {
    await db.update(store.s.problems).set({ toldState: told }).where(eq(store.s.problems.id, id));
  });
