import { and, desc, eq, isNotNull, isNull, lt, type SQL, sql } from 'drizzle-orm';
import type { InboxRow } from './inboxRow.ts';
import type { Store } from './store.ts';

export type { InboxRow, NewInboxRow, Receipt } from './inboxRow.ts';

export { createInboxAppender, type InboxAppender } from './inboxAppender.ts';
export { insertDeliveries } from './inboxInsert.ts';

export interface EventFilter {
  connection?: string;
  status?: string;
  source?: string;
  type?: string;
  customerId?: string;
}

/** The inbox for people, newest first, in keyset pages (`before` = id of the last row of the page before). */
export async function listEvents(
  { db, s }: Store,
  filter: EventFilter,
  limit: number,
  before?: string,
): Promise<InboxRow[]> {
  const { webhookEvents: t } = s;
  const read = (half?: SQL) =>
    db
      .select()
      .from(t)
      .where(
        and(
          half,
          filter.connection === undefined ? undefined : eq(t.connectionId, filter.connection),
          filter.status === undefined ? undefined : eq(t.status, filter.status as InboxRow['status']),
          // Said in the index's own words, or SQLite does not see that its partial index serves the query.
          filter.status !== undefined && ['skipped', 'waiting', 'rejected'].includes(filter.status)
            ? sql`${t.status} in ('skipped', 'waiting', 'rejected')`
            : undefined,
          filter.source === undefined ? undefined : eq(t.source, filter.source as InboxRow['source']),
          filter.type === undefined ? undefined : eq(t.type, filter.type),
          filter.customerId === undefined ? undefined : eq(t.customerId, filter.customerId),
          before === undefined ? undefined : lt(t.id, before),
        ),
      )
      .orderBy(desc(t.id))
      .limit(limit);
  if (filter.connection === undefined) return read();
  // What is folded and what is not have indexes of their own; the second half is small.
  const halves = [...(await read(isNull(t.foldedAt))), ...(await read(isNotNull(t.foldedAt)))];
  return halves.toSorted((x, y) => (x.id < y.id ? 1 : -1)).slice(0, limit);
}

export const getEvent = async ({ db, s }: Store, id: string): Promise<InboxRow | null> =>
  (await db.select().from(s.webhookEvents).where(eq(s.webhookEvents.id, id)))[0] ?? null;

/** These rows of the inbox, in no order. */
export const eventsById = (store: Store, ids: readonly string[]): Promise<InboxRow[]> => {
  const { webhookEvents: t } = store.s;
  return store.db.select().from(t).where(store.inList(t.id, ids));
};
