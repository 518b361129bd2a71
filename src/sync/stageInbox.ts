import { canonical } from '../domain/canonical.ts';
import type { Connection } from '../domain/connection.ts';
import type { StickyCardsEvent } from '../domain/event.ts';
import { parseExactly } from '../domain/exactJson.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Dialect } from '../platforms/stickycards/dialect.ts';
import { parseEnvelope } from '../platforms/stickycards/envelope.ts';
import { insertCommands } from '../store/commands.ts';
import type { Db } from '../store/db.ts';
import { type FoldRow, markFolded, reusedDeliveryIds, unfoldedEvents } from '../store/foldQueue.ts';
import { type RaisedProblem, raiseProblems } from '../store/problems.ts';
import { noteSegments } from '../store/segments.ts';
import { writePeople } from '../store/staging.ts';
import { Folding } from './folding.ts';
import { isOfGhl, stageGhl, type StageGhlNeeds } from './stageGhl.ts';
import { learnOpportunities, loadNamed, type ParsedRow, settleNameless, takeNameless } from './takeNameless.ts';

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
      await store.tx(async (db) => {
        await markFolded(store, db, [mark], store.clock.now());
        await raiseProblems(store, db, connection.id, [foldFailed(row.id, row.type)]);
      });
    }
  }
  return rows.length;
}

const foldFailed = (receiptId: string, type: string): RaisedProblem => ({
  code: 'fold_failed',
  recordId: receiptId,
  sample: { receiptId, type },
});

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
  const parse = (row: FoldRow): ParsedRow => ({ row, event: readEvent(row, connection) });
  const parsed = rows.map(parse);
  const events = parsed.map((p) => p.event).filter((event) => event !== null);
  const fold = new Folding(connection, dialect, await reusedDeliveryIds(store, db, rows));
  fold.people.load(await loadNamed(store, db, connection.id, parsed));
  await learnOpportunities(store, db, connection.id, fold, parsed);
  for (const { row, event } of parsed) fold.take(row, event);
  await takeNameless(store, db, connection, fold, parse);
  const now = store.clock.now();
  const left = fold.leaveAside();
  const { customers, cards } = fold.people.changedRows(now);
  await writePeople(store, db, customers, cards);
  await settleNameless(store, db, connection.id, fold, left);
  await noteSegments(store, db, connection.id, new Set(events.flatMap(segmentsIn)));
  await insertCommands(store, db, fold.commands);
  await markFolded(store, db, fold.marks, now);
  for (const failure of fold.failures) needs.log.error('a delivery could not be folded', failure);
  const failed = fold.failures.map(({ receiptId, type }) => foldFailed(receiptId, type));
  if (failed.length > 0) await raiseProblems(store, db, connection.id, failed);
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
    const json = parseExactly(row.payload);
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
