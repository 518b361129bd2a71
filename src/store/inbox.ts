import { and, desc, eq, gte, inArray, isNotNull, isNull, lt, type SQL, sql } from 'drizzle-orm';
import type { InboxRow } from './inboxRow.ts';
import { newestOf, ofWindow, type Windowed, windowFloor } from './listWindow.ts';
import type { Store } from './store.ts';

export type { InboxRow, NewInboxRow, Receipt } from './inboxRow.ts';

export { createInboxAppender, type InboxAppender } from './inboxAppender.ts';
export { insertDeliveries } from './inboxInsert.ts';

export interface EventFilter {
  connection?: string;
  /** Any of these, where `connection` names none. */
  connections?: readonly string[];
  status?: string;
  source?: string;
  type?: string;
  customerId?: string;
}

/** Statuses with an index of their own: what operators look for. */
const FEW = ['skipped', 'waiting', 'rejected'];

/**
 * The inbox for people, newest first, in keyset pages (`before` = id of the last row of the page before). A filter that
 * no index serves is looked for in a window of rows, so that a page may be short although there is a next one.
 */
export async function listEvents(
  store: Store,
  filter: EventFilter,
  limit: number,
  before?: string,
): Promise<Windowed<InboxRow>> {
  const { webhookEvents: t } = store.s;
  const { connection, connections, status, source, type, customerId } = filter;
  const few = status !== undefined && FEW.includes(status);
  const ofConnection =
    connection !== undefined
      ? eq(t.connectionId, connection)
      : connections && inArray(t.connectionId, [...connections]);
  const statusIs = status === undefined ? undefined : eq(t.status, status as InboxRow['status']);
  // Said in the index's own words, or SQLite does not see that its partial index serves the query.
  const inFew = few ? sql`${t.status} <> 'received' and ${t.status} <> 'folded'` : undefined;
  const customerIs = customerId === undefined ? undefined : eq(t.customerId, customerId);
  const others = [source === undefined ? undefined : eq(t.source, source as InboxRow['source'])];
  others.push(type === undefined ? undefined : eq(t.type, type));

  /** `base`: what an index lists in order; `rest`: what is looked for among that. */
  const read = async (base: SQL | undefined, rest: (SQL | undefined)[]): Promise<Windowed<InboxRow>> => {
    const searches = rest.some((condition) => condition !== undefined);
    const floor = searches ? await windowFloor(store, t, base, before) : null;
    const bounds = [before === undefined ? undefined : lt(t.id, before), floor === null ? undefined : gte(t.id, floor)];
    const rows = await store.db
      .select()
      .from(t)
      .where(and(base, ...rest, ...bounds))
      .orderBy(desc(t.id))
      .limit(limit);
    return ofWindow(rows, limit, floor);
  };

  if (few && customerIs === undefined) return read(and(statusIs, inFew), [ofConnection, ...others]);
  if (ofConnection === undefined) return read(undefined, [statusIs, customerIs, ...others]);
  // What is folded and what is not have indexes of their own; the second half is small.
  const unfolded = await read(and(ofConnection, isNull(t.foldedAt)), [statusIs, customerIs, ...others]);
  const base = and(ofConnection, isNotNull(t.foldedAt), customerIs);
  return newestOf([unfolded, await read(base, [statusIs, ...others])], limit);
}

export const getEvent = async ({ db, s }: Store, id: string): Promise<InboxRow | null> =>
  (await db.select().from(s.webhookEvents).where(eq(s.webhookEvents.id, id)))[0] ?? null;

/** These rows of the inbox, in no order. */
export const eventsById = (store: Store, ids: readonly string[]): Promise<InboxRow[]> => {
  const { webhookEvents: t } = store.s;
  return store.db.select().from(t).where(store.inList(t.id, ids));
};
