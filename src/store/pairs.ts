import { and, asc, eq, gt, isNull, lte, or, sql } from 'drizzle-orm';
import type { SyncError, SyncStatus } from '../../drizzle/tables/staging.ts';
import type { StagedCard } from '../domain/foldEvent.ts';
import { isInactive } from '../domain/inactivity.ts';
import { cardsWithOpenPoints } from './commands.ts';
import { contactsById, type ContactRow } from './contacts.ts';
import type { Db } from './db.ts';
import { linksOfCustomers, type LinkRow } from './links.ts';
import { cardOf, type CustomerRow } from './staging.ts';
import type { Store } from './store.ts';

/** A person on both sides, as a job takes it. */
export interface Pair {
  customer: CustomerRow;
  cards: StagedCard[];
  link: LinkRow | null;
  contact: ContactRow | null;
  /** Points of the shown card are on their way by a command. */
  balanceBusy: boolean;
  /** Linked, and not active for a month (SPEC §2.3). */
  inactive: boolean;
}

const due = (store: Store, connectionId: string, now: Date) => {
  const { stickyCardsCustomers: t } = store.s;
  return and(
    eq(t.connectionId, connectionId),
    eq(t.syncStatus, 'PENDING'),
    eq(t.paused, false),
    or(isNull(t.nextAttemptAt), lte(t.nextAttemptAt, now)),
  );
};

/** Whether a run would find something to push. */
export const hasDueCustomers = async (store: Store, connectionId: string): Promise<boolean> =>
  (
    await store.db
      .select({ id: store.s.stickyCardsCustomers.stickycardsId })
      .from(store.s.stickyCardsCustomers)
      .where(due(store, connectionId, store.clock.now()))
      .limit(1)
  ).length > 0;

/** The next people due for an attempt, in keyset pages by customer id, with everything that their job needs. */
export async function claimPairs(store: Store, connectionId: string, after: string, limit: number): Promise<Pair[]> {
  const { stickyCardsCustomers: t } = store.s;
  const customers = await store.db
    .select()
    .from(t)
    .where(and(due(store, connectionId, store.clock.now()), gt(t.stickycardsId, after)))
    .orderBy(asc(t.stickycardsId))
    .limit(limit);
  return loadPairs(store, store.db, connectionId, customers);
}

/** Everybody of a connection, whatever their state, in keyset pages by customer id. */
export async function allPairs(store: Store, connectionId: string, after: string, limit: number): Promise<Pair[]> {
  const { stickyCardsCustomers: t } = store.s;
  const customers = await store.db
    .select()
    .from(t)
    .where(and(eq(t.connectionId, connectionId), gt(t.stickycardsId, after)))
    .orderBy(asc(t.stickycardsId))
    .limit(limit);
  return loadPairs(store, store.db, connectionId, customers);
}

export async function loadPairs(store: Store, db: Db, connectionId: string, customers: CustomerRow[]): Promise<Pair[]> {
  const ids = customers.map((c) => c.stickycardsId);
  if (ids.length === 0) return [];
  const { stickyCardsCards: k } = store.s;
  const cardRows = await db
    .select()
    .from(k)
    .where(and(eq(k.connectionId, connectionId), store.inList(k.stickycardsId, ids)));
  const cards = Map.groupBy(cardRows, (row) => row.stickycardsId);
  const links = await linksOfCustomers(store, db, connectionId, ids);
  const contacts = await contactsById(
    store,
    db,
    connectionId,
    [...links.values()].map((l) => l.ghlId).filter((id) => id !== null),
  );
  const busy = await cardsWithOpenPoints(
    store,
    db,
    connectionId,
    customers.map((c) => c.cardId).filter((id) => id !== null),
  );
  const nowMs = store.clock.nowMs();
  return customers.map((customer) => {
    const link = links.get(customer.stickycardsId) ?? null;
    return {
      customer,
      cards: (cards.get(customer.stickycardsId) ?? []).map(cardOf),
      link,
      contact: link?.ghlId ? (contacts.get(link.ghlId) ?? null) : null,
      balanceBusy: customer.cardId !== null && busy.has(customer.cardId),
      inactive: link !== null && isInactive(customer.lastActivity, link.createdAt, nowMs),
    };
  });
}

export interface CustomerMark {
  customerId: string;
  /** The version that the job took: what came meanwhile stays pending. */
  claimedVersion: number;
  syncStatus: SyncStatus;
  syncError: SyncError | null;
  attempts: number;
  nextAttemptAt: Date | null;
}

/** Settles the bookkeeping of one person. `pushed_version` moves only when all of the claimed version arrived. */
export async function markCustomer(store: Store, db: Db, connectionId: string, mark: CustomerMark): Promise<void> {
  const { stickyCardsCustomers: t } = store.s;
  const done = mark.syncStatus === 'SYNCED' || mark.syncStatus === 'SKIPPED';
  const overtaken = sql`${t.version} > ${mark.claimedVersion}`;
  await db
    .update(t)
    .set({
      ...(done ? { pushedVersion: mark.claimedVersion } : {}),
      ...(mark.syncStatus === 'SYNCED' ? { syncedAt: store.clock.now() } : {}),
      syncStatus: sql`case when ${overtaken} then 'PENDING' else ${mark.syncStatus} end`,
      syncError: mark.syncError,
      attempts: mark.attempts,
      nextAttemptAt: mark.nextAttemptAt,
    })
    .where(and(eq(t.connectionId, connectionId), eq(t.stickycardsId, mark.customerId)));
}
