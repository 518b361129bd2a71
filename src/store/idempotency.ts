import { and, asc, eq, gte, isNotNull, isNull, ne, sql } from 'drizzle-orm';
import type { Schema } from '../../drizzle/schema.ts';
import type { ActionCall } from '../domain/actionCall.ts';
import type { Db } from './db.ts';
import { insertDeliveries } from './inboxInsert.ts';
import type { InboxRow, NewInboxRow } from './inboxRow.ts';
import type { Store } from './store.ts';

export type ActionRow = Schema['idempotencyKeys']['$inferSelect'];

/** One call as a door took it in: read, and of a sender who proved who they are. */
export interface TakenAction {
  /** For the inbox; its dedupe key is the key of the call (`action:<key>` for one that was sent). */
  row: NewInboxRow;
  call: ActionCall;
  /** The sender named a key: its answer is sent again byte for byte. */
  keyed: boolean;
}

export type Claimed =
  | { kind: 'new'; receiptId: string }
  /** The same was asked before; `receiptId` is that of the first call. */
  | { kind: 'known'; receiptId: string; body: string | null }
  /** The key was used for something else. */
  | { kind: 'other_parameters' };

/**
 * Stores the call of an action, once per key: its row of the inbox (whose dedupe key is the key) and what it will be
 * answered by, in one transaction. Of calls with one key that come at the same moment, on whatever instance, one is new.
 * @param refuse for a new call that is not to be carried out, now or later: settles it before anybody else sees it
 */
export const claimAction = (
  store: Store,
  row: NewInboxRow,
  paramsHash: string,
  refuse?: (db: Db, receiptId: string) => Promise<void>,
): Promise<Claimed> =>
  store.tx(async (db) => {
    const { idempotencyKeys: t } = store.s;
    const { connectionId, dedupeKey: key } = row;
    const inserted = await db
      .insert(t)
      .values({ connectionId, key, paramsHash, createdAt: row.receivedAt })
      .onConflictDoNothing()
      .returning({ key: t.key });
    if (inserted.length === 0) {
      const [known] = await db
        .select()
        .from(t)
        .where(and(eq(t.connectionId, connectionId), eq(t.key, key)));
      if (known?.paramsHash !== paramsHash) return { kind: 'other_parameters' };
      const [receipt] = await insertDeliveries(store, db, [row]);
      return { kind: 'known', receiptId: receipt?.receiptId ?? '', body: known.body };
    }
    const [receipt] = await insertDeliveries(store, db, [row]);
    const receiptId = receipt?.receiptId ?? '';
    await refuse?.(db, receiptId);
    return { kind: 'new', receiptId };
  });

/** A call that is still to be carried out, with what was stored of it. */
export interface OpenAction {
  connectionId: string;
  key: string;
  createdAt: Date;
  /** What was answered meanwhile; null = nothing yet. */
  body: string | null;
  receiptId: string | null;
  type: InboxRow['type'] | null;
  payload: string | null;
}

/** Connections that have calls which were not carried out. */
export const connectionsWithOpenActions = async ({ db, s }: Store): Promise<string[]> => {
  const { idempotencyKeys: t } = s;
  const rows = await db.selectDistinct({ id: t.connectionId }).from(t).where(isNull(t.status));
  return rows.map((row) => row.id);
};

/**
 * What is still to be carried out, oldest first.
 * @param unanswered only what nobody was told anything about yet
 */
export const openActions = (
  store: Store,
  connectionId: string,
  limit: number,
  { unanswered = false }: { unanswered?: boolean } = {},
): Promise<OpenAction[]> => {
  const { idempotencyKeys: t, webhookEvents: e } = store.s;
  return store.db
    .select({
      connectionId: t.connectionId,
      key: t.key,
      createdAt: t.createdAt,
      body: t.body,
      receiptId: e.id,
      type: e.type,
      payload: e.payload,
    })
    .from(t)
    .leftJoin(e, and(eq(e.connectionId, t.connectionId), eq(e.source, 'ghl_workflow'), eq(e.dedupeKey, t.key)))
    .where(and(eq(t.connectionId, connectionId), isNull(t.status), unanswered ? isNull(t.body) : undefined))
    .orderBy(asc(t.createdAt), asc(e.id))
    .limit(limit);
};

/** A call in the order of their coming; the receipt decides between two of one millisecond. */
export interface CameAt {
  connectionId: string;
  key: string;
  createdAt: Date;
  receiptId: string;
}

/** Keeps which values of the customer a call has set. */
export async function noteSet(
  { s }: Store,
  db: Db,
  { connectionId, key }: Pick<CameAt, 'connectionId' | 'key'>,
  customerId: string,
  sets: readonly string[],
): Promise<void> {
  const { idempotencyKeys: t } = s;
  await db
    .update(t)
    .set({ customerId, sets: [...sets] })
    .where(and(eq(t.connectionId, connectionId), eq(t.key, key)));
}

/** The values of the customer that calls which came after this one have set. */
export async function setByLater(store: Store, call: CameAt, customerId: string): Promise<Set<string>> {
  const { idempotencyKeys: t, webhookEvents: e } = store.s;
  const rows = await store.db
    .select({ sets: t.sets, createdAt: t.createdAt, receiptId: e.id })
    .from(t)
    .leftJoin(e, and(eq(e.connectionId, t.connectionId), eq(e.source, 'ghl_workflow'), eq(e.dedupeKey, t.key)))
    .where(
      and(
        eq(t.connectionId, call.connectionId),
        isNotNull(t.customerId),
        eq(t.customerId, customerId),
        gte(t.createdAt, call.createdAt),
        ne(t.key, call.key),
      ),
    );
  const later = rows.filter(
    ({ createdAt, receiptId }) => createdAt > call.createdAt || (receiptId ?? '') > call.receiptId,
  );
  return new Set(later.flatMap(({ sets }) => sets ?? []));
}

/** What a call was answered; null while it was not. */
export const actionAnswer = async (
  { db, s }: Store,
  connectionId: string,
  key: string,
): Promise<Pick<ActionRow, 'body' | 'status'> | null> => {
  const { idempotencyKeys: t } = s;
  const [row] = await db
    .select({ body: t.body, status: t.status })
    .from(t)
    .where(and(eq(t.connectionId, connectionId), eq(t.key, key)));
  return row ?? null;
};

/**
 * Keeps what a call is answered, unless it was answered before: that stays, byte for byte. Answers what counts.
 * @param carriedOut whether nothing more is to be done for it
 */
export async function keepAnswer(
  store: Store,
  db: Db,
  { connectionId, key }: Pick<ActionRow, 'connectionId' | 'key'>,
  body: string,
  { carriedOut, commandId }: { carriedOut: boolean; commandId?: string | undefined },
): Promise<string> {
  const { idempotencyKeys: t } = store.s;
  const [row] = await db
    .update(t)
    .set({
      body: sql`coalesce(${t.body}, ${body})`,
      ...(carriedOut ? { status: 200 } : {}),
      ...(commandId === undefined ? {} : { commandId }),
    })
    .where(and(eq(t.connectionId, connectionId), eq(t.key, key)))
    .returning({ body: t.body });
  return row?.body ?? body;
}

/** What became of the call, and whom it was about, shown in the inbox. */
export async function noteInInbox(
  store: Store,
  db: Db,
  receiptId: string,
  note: Pick<InboxRow, 'status' | 'reason'> & Partial<Pick<InboxRow, 'customerId' | 'contactId'>>,
): Promise<void> {
  const { webhookEvents: t } = store.s;
  await db.update(t).set(note).where(eq(t.id, receiptId));
}
