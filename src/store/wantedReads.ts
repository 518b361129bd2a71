import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { type CardRow, type CustomerRow } from './staging.ts';
import type { Store } from './store.ts';

export interface WantedRead {
  customer: CustomerRow;
  /** The cards that are to be read. */
  cards: CardRow[];
}

/** People whose staging lacks what only a read can tell (SPEC §2.2), in keyset pages. */
export async function wantedReads(
  store: Store,
  connectionId: string,
  after: string,
  limit: number,
): Promise<WantedRead[]> {
  const { stickyCardsCustomers: c, stickyCardsCards: k } = store.s;
  const customers = await store.db
    .select()
    .from(c)
    .where(and(eq(c.connectionId, connectionId), sql`${c.readWanted}`, gt(c.stickycardsId, after)))
    .orderBy(asc(c.stickycardsId))
    .limit(limit);
  if (customers.length === 0) return [];
  const cards = await store.db
    .select()
    .from(k)
    .where(
      and(
        eq(k.connectionId, connectionId),
        eq(k.readWanted, true),
        store.inList(
          k.stickycardsId,
          customers.map((row) => row.stickycardsId),
        ),
      ),
    );
  const byCustomer = Map.groupBy(cards, (card) => card.stickycardsId);
  return customers.map((customer) => ({ customer, cards: byCustomer.get(customer.stickycardsId) ?? [] }));
}
