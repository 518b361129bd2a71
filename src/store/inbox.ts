import { and, asc, desc, eq, inArray, isNull, lt, sql } from 'drizzle-orm';
import type { Schema } from '../../drizzle/schema.ts';
import { newId } from '../ids.ts';
import type { Db } from './database.ts';
import type { InboxRow, NewInboxRow, Receipt } from './inboxRow.ts';
import type { InsertIntoInbox } from './inboxSqlite.ts';
import type { Store } from './store.ts';

export type { InboxRow, NewInboxRow, Receipt } from './inboxRow.ts';

interface Waiting {
  row: NewInboxRow;
  resolve: (receipt: Receipt) => void;
  reject: (error: unknown) => void;
}

/** No commit grows beyond this, so that one flood does not make every delivery in it wait. */
const COMMIT_ROWS_MAX = 256;

export interface InboxAppender {
  /** Resolves when the row is on disk. Deliveries that wait at the same moment share one commit. */
  append(row: NewInboxRow): Promise<Receipt>;
  /** Deliveries that wait for their commit: background work yields while there are any. */
  waiting(): number;
  /** Ends after the commits that are waiting; before the store is closed. */
  close(): Promise<void>;
}

/**
 * The receivers' way in: append, commit, answer (SPEC §2.1). Batches form by themselves: what arrives while a commit
 * is under way is the next one, and a lone delivery waits for nobody.
 */
export function createInboxAppender(store: Store): InboxAppender {
  const commit = store.insertIntoInbox ? commitDirectly(store, store.insertIntoInbox) : commitThroughQueries(store);
  let queue: Waiting[] = [];
  let underWay = 0;
  let flushing: Promise<void> | null = null;

  const takeBatch = (): Waiting[] => {
    const batch = queue.length <= COMMIT_ROWS_MAX ? queue : queue.slice(0, COMMIT_ROWS_MAX);
    queue = queue.slice(batch.length);
    underWay = batch.length;
    return batch;
  };

  const flush = async () => {
    // After the requests that the event loop already holds, so that they share the commit.
    await new Promise(setImmediate);
    let answer = () => {};
    do {
      if(process.env.S==='1'){let seen=-1;while(queue.length>seen){seen=queue.length;await new Promise(setImmediate);}}
      else if(process.env.S==='2'){await new Promise(setImmediate);await new Promise(setImmediate);} else if(process.env.S==='3'){let empty=0;for(let k=0;k<40&&empty<3;k++){const n=queue.length;await new Promise(setImmediate);if(queue.length===n)empty++;else empty=0;}}
      const batch = takeBatch();(globalThis as any).NB=((globalThis as any).NB??0)+1;(globalThis as any).NR=((globalThis as any).NR??0)+batch.length;
      const writing = batch.length === 0 ? null : commit(batch.map((w) => w.row));
      // The batch before is answered while the disk writes this one.
      answer();
      answer = () => {};
      if (writing)
        answer = await writing.then(
          (outcomes) => resolveAll(batch, outcomes),
          (error: unknown) => rejectAll(batch, error),
        );
    } while (underWay > 0);
    flushing = null;
  };

  return {
    append: (row) =>
      new Promise((resolve, reject) => {
        queue.push({ row, resolve, reject });
        flushing ??= flush();
      }),
    waiting: () => queue.length + underWay,
    close: async () => {
      while (flushing) await flushing;
    },
  };
}

const resolveAll = (batch: readonly Waiting[], outcomes: readonly (Receipt | Error)[]) => () =>
  batch.forEach((w, i) => {
    const outcome = outcomes[i] as Receipt | Error;
    if (outcome instanceof Error) w.reject(outcome);
    else w.resolve(outcome);
  });

const rejectAll = (batch: readonly Waiting[], error: unknown) => () => {
  for (const w of batch) w.reject(error);
};

/** Codes of PostgreSQL for a value that it cannot store: the row is to blame, not the database. */
const isAboutOneRow = (error: unknown): boolean => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  return typeof code === 'string' && /^2[23]/.test(code);
};

/** One commit for all rows; an Error in place of a receipt, or a rejection, says what is not known to be on disk. */
type Commit = (rows: readonly NewInboxRow[]) => Promise<(Receipt | Error)[]>;

const commitDirectly =
  (store: Store, insert: InsertIntoInbox): Commit =>
  (rows) => {
    // One time for all, so that the ids of a batch only count up: random bytes for each are not free.
    const atMs = store.clock.nowMs();
    const ids = rows.map(() => newId('evt', atMs));
    const receipts = () =>
      insert(ids, rows).map((first, i) =>
        first === null ? { receiptId: ids[i] as string, duplicate: false } : { receiptId: first, duplicate: true },
      );
    return store.tx(() => Promise.resolve(receipts()), { priority: 10 });
  };

