import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { canonical } from '../domain/canonical.ts';
import { commandsOf } from '../domain/commandsOf.ts';
import type { Connection } from '../domain/connection.ts';
import type { StickyCardsEvent } from '../domain/event.ts';
import { effectOf, READ_EFFECT } from '../domain/eventEffects.ts';
import {
  foldEvent,
  type FoldRules,
  newCard,
  newCustomer,
  type StagedCard,
  type StagedCustomer,
} from '../domain/foldEvent.ts';
import { derivedStates } from '../domain/shownCard.ts';
import { parseEnvelope } from '../platforms/stickycards/envelope.ts';
import { countsInPoints, type Dialect, isKnownEvent, statusOf } from '../platforms/stickycards/dialect.ts';
import type { Db } from '../store/database.ts';
import {
  type FoldMark,
  type FoldRow,
  markFolded,
  reusedDeliveryIds,
  unfoldedEvents,
  waitingEvents,
} from '../store/foldQueue.ts';
import { raiseProblems } from '../store/problems.ts';
import { insertCommands, type NewCommand } from '../store/commands.ts';
import {
  cardOf,
  cardRow,
  type CardRow,
  customerOf,
  type CustomerRow,
  loadPeople,
  newCustomerRow,
  shownColumns,
  type ShownRules,
  type StagedPeople,
  writePeople,
} from '../store/staging.ts';
import type { Store } from '../store/store.ts';

export interface StageInboxNeeds {
  store: Store;
  log: Logger;
  dialectOf(connection: Connection): Dialect;
}

/**
 * Folds the next deliveries of a connection into staging, in one transaction with the commands that they make
 * (SPEC §2.1, §2.2). Called by whoever holds the connection's lease; answers how many were taken.
 */
export async function stageInbox(needs: StageInboxNeeds, connection: Connection, limit: number): Promise<number> {
  const { store } = needs;
  try {
    return await store.tx(async (db) => {
      const rows = await foldable(store, db, connection.id, limit);
      if (rows.length > 0) await foldRows(needs, db, connection, rows);
      return rows.length;
    });
  } catch (error) {
    if (isPassing(error)) throw error;
    return stageOneByOne(needs, connection, limit);
  }
}

const foldable = async (store: Store, db: Db, connectionId: string, limit: number): Promise<FoldRow[]> =>
  (await unfoldedEvents(store, db, connectionId, limit)).filter(
    (row) => row.source === 'stickycards' || row.source === 'read',
  );

/** One delivery that cannot be stored must not stop the others: it is put aside with a reason, and kept. */
async function stageOneByOne(needs: StageInboxNeeds, connection: Connection, limit: number): Promise<number> {
  const { store } = needs;
  const rows = await foldable(store, store.db, connection.id, limit);
  for (const row of rows) {
    try {
      await store.tx((db) => foldRows(needs, db, connection, [row]));
    } catch (error) {
      if (isPassing(error)) throw error;
      needs.log.error('a delivery could not be folded', {
        receiptId: row.id,
        type: row.type,
        reason: messageOf(error),
      });
      const mark = {
        id: row.id,
        status: 'skipped' as const,
        reason: 'fold_failed',
        flags: row.flags,
        customerId: row.customerId,
        plain: false,
      };
      const sample = { receiptId: row.id, type: row.type };
      await store.tx(async (db) => {
        await markFolded(store, db, [mark], store.clock.now());
        await raiseProblems(store, db, connection.id, [{ code: 'fold_failed', recordId: row.id, sample }]);
      });
    }
  }
  return rows.length;
}

/** Of the database or the disk, not of the delivery: tried again as it is. */
const PASSING =
  /^(08|40|53|55|57|58|XX)|^SQLITE_(BUSY|FULL|IOERR|LOCKED|CANTOPEN|READONLY|NOMEM|CORRUPT|INTERRUPT)|^E[A-Z]+$/;

function isPassing(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && PASSING.test(code)) return true;
    // A pool or a handle that was closed or lost its server says so in words only.
    if (/connection (terminated|ended)|not open|Cannot use a pool/i.test(at.message)) return true;
  }
  return false;
}

async function foldRows(needs: StageInboxNeeds, db: Db, connection: Connection, rows: FoldRow[]): Promise<void> {
  const { store } = needs;
  const dialect = needs.dialectOf(connection);
  const fold = new Folding(connection, dialect);
  const parsed = rows.map((row) => ({ row, event: readEvent(row, connection) }));
  const events = parsed.map((p) => p.event).filter((event) => event !== null);
  const people = await loadPeople(
    store,
    db,
    connection.id,
    [...new Set(events.map((e) => e.customerId).filter((id) => id !== null))],
    [...new Set(events.map((e) => e.cardId).filter((id) => id !== null))],
  );
  fold.load(people);
  const reused = await reusedDeliveryIds(store, db, rows);
  for (const { row, event } of parsed) fold.take(row, event, reused);
  // Deliveries that waited for a card which is known by now.
  for (let known = fold.newlyKnownCards(); known.length > 0; known = fold.newlyKnownCards()) {
    for (const row of await waitingEvents(store, db, connection.id, known))
      fold.take(row, readEvent(row, connection), reused);
  }
  const now = store.clock.now();
  const { customers, cards } = fold.changedRows(now);
  await writePeople(store, db, customers, cards);
  await insertCommands(store, db, fold.commands);
  await markFolded(store, db, fold.marks, now);
  for (const failure of fold.failures) needs.log.error('a delivery could not be folded', failure);
}

