import type BetterSqlite3 from 'better-sqlite3';
import type { NewInboxRow } from './inboxRow.ts';

/**
 * Inserts rows in the transaction that is open on the writer; answers for each null when it is new, or the id of the row
 * that was there (and was counted on).
 */
export type InsertIntoInbox = (ids: readonly string[], rows: readonly NewInboxRow[]) => (string | null)[];

const COLUMNS = `id, connection_id, source, dedupe_key, delivery_id, type, occurred_at, received_at, customer_id,
  card_id, contact_id, status, reason, verification, flags, headers, body_hash, payload, folded_at`;
const ONE_ROW = `(${COLUMNS.split(',')
  .map(() => '?')
  .join(', ')})`;

/** Opening the table and its eight indexes costs as much as writing a row: eight rows share it, more gain nothing. */
const ROWS_TOGETHER = 8;

/** In the order of COLUMNS; times in ms and JSON as text, as the schema's column kit stores them. */
function pushValues(values: (string | number | null)[], id: string, row: NewInboxRow): void {
  values.push(
    id,
    row.connectionId,
    row.source,
    row.dedupeKey,
    row.deliveryId,
    row.type,
    row.occurredAt.getTime(),
    row.receivedAt.getTime(),
    row.customerId,
    row.cardId,
    row.contactId,
    row.status ?? 'received',
    row.reason ?? null,
    row.verification,
    row.flags.length === 0 ? '[]' : JSON.stringify(row.flags),
    row.headers === null ? null : JSON.stringify(row.headers),
    row.bodyHash,
    row.payload,
    row.foldedAt?.getTime() ?? null,
  );
}

/**
 * The receivers' insert, prepared statements of eight rows and of one: measured at 8 µs a row (10 one by one), where one
 * insert of many rows through drizzle takes 60, one fed from json_each 23, and `returning` in it doubles it.
 */
export function sqliteInboxInsert(writer: BetterSqlite3.Database): InsertIntoInbox {
  // `or fail`: the caller rolls everything back anyway, and SQLite keeps no journal of its own for each statement.
  const insertOf = (count: number) =>
    writer.prepare(
      `insert or fail into webhook_events (${COLUMNS}) values ${Array<string>(count).fill(ONE_ROW).join(', ')}
       on conflict (connection_id, source, dedupe_key) do nothing`,
    );
  const together = insertOf(ROWS_TOGETHER);
  const single = insertOf(1);
  const countOnOther = writer.prepare(
    `update webhook_events set duplicates = duplicates + 1
     where connection_id = ? and source = ? and dedupe_key = ? and id <> ? returning id`,
  );
  const firstOf = (id: string, row: NewInboxRow) =>
    (countOnOther.get(row.connectionId, row.source, row.dedupeKey, id) as { id: string } | undefined)?.id ?? null;

  return (ids, rows) => {
    const firsts: (string | null)[] = [];
    for (let from = 0; from < rows.length;) {
      const count = rows.length - from >= ROWS_TOGETHER ? ROWS_TOGETHER : 1;
      const values: (string | number | null)[] = [];
      for (let i = from; i < from + count; i += 1) pushValues(values, ids[i] as string, rows[i] as NewInboxRow);
      const allNew = (count === 1 ? single : together).run(values).changes === count;
      for (let i = from; i < from + count; i += 1)
        firsts.push(allNew ? null : firstOf(ids[i] as string, rows[i] as NewInboxRow));
      from += count;
    }
    return firsts;
  };
}
