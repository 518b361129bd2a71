import { newCustomer, type StagedCard, type StagedCustomer } from '../domain/stagedRecord.ts';
import { derivedStates } from '../domain/shownCard.ts';
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

/** The people and cards of one batch of the fold: as they were stored, as they are folded, what is to be written. */
export class BatchPeople {
  readonly #connectionId: string;
  readonly #shown: ShownRules;
  readonly #customers = new Map<string, StagedCustomer>();
  readonly #cards = new Map<string, StagedCard>();
  readonly #customerRows = new Map<string, CustomerRow>();
  readonly #cardRows = new Map<string, CardRow>();
  readonly #before = new Map<string, string>();
  readonly #cardIdsOf = new Map<string, Set<string>>();
  readonly #touchedCards = new Set<string>();

  constructor(connectionId: string, shown: ShownRules) {
    this.#connectionId = connectionId;
    this.#shown = shown;
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

  /** As folded so far; somebody new when nothing was heard of them. */
  customerOf(customerId: string): StagedCustomer {
    return this.#customers.get(customerId) ?? newCustomer(customerId);
  }

  card(cardId: string): StagedCard | undefined {
    return this.#cards.get(cardId);
  }

  /** What was stored of them before this batch. */
  storedCustomer(customerId: string): CustomerRow | undefined {
    return this.#customerRows.get(customerId);
  }

  cardsOf(customerId: string): StagedCard[] {
    return [...(this.#cardIdsOf.get(customerId) ?? [])].map((id) => this.#cards.get(id) as StagedCard);
  }

  keep(customer: StagedCustomer, card: StagedCard | null): void {
    this.#customers.set(customer.customerId, customer);
    if (!card) return;
    this.#keepCard(card);
    this.#touchedCards.add(card.cardId);
  }

  /** GHL would be shown nothing else than what was stored. */
  isAsStored(customerId: string): boolean {
    return this.#before.get(customerId) === this.#shape(customerId);
  }

  /** What is folded now is no change to be pushed: both sides have it. */
  takeForStored(customerId: string): void {
    this.#before.set(customerId, this.#shape(customerId));
  }

  /** Cards that this batch told something of. */
  touchedCards(): Iterable<string> {
    return this.#touchedCards;
  }

  /** Nobody held the card before this batch, or somebody else. */
  hasNewHolder(cardId: string): boolean {
    return this.#cardRows.get(cardId)?.stickycardsId !== this.#cards.get(cardId)?.customerId;
  }

  /** The rows to write: a version is raised only where a value differs (SPEC §2.2). */
  changedRows(now: Date): { customers: CustomerRow[]; cards: CardRow[] } {
    const customers: CustomerRow[] = [];
    for (const [id, customer] of this.#customers) {
      const row = this.#customerRows.get(id) ?? newCustomerRow(this.#connectionId, id, now);
      const next: CustomerRow = {
        ...row,
        ...shownColumns(customer, this.cardsOf(id), this.#shown),
        foldState: customer.fold,
        readWanted: customer.readWanted || this.cardsOf(id).some((card) => card.readWanted),
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
      cardRow(this.#connectionId, this.#cards.get(id) as StagedCard, this.#cardRows.get(id), now),
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

  /** Everything of a person that GHL could ever show, as text to compare. */
  #shape(customerId: string): string {
    const customer = this.customerOf(customerId);
    const cards = this.cardsOf(customerId);
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
