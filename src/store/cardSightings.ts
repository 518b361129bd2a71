import { and, eq, gte, isNotNull, isNull } from 'drizzle-orm';
import type { InboxRow } from './inboxRow.ts';
import type { Store } from './store.ts';

export type CardSighting = Pick<InboxRow, 'source' | 'type' | 'occurredAt' | 'payload'>;

/** What deliveries, reads and writes said about a card since then, folded or not; a rejected delivery says nothing. */
export async function cardSightings(
  store: Store,
  connectionId: string,
  cardId: string,
  since: Date,
): Promise<CardSighting[]> {
  const { webhookEvents: t } = store.s;
  const columns = { source: t.source, type: t.type, occurredAt: t.occurredAt, payload: t.payload, status: t.status };
  const mine = and(eq(t.connectionId, connectionId), eq(t.cardId, cardId), gte(t.receivedAt, since));
  // Two questions, one per partial index: the deliveries of a card, and the few that are not folded yet.
  const rows = [
    ...(await store.db
      .select(columns)
      .from(t)
      .where(and(mine, isNotNull(t.foldedAt)))),
    ...(await store.db
      .select(columns)
      .from(t)
      .where(and(mine, isNull(t.foldedAt)))),
  ];
  return rows.filter((row) => row.status !== 'rejected');
}
