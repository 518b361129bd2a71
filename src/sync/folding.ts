import { commandsOf } from '../domain/commandsOf.ts';
import type { Connection } from '../domain/connection.ts';
import type { StickyCardsEvent } from '../domain/event.ts';
import { effectOf, READ_EFFECT, writtenEffectOf } from '../domain/eventEffects.ts';
import { foldEvent, type FoldRules } from '../domain/foldEvent.ts';
import { newCard, type StagedCard } from '../domain/stagedRecord.ts';
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
import { BatchPeople } from './batchPeople.ts';
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
  readonly people: BatchPeople;
  readonly commands: NewCommand[] = [];
  readonly failures: { receiptId: string; type: string; error: string }[] = [];
  readonly #connection: Connection;
  readonly #dialect: Dialect;
  readonly #rules: FoldRules;
  readonly #readRules: FoldRules;
  readonly #writtenRules: FoldRules;
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
    this.people = new BatchPeople(connection.id, {
      templateId: connection.stickyCards.templateId,
      isPointsCard: (cardType) => countsInPoints(dialect, cardType),
    });
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
      .filter((id) => id !== null && clues.has(cardClue(id)) && this.people.card(id) === undefined);
    return { clues: [...clues], cardIds: cardIds as string[] };
  }

  /** Payments that were made opportunities: their refunds are about those. */
  knowOpportunities(paymentIds: readonly string[]): void {
    for (const id of paymentIds) this.#opportunities.add(id);
  }

  #holdersOf(clue: Clue): Iterable<string> {
    const card = clue.startsWith(CARD_CLUE) ? this.people.card(clue.slice(CARD_CLUE.length)) : undefined;
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
    const holder = event.customerId !== null && this.people.cardsOf(event.customerId).length > 0;
    return holder || (event.cardId !== null && this.people.card(event.cardId) !== undefined) ? null : 'no_customer';
  }

  #fold(row: FoldRow, event: StickyCardsEvent, customerId: string): void {
    const customer = this.people.customerOf(customerId);
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
    const shared = event.type === 'CustomerWritten' && this.people.isAsStored(customerId);
    this.people.keep(folded.customer, folded.card);
    if (shared) this.people.takeForStored(customerId);
    this.clues.tellDetails(customerId, event.phone, event.email, this.people.storedCustomer(customerId));
    this.#makeCommands(row, event, customerId, atMs);
  }

  /** The card of an event. Until one names it and its holder, another clue says whose it is. */
  #cardOf(event: StickyCardsEvent, customerId: string): StagedCard | null {
    if (event.cardId === null) return null;
    const known = this.people.card(event.cardId);
    if (known) return known;
    const card = newCard(event.cardId, customerId);
    return { ...card, fold: { ...card.fold, holderInferred: true } };
  }

  /** Phones and e-mails of the people of this batch that staging does not show any more, or never did. */
  formerDetails(): FormerDetail[] {
    return this.clues.formerDetails((customerId) => this.people.customerOf(customerId));
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
    const cardIds = [...this.people.touchedCards()].filter(
      (id) => !this.#toldCards.has(id) && this.people.hasNewHolder(id),
    );
    for (const id of cardIds) this.#toldCards.add(id);
    const holders = new Set(cardIds.map((id) => (this.people.card(id) as StagedCard).customerId));
    return {
      cardIds,
      clues: this.clues.news(),
      holderIds: this.#dialect.paymentsAreAccountBilling ? [...holders] : [],
    };
  }
}