/** The stored delivery as an event, its contact details in canonical form; null when the payload is gone or unreadable. */
function readEvent(row: FoldRow, connection: Connection): StickyCardsEvent | null {
  if (row.payload === null) return null;
  try {
    const json: unknown = JSON.parse(row.payload);
    // What we read ourselves was written down in our own form.
    const parsed =
      row.source === 'read' ? { kind: 'event' as const, event: json as StickyCardsEvent } : parseEnvelope(json);
    if (parsed.kind !== 'event') return null;
    const locale = { defaultCountry: connection.defaultCountry, timeZone: 'UTC' };
    return {
      ...parsed.event,
      phone: canonical('phone', parsed.event.phone, locale) as string | null,
      email: canonical('email', parsed.event.email, locale) as string | null,
    };
  } catch {
    return null;
  }
}

/** One batch in memory: what was loaded, what became of it, what is to be written. */
class Folding {
  readonly marks: FoldMark[] = [];
  readonly commands: NewCommand[] = [];
  readonly failures: Record<string, unknown>[] = [];
  readonly #connection: Connection;
  readonly #dialect: Dialect;
  readonly #rules: FoldRules;
  readonly #readRules: FoldRules;
  readonly #shown: ShownRules;
  readonly #customers = new Map<string, StagedCustomer>();
  readonly #cards = new Map<string, StagedCard>();
  readonly #customerRows = new Map<string, CustomerRow>();
  readonly #cardRows = new Map<string, CardRow>();
  readonly #before = new Map<string, string>();
  readonly #cardIdsOf = new Map<string, Set<string>>();
  readonly #touchedCards = new Set<string>();
  readonly #asked = new Set<string>();

