import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import { type Chunk, SCAN_MAX, scanCustomers } from './customerScan.ts';
import type { CustomerFilter } from './customerSearch.ts';
import { exactCustomers } from './exactCustomers.ts';
import type { LinkRow } from './links.ts';
import { connectionNames } from './newestAcross.ts';
import type { CardRow, CustomerRow } from './staging.ts';
import type { Store } from './store.ts';

export type { CustomerFilter };

export interface CustomerKey {
  connectionId: string;
  customerId: string;
}

/** A list goes on behind this person. */
export interface CustomerPosition extends CustomerKey {
  /** The list is of those who have the whole of `q`: it ends with the last of them and never turns into a search. */
  exact?: true;
}

export interface CustomerPage {
  rows: CustomerRow[];
  /** Where the next page begins; null = this was the last one. */
  next: CustomerPosition | null;
}

// A connection's name holds neither (domain/connectionSettings.ts): the first slash ends it, and it never begins with `=`.
const EXACT = '=';

/** A position as text, for cursors and addresses. */
export const positionText = ({ connectionId, customerId, exact }: CustomerPosition): string =>
  `${exact ? EXACT : ''}${connectionId}/${customerId}`;

/** The position that a text stands for; undefined when it is none. */
export function positionOf(text: string): CustomerPosition | undefined {
  const exact = text.startsWith(EXACT);
  const key = exact ? text.slice(EXACT.length) : text;
  const slash = key.indexOf('/');
  if (slash < 0) return undefined;
  return { connectionId: key.slice(0, slash), customerId: key.slice(slash + 1), ...(exact && { exact }) };
}

const keyOf = (row: CustomerRow): CustomerKey => ({ connectionId: row.connectionId, customerId: row.stickycardsId });

/**
 * People by connection and id, in keyset pages. A page may hold fewer than `limit` although there is a next one: a
 * search stops after a fixed number of rows, so that it never keeps deliveries waiting.
 */
export async function listCustomers(
  store: Store,
  filter: CustomerFilter,
  limit: number,
  after?: CustomerPosition,
): Promise<CustomerPage> {
  const names = filter.connection === undefined ? await connectionNames(store) : [filter.connection];
  const ahead = names.filter((name) => after === undefined || name >= after.connectionId);
  if (filter.q !== undefined && (after === undefined || after.exact)) {
    const rows = await exactCustomers(store, filter, filter.q, ahead, limit + 1, after);
    const page = rows.slice(0, limit);
    if (rows.length > limit) return { rows: page, next: { ...keyOf(page[limit - 1] as CustomerRow), exact: true } };
    if (after !== undefined || rows.length > 0) return { rows, next: null };
  }
  const scans = filter.q !== undefined || filter.code !== undefined;
  const rows: CustomerRow[] = [];
  let left = SCAN_MAX;
  for (const [i, connectionId] of ahead.entries()) {
    let from = connectionId === after?.connectionId ? after.customerId : '';
    for (;;) {
      const wanted = limit + 1 - rows.length;
      const chunk = scans
        ? await scanCustomers(store, filter, connectionId, from, wanted)
        : await plain(store, filter, connectionId, from, wanted);
      rows.push(...chunk.rows);
      if (rows.length > limit) {
        const page = rows.slice(0, limit);
        return { rows: page, next: keyOf(page[limit - 1] as CustomerRow) };
      }
      if (scans) left -= chunk.read;
      const following = ahead[i + 1];
      if (left <= 0 && chunk.last !== null) return { rows, next: { connectionId, customerId: chunk.last } };
      if (left <= 0 && following !== undefined) return { rows, next: { connectionId: following, customerId: '' } };
      if (chunk.last === null) break;
      from = chunk.last;
      // Whoever waits for an answer meanwhile goes first.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return { rows, next: null };
}

const COUNT_PAGE = 1_000;

/** How many people a filter finds. */
export async function countCustomers(store: Store, filter: CustomerFilter): Promise<number> {
  if (filter.q === undefined && filter.code === undefined) {
    const { stickyCardsCustomers: t } = store.s;
    const names = filter.connection === undefined ? await connectionNames(store) : [filter.connection];
    if (names.length === 0) return 0;
    const [row] = await store.db
      .select({ count: sql`count(*)`.mapWith(Number) })
      .from(t)
      .where(
        and(
          inArray(t.connectionId, names),
          filter.syncStatus === undefined ? undefined : eq(t.syncStatus, filter.syncStatus),
        ),
      );
    return row?.count ?? 0;
  }
  let count = 0;
  let after: CustomerPosition | undefined;
  for (;;) {
    const { rows, next } = await listCustomers(store, filter, COUNT_PAGE, after);
    count += rows.length;
    if (next === null) return count;
    after = next;
  }
}

const inOrder = (store: Store, filter: CustomerFilter, connectionId: string, from: string) => {
  const { stickyCardsCustomers: t } = store.s;
  return and(
    eq(t.connectionId, connectionId),
    filter.syncStatus === undefined ? undefined : eq(t.syncStatus, filter.syncStatus),
    gt(t.stickycardsId, from),
  );
};

async function plain(
  store: Store,
  filter: CustomerFilter,
  connectionId: string,
  from: string,
  wanted: number,
): Promise<Chunk> {
  const { stickyCardsCustomers: t } = store.s;
  const rows = await store.db
    .select()
    .from(t)
    .where(inOrder(store, filter, connectionId, from))
    .orderBy(asc(t.stickycardsId))
    .limit(wanted);
  return { rows, last: null, read: rows.length };
}

/** Everybody who bears this id; in all connections when none is named. */
export async function customersById(store: Store, customerId: string, connection?: string): Promise<CustomerRow[]> {
  const { stickyCardsCustomers: t } = store.s;
  const names = connection === undefined ? await connectionNames(store) : [connection];
  if (names.length === 0) return [];
  // The primary key leads with the connection: naming them all makes one look-up for each, not a scan.
  return store.db
    .select()
    .from(t)
    .where(and(inArray(t.connectionId, names), eq(t.stickycardsId, customerId)))
    .orderBy(asc(t.connectionId));
}

/** A person with what the other tables know of them. */
export interface PersonRow {
  row: CustomerRow;
  cards: CardRow[];
  /** The live link, if there is one. */
  link: LinkRow | null;
}

/** Cards and live links of these people, in two queries per connection. */
export async function withCardsAndLinks(store: Store, rows: readonly CustomerRow[]): Promise<PersonRow[]> {
  const { stickyCardsCards: k, entityMappings: m } = store.s;
  const people: PersonRow[] = [];
  for (const [connectionId, group] of Map.groupBy(rows, (row) => row.connectionId)) {
    const ids = group.map((row) => row.stickycardsId);
    const cards = await store.db
      .select()
      .from(k)
      .where(and(eq(k.connectionId, connectionId), inArray(k.stickycardsId, ids)))
      .orderBy(asc(k.cardId));
    const links = await store.db
      .select()
      .from(m)
      .where(
        and(
          eq(m.connectionId, connectionId),
          eq(m.entityType, 'customer'),
          inArray(m.stickycardsId, ids),
          eq(m.state, 'live'),
        ),
      );
    const cardsOf = Map.groupBy(cards, (card) => card.stickycardsId);
    const linkOf = new Map(links.map((link) => [link.stickycardsId, link]));
    for (const row of group) {
      people.push({ row, cards: cardsOf.get(row.stickycardsId) ?? [], link: linkOf.get(row.stickycardsId) ?? null });
    }
  }
  return people;
}
