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
import {
  cardClue,
  type Clue,
  type Clues,
  cluesOf,
  type NobodyReason,
  paymentClue,
  whoIsMeant,
} from '../domain/whoIsMeant.ts';
import { messageOf } from '../errors.ts';
import { countsInPoints, type Dialect, isKnownEvent, statusOf } from '../platforms/stickycards/dialect.ts';
import { idTooLong } from '../platforms/stickycards/fieldTable.ts';
import type { NewCommand } from '../store/commands.ts';
import type { FoldMark, FoldRow } from '../store/foldQueue.ts';
import type { FormerDetail } from '../store/nameless.ts';
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
import { ClueBook } from './clueBook.ts';

interface Taken {
  row: FoldRow;
  event: StickyCardsEvent;
  flags: string[];
}

/** A delivery that names no customer, as long as it is not clear who is meant. */
interface Nameless extends Taken {
  clues: Clues;
}

/** Such a delivery at the end of its batch. */
export interface LeftAside extends Nameless {
  reason: NobodyReason;
}

const CARD_CLUE = cardClue('');

/** The customer that a delivery names, or that an earlier fold of it found: it stays with that one when it is replayed. */
export const customerOfDelivery = (row: FoldRow, event: StickyCardsEvent): string | null =>
  event.customerId ?? row.customerId;

/** One batch in memory: what was loaded, what became of it, what is to be written. */
export class Folding {
  readonly marks: FoldMark[] = [];
  /** Deliveries without a customer id whose customer was found. */
  readonly found: string[] = [];
  readonly clues: ClueBook;
  readonly commands: NewCommand[] = [];
  readonly failures: { receiptId: string; type: string; error: string }[] = [];
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
  readonly #toldCards = new Set<string>();
  readonly #met = new Set<string>();
  readonly #reused: ReadonlySet<string>;
  readonly #aside = new Map<string, Nameless>();
  /** Payments of people without a card, where the dialect says that those are the account's own bills. */
  readonly #cardless = new Map<string, Taken>();
  readonly #asked = new Set<Clue>();
  readonly #opportunities = new Set<string>();