const commitThroughQueries = (store: Store): Commit => {
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

/** What folding needs of a delivery. */
export type FoldRow = Pick<
  InboxRow,
  'id' | 'connectionId' | 'source' | 'dedupeKey' | 'deliveryId' | 'type' | 'occurredAt' | 'receivedAt' | 'customerId' | 'flags' | 'bodyHash' | 'payload'
>;

const foldColumns = ({ webhookEvents: t }: Schema) => ({
  id: t.id,
  connectionId: t.connectionId,
  source: t.source,
  dedupeKey: t.dedupeKey,
  deliveryId: t.deliveryId,
  type: t.type,
  occurredAt: t.occurredAt,
  receivedAt: t.receivedAt,
  customerId: t.customerId,
  flags: t.flags,
  bodyHash: t.bodyHash,
  payload: t.payload,
});

/** The next deliveries of a connection to be folded, in receipt order, with their payloads. */
export const unfoldedEvents = (store: Store, db: Db, connectionId: string, limit: number): Promise<FoldRow[]> => {
  const { webhookEvents: t } = store.s;
  return db
    .select(foldColumns(store.s))
    .from(t)
    .where(and(eq(t.connectionId, connectionId), isNull(t.foldedAt)))
    .orderBy(asc(t.id))
    .limit(limit);
};

/** Connections that have something to fold. */
export const connectionsWithUnfolded = async ({ db, s }: Store): Promise<string[]> => {
  const { webhookEvents: t } = s;
  const rows = await db.selectDistinct({ id: t.connectionId }).from(t).where(isNull(t.foldedAt));
  return rows.map((r) => r.id);
};

export interface FoldMark {
  id: string;
  status: InboxRow['status'];
  reason: string | null;
  flags: string[];
  customerId: string | null;
  /** Only the status changes. */
  plain: boolean;
}

/** Writes what folding made of each event; rows of the common outcome share one statement. */
export async function markFolded(store: Store, db: Db, marks: readonly FoldMark[], now: Date): Promise<void> {
  const { webhookEvents: t } = store.s;
  const plain = marks.filter((m) => m.plain);
  for (let i = 0; i < plain.length; i += 500) {
    const ids = plain.slice(i, i + 500).map((m) => m.id);
    await db.update(t).set({ status: 'folded', foldedAt: now }).where(store.inList(t.id, ids));
  }
  for (const mark of marks) {
    if (mark.plain) continue;
    const { id, plain: _, ...set } = mark;
    await db
      .update(t)
      .set({ ...set, foldedAt: now })
      .where(eq(t.id, id));
  }
}

/** Events that were put aside because their card was not known yet. */
export const waitingEvents = (store: Store, db: Db, connectionId: string, cardIds: string[]): Promise<FoldRow[]> => {
  const { webhookEvents: t } = store.s;
  return db
    .select(foldColumns(store.s))
    .from(t)
    .where(and(eq(t.connectionId, connectionId), eq(t.status, 'waiting'), store.inList(t.cardId, cardIds)));
};

/** Ids of other deliveries that bear the same delivery id as these (another type or subject: SPEC §2.1, 4). */
export async function reusedDeliveryIds(store: Store, db: Db, rows: readonly FoldRow[]): Promise<Set<string>> {
  const { webhookEvents: t } = store.s;
  const ids = [...new Set(rows.map((r) => r.deliveryId).filter((id) => id !== null))];
  const [sample] = rows;
  if (!sample || ids.length === 0) return new Set();
  const found = await db
    .select({ deliveryId: t.deliveryId })
    .from(t)
    .where(
      and(
        eq(t.connectionId, sample.connectionId),
        inArray(t.source, ['stickycards', 'sticker']),
        store.inList(t.deliveryId, ids),
      ),
    )
    .groupBy(t.deliveryId)
    .having(sql`count(*) > 1`);
  return new Set(found.map((r) => r.deliveryId as string));
}

export interface EventFilter {
  connection?: string;
  status?: string;
  source?: string;
  type?: string;
  customerId?: string;
}

/** The inbox for people, newest first, in keyset pages (`before` = id of the last row of the page before). */
export const listEvents = (
  { db, s }: Store,
  filter: EventFilter,
  limit: number,
  before?: string,
): Promise<InboxRow[]> => {
  const { webhookEvents: t } = s;
  return db
    .select()
    .from(t)
    .where(
      and(
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
};

export const getEvent = async ({ db, s }: Store, id: string): Promise<InboxRow | null> =>
  (await db.select().from(s.webhookEvents).where(eq(s.webhookEvents.id, id)))[0] ?? null;
