import type { StickyCardsEvent } from './event.ts';
import { toE164 } from './phone.ts';

/** Something that may tell whom a delivery is about, as one word: `card:…`, `payment:…`, `phone:+1…`, `email:…`. */
export type Clue = string;

export const cardClue = (cardId: string): Clue => `card:${cardId}`;
export const paymentClue = (paymentId: string): Clue => `payment:${paymentId}`;
export const phoneClue = (phone: string): Clue => `phone:${phone}`;
export const emailClue = (email: string): Clue => `email:${email}`;

/** Of a delivery that names no customer, in order of trust: what stands in one list counts alike. */
export type Clues = readonly (readonly Clue[])[];

export type Meant =
  | { kind: 'customer'; customerId: string }
  /** Nobody yet; with clues it may become clear, without any it never will. */
  | { kind: 'nobody'; reason: NobodyReason };

export type NobodyReason = 'no_customer' | 'card_not_known_yet' | 'customer_not_known_yet' | 'several_customers';

/** What a delivery without a customer id has to go by: its card, else its payment, else its contact details. */
export function cluesOf(
  { cardId, payment, phone, email }: Pick<StickyCardsEvent, 'cardId' | 'payment' | 'phone' | 'email'>,
  defaultCountry: string,
): Clues {
  return [
    cardId === null ? [] : [cardClue(cardId)],
    payment.id === null ? [] : [paymentClue(payment.id)],
    detailClues(phone, email, defaultCountry),
  ];
}

/** The clues that contact details are: canonical ones, and only what can be somebody's. */
export const detailClues = (phone: string | null, email: string | null, defaultCountry: string): Clue[] => [
  ...(phone !== null && toE164(phone, defaultCountry) !== null ? [phoneClue(phone)] : []),
  ...(email?.includes('@') ? [emailClue(email)] : []),
];

/**
 * The one customer that a delivery can mean (SPEC §2.3); never a guess. `holdersOf`: whoever a clue belongs to or ever
 * belonged to. That only grows, so that it does not matter whether a delivery or the news of a changed e-mail comes first.
 */
export function whoIsMeant(clues: Clues, holdersOf: (clue: Clue) => Iterable<string>): Meant {
  let several = false;
  for (const alike of clues) {
    const [one, ...others] = new Set(alike.flatMap((clue) => [...holdersOf(clue)]));
    if (one !== undefined && others.length === 0) return { kind: 'customer', customerId: one };
    several ||= others.length > 0;
  }
  const [card = []] = clues;
  // A card makes itself known sooner or later, by an event that names its holder too.
  if (card.length > 0) return { kind: 'nobody', reason: 'card_not_known_yet' };
  if (several) return { kind: 'nobody', reason: 'several_customers' };
  return { kind: 'nobody', reason: clues.flat().length === 0 ? 'no_customer' : 'customer_not_known_yet' };
}
