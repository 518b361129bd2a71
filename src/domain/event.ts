/** The 14 events that do something (SPEC §2.3), in the names of the platform. */
export const EVENT_TYPES = [
  'CustomerCreatedEvent',
  'CardIssuedEvent',
  'CardInstalledEvent',
  'CardRemovedEvent',
  'CardScannedEvent',
  'CardBalanceUpdatedEvent',
  'CardExpiredEvent',
  'CustomerReferralCreatedEvent',
  'CustomerSegmentLinkedEvent',
  'FeedbackCreatedEvent',
  'PaymentCompletedSuccessfulEvent',
  'PaymentCompletedFailedEvent',
  'PaymentRefundedEvent',
  'RecurrentPaymentCompletedFailedEvent',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** A Sticky Cards webhook in one shape, whichever envelope it came in. `null` = the event says nothing about it. */
export interface StickyCardsEvent {
  /** As sent; compare with EVENT_TYPES. */
  type: string;
  /** The sender's own id of the event (`event_id` in the body), if any. */
  eventId: string | null;
  /** Event time in ms; null = missing or unreadable (the receipt time is used then, flagged). */
  occurredAtMs: number | null;
  isSandbox: boolean;
  customerId: string | null;
  cardId: string | null;
  /** Contact details as sent, trimmed; '' never appears. */
  email: string | null;
  phone: string | null;
  firstName: string | null;
  lastName: string | null;
  card: {
    /** A status word of the platform; `config/` says whether it is an install or an admin status. */
    status: string | null;
    installedAtMs: number | null;
    templateId: string | null;
    cardType: string | null;
  };
  /** The card's balance in the unit of its card type. */
  balance: number | null;
  /** `segments[]` of the envelope: whether that is the whole set, the dialect says. */
  segments: string[] | null;
  /** The one segment that the event is about. */
  segment: string | null;
  referralCount: number | null;
  payment: {
    id: string | null;
    /** In major units (12.5 = twelve euros fifty). */
    amount: number | null;
    currency: string | null;
  };
  rating: number | null;
  comment: string | null;
  /** What the field map does not name but the dialect wants kept. */
  extra: Record<string, unknown>;
  /**
   * Only in our own form of what we wrote: staged columns (firstName, lastName, email, mobile) that are empty since. A
   * delivery cannot say that: there null means "no information".
   */
  cleared?: readonly string[];
}
