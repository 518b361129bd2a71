import { sql } from 'drizzle-orm';
import type { Schema } from '../../drizzle/schema.ts';
import type { Db } from './db.ts';
import type { NewInboxRow, Receipt } from './inboxRow.ts';
import type { InsertIntoInbox } from './inboxSqlite.ts';
import type { Store } from './store.ts';

/**
 * Inserts in the caller's transaction; a row whose dedupe key is there already is counted on the first one, whose id
 * is answered (SPEC §2.1, 4).
 */
export async function insertDeliveries(store: Store, db: Db, rows: readonly NewInboxRow[]): Promise<Receipt[]> {
  const { webhookEvents: t } = store.s;
  const first = new Map<string, number>();
  const inserts: Schema['webhookEvents']['$inferInsert'][] = [];
  const slot = rows.map((row) => {
    const key = `${row.connectionId}\0${row.source}\0${row.dedupeKey}`;
    const known = first.get(key);
    if (known !== undefined) {
      (inserts[known] as { duplicates: number }).duplicates += 1;
      return { index: known, repeated: true };
    }
    first.set(key, inserts.length);
    inserts.push({
      ...row,
      id: store.newId('evt'),
      status: row.status ?? 'received',
      reason: row.reason ?? null,
      foldedAt: row.foldedAt ?? null,
      duplicates: 0,
    });
    return { index: inserts.length - 1, repeated: false };
  });
  const stored = await db
    .insert(t)
    // In one order everywhere: two instances that get the same deliveries must not wait for each other in a circle.
    .values(inserts.toSorted((a, b) => (a.dedupeKey < b.dedupeKey ? -1 : 1)))
    .onConflictDoUpdate({
      target: [t.connectionId, t.source, t.dedupeKey],
      set: { duplicates: sql`${t.duplicates} + excluded.duplicates + 1` },
    })
    .returning({ id: t.id, connectionId: t.connectionId, source: t.source, dedupeKey: t.dedupeKey });
  const ids = new Map(stored.map((r) => [`${r.connectionId}\0${r.source}\0${r.dedupeKey}`, r.id]));
  return slot.map(({ index, repeated }) => {
    const insert = inserts[index] as (typeof inserts)[number];
    const id = ids.get(`${insert.connectionId}\0${insert.source}\0${insert.dedupeKey}`) as string;
    return { receiptId: id, duplicate: repeated || id !== insert.id };
  });
}

/** Codes of PostgreSQL for a value that it cannot store: the row is to blame, not the database. */
const isAboutOneRow = (error: unknown): boolean => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  return typeof code === 'string' && /^2[23]/.test(code);
};

/** How the receivers' rows reach the disk: one commit for all of them. An Error in place of a receipt, or a rejection, says what is not known to be on disk. */
export type InboxCommit = (rows: readonly NewInboxRow[]) => Promise<(Receipt | Error)[]>;

const commitDirectly =
  (store: Store, insert: InsertIntoInbox): InboxCommit =>
  async (rows) => {
    // One time for all, so that the ids of a batch only count up: random bytes for each are not free.
    const atMs = store.clock.nowMs();
    const ids = rows.map(() => store.newId('evt', atMs));
    const receipts = () =>
      insert(ids, rows).map((first, i) =>
        first === null ? { receiptId: ids[i] as string, duplicate: false } : { receiptId: first, duplicate: true },
      );
    return store.txNow?.(receipts) ?? store.tx(() => Promise.resolve(receipts()), { priority: 10 });
  };

const commitThroughQueries = (store: Store): InboxCommit => {
  const write = (rows: readonly NewInboxRow[]) => store.tx((db) => insertDeliveries(store, db, rows));
  return async (rows) => {
    try {
      return await write(rows);
    } catch (error) {
      if (rows.length === 1 || !isAboutOneRow(error)) throw error;
      // One delivery must not take those down with it that happened to arrive beside it.
      const outcomes = await Promise.allSettled(rows.map((row) => write([row])));
      return outcomes.map((o) => (o.status === 'fulfilled' ? (o.value[0] as Receipt) : (o.reason as Error)));
    }
  };
};

export const inboxCommit = (store: Store): InboxCommit =>
  store.insertIntoInbox ? commitDirectly(store, store.insertIntoInbox) : commitThroughQueries(store);
