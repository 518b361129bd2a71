import { nextBusinessDay } from './businessDay.ts';

/** What a command of the ledger is about, read from its `params` (domain/commandsOf.ts). */
export interface CommandFacts {
  /** `feedback`, `payment`, `payment_failed`, `refund`, `subscription_failed`. */
  about: string;
  /** The delivery that it came of. */
  receiptId: string | null;
  /** Time of the event, ms. */
  occurredAtMs: number | null;
  rating: number | null;
  comment: string | null;
  paymentId: string | null;
  /** In major units: 12.5 is twelve dollars fifty. */
  amount: number | null;
  /** ISO 4217, or a sign as it was sent. */
  currency: string | null;
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value.trim() !== '' ? value : null);
const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

/** Reads what it can: a row of an older version may lack something. */
export const factsOf = (params: Readonly<Record<string, unknown>>): CommandFacts => ({
  about: textOf(params['about']) ?? '',
  receiptId: textOf(params['receiptId']),
  occurredAtMs: numberOf(params['occurredAtMs']),
  rating: numberOf(params['rating']),
  comment: textOf(params['comment']),
  paymentId: textOf(params['paymentId']),
  amount: numberOf(params['amount']),
  currency: textOf(params['currency']),
});

/** By what a lost answer is looked for (SPEC §3.5): stands in everything that a command leaves behind. */
export const markerOf = (commandId: string): string => `[ref:${commandId}]`;