  /** `reused`: delivery ids that more than one delivery bears. */
  constructor(connection: Connection, dialect: Dialect, reused: ReadonlySet<string>) {
    this.#connection = connection;
    this.#reused = reused;
    this.clues = new ClueBook(connection.defaultCountry);
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

  /** Takes in what is stored of people and cards; what the batch has in hand already stays as it is. */
  load(people: StagedPeople): void {
    const fresh = [...people.customers].filter(([id]) => !this.#customers.has(id));
    for (const [id, row] of fresh) {
      this.#customerRows.set(id, row);
      this.#customers.set(id, customerOf(row));
    }
    for (const [id, row] of people.cards) {
      if (this.#cards.has(id)) continue;
      this.#cardRows.set(id, row);
      this.#keepCard(cardOf(row));
    }
    for (const [id] of fresh) this.#before.set(id, this.#shape(id));
  }

  take(row: FoldRow, event: StickyCardsEvent | null): void {
    if (this.#met.has(row.id)) return;
    this.#met.add(row.id);
    const flags =
      row.deliveryId !== null && this.#reused.has(row.deliveryId)
        ? [...new Set([...row.flags, 'delivery_id_reused'])]
        : row.flags;
    const skip = event === null ? 'unreadable' : this.#isOurs(row, event) ? null : this.#skipReason(event);
    if (event === null || (skip !== null && skip !== 'no_customer')) this.#mark(row, flags, 'skipped', skip);
    else if (skip === 'no_customer') this.#cardless.set(row.id, { row, event, flags });
    else this.#route({ row, event, flags });
  }

  #route({ row, event, flags }: Taken): void {
    const customerId = customerOfDelivery(row, event);
    if (customerId !== null) this.#foldOrSkip({ row, event, flags }, customerId);
    else this.#aside.set(row.id, { row, event, flags, clues: this.#cluesOf(row, event) });
  }

  /** Takes the payments put aside whose customer holds a card by now; answers whether there were any. */
  #takeCardless(): boolean {
    const held = [...this.#cardless.values()].filter(({ event }) => this.#skipReason(event) === null);
    for (const each of held) {
      this.#cardless.delete(each.row.id);
      this.#route(each);
    }
    return held.length > 0;
  }

  /** Folds the deliveries put aside whose customer is clear by now; answers whether there were any. */
  takeAside(): boolean {
    // All are judged before any is folded: what one of them tells must not decide about its neighbour by its place.
    const judged = [...this.#aside.values()].map((each) => ({
      each,
      meant: whoIsMeant(each.clues, (clue) => this.#holdersOf(clue)),
    }));
    let taken = this.#takeCardless();
    for (const { each, meant } of judged) {
      if (meant.kind !== 'customer') continue;
      this.#aside.delete(each.row.id);
      this.found.push(each.row.id);
      this.#foldOrSkip(each, meant.customerId);
      taken = true;
    }
    return taken;
  }

  /** Ends the batch for what is still aside: it waits, or names nothing that could ever tell. */
  leaveAside(): LeftAside[] {
    for (const { row, flags } of this.#cardless.values()) this.#mark(row, flags, 'skipped', 'no_customer');
    return [...this.#aside.values()].map((each) => {
      const meant = whoIsMeant(each.clues, (clue) => this.#holdersOf(clue));
      const reason = meant.kind === 'nobody' ? meant.reason : 'customer_not_known_yet';
      this.#mark(each.row, each.flags, reason === 'no_customer' ? 'skipped' : 'waiting', reason);
      return { ...each, reason };
    });
  }

  /** What the database has not been asked about the deliveries put aside: clues, and cards that are not in hand. */
  questions(): { clues: Clue[]; cardIds: string[] } {
    const aside = [...this.#aside.values()];
    const clues = new Set(aside.flatMap((each) => each.clues.flat()).filter((clue) => !this.#asked.has(clue)));
    for (const clue of clues) this.#asked.add(clue);
    const cardIds = aside
      .map(({ event }) => event.cardId)
      .filter((id) => id !== null && clues.has(cardClue(id)) && !this.#cards.has(id));
    return { clues: [...clues], cardIds: cardIds as string[] };
  }

  /** Payments that were made opportunities: their refunds are about those. */
  knowOpportunities(paymentIds: readonly string[]): void {
    for (const id of paymentIds) this.#opportunities.add(id);
  }

  #holdersOf(clue: Clue): Iterable<string> {
    const card = clue.startsWith(CARD_CLUE) ? this.#cards.get(clue.slice(CARD_CLUE.length)) : undefined;
    return card ? [card.customerId] : this.clues.holdersOf(clue);
  }

  /** What we read or wrote ourselves was asked by an id: only its card can tell whose it is. */
  #cluesOf(row: FoldRow, event: StickyCardsEvent): Clues {
    if (row.source === 'stickycards') return cluesOf(event, this.#connection.defaultCountry);
    return event.cardId === null ? [] : [[cardClue(event.cardId)]];
  }

  #mark(
    row: FoldRow,
    flags: string[],
    status: FoldMark['status'],
    reason: string | null,
    customerId: string | null = row.customerId,
  ): void {
    const plain = status === 'folded' && customerId === row.customerId && flags === row.flags;
    this.marks.push({ id: row.id, status, reason, flags, customerId, plain });
  }

  #foldOrSkip({ row, event, flags }: Taken, customerId: string): void {
    try {
      this.#fold(row, event, customerId);
      this.#mark(row, flags, 'folded', null, customerId);
    } catch (error) {
      this.failures.push({ receiptId: row.id, type: row.type, error: messageOf(error) });
      this.#mark(row, flags, 'skipped', 'fold_failed');
    }
  }

  #isOurs(row: FoldRow, event: StickyCardsEvent): boolean {
    return row.source === 'read' || (row.source === 'self' && writtenEffectOf(event.type) !== null);
  }

  #skipReason(event: StickyCardsEvent): string | null {
    const effect = effectOf(event.type);
    if (!effect) return isKnownEvent(this.#dialect, event.type) ? 'event_without_effect' : 'unknown_event_type';
    if ([event.customerId, event.cardId].some((id) => id !== null && idTooLong(id))) return 'id_too_long';
    if (event.isSandbox && !this.#connection.test) return 'sandbox_event';
    if (!effect.payment || !this.#dialect.paymentsAreAccountBilling) return null;
    const holder = event.customerId !== null && this.#cardsOf(event.customerId).length > 0;
    return holder || (event.cardId !== null && this.#cards.has(event.cardId)) ? null : 'no_customer';
  }

  #fold(row: FoldRow, event: StickyCardsEvent, customerId: string): void {
    const customer = this.#customers.get(customerId) ?? newCustomer(customerId);
    const card = this.#cardOf(event, customerId);
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
    this.clues.tellDetails(customerId, event.phone, event.email, this.#customerRows.get(customerId));
    this.#makeCommands(row, event, customerId, atMs);
  }

  /** The card of an event. Until one names it and its holder, another clue says whose it is. */
  #cardOf(event: StickyCardsEvent, customerId: string): StagedCard | null {
    if (event.cardId === null) return null;
    const known = this.#cards.get(event.cardId);
    if (known) return known;
    const card = newCard(event.cardId, customerId);
    return { ...card, fold: { ...card.fold, holderInferred: true } };
  }

  /** Phones and e-mails of the people of this batch that staging does not show any more, or never did. */
  formerDetails(): FormerDetail[] {
    return this.clues.formerDetails((customerId) => this.#customers.get(customerId) as StagedCustomer);
  }

  /** What arrived in observe changes staging only and never makes commands later (SPEC §1). */
  #makeCommands(row: FoldRow, event: StickyCardsEvent, customerId: string, atMs: number): void {
    const { mode, activatedAt, ghl, lowRating } = this.#connection;
    if (mode !== 'live' || activatedAt === null || row.receivedAt < activatedAt) return;
    const opportunities = ghl.pipelineId !== null && ghl.stageId !== null;
    const wasOpportunity = (paymentId: string) => this.#opportunities.has(paymentId);
    for (const command of commandsOf(event, customerId, row.id, atMs, { lowRating, opportunities, wasOpportunity })) {
      this.commands.push({ ...command, connectionId: this.#connection.id });
      // A refund finds its customer by the row of its payment (store/nameless.ts).
      const clue = event.payment.id === null ? null : paymentClue(event.payment.id);
      if (command.sourceEvent === clue) this.clues.tell(clue, customerId);
    }
  }

  /**
   * What this batch made known since it was asked last: cards, clues that belong to somebody new, and (where it matters)
   * people who have come to hold a card.
   */
  news(): { cardIds: string[]; clues: Clue[]; holderIds: string[] } {
    const cardIds = [...this.#touchedCards].filter((id) => !this.#toldCards.has(id) && this.#isNewsOf(id));
    for (const id of cardIds) this.#toldCards.add(id);
    const holders = new Set(cardIds.map((id) => (this.#cards.get(id) as StagedCard).customerId));
    return {
      cardIds,
      clues: this.clues.news(),
      holderIds: this.#dialect.paymentsAreAccountBilling ? [...holders] : [],
    };
  }

  #isNewsOf(cardId: string): boolean {
    return this.#cardRows.get(cardId)?.stickycardsId !== this.#cards.get(cardId)?.customerId;
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
    const before = this.#cards.get(card.cardId);
    if (before && before.customerId !== card.customerId) this.#cardIdsOf.get(before.customerId)?.delete(card.cardId);
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
