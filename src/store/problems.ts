import { and, desc, eq, inArray, lt, sql } from 'drizzle-orm';
import type { Schema } from '../../drizzle/schema.ts';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

export type ProblemRow = Schema['problems']['$inferSelect'];

export interface RaisedProblem {
  code: string;
  /** What makes two occurrences the same problem; '' when the code alone does. */
  cause?: string;
  /** The record that it touches: a customer, contact, command or connection id. */
  recordId: string;
  sample: Record<string, unknown>;
}

/**
 * Raises problems in the caller's transaction: same cause = one row, counted once per record. One that is over reopens,
 * whatever was decided of it then; only an ignored one stays as it is.
 */
export async function raiseProblems(
  store: Store,
  db: Db,
  connectionId: string,
  raised: readonly RaisedProblem[],
): Promise<void> {
  const { problems: t, problemRecords: records } = store.s;
  const now = store.clock.now();
  for (const problem of raised) {
    const [row] = await db
      .insert(t)
      .values({
        id: store.newId('prb'),
        connectionId,
        code: problem.code,
        cause: problem.cause ?? '',
        state: 'open',
        affected: 0,
        sample: problem.sample,
        firstSeenAt: now,
        lastSeenAt: now,
        updatedAt: now,
      })
      .onConflictDoUpdate({
        target: [t.connectionId, t.code, t.cause],
        set: {
          lastSeenAt: now,
          updatedAt: now,
          state: sql`case when ${t.state} = 'resolved' or (${t.state} = 'acknowledged' and ${t.affected} <= 0) then 'open' else ${t.state} end`,
        },
      })
      .returning({ id: t.id });
    const added = await db
      .insert(records)
      .values({ problemId: (row as { id: string }).id, recordId: problem.recordId, createdAt: now })
      .onConflictDoNothing()
      .returning({ id: records.recordId });
    if (added.length > 0) {
      await db
        .update(t)
        .set({ affected: sql`${t.affected} + 1`, sample: problem.sample })
        .where(eq(t.id, (row as { id: string }).id));
    }
  }
}

/** Keeps the sample of a raised problem up to date, where its numbers are what a person decides by. */
export async function updateSample(
  { s, clock }: Store,
  db: Db,
  connectionId: string,
  { code, cause = '', sample }: Pick<RaisedProblem, 'code' | 'cause' | 'sample'>,
): Promise<void> {
  const { problems: t } = s;
  await db
    .update(t)
    .set({ sample, updatedAt: clock.now() })
    .where(and(eq(t.connectionId, connectionId), eq(t.code, code), eq(t.cause, cause)));
}

/**
 * Takes a record out of the problems of these codes because its cause is gone; a problem without records left is
 * resolved by itself.
 */
export async function clearProblems(
  store: Store,
  db: Db,
  connectionId: string,
  recordId: string,
  codes: readonly string[],
): Promise<void> {
  const { problems: t, problemRecords: records } = store.s;
  const open = await db
    .select({ id: t.id })
    .from(t)
    .innerJoin(records, eq(records.problemId, t.id))
    .where(and(eq(t.connectionId, connectionId), inArray(t.code, [...codes]), eq(records.recordId, recordId)));
  const now = store.clock.now();
  for (const { id } of open) {
    await db.delete(records).where(and(eq(records.problemId, id), eq(records.recordId, recordId)));
    await db
      .update(t)
      .set({
        affected: sql`${t.affected} - 1`,
        updatedAt: now,
        state: sql`case when ${t.affected} <= 1 and ${t.state} in ('open', 'acknowledged') then 'resolved' else ${t.state} end`,
      })
      .where(eq(t.id, id));
  }
}

export interface ProblemFilter {
  connection?: string;
  state?: string;
  code?: string;
}

/** Newest first, in keyset pages. */
export const listProblems = (
  { db, s }: Store,
  filter: ProblemFilter,
  limit: number,
  before?: string,
): Promise<ProblemRow[]> => {
  const { problems: t } = s;
  return db
    .select()
    .from(t)
    .where(
      and(
        filter.connection === undefined ? undefined : eq(t.connectionId, filter.connection),
        filter.state === undefined ? undefined : eq(t.state, filter.state as ProblemRow['state']),
        filter.code === undefined ? undefined : eq(t.code, filter.code),
        before === undefined ? undefined : lt(t.id, before),
      ),
    )
    .orderBy(desc(t.id))
    .limit(limit);
};
