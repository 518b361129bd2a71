import { eq } from 'drizzle-orm';
import { writeAudit } from './audit.ts';
import type { ProblemRow } from './problems.ts';
import type { Store } from './store.ts';

export const getProblem = async ({ db, s }: Store, id: string): Promise<ProblemRow | null> =>
  (await db.select().from(s.problems).where(eq(s.problems.id, id)))[0] ?? null;

/**
 * What a person decided about a problem; null when there is no such problem. A resolved one forgets its records, so
 * that it counts from one when it comes back; an ignored one stays ignored.
 */
export const decideProblem = (
  store: Store,
  id: string,
  state: 'acknowledged' | 'resolved' | 'ignored',
  actor: string,
): Promise<ProblemRow | null> =>
  store.tx(async (db) => {
    const { problems: t, problemRecords: records } = store.s;
    const [row] = await db.select().from(t).where(eq(t.id, id));
    if (!row || row.state === state) return row ?? null;
    const affected = state === 'resolved' ? 0 : row.affected;
    if (state === 'resolved') await db.delete(records).where(eq(records.problemId, id));
    const [decided] = await db
      .update(t)
      .set({ state, affected, updatedAt: store.clock.now() })
      .where(eq(t.id, id))
      .returning();
    await writeAudit(store, db, {
      actor,
      action: `problem.${state}`,
      subject: id,
      connectionId: row.connectionId,
      before: { state: row.state, affected: row.affected },
      after: { state, affected },
    });
    return decided ?? null;
  });
