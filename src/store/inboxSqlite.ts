import type BetterSqlite3 from 'better-sqlite3';
import type { NewInboxRow } from './inboxRow.ts';

/**
 * Inserts rows in the transaction that is open on the writer; answers for each null when it is new, or the id of the row
 * that was there (and was counted on).
 */
export type InsertIntoInbox = (ids: readonly string[], rows: readonly NewInboxRow[]) => (string | null)[];

const BOUND =
  'id, connection_id, dedupe_key, delivery_id, type, occurred_at, received_at, customer_id, card_id, headers, body_hash, payload';
/** What most deliveries have the same: a value bound costs more than one that stands in the statement. */
const SHARED = 'source, verification, contact_id, status, reason, flags, folded_at';
const PARAMETERS_BOUND = BOUND.replaceAll(/\w+/g, '?');
const PARAMETERS_SHARED = SHARED.replaceAll(/\w+/g, '?');

/** Opening the table and its eight indexes costs as much as writing a row: eight rows share it, more gain nothing. */
const ROWS_TOGETHER = 8;

type Value = string | number | null;

/** In the order of BOUND; times in ms and JSON as text, as the schema's column kit stores them. */
function pushBound(values: Value[], id: string, row: NewInboxRow): void {
  values.push(
    id,
    row.connectionId,
    row.dedupeKey,
    row.deliveryId,
    row.type,
    row.occurredAt.getTime(),
    row.receivedAt.getTime(),
    row.customerId,
    row.cardId,
    row.headers === null ? null : JSON.stringify(row.headers),
    row.bodyHash,
    row.payload,
  );
}

/** In the order of SHARED. */
function pushShared(values: Value[], row: NewInboxRow): void {
  const flags = row.flags.length === 0 ? '[]' : JSON.stringify(row.flags);
  const { contactId, status = 'received', reason = null, foldedAt = null } = row;
  values.push(row.source, row.verification, contactId, status, reason, flags, foldedAt?.getTime() ?? null);
}

/** The delivery as nearly all are: fresh, not yet folded, nothing to remark. */
const isPlain = (row: NewInboxRow): boolean =>
  row.status === undefined && !row.reason && !row.foldedAt && row.contactId === null && row.flags.length === 0;

/**
 * The receivers' insert, prepared statements of eight rows and of one: measured at 8 µs a row (10 one by one), where one
 * insert of many rows through drizzle takes 60, one fed from json_each 23, and `returning` in it doubles it.
 */
export function sqliteInboxInsert(writer: BetterSqlite3.Database): InsertIntoInbox {
  // `or fail`: the caller rolls everything back anyway, and SQLite keeps no journal of its own for each statement.
  const insertOf = (count: number, shared: string) =>
    writer.prepare(
      `insert or fail into webhook_events (${BOUND}, ${SHARED})
       values ${Array<string>(count).fill(`(${PARAMETERS_BOUND}, ${shared})`).join(', ')}
       on conflict (connection_id, source, dedupe_key) do nothing`,
    );
  const single = insertOf(1, PARAMETERS_SHARED);
  // One for each kind of sender that is met; both words come from the schema's lists, never from a request.
  const together = new Map<string, BetterSqlite3.Statement>();
  const togetherOf = ({ source, verification }: NewInboxRow) => {
    const kind = `${source} ${verification}`;
    let statement = together.get(kind);
    if (!statement) {
      statement = insertOf(ROWS_TOGETHER, `'${source}', '${verification}', null, 'received', null, '[]', null`);
      together.set(kind, statement);
    }
    return statement;
  };
  const countOnOther = writer.prepare(
    `update webhook_events set duplicates = duplicates + 1
     where connection_id = ? and source = ? and dedupe_key = ? and id <> ? returning id`,
  );
  const firstOf = (id: string, row: NewInboxRow) =>
    (countOnOther.get(row.connectionId, row.source, row.dedupeKey, id) as { id: string } | undefined)?.id ?? null;

  /** How many from here on go together: ROWS_TOGETHER of one kind, or the one that stands here. */
  const countFrom = (rows: readonly NewInboxRow[], from: number): number => {
    if (rows.length - from < ROWS_TOGETHER) return 1;
    const { source, verification } = rows[from] as NewInboxRow;
    for (let i = from; i < from + ROWS_TOGETHER; i += 1) {
      const row = rows[i] as NewInboxRow;
      if (row.source !== source || row.verification !== verification || !isPlain(row)) return 1;
    }
    return ROWS_TOGETHER;
  };

  return (ids, rows) => {
    const firsts: (string | null)[] = [];
    for (let from = 0; from < rows.length;) {
      const count = countFrom(rows, from);
      const values: Value[] = [];
      for (let i = from; i < from + count; i += 1) pushBound(values, ids[i] as string, rows[i] as NewInboxRow);
      const first = rows[from] as NewInboxRow;
      if (count === 1) pushShared(values, first);
      const allNew = (count === 1 ? single : togetherOf(first)).run(values).changes === count;
      for (let i = from; i < from + count; i += 1)
        firsts.push(allNew ? null : firstOf(ids[i] as string, rows[i] as NewInboxRow));
      from += count;
    }
    return firsts;
  };
}
