import { and, asc, eq, gt, isNull, lte, or, sql } from 'drizzle-orm';
import type { Schema } from '../../drizzle/schema.ts';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

/** A contact that is to be read before anything is decided about it (SPEC §3.1). */
export type MarkRow = Schema['contactMarks']['$inferSelect'];

/** What makes a contact worth a read. */
export interface NewMark {
  contactId: string;
  /** The delivery that showed something else than we knew; null for a poll, a workflow call or a person. */
  eventId: string | null;
}

/** Deliveries that a mark remembers: what an overwritten edit is recognised by. */
const EVENTS_MAX = 20;

/** Marks contacts for a read, in the caller's transaction. One that is marked already is marked anew: it is due at once. */
export async function markContacts(
  store: Store,
  db: Db,
  connectionId: string,
  marks: readonly NewMark[],
): Promise<void> {
  if (marks.length === 0) return;
  const { contactMarks: t } = store.s;
  const now = store.clock.now();
  const byContact = Map.groupBy(marks, (mark) => mark.contactId);
  const known = new Map(
    (
      await db
        .select()
        .from(t)
        .where(and(eq(t.connectionId, connectionId), store.inList(t.ghlContactId, [...byContact.keys()])))
    ).map((row) => [row.ghlContactId, row]),
  );
  const rows = [...byContact].map(([ghlContactId, news]): MarkRow => {
    const before = known.get(ghlContactId);
    const told = news.map((mark) => mark.eventId).filter((id) => id !== null);
    return {
      connectionId,
      ghlContactId,
      mark: store.newId('mrk'),
      eventIds: [...new Set([...(before?.eventIds ?? []), ...told])].slice(-EVENTS_MAX),
      attempts: 0,
      nextAttemptAt: null,
      reason: null,
      markedAt: before?.markedAt ?? now,
    };
  });
  await store.bulk.write(db, t, rows, { conflict: ['connectionId', 'ghlContactId'], update: 'all' });
}

const due = (store: Store, connectionId: string) => {
  const { contactMarks: t } = store.s;
  return and(eq(t.connectionId, connectionId), or(isNull(t.nextAttemptAt), lte(t.nextAttemptAt, store.clock.now())));
};

/** Marks that are due, in keyset pages by contact id. */
export const dueMarks = (store: Store, connectionId: string, after: string, limit: number): Promise<MarkRow[]> => {
  const { contactMarks: t } = store.s;
  return store.db
    .select()
    .from(t)
    .where(and(due(store, connectionId), gt(t.ghlContactId, after)))
    .orderBy(asc(t.ghlContactId))
    .limit(limit);
};

/** Whether a run would find a contact to read. */
export const hasDueMarks = async (store: Store, connectionId: string): Promise<boolean> =>
  (await dueMarks(store, connectionId, '', 1)).length > 0;

/** The job is done with what the mark stood for; one that was renewed meanwhile stays. */
export const clearMark = async (
  store: Store,
  db: Db,
  mark: Pick<MarkRow, 'connectionId' | 'ghlContactId' | 'mark'>,
) => {
  const { contactMarks: t } = store.s;
  await db
    .delete(t)
    .where(and(eq(t.connectionId, mark.connectionId), eq(t.ghlContactId, mark.ghlContactId), eq(t.mark, mark.mark)));
};

/** The contact is looked at again later. A mark that was renewed meanwhile is due at once all the same. */
export const postponeMark = async (
  store: Store,
  db: Db,
  mark: Pick<MarkRow, 'connectionId' | 'ghlContactId' | 'mark'>,
  set: { attempts: number; nextAttemptAt: Date | null; reason: string },
) => {
  const { contactMarks: t } = store.s;
  await db
    .update(t)
    .set(set)
    .where(and(eq(t.connectionId, mark.connectionId), eq(t.ghlContactId, mark.ghlContactId), eq(t.mark, mark.mark)));
};

/** Contacts that wait to be read, for the overview. */
export const countMarks = async ({ db, s }: Store, connectionId: string): Promise<number> => {
  const { contactMarks: t } = s;
  const [row] = await db
    .select({ count: sql`count(*)`.mapWith(Number) })
    .from(t)
    .where(eq(t.connectionId, connectionId));
  return row?.count ?? 0;
};
