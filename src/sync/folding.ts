import { commandsOf } from '../domain/commandsOf.ts';
import type { Connection } from '../domain/connection.ts';
import type { StickyCardsEvent } from '../domain/event.ts';
import { effectOf, READ_EFFECT, writtenEffectOf } from '../domain/eventEffects.ts';
import {
  foldEvent,
  type FoldRules,
  newCard,
  newCustomer,
  type StagedCard,
  type StagedCustomer,
} from '../domain/foldEvent.ts';
import { derivedStates } from '../domain/shownCard.ts';
import { messageOf } from '../errors.ts';
import { countsInPoints, type Dialect, isKnownEvent, statusOf } from '../platforms/stickycards/dialect.ts';
import type { NewCommand } from '../store/commands.ts';
import type { FoldMark, FoldRow } from '../store/foldQueue.ts';
import {
  cardOf,
  cardRow,
  type CardRow,
  customerOf,
  type CustomerRow,
  newCustomerRow,
  shownColumns,
  type ShownRules,
  type StagedPeople,
} from '../store/staging.ts';

/** One batch in memory: what was loaded, what became of it, what is to be written. */
export class Folding {
  readonly marks: FoldMark[] = [];
  readonly commands: NewCommand[] = [];
  readonly failures: Record<string, unknown>[] = [];
  readonly #connection: Connection;
  readonly #dialect: Dialect;
  readonly #rules: FoldRules;
  readonly #readRules: FoldRules;
  readonly #writtenRules: FoldRules;
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
    // Segments are written as a whole set, whatever a read tells.
    this.#writtenRules = { ...this.#readRules, eventListIsWholeSet: true };
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
    const skip = event === null ? 'unreadable' : this.#isOurs(row, event) ? null : this.#skipReason(event);
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

  #isOurs(row: FoldRow, event: StickyCardsEvent): boolean {
    return row.source === 'read' || (row.source === 'self' && writtenEffectOf(event.type) !== null);
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
        : row.source === 'self'
          ? foldEvent({ customer, card }, input, this.#writtenRules, writtenEffectOf(event.type))
          : foldEvent({ customer, card }, input, this.#rules);
    // What we wrote of a person came from GHL: both sides have it, so it is no change to be pushed.
    const shared = event.type === 'CustomerWritten' && this.#before.get(customerId) === this.#shape(customerId);
    this.#customers.set(customerId, folded.customer);
    if (folded.card) {
      this.#keepCard(folded.card);
      this.#touchedCards.add(folded.card.cardId);
    }
    if (shared) this.#before.set(customerId, this.#shape(customerId));
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
