import PQueue from 'p-queue';
import type { Connection } from '../domain/connection.ts';
import type { Logger } from '../log.ts';
import { heardUpToMs } from '../domain/stamps.ts';
import { type ApiError, isApiError } from '../platforms/apiError.ts';
import type { StickySide } from '../platforms/stickycards/sides.ts';
import { insertDeliveries, type NewInboxRow } from '../store/inbox.ts';
import { raiseProblems } from '../store/problems.ts';
import type { Store } from '../store/store.ts';
import { wantedReads, type WantedRead } from '../store/wantedReads.ts';
import type { Capabilities } from './capabilities.ts';
import type { StickyHealth } from './stickyHealth.ts';
import { cardRead, customerRead, heldCardRead } from './stickyRows.ts';

export interface ReadStickyNeeds {
  store: Store;
  log: Logger;
  signal: AbortSignal;
  health: Pick<StickyHealth, 'failed' | 'halt'>;
  capabilities: Capabilities;
}

const PAGE = 200;
/** After so many server errors in a row the rest waits for the next run, which begins behind them. */
const STOP_AFTER_FAILURES = 5;

/** Where the last pass of a connection stopped: people who cannot be read keep nobody behind them waiting. */
const stoppedAt = new WeakMap<Store, Map<string, string>>();

/**
 * Answers what thin events and ties left open: one read of the card or the person, kept in the inbox like a delivery
 * and folded from there (SPEC §1 observations, §2.2). A side that does not answer leaves the question for the next run;
 * somebody whom it refuses to show is listed, and everybody else is read.
 */
export async function readSticky(needs: ReadStickyNeeds, connection: Connection, side: StickySide): Promise<number> {
  const { store } = needs;
  if (needs.capabilities.isRefused('read')) return 0;
  const places = stoppedAt.get(store) ?? new Map<string, string>();
  stoppedAt.set(store, places);
  const from = places.get(connection.id) ?? '';
  places.delete(connection.id);
  const pass: Pass = { reads: 0, failedInARow: 0, stopped: null };
  const end = await readPages(needs, connection, side, pass, { after: from, until: null });
  // The ones before the place where the last pass stopped come after the others.
  const last =
    from === '' || isOver(needs, pass)
      ? end
      : await readPages(needs, connection, side, pass, { after: '', until: from });
  if (pass.stopped !== null) {
    places.set(connection.id, last);
    needs.log.warn('Sticky Cards could not be read; the next run asks again', {
      connection: connection.id,
      reason: pass.stopped.message,
      class: pass.stopped.class,
    });
  }
  return pass.reads;
}

interface Pass {
  reads: number;
  failedInARow: number;
  /** Why nobody else is asked in this run. */
  stopped: ApiError | null;
}

const isOver = ({ signal }: ReadStickyNeeds, { stopped }: Pass): boolean => stopped !== null || signal.aborted;

/** Reads everybody behind `after`, up to `until` (null = the end). Answers how far it came. */
async function readPages(
  needs: ReadStickyNeeds,
  connection: Connection,
  side: StickySide,
  pass: Pass,
  { after, until }: { after: string; until: string | null },
): Promise<string> {
  const { store } = needs;
  const queue = new PQueue({ concurrency: side.pace.concurrency });
  let reached = after;
  while (!isOver(needs, pass)) {
    const found = await wantedReads(store, connection.id, reached, PAGE);
    const page = until === null ? found : found.filter(({ customer }) => customer.stickycardsId <= until);
    if (page.length === 0) break;
    const rows: NewInboxRow[] = [];
    await Promise.all(
      page.map((wanted) =>
        queue.add(async () => {
          if (isOver(needs, pass)) return;
          reached = wanted.customer.stickycardsId;
          try {
            rows.push(...(await readOne(needs, connection, side, wanted)));
            pass.reads += 1;
            pass.failedInARow = 0;
            needs.capabilities.allow('read');
          } catch (error) {
            if (!isApiError(error)) throw error;
            rows.push(...(await settleUnread(needs, connection, wanted, pass, error)));
          }
        }),
      ),
    );
    if (rows.length > 0) await store.tx((db) => insertDeliveries(store, db, rows));
  }
  return reached;
}

/** What a read that failed leaves: the question stays open, is closed with a problem, or ends the pass for everybody. */
async function settleUnread(
  { store, health, capabilities }: ReadStickyNeeds,
  connection: Connection,
  wanted: WantedRead,
  pass: Pass,
  error: ApiError,
): Promise<NewInboxRow[]> {
  switch (error.class) {
    case 'gone':
      return close(store, connection, wanted, 'gone_in_sticky_cards');
    case 'validation':
    case 'field':
    case 'conflict':
      return close(store, connection, wanted, 'read_refused_by_sticky_cards', error);
    case 'transient':
      // A server error may be about this one record; that nobody answers at all is about the side.
      if (!error.answered) health.failed(error);
      pass.failedInARow += 1;
      if (pass.failedInARow >= STOP_AFTER_FAILURES || health.halt()) pass.stopped ??= error;
      return [];
    case 'scope':
      capabilities.refuse('read', error);
      pass.stopped ??= error;
      return [];
    default:
      health.failed(error);
      pass.stopped ??= error;
      return [];
  }
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
  const heardMs = heardOf(customer, cards);
  if (customer.foldState.thinAtMs > customer.foldState.readAtMs) {
    const { customer: seen, dateMs } = await client.getCustomer(customer.stickycardsId, options);
    rows.push(customerRead(needs.store, connection.id, seen, dateMs, heardMs));
    // Its cards come along; one whose balance is told needs no read of its own.
    for (const card of seen.cards ?? []) {
      if (card.balance === undefined || card.balance === null) continue;
      rows.push(heldCardRead(needs.store, connection.id, card, customer.stickycardsId, dateMs, heardMs));
      told.add(card.cardId);
    }
  }
  for (const { cardId } of cards) {
    if (told.has(cardId)) continue;
    const { card, dateMs } = await client.getCard(cardId, options);
    rows.push(cardRead(needs.store, connection.id, card, customer.stickycardsId, dateMs, heardMs));
  }
  return rows;
}

/** Until when something was told of a person and of the cards that are to be read (ms, by the platform's clock). */
function heardOf(customer: WantedRead['customer'], cards: WantedRead['cards']): number {
  const { stamps, segments, segmentsWholeAt } = customer.foldState;
  return heardUpToMs([
    ...Object.values(stamps),
    ...Object.values(segments).map(({ stamp }) => stamp),
    ...(segmentsWholeAt ? [segmentsWholeAt] : []),
    ...cards.flatMap((card) => Object.values(card.foldState.stamps)),
  ]);
}

/** Nothing more will be told of this record, so the question is closed, with a problem that names the person. */
async function close(
  store: Store,
  connection: Connection,
  { customer, cards }: WantedRead,
  code: 'gone_in_sticky_cards' | 'read_refused_by_sticky_cards',
  error?: ApiError,
): Promise<NewInboxRow[]> {
  const customerId = customer.stickycardsId;
  const cardIds = cards.map((card) => card.cardId);
  const said = error && { message: error.message, traceId: error.traceId ?? null };
  await store.tx((db) =>
    raiseProblems(store, db, connection.id, [{ code, recordId: customerId, sample: { customerId, cardIds, ...said } }]),
  );
  return [
    customerRead(store, connection.id, { customerId }, null),
    ...cards.map(({ cardId }) => cardRead(store, connection.id, { cardId }, customerId, null)),
  ];
}
