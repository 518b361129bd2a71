import { and, asc, eq, gt, inArray, lte, or, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { type CustomerFilter, digitsToFind, isMeant } from './customerSearch.ts';
import type { CustomerRow } from './staging.ts';
import type { Store } from './store.ts';

/** Names and reasons have no index: so many rows are looked through for one page, then the page ends where it is. */
export const SCAN_MAX = 10_000;
/** In one go, between which whoever waits for an answer goes first. */
const SCAN_CHUNK = 4_000;

export interface Chunk {
  rows: CustomerRow[];
  /** The last id looked at; null = there are no more in this connection. */
  last: string | null;
  read: number;
}

/** Those of the next people of a connection whom the filter means, `wanted` at most. */
export async function scanCustomers(
  store: Store,
  filter: CustomerFilter,
  connectionId: string,
  from: string,
  wanted: number,
): Promise<Chunk> {
  const { stickyCardsCustomers: t } = store.s;
  const base = and(
    eq(t.connectionId, connectionId),
    filter.syncStatus === undefined ? undefined : eq(t.syncStatus, filter.syncStatus),
    gt(t.stickycardsId, from),
  );
  const [end] = await store.db
    .select({ id: t.stickycardsId })
    .from(t)
    .where(base)
    .orderBy(asc(t.stickycardsId))
    .limit(1)
    .offset(SCAN_CHUNK - 1);
  const last = end?.id ?? null;
  // The database looks first, as far as it can: handing every row over is what would take time.
  const meant = await store.db
    .select({
      stickycardsId: t.stickycardsId,
      email: t.email,
      mobile: t.mobile,
      firstName: t.firstName,
      lastName: t.lastName,
    })
    .from(t)
    .where(
      and(base, last === null ? undefined : lte(t.stickycardsId, last), hasCode(store, filter), mayBe(store, filter)),
    )
    .orderBy(asc(t.stickycardsId));
  const { q } = filter;
  const ids = meant.filter((person) => q === undefined || isMeant(q, person)).slice(0, wanted);
  return {
    rows: await customersOf(
      store,
      connectionId,
      ids.map((person) => person.stickycardsId),
    ),
    last,
    read: last === null ? await count(store, base) : SCAN_CHUNK,
  };
}

async function count({ db, s }: Store, base: SQL | undefined): Promise<number> {
  const [row] = await db
    .select({ count: sql`count(*)`.mapWith(Number) })
    .from(s.stickyCardsCustomers)
    .where(base);
  return row?.count ?? 0;
}

/** The code of the stored reason, as each database keeps JSON. */
export function hasCode(store: Store, { code }: CustomerFilter): SQL | undefined {
  const { stickyCardsCustomers: t } = store.s;
  if (code === undefined) return undefined;
  return store.dialect === 'postgres'
    ? sql`${t.syncError} ->> 'code' = ${code}`
    : sql`json_extract(${t.syncError}, '$.code') = ${code}`;
}

/** Everybody whom `q` could mean, and some more. Only for ASCII: SQLite knows no other small letters. */
function mayBe(store: Store, { q }: CustomerFilter): SQL | undefined {
  if (q === undefined || !/^[\x20-\x7e]+$/.test(q)) return undefined;
  const { stickyCardsCustomers: t } = store.s;
  const wanted = q.toLowerCase();
  const begins = (value: SQL | PgColumn) => sql`substr(lower(${value}), 1, ${wanted.length}) = ${wanted}`;
  const digits = digitsToFind(q);
  return or(
    begins(t.stickycardsId),
    begins(t.email),
    begins(t.firstName),
    begins(t.lastName),
    begins(sql`coalesce(${t.firstName} || ' ', '') || coalesce(${t.lastName}, '')`),
    // Its first digits, wherever separators stand; which run of digits it is, is looked at afterwards.
    digits === null ? undefined : sql`${t.mobile} like ${`%${digits.split('').join('%')}%`}`,
  );
}

/** The people of these ids, in the order of the ids. */
async function customersOf(store: Store, connectionId: string, ids: readonly string[]): Promise<CustomerRow[]> {
  if (ids.length === 0) return [];
  const { stickyCardsCustomers: t } = store.s;
  const found = await store.db
    .select()
    .from(t)
    .where(and(eq(t.connectionId, connectionId), inArray(t.stickycardsId, [...ids])));
  const byId = new Map(found.map((row) => [row.stickycardsId, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}
