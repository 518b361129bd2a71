import { and, count, eq, inArray, isNull, min, or } from 'drizzle-orm';
import type { Store } from './store.ts';

/** Commands that wait for a person: held ones, and unknown ones that nobody looks at any more. */
export async function commandsForPeople(
  { db, s }: Store,
  connectionId: string,
): Promise<{ unknown: number; held: number }> {
  const { commands: t } = s;
  const rows = await db
    .select({ state: t.state, count: count() })
    .from(t)
    .where(
      and(
        eq(t.connectionId, connectionId),
        inArray(t.state, ['held', 'unknown']),
        or(eq(t.state, 'held'), isNull(t.nextAttemptAt)),
      ),
    )
    .groupBy(t.state);
  const of = (state: string) => rows.find((row) => row.state === state)?.count ?? 0;
  return { unknown: of('unknown'), held: of('held') };
}

/** Codes of the problems that are open. */
export async function openProblemCodes({ db, s }: Store, connectionId: string): Promise<string[]> {
  const { problems: t } = s;
  const rows = await db
    .selectDistinct({ code: t.code })
    .from(t)
    .where(and(eq(t.connectionId, connectionId), eq(t.state, 'open')));
  return rows.map((row) => row.code).toSorted();
}

/** When the contact was marked that has waited longest to be read. */
export async function oldestMark({ db, s }: Store, connectionId: string): Promise<Date | null> {
  const { contactMarks: t } = s;
  const [row] = await db
    .select({ at: min(t.markedAt) })
    .from(t)
    .where(eq(t.connectionId, connectionId));
  return row?.at ?? null;
}