  constructor(connection: Connection, dialect: Dialect) {
    this.#connection = connection;
    this.#dialect = dialect;
    this.#rules = {
      statusOf: (word) => statusOf(dialect, word),
      eventListIsWholeSet: dialect.segments.eventListIsWholeSet,
      segmentsExclusive: dialect.segments.exclusive,
    };
    this.#readRules = {
      ...this.#rules,
      eventListIsWholeSet: dialect.segments.readListIsWholeSet,
      segmentsExclusive: false,
    };
    this.#shown = {
      templateId: connection.stickyCards.templateId,
      isPointsCard: (cardType) => countsInPoints(dialect, cardType),
    };
  }

  load(people: StagedPeople): void {
    for (const [id, row] of people.customers) {
      this.#customerRows.set(id, row);
      this.#customers.set(id, customerOf(row));
    }
    for (const [id, row] of people.cards) {
      this.#cardRows.set(id, row);
      this.#keepCard(cardOf(row));
    }
    for (const id of people.customers.keys()) this.#before.set(id, this.#shape(id));
  }

  take(row: FoldRow, event: StickyCardsEvent | null, reused: ReadonlySet<string>): void {
    const flags =
      row.deliveryId !== null && reused.has(row.deliveryId)
        ? [...new Set([...row.flags, 'delivery_id_reused'])]
        : row.flags;
    const mark = (status: FoldMark['status'], reason: string | null, customerId: string | null = row.customerId) => {
      const plain = status === 'folded' && customerId === row.customerId && flags === row.flags;
      this.marks.push({ id: row.id, status, reason, flags, customerId, plain });
    };
    const skip = event === null ? 'unreadable' : row.source === 'read' ? null : this.#skipReason(event);
    if (event === null || skip !== null) {
      mark('skipped', skip);
      return;
    }
    const customerId =
      event.customerId ?? (event.cardId === null ? null : (this.#cards.get(event.cardId)?.customerId ?? null));
    if (customerId === null) {
      if (event.cardId === null) mark('skipped', 'no_customer');
      else mark('waiting', 'card_not_known_yet');
      return;
    }
    try {
      this.#fold(row, event, customerId);
      mark('folded', null, customerId);
    } catch (error) {
      this.failures.push({ receiptId: row.id, type: row.type, error: messageOf(error) });
      mark('skipped', 'fold_failed');
    }
  }

  #skipReason(event: StickyCardsEvent): string | null {
    const effect = effectOf(event.type);
    if (!effect) return isKnownEvent(this.#dialect, event.type) ? 'event_without_effect' : 'unknown_event_type';
    if (event.isSandbox && !this.#connection.test) return 'sandbox_event';
    if (!effect.payment || !this.#dialect.paymentsAreAccountBilling) return null;
    const holder = event.customerId !== null && this.#cardsOf(event.customerId).length > 0;
    return holder || (event.cardId !== null && this.#cards.has(event.cardId)) ? null : 'no_customer';
  }

  #fold(row: FoldRow, event: StickyCardsEvent, customerId: string): void {
    const customer = this.#customers.get(customerId) ?? newCustomer(customerId);
    const card = event.cardId === null ? null : (this.#cards.get(event.cardId) ?? newCard(event.cardId, customerId));
    const atMs = row.occurredAt.getTime();
    const input = { event, atMs, bodyHash: row.bodyHash, eventKey: row.dedupeKey };
    const folded =
      row.source === 'read'
        ? foldEvent({ customer, card }, input, this.#readRules, READ_EFFECT)
        : foldEvent({ customer, card }, input, this.#rules);
    this.#customers.set(customerId, folded.customer);
    if (folded.card) {
      this.#keepCard(folded.card);
      this.#touchedCards.add(folded.card.cardId);
    }
    this.#makeCommands(row, event, customerId, atMs);
  }

  /** What arrived in observe changes staging only and never makes commands later (SPEC §1). */
  #makeCommands(row: FoldRow, event: StickyCardsEvent, customerId: string, atMs: number): void {
    const { mode, activatedAt, ghl, lowRating } = this.#connection;
    if (mode !== 'live' || activatedAt === null || row.receivedAt < activatedAt) return;
    const opportunities = ghl.pipelineId !== null && ghl.stageId !== null;
    for (const command of commandsOf(event, customerId, row.id, atMs, { lowRating, opportunities })) {
      this.commands.push({ ...command, connectionId: this.#connection.id });
    }
  }

  /** Cards that this batch made known and whose waiting deliveries were not asked for yet. */
  newlyKnownCards(): string[] {
    const known = [...this.#touchedCards].filter((id) => !this.#cardRows.has(id) && !this.#asked.has(id));
    for (const id of known) this.#asked.add(id);
    return known;
  }

  /** The rows to write: a version is raised only where a value differs (SPEC §2.2). */
  changedRows(now: Date): { customers: CustomerRow[]; cards: CardRow[] } {
    const customers: CustomerRow[] = [];
    for (const [id, customer] of this.#customers) {
      const row = this.#customerRows.get(id) ?? newCustomerRow(this.#connection.id, id, now);
      const next: CustomerRow = {
        ...row,
        ...shownColumns(customer, this.#cardsOf(id), this.#shown),
        foldState: customer.fold,
        readWanted: customer.readWanted || this.#cardsOf(id).some((card) => card.readWanted),
        updatedAt: now,
      };
      const before = this.#before.get(id);
      if (before !== undefined && before !== this.#shape(id)) {
        next.version += 1;
        next.syncStatus = 'PENDING';
        next.attempts = 0;
        next.nextAttemptAt = null;
      }
      customers.push(next);
    }
    const cards = [...this.#touchedCards].map((id) =>
      cardRow(this.#connection.id, this.#cards.get(id) as StagedCard, this.#cardRows.get(id), now),
    );
    return { customers, cards };
  }

  #keepCard(card: StagedCard): void {
    this.#cards.set(card.cardId, card);
    const ids = this.#cardIdsOf.get(card.customerId);
    if (ids) ids.add(card.cardId);
    else this.#cardIdsOf.set(card.customerId, new Set([card.cardId]));
  }

  #cardsOf(customerId: string): StagedCard[] {
    return [...(this.#cardIdsOf.get(customerId) ?? [])].map((id) => this.#cards.get(id) as StagedCard);
  }

  /** Everything of a person that GHL could ever show, as text to compare. */
  #shape(customerId: string): string {
    const customer = this.#customers.get(customerId) ?? newCustomer(customerId);
    const cards = this.#cardsOf(customerId);
    const shown = shownColumns(customer, cards, this.#shown);
    const extra = Object.keys(shown.extra).length === 0 ? '' : JSON.stringify(shown.extra);
    const dates = [shown.cardInstalledDate, shown.cardIssuedDate, shown.lastActivity, shown.lastPurchaseDate];
    return [
      shown.email,
      shown.mobile,
      shown.firstName,
      shown.lastName,
      shown.cardId,
      shown.cardStatus,
      shown.cardInstalled,
      shown.loyaltyPoints,
      ...dates.map((date) => date?.getTime()),
      shown.referralCount,
      ...shown.segments,
      extra,
      ...derivedStates(cards, customer.referralCount),
    ].join('\0');
  }
}
