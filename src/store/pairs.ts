import { and, asc, type Column, eq, gt, isNull, lte, or, sql } from 'drizzle-orm';
import type { SyncError, SyncStatus } from '../../drizzle/tables/staging.ts';
import type { StagedCard } from '../domain/stagedRecord.ts';
import { isInactive } from '../domain/inactivity.ts';
import { cardsWithOpenPoints } from './commands.ts';
import { contactsById, type ContactRow } from './contacts.ts';
import type { Db } from './db.ts';
import { linksOfCustomers, type LinkRow } from './links.ts';
import type { MarkRow } from './marks.ts';
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
  /** The contact is to be read before anything is decided (SPEC §3.1). */
  mark?: MarkRow;
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

/** These people with everything that their job needs, whether they are due or not. */
export async function pairsOfCustomers(store: Store, connectionId: string, ids: readonly string[]): Promise<Pair[]> {
  if (ids.length === 0) return [];
  const { stickyCardsCustomers: t } = store.s;
  const customers = await store.db
    .select()
    .from(t)
    .where(and(eq(t.connectionId, connectionId), store.inList(t.stickycardsId, ids)));
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
  // A placeholder is filled with the database's own value: drizzle would write a null into a JSON column as text.
  const stored = (column: Column, value: unknown) => (value === null ? null : column.mapToDriverValue(value));
  const values = {
    connectionId,
    customerId: mark.customerId,
    claimedVersion: mark.claimedVersion,
    pushedVersion: done ? mark.claimedVersion : null,
    syncedAt: mark.syncStatus === 'SYNCED' ? stored(t.syncedAt, store.clock.now()) : null,
    syncStatus: mark.syncStatus,
    syncError: stored(t.syncError, mark.syncError),
    attempts: mark.attempts,
    nextAttemptAt: stored(t.nextAttemptAt, mark.nextAttemptAt),
  };
  let query = markQueries.get(db);
  if (!query) markQueries.set(db, (query = markQuery(store, db)));
  // better-sqlite3 has no promise to wait for and calls it run.
  if ('run' in query) (query as { run(values: object): void }).run(values);
  else await query.execute(values);
}

/** What Sticky Cards was last told about the person's consent, as `setOptIn` kept it; null = nothing. */
export async function optInOf({ db, s }: Store, connectionId: string, customerId: string): Promise<string | null> {
  const { stickyCardsCustomers: t } = s;
  const [row] = await db
    .select({ optInStatus: t.optInStatus })
    .from(t)
    .where(and(eq(t.connectionId, connectionId), eq(t.stickycardsId, customerId)));
  return row?.optInStatus ?? null;
}

/** What Sticky Cards was last told about the person's consent: its webhooks never speak of it. */
export async function setOptIn(
  { s }: Store,
  db: Db,
  connectionId: string,
  customerId: string,
  status: string,
): Promise<void> {
  const { stickyCardsCustomers: t } = s;
  await db
    .update(t)
    .set({ optInStatus: status })
    .where(and(eq(t.connectionId, connectionId), eq(t.stickycardsId, customerId)));
}

const markQueries = new WeakMap<Db, ReturnType<typeof markQuery>>();

/** Prepared once per connection to the database: drizzle writing it anew was a tenth of what a record costs a run. */
function markQuery({ s }: Store, db: Db) {
  const { stickyCardsCustomers: t } = s;
  const given = sql.placeholder;
  return db
    .update(t)
    .set({
      pushedVersion: sql`coalesce(${given('pushedVersion')}, ${t.pushedVersion})`,
      syncedAt: sql`coalesce(${given('syncedAt')}, ${t.syncedAt})`,
      syncStatus: sql`case when ${t.version} > ${given('claimedVersion')} then 'PENDING' else ${given('syncStatus')} end`,
      syncError: sql`${given('syncError')}`,
      attempts: sql`${given('attempts')}`,
      nextAttemptAt: sql`${given('nextAttemptAt')}`,
    })
    .where(and(eq(t.connectionId, given('connectionId')), eq(t.stickycardsId, given('customerId'))))
    .prepare('mark_customer');
}
