import type { Connection } from '../domain/connection.ts';
import type { StickyCardsEvent } from '../domain/event.ts';
import type { Db } from '../store/db.ts';
import { cardlessPayments, type FoldRow, waitingEvents } from '../store/foldQueue.ts';
import {
  endWaits,
  holdersOfClues,
  keepFormerDetails,
  keepWaiting,
  nameless,
  opportunitiesAmong,
} from '../store/nameless.ts';
import { raiseProblems } from '../store/problems.ts';
import { loadPeople } from '../store/staging.ts';
import type { Store } from '../store/store.ts';
import { customerOfDelivery, type Folding, type LeftAside } from './folding.ts';

export interface ParsedRow {
  row: FoldRow;
  event: StickyCardsEvent | null;
}

/** The people and cards that these deliveries name. */
export const loadNamed = (store: Store, db: Db, connectionId: string, parsed: readonly ParsedRow[]) => {
  const customerIds = parsed.map(({ row, event }) => event && customerOfDelivery(row, event));
  const cardIds = parsed.map(({ event }) => event && event.cardId);
  const distinct = (ids: (string | null)[]) => [...new Set(ids.filter((id) => id !== null))];
  return loadPeople(store, db, connectionId, distinct(customerIds), distinct(cardIds));
};

/**
 * Deliveries that name no customer, and payments of people who held no card (SPEC §2.3): those of this batch, and those that
 * waited for what it made known. They come after the others, and again as long as one of them makes something known, so that
 * no order of arrival matters.
 */
export async function takeNameless(
  store: Store,
  db: Db,
  { id }: Connection,
  fold: Folding,
  parse: (row: FoldRow) => ParsedRow,
): Promise<void> {
  do {
    const news = fold.news();
    const payments = (await cardlessPayments(store, db, id, news)).map(parse);
    fold.people.load(await loadNamed(store, db, id, payments));
    const waiting = [...payments, ...(await waitingEvents(store, db, id, news)).map(parse)];
    await learnOpportunities(store, db, id, fold, waiting);
    for (const { row, event } of waiting) fold.take(row, event);
    const { clues, cardIds } = fold.questions();
    const holders = await holdersOfClues(store, db, id, clues);
    for (const { clue, customerId } of holders) fold.clues.know(clue, customerId);
    const holderIds = [...new Set(holders.map(({ customerId }) => customerId))];
    fold.people.load(await loadPeople(store, db, id, holderIds, cardIds));
  } while (fold.takeAside());
}

/** Which of the payments that these deliveries give back were made opportunities: that decides what is to be done. */
export async function learnOpportunities(
  store: Store,
  db: Db,
  connectionId: string,
  fold: Folding,
  parsed: readonly ParsedRow[],
): Promise<void> {
  const refunds = parsed.filter(({ event }) => event?.type === 'PaymentRefundedEvent');
  const paymentIds = refunds.map(({ event }) => event?.payment.id ?? null).filter((paymentId) => paymentId !== null);
  fold.knowOpportunities(await opportunitiesAmong(store, db, connectionId, paymentIds));
}

/** How long a delivery waits for its card before a problem tells of it: cards make themselves known within the day. */
const CARD_COMES_WITHIN_MS = 86_400_000;

/** Stores what became of the deliveries without a customer, in the transaction that folds them. */
export async function settleNameless(
  store: Store,
  db: Db,
  connectionId: string,
  fold: Folding,
  left: readonly LeftAside[],
): Promise<void> {
  await keepFormerDetails(store, db, connectionId, fold.formerDetails());
  await endWaits(store, db, connectionId, fold.found);
  const deliveries = left.filter(({ row }) => row.source === 'stickycards');
  const waits = deliveries
    .filter(({ reason }) => reason !== 'no_customer')
    .map(({ row, clues, reason }) => ({
      eventId: row.id,
      clues: clues.flat(),
      tellAt: new Date(row.receivedAt.getTime() + (reason === 'card_not_known_yet' ? CARD_COMES_WITHIN_MS : 0)),
    }));
  await keepWaiting(store, db, connectionId, waits);
  const hopeless = deliveries.filter(({ reason }) => reason === 'no_customer');
  const problems = hopeless.map(({ row, reason }) => nameless(row, reason));
  await raiseProblems(store, db, connectionId, problems);
}
