import PQueue from 'p-queue';
import type { Connection } from '../domain/connection.ts';
import type { Logger } from '../log.ts';
import { isApiError } from '../platforms/apiError.ts';
import type { StickySide } from '../platforms/stickycards/sides.ts';
import { insertDeliveries, type NewInboxRow } from '../store/inbox.ts';
import { raiseProblems } from '../store/problems.ts';
import type { Store } from '../store/store.ts';
import { wantedReads, type WantedRead } from '../store/wantedReads.ts';
import { cardRead, customerRead } from './stickyRows.ts';

export interface ReadStickyNeeds {
  store: Store;
  log: Logger;
  signal: AbortSignal;
}

const PAGE = 200;

/**
 * Answers what thin events and ties left open: one read of the card or the person, kept in the inbox like a delivery
 * and folded from there (SPEC §1 observations, §2.2). A side that does not answer leaves the question for the next run.
 */
export async function readSticky(needs: ReadStickyNeeds, connection: Connection, side: StickySide): Promise<number> {
  const { store } = needs;
  const queue = new PQueue({ concurrency: side.pace.concurrency });
  let reads = 0;
  let down: unknown = null;
  for (let after = ''; ;) {
    const page = await wantedReads(store, connection.id, after, PAGE);
    const last = page.at(-1);
    if (!last) break;
    after = last.customer.stickycardsId;
    const rows: NewInboxRow[] = [];
    await Promise.all(
      page.map((wanted) =>
        queue.add(async () => {
          if (down !== null || needs.signal.aborted) return;
          try {
            rows.push(...(await readOne(needs, connection, side, wanted)));
            reads += 1;
          } catch (error) {
            if (!isApiError(error)) throw error;
            if (error.class === 'gone') rows.push(...(await settleGone(store, connection, wanted)));
            else down ??= error;
          }
        }),
      ),
    );
    if (rows.length > 0) await store.tx((db) => insertDeliveries(store, db, rows));
    if (down !== null || needs.signal.aborted) break;
  }
  if (down !== null && isApiError(down)) {
    needs.log.warn('Sticky Cards could not be read; the next run asks again', {
      connection: connection.id,
      reason: down.message,
      class: down.class,
    });
  }
  return reads;
}

async function readOne(
  needs: ReadStickyNeeds,
  connection: Connection,
  side: StickySide,
  { customer, cards }: WantedRead,
): Promise<NewInboxRow[]> {
  const { client } = side;
  const options = { signal: needs.signal };
  const rows: NewInboxRow[] = [];
  const told = new Set<string>();
  if (customer.foldState.thinAtMs > customer.foldState.readAtMs) {
    const { customer: seen, dateMs } = await client.getCustomer(customer.stickycardsId, options);
    rows.push(customerRead(needs.store, connection.id, seen, dateMs));
    // Its cards come along; one whose balance is told needs no read of its own.
    for (const card of seen.cards ?? []) {
      if (card.balance === undefined || card.balance === null) continue;
      rows.push(cardRead(needs.store, connection.id, card, customer.stickycardsId, dateMs));
      told.add(card.cardId);
    }
  }
  for (const { cardId } of cards) {
    if (told.has(cardId)) continue;
    const { card, dateMs } = await client.getCard(cardId, options);
    rows.push(cardRead(needs.store, connection.id, card, customer.stickycardsId, dateMs));
  }
  return rows;
}

/** Gone at the platform: nothing more will be told, so the question is closed, with a problem that names the person. */
async function settleGone(
  store: Store,
  connection: Connection,
  { customer, cards }: WantedRead,
): Promise<NewInboxRow[]> {
  const sample = { customerId: customer.stickycardsId, cardIds: cards.map((card) => card.cardId) };
  await store.tx((db) =>
    raiseProblems(store, db, connection.id, [
      { code: 'gone_in_sticky_cards', recordId: customer.stickycardsId, sample },
    ]),
  );
  const customerId = customer.stickycardsId;
  return [
    customerRead(store, connection.id, { customerId }, null),
    ...cards.map(({ cardId }) => cardRead(store, connection.id, { cardId }, customerId, null)),
  ];
}
