/** What a caller of the simulator sees: its options, what it kept, and the faults that can be asked of it. */

export interface TemplateOptions {
  id: string;
  name: string;
  /** As in sticky-cards.md §3: `reward`, `stamp`, … */
  cardType: string;
}

export interface WebhookOptions {
  url: string;
  /** How long after its change a delivery is due. */
  lagMs?: number;
  /** Share of deliveries sent twice, with the same body. */
  duplicateRate?: number;
  /** Deliver in random order, several at a time. */
  shuffle?: boolean;
  /** Share of deliveries that never leave. Nothing is ever repeated after a refusal: the platform may not (SPEC, "Who uses it"). */
  lostRate?: number;
  /** Deliver by itself when due; `false` leaves it to `flushWebhooks`. On by default. */
  auto?: boolean;
  random?: () => number;
}

export interface RateLimitOptions {
  max: number;
  intervalMs: number;
  /** Whether a 429 carries `Retry-After`: not known of the platform (sticky-cards.md §1), so off by default. */
  retryAfter?: boolean;
}

export interface StickyCardsSimulatorOptions {
  /** Milliseconds; all timestamps use it. */
  now?: () => number;
  /** Added to `Date` headers and timestamps only. */
  clockSkewMs?: number;
  apiKey: string;
  webhookSecret: string;
  webhooks?: WebhookOptions;
  /** Shape of the webhooks (SPEC §2.1); `flat` by default. */
  envelope?: 'flat' | 'native';
  /** How `timestamp` of the flat envelope is written; `iso` by default. The native one always says seconds. */
  timestamps?: 'iso' | 'seconds' | 'milliseconds';
  /** Send `X-Sticky-Delivery-ID`; off by default, as nobody has seen one. */
  deliveryIds?: boolean;
  /** Header of the signature; `X-Sticky-Signature` by default. */
  signatureHeader?: string;
  /** Value of `is_sandbox`; false by default. */
  isSandbox?: boolean;
  /** What `PUT /cards/{id}/balance` means by its number (SPEC §3.5); `delta` by default. */
  balanceMode?: 'delta' | 'absolute';
  /** The first one is what a card is made of when nobody names a template. */
  templates?: TemplateOptions[];
  /** Off by default: the platform's headers and answers are not known. */
  rateLimit?: RateLimitOptions;
  /** Keep every exchange; otherwise only the last 200 are kept. */
  journal?: boolean;
  host?: string;
}

export interface Exchange {
  atMs: number;
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body: unknown;
  /** 0 when no answer left the simulator. */
  status: number;
  responseBody: unknown;
}

export interface CallFilter {
  method?: string;
  path?: RegExp | string;
  status?: number;
}

/**
 * `reset_after` and `timeout_after` apply the change and lose the answer; `reset_before` and `timeout` change nothing.
 * A `timeout` never answers: the caller has to give up.
 */
export interface Fault {
  kind: 'status' | 'delay' | 'reset_before' | 'reset_after' | 'timeout' | 'timeout_after' | 'html';
  method?: string;
  /** A string is a prefix of the path. */
  path?: RegExp | string;
  /** How often it strikes before it is spent; for ever when left out. */
  times?: number;
  /** Strikes each n-th matching call only. */
  every?: number;
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  delayMs?: number;
}

export type InstallState = 'issued' | 'installed' | 'removed' | 'expired';

export interface SimulatedCard {
  cardId: string;
  customerId: string;
  templateId: string;
  cardType: string;
  /** Where the wallet stands. */
  install: InstallState;
  /** The one word that the API shows: what happened last, be it the wallet's or an operator's doing. */
  status: string;
  balance: number;
  issuedAtMs: number;
  installedAtMs: number | null;
  expiresAtMs: number | null;
  scans: number;
}

export interface SimulatedCustomer {
  customerId: string;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  /** With `+`, no separators. */
  phone: string | null;
  segments: string[];
  referralCount: number;
  optIn: boolean;
  createdAtMs: number;
  updatedAtMs: number;
}

export interface SimulatedPush {
  pushId: string;
  customerId: string;
  message: string;
  title: string | null;
  sentAtMs: number;
  /** Consent at that moment, for whoever checks that nobody was bothered. */
  optIn: boolean;
}

export interface SimulatedPayment {
  paymentId: string;
  customerId: string;
  cardId: string | null;
  amount: number;
  currency: string;
  state: 'paid' | 'failed' | 'refunded' | 'partly_refunded';
}

export const HAPPENINGS = [
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

/** Something that the platform tells about, as it stood at that moment. */
export interface Happening {
  type: (typeof HAPPENINGS)[number];
  /** On the platform's clock, with its skew. */
  atMs: number;
  customer: SimulatedCustomer;
  card?: SimulatedCard;
  segment?: string;
  payment?: { paymentId: string; amount: number; currency: string };
  feedback?: { feedbackId: string; rating: number; comment: string | null };
  /** The comment of the call that moved the balance. */
  comment?: string;
}

/** One attempt to deliver a webhook. */
export interface WebhookAttempt {
  type: string;
  /** What was posted, parsed. */
  body: Record<string, unknown>;
  headers: Record<string, string>;
  /** 0 when nobody answered. */
  status: number;
}
