import { and, asc, eq, gt, inArray } from 'drizzle-orm';
import { DEFAULT_SETTINGS } from '../domain/connectionSettings.ts';
import { hasCode } from './customerScan.ts';
import { type CustomerFilter, exactValues } from './customerSearch.ts';
import type { CustomerRow } from './staging.ts';
import type { Store } from './store.ts';

/**
 * Those who have `q` as their whole id, e-mail, phone number or card id, by connection and id: `wanted` at most, behind
 * `after`. A shop's own number or a family's e-mail may be shared by hundreds.
 */
export async function exactCustomers(
  store: Store,
  filter: CustomerFilter,
  q: string,
  connectionIds: readonly string[],
  wanted: number,
  after?: { connectionId: string; customerId: string },
): Promise<CustomerRow[]> {
  const { connections: c } = store.s;
  const settings = await store.db.select({ id: c.id, settings: c.settings }).from(c);
  const countries = new Map(settings.map((row) => [row.id, row.settings['defaultCountry']]));
  const rows: CustomerRow[] = [];
  for (const connectionId of connectionIds) {
    const set = countries.get(connectionId);
    const country = typeof set === 'string' ? set : DEFAULT_SETTINGS.defaultCountry;
    const from = connectionId === after?.connectionId ? after.customerId : '';
    rows.push(...(await exactHere(store, filter, { q, country }, connectionId, from, wanted - rows.length)));
    if (rows.length >= wanted) break;
  }
  return rows;
}

function exactHere(
  store: Store,
  filter: CustomerFilter,
  search: { q: string; country: string },
  connectionId: string,
  from: string,
  wanted: number,
): Promise<CustomerRow[]> {
  const { stickyCardsCustomers: t } = store.s;
  return store.db
    .select()
    .from(t)
    .where(
      and(
        eq(t.connectionId, connectionId),
        inArray(t.stickycardsId, bearers(store, search, connectionId)),
        filter.syncStatus === undefined ? undefined : eq(t.syncStatus, filter.syncStatus),
        hasCode(store, filter),
        gt(t.stickycardsId, from),
      ),
    )
    .orderBy(asc(t.stickycardsId))
    .limit(wanted);
}

/**
 * The ids of whoever bears the value, each index asked by itself. Without order or limit of their own: with either, or as
 * a `union` without `all`, SQLite goes through the whole connection in the order of ids instead.
 */
function bearers({ db, s }: Store, { q, country }: { q: string; country: string }, connectionId: string) {
  const { stickyCardsCustomers: t, stickyCardsCards: k } = s;
  const { id, email, mobiles } = exactValues(q, country);
  const having = (column: typeof t.email | typeof t.mobile | typeof t.stickycardsId, values: readonly string[]) =>
    db
      .select({ id: t.stickycardsId })
      .from(t)
      .where(and(eq(t.connectionId, connectionId), inArray(column, [...values])));
  const ofCard = db
    .select({ id: k.stickycardsId })
    .from(k)
    .where(and(eq(k.connectionId, connectionId), eq(k.cardId, q)));
  return having(t.stickycardsId, [id])
    .unionAll(having(t.email, [email]))
    .unionAll(having(t.mobile, mobiles))
    .unionAll(ofCard);
}
