import { canonical } from '../domain/canonical.ts';
import type { Connection } from '../domain/connection.ts';
import type { StickyCardsEvent } from '../domain/event.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Dialect } from '../platforms/stickycards/dialect.ts';
import { parseEnvelope } from '../platforms/stickycards/envelope.ts';
import { insertCommands } from '../store/commands.ts';
import type { Db } from '../store/db.ts';
import { type FoldRow, markFolded, reusedDeliveryIds, unfoldedEvents, waitingEvents } from '../store/foldQueue.ts';
import { raiseProblems } from '../store/problems.ts';
import { noteSegments } from '../store/segments.ts';
import { loadPeople, writePeople } from '../store/staging.ts';
import { Folding } from './folding.ts';
import { isOfGhl, stageGhl, type StageGhlNeeds } from './stageGhl.ts';

export interface StageInboxNeeds extends StageGhlNeeds {
  log: Logger;
  dialectOf(connection: Connection): Dialect;
}

/**
 * Folds the next deliveries of a connection into staging, in one transaction with the commands that they make
 * (SPEC §2.1, §2.2). Called by whoever holds the connection's lease; answers how many were taken.
 */
export async function stageInbox(needs: StageInboxNeeds, connection: Connection, limit: number): Promise<number> {
  const { store } = needs;
  try {
    return await store.tx(async (db) => {
      const rows = await unfoldedEvents(store, db, connection.id, limit);
      if (rows.length > 0) await foldRows(needs, db, connection, rows);
      return rows.length;
    });
  } catch (error) {
    if (isPassing(error)) throw error;
    return stageOneByOne(needs, connection, limit);
  }
}

/** One delivery that cannot be stored must not stop the others: it is put aside with a reason, and kept. */
async function stageOneByOne(needs: StageInboxNeeds, connection: Connection, limit: number): Promise<number> {
  const { store } = needs;
  const rows = await unfoldedEvents(store, store.db, connection.id, limit);
  for (const row of rows) {
    try {
      await store.tx((db) => foldRows(needs, db, connection, [row]));
    } catch (error) {
      if (isPassing(error)) throw error;
      needs.log.error('a delivery could not be folded', {
        receiptId: row.id,
        type: row.type,
        reason: messageOf(error),
      });
      const mark = {
        id: row.id,
        status: 'skipped' as const,
        reason: 'fold_failed',
        flags: row.flags,
        customerId: row.customerId,
        plain: false,
      };
      const sample = { receiptId: row.id, type: row.type };
      await store.tx(async (db) => {
        await markFolded(store, db, [mark], store.clock.now());
        await raiseProblems(store, db, connection.id, [{ code: 'fold_failed', recordId: row.id, sample }]);
      });
    }
  }
  return rows.length;
}

/** Of the database or the disk, not of the delivery: tried again as it is. */
const PASSING =
  /^(08|40|53|55|57|58|XX)|^SQLITE_(BUSY|FULL|IOERR|LOCKED|CANTOPEN|READONLY|NOMEM|CORRUPT|INTERRUPT)|^E[A-Z]+$/;

function isPassing(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && PASSING.test(code)) return true;
    // A pool or a handle that was closed or lost its server says so in words only.
    if (/connection (terminated|ended)|not open|Cannot use a pool/i.test(at.message)) return true;
  }
  return false;
}

async function foldRows(needs: StageInboxNeeds, db: Db, connection: Connection, all: FoldRow[]): Promise<void> {
  const { store } = needs;
  await stageGhl(needs, db, connection, all.filter(isOfGhl));
  const rows = all.filter((row) => !isOfGhl(row));
  if (rows.length === 0) return;
  const dialect = needs.dialectOf(connection);
  const fold = new Folding(connection, dialect);
  const parsed = rows.map((row) => ({ row, event: readEvent(row, connection) }));
  const events = parsed.map((p) => p.event).filter((event) => event !== null);
  const people = await loadPeople(
    store,
    db,
    connection.id,
    [...new Set(events.map((e) => e.customerId).filter((id) => id !== null))],
    [...new Set(events.map((e) => e.cardId).filter((id) => id !== null))],
  );
  fold.load(people);
  const reused = await reusedDeliveryIds(store, db, rows);
  for (const { row, event } of parsed) fold.take(row, event, reused);
  // Deliveries that waited for a card which is known by now.
  for (let known = fold.newlyKnownCards(); known.length > 0; known = fold.newlyKnownCards()) {
    for (const row of await waitingEvents(store, db, connection.id, known))
      fold.take(row, readEvent(row, connection), reused);
  }
  const now = store.clock.now();
  const { customers, cards } = fold.changedRows(now);
  await writePeople(store, db, customers, cards);
  await noteSegments(store, db, connection.id, new Set(events.flatMap(segmentsIn)));
  await insertCommands(store, db, fold.commands);
  await markFolded(store, db, fold.marks, now);
  for (const failure of fold.failures) needs.log.error('a delivery could not be folded', failure);
}

/** The segments that an event says exist. */
const segmentsIn = ({ segment, segments }: StickyCardsEvent): string[] => [
  ...(segment === null ? [] : [segment]),
  ...(segments ?? []),
];

/** The stored delivery as an event, its contact details in canonical form; null when the payload is gone or unreadable. */
function readEvent(row: FoldRow, connection: Connection): StickyCardsEvent | null {
  if (row.payload === null) return null;
  try {
    const json: unknown = JSON.parse(row.payload);
    // What we read or wrote ourselves was written down in our own form.
    const parsed =
      row.source === 'stickycards' ? parseEnvelope(json) : { kind: 'event' as const, event: json as StickyCardsEvent };
    if (parsed.kind !== 'event') return null;
    const locale = { defaultCountry: connection.defaultCountry, timeZone: 'UTC' };
    return {
      ...parsed.event,
      phone: canonical('phone', parsed.event.phone, locale) as string | null,
      email: canonical('email', parsed.event.email, locale) as string | null,
    };
  } catch {
    return null;
  }
}
