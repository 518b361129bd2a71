import type { EventType } from './event.ts';

/** What an event does to staging (SPEC §2.2, §2.3). A new event is a row here and a fixture. */
export interface EventEffect {
  /** Which of two events at the same time counts as the later one. */
  rank: number;
  wallet?: 'issued' | 'installed' | 'removed';
  /** The card's time is over, or it is valid again. */
  expired?: boolean;
  installed?: 'installed' | 'removed';
  /** The event's time is the card's … (an explicit date in the envelope goes first). */
  cardDate?: 'issuedAt' | 'installedAt';
  lastActivity?: true;
  lastPurchase?: true;
  referral?: true;
  /** What the event is about: without it the record is marked for one read. */
  needs?: 'balance' | 'segment';
  /** A read of ours: it answers what a thin event asked, and its time is only known to the second. */
  observed?: true;
  /** A payment: skipped where the dialect says that payments are account billing and we know no card. */
  payment?: true;
}

export const EVENT_EFFECTS: Record<EventType, EventEffect> = {
  CustomerCreatedEvent: { rank: 0 },
  CardIssuedEvent: { rank: 1, wallet: 'issued', expired: false, cardDate: 'issuedAt' },
  CardInstalledEvent: { rank: 2, wallet: 'installed', expired: false, installed: 'installed', cardDate: 'installedAt' },
  CardBalanceUpdatedEvent: { rank: 3, needs: 'balance' },
  CardScannedEvent: { rank: 4, lastActivity: true },
  CardExpiredEvent: { rank: 5, expired: true },
  CardRemovedEvent: { rank: 6, wallet: 'removed', installed: 'removed' },
  // Not in SPEC's order of ranks: they say nothing about the card itself, so they never win a tie against those that do.
  CustomerReferralCreatedEvent: { rank: 0, referral: true },
  CustomerSegmentLinkedEvent: { rank: 0, needs: 'segment' },
  FeedbackCreatedEvent: { rank: 0, lastActivity: true },
  PaymentCompletedSuccessfulEvent: { rank: 0, lastActivity: true, lastPurchase: true, payment: true },
  PaymentCompletedFailedEvent: { rank: 0, payment: true },
  PaymentRefundedEvent: { rank: 0, payment: true },
  RecurrentPaymentCompletedFailedEvent: { rank: 0, payment: true },
};

export const effectOf = (type: string): EventEffect | null =>
  Object.hasOwn(EVENT_EFFECTS, type) ? EVENT_EFFECTS[type as EventType] : null;

/** An answer to a read of ours, folded like an event of its moment (SPEC §1, observations); goes before every event of that moment. */
export const READ_EFFECT: EventEffect = { rank: 9, observed: true };

/**
 * Answers to our own writes, folded like a read of that moment; they tell only what was written, so they close no question
 * of a thin event. `BalanceWritten` = points were moved and the answer did not tell the total: it asks for a read.
 */
const WRITTEN_EFFECTS: Readonly<Record<string, EventEffect>> = {
  CustomerWritten: { rank: READ_EFFECT.rank },
  CardWritten: { rank: READ_EFFECT.rank },
  BalanceWritten: { rank: READ_EFFECT.rank, needs: 'balance' },
};

/**
 * The time of our own write is the end of its second, numbered from here on: whatever happened before it in that second
 * must not count as newer, and of two writes in one second the later one counts. It stays in the second, because what
 * else is known of that second has to be recognised (foldEvent).
 */
export const OWN_WRITE_FROM_MS = 990;

/** Milliseconds to add to the `Date` of the n-th write to a record in one second, from 0. */
export const ownWriteMs = (n: number): number => Math.min(OWN_WRITE_FROM_MS + n, 999);

export const writtenEffectOf = (type: string): EventEffect | null =>
  Object.hasOwn(WRITTEN_EFFECTS, type) ? (WRITTEN_EFFECTS[type] as EventEffect) : null;
