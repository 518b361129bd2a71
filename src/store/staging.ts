import { and, asc, eq, type SQL } from 'drizzle-orm';
import type { Schema } from '../../drizzle/schema.ts';
import { newCustomer, type StagedCard, type StagedCustomer } from '../domain/stagedRecord.ts';
import { primaryCard, shownStatus } from '../domain/shownCard.ts';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

export type CustomerRow = Schema['stickyCardsCustomers']['$inferSelect'];
export type CardRow = Schema['stickyCardsCards']['$inferSelect'];

const ms = (at: Date | null) => at?.getTime() ?? null;
const at = (value: number | null) => (value === null ? null : new Date(value));

export const customerOf = (row: CustomerRow): StagedCustomer => ({
  customerId: row.stickycardsId,
  email: row.email,
  mobile: row.mobile,
  firstName: row.firstName,
  lastName: row.lastName,
  lastActivityMs: ms(row.lastActivity),
  lastPurchaseMs: ms(row.lastPurchaseDate),
  referralCount: row.referralCount,
  segments: row.segments,
  extra: row.extra,
  fold: row.foldState,
  readWanted: row.readWanted,
});

export const cardOf = (row: CardRow): StagedCard => ({
  cardId: row.cardId,
  customerId: row.stickycardsId,
  templateId: row.templateId,
  cardType: row.cardType,
  installStatus: row.installStatus,
  adminStatus: row.adminStatus,
  installed: row.installed,
  balance: row.balance,
  installedAtMs: ms(row.installedAt),
  issuedAtMs: ms(row.issuedAt),
  fold: row.foldState,
  readWanted: row.readWanted,
});

/** The columns of a person that follow from what is staged: their own and those of the card that they show. */
export function shownColumns(customer: StagedCustomer, cards: readonly StagedCard[], rules: ShownRules) {
  const card = primaryCard(cards, rules.templateId);
  return {
    email: customer.email,
    mobile: customer.mobile,
    firstName: customer.firstName,
    lastName: customer.lastName,
    cardId: card?.cardId ?? null,
    cardStatus: card && shownStatus(card),
    cardInstalled: card?.installed ?? null,
    loyaltyPoints: card && rules.isPointsCard(card.cardType) ? card.balance : null,
    cardInstalledDate: at(card?.installedAtMs ?? null),
    cardIssuedDate: at(card?.issuedAtMs ?? null),
    lastActivity: at(customer.lastActivityMs),
    lastPurchaseDate: at(customer.lastPurchaseMs),
    referralCount: customer.referralCount,
    segments: customer.segments,
    extra: customer.extra,
  };
}

export interface ShownRules {
  templateId: string | null;
  /** Whether a card type's balance is points (SPEC §2.4). */
  isPointsCard(cardType: string | null): boolean;
}

export interface StagedPeople {
  customers: Map<string, CustomerRow>;
  cards: Map<string, CardRow>;
}

/** The staged rows of these people and cards, and all cards of these people; locked until the transaction ends. */
export async function loadPeople(
  store: Store,
  db: Db,
  connectionId: string,
  customerIds: string[],
  cardIds: string[],
): Promise<StagedPeople> {
  const { stickyCardsCustomers: c, stickyCardsCards: k } = store.s;
  const lock = store.dialect === 'postgres';
  const cardQuery = (mine: SQL) => {
    const query = db
      .select()
      .from(k)
      .where(and(eq(k.connectionId, connectionId), mine));
    return lock ? query.for('update') : query;
  };
  // Two queries, one per index: with an `or` SQLite reads all cards of the connection.
  const ofPeople = customerIds.length === 0 ? [] : await cardQuery(store.inList(k.stickycardsId, customerIds));
  const known = new Set(ofPeople.map((card) => card.cardId));
  const missing = cardIds.filter((id) => !known.has(id));
  const others = missing.length === 0 ? [] : await cardQuery(store.inList(k.cardId, missing));
  // Whoever holds a card that was asked for is loaded with all their cards: one of them is the one that is shown.
  const holders = [...new Set(others.map((card) => card.stickycardsId))];
  const beside = holders.length === 0 ? [] : await cardQuery(store.inList(k.stickycardsId, holders));
  const cards = [...ofPeople, ...others, ...beside];
  const ids = [...new Set([...customerIds, ...holders])];
  const customerQuery = db
    .select()
    .from(c)
    .where(and(eq(c.connectionId, connectionId), store.inList(c.stickycardsId, ids)))
    .orderBy(asc(c.stickycardsId));
  const customers = ids.length === 0 ? [] : await (lock ? customerQuery.for('update') : customerQuery);
  return {
    customers: new Map(customers.map((row) => [row.stickycardsId, row])),
    cards: new Map(cards.map((row) => [row.cardId, row])),
  };
}

export const newCustomerRow = (connectionId: string, customerId: string, now: Date): CustomerRow => {
  const { fold, ...empty } = newCustomer(customerId);
  return {
    connectionId,
    stickycardsId: customerId,
    email: null,
    mobile: null,
    firstName: null,
    lastName: null,
    cardId: null,
    cardStatus: null,
    cardInstalled: null,
    loyaltyPoints: null,
    cardInstalledDate: null,
    cardIssuedDate: null,
    lastActivity: null,
    lastPurchaseDate: null,
    referralCount: null,
    segments: [],
    optInStatus: null,
    extra: empty.extra,
    foldState: fold,
    version: 1,
    pushedVersion: 0,
    syncStatus: 'PENDING',
    syncError: null,
    attempts: 0,
    nextAttemptAt: null,
    readWanted: false,
    paused: false,
    observedAt: null,
    syncedAt: null,
    createdAt: now,
    updatedAt: now,
  };
};

export const cardRow = (connectionId: string, card: StagedCard, before: CardRow | undefined, now: Date): CardRow => ({
  connectionId,
  cardId: card.cardId,
  stickycardsId: card.customerId,
  templateId: card.templateId,
  cardType: card.cardType,
  installStatus: card.installStatus,
  adminStatus: card.adminStatus,
  installed: card.installed,
  balance: card.balance,
  installedAt: at(card.installedAtMs),
  issuedAt: at(card.issuedAtMs),
  extra: before?.extra ?? {},
  foldState: card.fold,
  readWanted: card.readWanted,
  observedAt: before?.observedAt ?? null,
  createdAt: before?.createdAt ?? now,
  updatedAt: now,
});

/** Writes whole rows back; the caller read them in the same transaction. */
export async function writePeople(store: Store, db: Db, customers: CustomerRow[], cards: CardRow[]): Promise<void> {
  await store.bulk.write(db, store.s.stickyCardsCustomers, customers, {
    conflict: ['connectionId', 'stickycardsId'],
    update: 'all',
  });
  await store.bulk.write(db, store.s.stickyCardsCards, cards, { conflict: ['connectionId', 'cardId'], update: 'all' });
}