/** How many digits behind the point a currency has (ISO 4217); what is no currency has two. */
function minorDigitsOf(currency: string | null): number {
  if (currency === null || !/^[A-Z]{3}$/.test(currency)) return 2;
  return new Intl.NumberFormat('en-US', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

/** A digit too many is shown, not rounded away: the text must not say another amount than was paid. */
const DIGITS_MAX = 6;

/** `12.50 USD`, `1,200 JPY`; null when the event named no amount. */
export function moneyText(amount: number | null, currency: string | null): string | null {
  if (amount === null) return null;
  const digits = new Intl.NumberFormat('en-US', {
    minimumFractionDigits: minorDigitsOf(currency),
    maximumFractionDigits: DIGITS_MAX,
  }).format(Math.abs(amount));
  return currency === null ? digits : `${digits} ${currency}`;
}

const STARS = 5;

/** `★★☆☆☆ (2 of 5)`; a rating on another scale is told as the number that it is. */
export const ratingText = (rating: number): string =>
  Number.isInteger(rating) && rating >= 1 && rating <= STARS
    ? `${'★'.repeat(rating)}${'☆'.repeat(STARS - rating)} (${rating} of ${STARS})`
    : String(rating);

const COMMENT_LENGTH_MAX = 4000;
function quoted(comment: string): string {
  const text = comment.trim();
  if (text.length <= COMMENT_LENGTH_MAX) return `“${text}”`;
  // Not in the middle of a letter that takes two units.
  return `“${text.slice(0, COMMENT_LENGTH_MAX).replace(/[\uD800-\uDBFF]$/, '')}…”`;
}

/** `Mar 20, 2026, 11:07 AM`, as the clock in the location shows it. */
function timeText(atMs: number, timeZone: string): string {
  const make = (zone: string) =>
    new Intl.DateTimeFormat('en-US', { timeZone: zone, dateStyle: 'medium', timeStyle: 'short' }).format(atMs);
  let text: string;
  try {
    text = make(timeZone);
  } catch {
    text = `${make('UTC')} UTC`;
  }
  // Newer ICU data puts a narrow blank before AM and PM, which some fonts do not have.
  return text.replaceAll(/\s/g, ' ');
}

const of = (what: string, facts: CommandFacts): string => {
  const money = moneyText(facts.amount, facts.currency);
  return money === null ? what : `${what} of ${money}`;
};

/** The words of SPEC §2.3 in one piece, so that a rule or a search in GHL finds them whatever the amount. */
const subscriptionFailed = (facts: CommandFacts): string => {
  const money = moneyText(facts.amount, facts.currency);
  return money === null ? 'Subscription payment failed' : `Subscription payment failed: ${money}`;
};

/** The first line of a note, the title of a task, by what the command is about. */
const HEADLINES: Readonly<Record<string, { note: (f: CommandFacts) => string; task: (f: CommandFacts) => string }>> = {
  feedback: {
    note: (f) => (f.rating === null ? 'Feedback' : `Feedback: ${ratingText(f.rating)}`),
    task: (f) =>
      f.rating === null ? 'Follow up: unhappy customer' : `Follow up: unhappy customer, ${ratingText(f.rating)}`,
  },
  payment: {
    note: (f) => `${of('Payment', f)} received`,
    task: (f) => `Follow up: ${of('payment', f)}`,
  },
  payment_failed: {
    note: (f) => `${of('Payment', f)} failed`,
    task: (f) => `Follow up: ${of('payment', f)} failed`,
  },
  refund: {
    note: (f) => (f.amount === null ? 'Payment refunded in full (no amount was named)' : of('Refund', f)),
    task: (f) => `Follow up: ${of('refund', f)}`,
  },
  subscription_failed: {
    note: (f) => subscriptionFailed(f),
    task: (f) => subscriptionFailed(f),
  },
};

const headline = (facts: CommandFacts, as: 'note' | 'task'): string =>
  (Object.hasOwn(HEADLINES, facts.about) ? HEADLINES[facts.about]?.[as](facts) : undefined) ?? 'Sticky Cards event';

const details = (facts: CommandFacts, timeZone: string): string[] => [
  ...(facts.comment === null ? [] : [quoted(facts.comment)]),
  ...(facts.paymentId === null ? [] : [`Payment id: ${facts.paymentId}`]),
  ['Sticky Cards', ...(facts.occurredAtMs === null ? [] : [timeText(facts.occurredAtMs, timeZone)])].join(', '),
];

/** The body of a note, as staff read it, without the marker. Times in the location's zone. */
export const noteText = (facts: CommandFacts, timeZone: string): string =>
  [headline(facts, 'note'), ...details(facts, timeZone)].join('\n');

/** Title and body of a task, without the marker. */
export const taskText = (facts: CommandFacts, timeZone: string): { title: string; body: string } => ({
  title: headline(facts, 'task'),
  body: details(facts, timeZone).join('\n'),
});

/** The name of a payment's opportunity, without the marker. */
export const opportunityName = (facts: CommandFacts): string =>
  `${of('Payment', facts)}${facts.paymentId === null ? '' : `, ${facts.paymentId}`}`;

/**
 * When a task is due, ISO 8601 in UTC: the next business day after the event at five in the afternoon of the location;
 * for an event that arrived so late that this is over, the next business day from now.
 */
export function taskDueDate(facts: CommandFacts, timeZone: string, nowMs: number): string {
  const due = nextBusinessDay(timeZone, facts.occurredAtMs ?? nowMs);
  return new Date(due > nowMs ? due : nextBusinessDay(timeZone, nowMs)).toISOString();
}

/** Money that was given back, as the ledger's rows about one payment tell it. */
export type Refund = Pick<CommandFacts, 'receiptId' | 'occurredAtMs' | 'amount' | 'currency'>;

/**
 * Whether a payment was refunded in full (SPEC §2.3), by one refund or by several. A refund that names no amount is one of
 * the whole payment; one in another currency proves nothing. Deliveries are de-duplicated when they are received, so each
 * receipt is a refund of its own: two equal parts may be told of one second.
 */
export function refundedInFull(
  payment: Pick<CommandFacts, 'amount' | 'currency'>,
  refunds: readonly Refund[],
): boolean {
  if (refunds.some(({ amount }) => amount === null)) return true;
  if (payment.amount === null || payment.amount <= 0) return false;
  const told = new Map<string, number>();
  for (const { receiptId, occurredAtMs, amount, currency } of refunds) {
    const same = currency === null || payment.currency === null || currency === payment.currency;
    const refund = receiptId ?? `${occurredAtMs} ${amount}`;
    if (amount !== null && same) told.set(refund, Math.abs(amount));
  }
  const sum = [...told.values()].reduce((total, amount) => total + amount, 0);
  // Sums of decimals are off by a hair: a thousandth of the smallest unit is no difference.
  return sum > payment.amount - 10 ** -(minorDigitsOf(payment.currency) + 3);
}
