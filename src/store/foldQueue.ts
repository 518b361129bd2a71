import { and, asc, type Column, eq, inArray, isNotNull, isNull, type SQL, sql } from 'drizzle-orm';
import type { Schema } from '../../drizzle/schema.ts';
import type { Db } from './db.ts';
import type { InboxRow } from './inboxRow.ts';
import type { Store } from './store.ts';

/** What folding needs of a delivery. */
export type FoldRow = Pick<
  InboxRow,
  | 'id'
  | 'connectionId'
  | 'source'
  | 'dedupeKey'
  | 'deliveryId'
  | 'type'
  | 'occurredAt'
  | 'receivedAt'
  | 'customerId'
  | 'flags'
  | 'bodyHash'
  | 'payload'
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
  const ids = marks.filter((m) => m.plain).map((m) => m.id);
  const folded = { status: 'folded', reason: null, foldedAt: now } as const;
  if (ids.length > 0) await db.update(t).set(folded).where(store.inList(t.id, ids));
  for (const { id, plain, ...set } of marks) {
    if (plain) continue;
    await db
      .update(t)
      .set({ ...set, foldedAt: now })
      .where(eq(t.id, id));
  }
}

/** Events that were put aside and may be clear now: because of a card, or of something else that is known of somebody. */
export async function waitingEvents(
  store: Store,
  db: Db,
  connectionId: string,
  { cardIds, clues }: { cardIds: string[]; clues: string[] },
): Promise<FoldRow[]> {
  const { webhookEvents: t, waitingDeliveries: w } = store.s;
  const query = (mine: SQL) =>
    db
      .select(foldColumns(store.s))
      .from(t)
      .where(and(eq(t.connectionId, connectionId), eq(t.status, 'waiting'), isNotNull(t.foldedAt), mine));
  const byCard = cardIds.length === 0 ? [] : await query(store.inList(t.cardId, cardIds));
  if (clues.length === 0) return byCard;
  const found = await db
    .selectDistinct({ id: w.eventId })
    .from(w)
    .where(and(eq(w.connectionId, connectionId), store.inList(w.clue, clues)));
  const ids = found.map(({ id }) => id);
  const byClue = ids.length === 0 ? [] : await query(store.inList(t.id, ids));
  return [...byCard, ...byClue];
}

/** Payments that were left out because their customer held no card, or their card was not known (SPEC §2.3). */
export async function cardlessPayments(
  store: Store,
  db: Db,
  connectionId: string,
  { cardIds, holderIds }: { cardIds: string[]; holderIds: string[] },
): Promise<FoldRow[]> {
  const { webhookEvents: t } = store.s;
  const leftOut = and(eq(t.status, 'skipped'), eq(t.reason, 'no_customer'), isNotNull(t.foldedAt));
  const query = (column: Column, ids: string[]) =>
    db
      .select(foldColumns(store.s))
      .from(t)
      .where(and(eq(t.connectionId, connectionId), leftOut, store.inList(column, ids)));
  if (holderIds.length === 0) return [];
  return [...(await query(t.customerId, holderIds)), ...(await query(t.cardId, cardIds))];
}

/** Delivery ids that more than one delivery bears (another type or subject: SPEC §2.1, 4). */
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
