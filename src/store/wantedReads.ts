import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { type CardRow, type CustomerRow } from './staging.ts';
import type { Db } from './db.ts';
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

/**
 * Has a card read by the next run, because a person says that its balance may be another one. Answers its holder; null
 * when the card is not known.
 */
export async function wantCardRead(store: Store, db: Db, connectionId: string, cardId: string): Promise<string | null> {
  const { stickyCardsCustomers: c, stickyCardsCards: k } = store.s;
  const mine = and(eq(k.connectionId, connectionId), eq(k.cardId, cardId));
  const query = db.select().from(k).where(mine);
  const [card] = await (store.dialect === 'postgres' ? query.for('update') : query);
  if (!card) return null;
  const { foldState } = card;
  // As the fold itself would ask for it: later than what is known of the balance, and than the last read.
  const thinAtMs = Math.max(store.clock.nowMs(), foldState.stamps['balance']?.[0] ?? 0, foldState.readAtMs + 1);
  await db
    .update(k)
    .set({ foldState: { ...foldState, thinAtMs }, readWanted: true })
    .where(mine);
  await db
    .update(c)
    .set({ readWanted: true })
    .where(and(eq(c.connectionId, connectionId), eq(c.stickycardsId, card.stickycardsId)));
  return card.stickycardsId;
}
