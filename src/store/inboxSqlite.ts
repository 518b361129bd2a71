import type BetterSqlite3 from 'better-sqlite3';
import type { NewInboxRow } from './inboxRow.ts';

/**
 * Inserts rows in the transaction that is open on the writer; answers for each null when it is new, or the id of the row
 * that was there (and was counted on).
 */
export type InsertIntoInbox = (ids: readonly string[], rows: readonly NewInboxRow[]) => (string | null)[];

/** What every delivery has of its own. */
const OWN = 'id, dedupe_key, delivery_id, type, occurred_at, received_at, customer_id, card_id, body_hash, payload';
/** What deliveries of one sender have the same: a value bound costs more than one that the statement knows already. */
const OF_SENDER = 'connection_id, source, verification, contact_id, status, reason, flags, folded_at';
const parametersOf = (columns: string) => columns.replaceAll(/\w+/g, '?');

/** Opening the table and its eight indexes costs as much as writing a row: eight rows share it, more gain nothing. */
const ROWS_TOGETHER = 8;

type Value = string | number | null;

/** In the order of OWN; times in ms, as the schema's column kit stores them. */
function pushOwn(values: Value[], id: string, row: NewInboxRow): void {
  values.push(
    id,
    row.dedupeKey,
    row.deliveryId,
    row.type,
    row.occurredAt.getTime(),
    row.receivedAt.getTime(),
    row.customerId,
    row.cardId,
    row.bodyHash,
    row.payload,
  );
}

/** In the order of OF_SENDER. */
function pushOfSender(values: Value[], row: NewInboxRow): void {
  const { contactId, status = 'received', reason = null, foldedAt = null } = row;
  const folded = foldedAt?.getTime() ?? null;
  const flags = JSON.stringify(row.flags);
  values.push(row.connectionId, row.source, row.verification, contactId, status, reason, flags, folded);
}

/** The delivery as nearly all are: fresh, not yet folded, nothing to remark. */
const isPlain = (row: NewInboxRow): boolean =>
  row.status === undefined && !row.reason && !row.foldedAt && row.contactId === null && row.flags.length === 0;

const isOfOneSender = (a: NewInboxRow, b: NewInboxRow): boolean =>
  a.connectionId === b.connectionId && a.source === b.source && a.verification === b.verification;

/** Column kit's text of the headers; those of one sender are the same object, and their text is made once. */
function headersAsText(): (headers: NewInboxRow['headers']) => string | null {
  let last: NewInboxRow['headers'] = null;
  let text: string | null = null;
  return (headers) => {
    if (headers !== last) {
      text = JSON.stringify(headers);
      last = headers;
    }
    return headers === null ? null : text;
  };
}

/**
 * The receivers' insert, prepared statements of eight rows and of one: measured at 7 µs a row (10 one by one), where one
 * insert of many rows through drizzle takes 60, one fed from json_each 23, and `returning` in it doubles it.
 */
export function sqliteInboxInsert(writer: BetterSqlite3.Database): InsertIntoInbox {
  // `or fail`: the caller rolls everything back anyway, and SQLite keeps no journal of its own for each statement.
  const insertOf = (count: number, headers: string, ofSender: string) => {
    const row = `(${parametersOf(OWN)}, ${headers}, ${ofSender})`;
    return writer.prepare(
      `insert or fail into webhook_events (${OWN}, headers, ${OF_SENDER}) values ${Array<string>(count).fill(row).join(', ')}
       on conflict (connection_id, source, dedupe_key) do nothing`,
    );
  };
  const single = insertOf(1, '?', parametersOf(OF_SENDER));
  const plain = `:connection, :source, :verification, null, 'received', null, '[]', null`;
  const together = insertOf(ROWS_TOGETHER, '?', plain);
  const togetherWithHeaders = insertOf(ROWS_TOGETHER, ':headers', plain);
  const textOf = headersAsText();
  const countOnOther = writer.prepare(
    `update webhook_events set duplicates = duplicates + 1
     where connection_id = ? and source = ? and dedupe_key = ? and id <> ? returning id`,
  );
  const firstOf = (id: string, row: NewInboxRow) =>
    (countOnOther.get(row.connectionId, row.source, row.dedupeKey, id) as { id: string } | undefined)?.id ?? null;

  const insertOne = (id: string, row: NewInboxRow): boolean => {
    const values: Value[] = [];
    pushOwn(values, id, row);
    values.push(textOf(row.headers));
    pushOfSender(values, row);
    return single.run(values).changes === 1;
  };
  const insertTogether = (ids: readonly string[], rows: readonly NewInboxRow[], from: number): boolean => {
    const { connectionId: connection, source, verification, headers } = rows[from] as NewInboxRow;
    let areHeadersShared = true;
    for (let i = from; i < from + ROWS_TOGETHER; i += 1) areHeadersShared &&= rows[i]?.headers === headers;
    const values: Value[] = [];
    for (let i = from; i < from + ROWS_TOGETHER; i += 1) {
      const row = rows[i] as NewInboxRow;
      pushOwn(values, ids[i] as string, row);
      if (!areHeadersShared) values.push(textOf(row.headers));
    }
    const ofSender = { connection, source, verification };
    const { changes } = areHeadersShared
      ? togetherWithHeaders.run(values, { ...ofSender, headers: textOf(headers) })
      : together.run(values, ofSender);
    return changes === ROWS_TOGETHER;
  };

  return (ids, rows) => {
    const firsts: (string | null)[] = [];
    for (let from = 0; from < rows.length;) {
      const count = countFrom(rows, from);
      const allNew =
        count === 1 ? insertOne(ids[from] as string, rows[from] as NewInboxRow) : insertTogether(ids, rows, from);
      for (let i = from; i < from + count; i += 1)
        firsts.push(allNew ? null : firstOf(ids[i] as string, rows[i] as NewInboxRow));
      from += count;
    }
    return firsts;
  };
}

/** How many from here on go together: ROWS_TOGETHER of one sender, or the one that stands here. */
function countFrom(rows: readonly NewInboxRow[], from: number): number {
  if (rows.length - from < ROWS_TOGETHER) return 1;
  const first = rows[from] as NewInboxRow;
  for (let i = from; i < from + ROWS_TOGETHER; i += 1) {
    const row = rows[i] as NewInboxRow;
    if (!isPlain(row) || !isOfOneSender(row, first)) return 1;
  }
  return ROWS_TOGETHER;
}
