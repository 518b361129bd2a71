import type BetterSqlite3 from 'better-sqlite3';
import type { NewInboxRow } from './inboxRow.ts';

/**
 * Inserts rows in the transaction that is open on the writer; answers for each null when it is new, or the id of the row
 * that was there (and was counted on).
 */
export type InsertIntoInbox = (ids: readonly string[], rows: readonly NewInboxRow[]) => (string | null)[];

const VALUES: Record<string, (id: string, row: NewInboxRow) => string | number | null> = {
  id: (id) => id,
  connection_id: (_, row) => row.connectionId,
  source: (_, row) => row.source,
  dedupe_key: (_, row) => row.dedupeKey,
  delivery_id: (_, row) => row.deliveryId,
  type: (_, row) => row.type,
  occurred_at: (_, row) => row.occurredAt.getTime(),
  received_at: (_, row) => row.receivedAt.getTime(),
  customer_id: (_, row) => row.customerId,
  card_id: (_, row) => row.cardId,
  contact_id: (_, row) => row.contactId,
  status: (_, row) => row.status ?? 'received',
  reason: (_, row) => row.reason ?? null,
  verification: (_, row) => row.verification,
  flags: (_, row) => (row.flags.length === 0 ? '[]' : JSON.stringify(row.flags)),
  headers: (_, row) => (row.headers === null ? null : JSON.stringify(row.headers)),
  body_hash: (_, row) => row.bodyHash,
  payload: (_, row) => row.payload,
  folded_at: (_, row) => row.foldedAt?.getTime() ?? null,
};

/**
 * The receivers' insert, one prepared statement run once per row: measured at 9 µs a row, where one insert of many rows
 * through drizzle takes 60, one fed from json_each 23, and `returning` in it doubles it.
 */
export function sqliteInboxInsert(writer: BetterSqlite3.Database): InsertIntoInbox {
  const columns = Object.keys(VALUES);
  const values = Object.values(VALUES);
  const insert = writer.prepare(
    `insert into webhook_events (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})
     on conflict (connection_id, source, dedupe_key) do nothing`,
  );
  const count = writer
    .prepare(
      `update webhook_events set duplicates = duplicates + 1
       where connection_id = ? and source = ? and dedupe_key = ? returning id`,
    )
    .pluck();
  return (ids, rows) =>
    rows.map((row, i) => {
      const id = ids[i] as string;
      if (insert.run(values.map((value) => value(id, row))).changes === 1) return null;
      return count.get(row.connectionId, row.source, row.dedupeKey) as string;
    });
}
