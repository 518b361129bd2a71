import { type Clue, detailClues } from '../domain/whoIsMeant.ts';
import type { FormerDetail } from '../store/nameless.ts';

interface Details {
  email: string | null;
  mobile: string | null;
}

/** By what the people of one batch are known besides their ids (SPEC §2.3), and what of that is new. */
export class ClueBook {
  readonly #defaultCountry: string;
  readonly #holders = new Map<Clue, Set<string>>();
  readonly #news = new Set<Clue>();
  /** Per person: every phone and e-mail that was shown before the batch or named in it. */
  readonly #details = new Map<string, Set<Clue>>();

  constructor(defaultCountry: string) {
    this.#defaultCountry = defaultCountry;
  }

  holdersOf(clue: Clue): Iterable<string> {
    return this.#holders.get(clue) ?? [];
  }

  /** Takes in what is stored; answers whether the batch did not know it. */
  know(clue: Clue, customerId: string): boolean {
    const holders = this.#holders.get(clue);
    if (holders?.has(customerId)) return false;
    this.#holders.set(clue, new Set([...(holders ?? []), customerId]));
    return true;
  }

  /** A delivery of this batch says whom a clue belongs to: what waits for it may be clear now. */
  tell(clue: Clue, customerId: string): void {
    if (this.know(clue, customerId)) this.#news.add(clue);
  }

  /** The same for the contact details that an event names; `stored`: those that staging showed before the batch. */
  tellDetails(customerId: string, phone: string | null, email: string | null, stored: Details | undefined): void {
    const known = this.#details.get(customerId) ?? new Set(stored && this.#cluesOf(stored));
    for (const clue of detailClues(phone, email, this.#defaultCountry)) {
      if (known.has(clue)) this.know(clue, customerId);
      else this.tell(clue, customerId);
      known.add(clue);
    }
    this.#details.set(customerId, known);
  }

  /** What was told since this was asked last. */
  news(): Clue[] {
    const clues = [...this.#news];
    this.#news.clear();
    return clues;
  }

  /** Phones and e-mails that staging does not show any more, or never did; `shown`: what it shows of a person now. */
  formerDetails(shown: (customerId: string) => Details): FormerDetail[] {
    return [...this.#details].flatMap(([stickycardsId, clues]) => {
      const current = new Set(this.#cluesOf(shown(stickycardsId)));
      return [...clues].filter((clue) => !current.has(clue)).map((clue) => ({ clue, stickycardsId }));
    });
  }

  #cluesOf({ mobile, email }: Details): Clue[] {
    return detailClues(mobile, email, this.#defaultCountry);
  }
}
