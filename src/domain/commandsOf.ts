import type { CommandKind } from '../../drizzle/tables/commands.ts';
import type { StickyCardsEvent } from './event.ts';

/** A command as it goes into the ledger: what happens once, because of what, to whom. */
export interface PlannedCommand {
  kind: CommandKind;
  /** `customer:<id>`. */
  target: string;
  /** Unique together with kind and target (SPEC §3.5). */
  sourceEvent: string;
  params: Record<string, unknown>;
}

export interface CommandRules {
  /** Ratings up to this make a task. */
  lowRating: number;
  /** A pipeline and a stage are configured: payments become opportunities. */
  opportunities: boolean;
  /** A payment was made an opportunity, whatever the settings are by now. */
  wasOpportunity(paymentId: string): boolean;
}

type Maker = (event: StickyCardsEvent, rules: CommandRules) => { kind: CommandKind; about: string }[];

const note = (about: string) => ({ kind: 'note' as const, about });
const task = (about: string) => ({ kind: 'task' as const, about });

/** The command column of SPEC §2.3. */
const MAKERS: Record<string, Maker> = {
  FeedbackCreatedEvent: (event, rules) => [
    note('feedback'),
    ...(event.rating !== null && event.rating <= rules.lowRating ? [task('feedback')] : []),
  ],
  PaymentCompletedSuccessfulEvent: (_event, rules) => [
    rules.opportunities ? { kind: 'opportunity', about: 'payment' } : note('payment'),
  ],
  PaymentCompletedFailedEvent: () => [note('payment_failed'), task('payment_failed')],
  PaymentRefundedEvent: ({ payment }, rules) => [
    note('refund'),
    // Today's settings do not decide alone: the payment may have been made an opportunity under those of its own day.
    ...(payment.id !== null && (rules.opportunities || rules.wasOpportunity(payment.id))
      ? [{ kind: 'opportunity_lost' as const, about: 'refund' }]
      : []),
  ],
  RecurrentPaymentCompletedFailedEvent: () => [task('subscription_failed')],
};

/**
 * The commands that a delivery makes, once: `receiptId` names the delivery; a payment that carries its own id is one
 * opportunity or note however often it is told.
 */
export function commandsOf(
  event: StickyCardsEvent,
  customerId: string,
  receiptId: string,
  atMs: number,
  rules: CommandRules,
): PlannedCommand[] {
  const maker = Object.hasOwn(MAKERS, event.type) ? MAKERS[event.type] : undefined;
  if (!maker) return [];
  return maker(event, rules).map(({ kind, about }) => ({
    kind,
    target: `customer:${customerId}`,
    sourceEvent:
      about === 'payment' && event.payment.id !== null ? `payment:${event.payment.id}` : `${about}:${receiptId}`,
    params: {
      about,
      receiptId,
      occurredAtMs: atMs,
      cardId: event.cardId,
      rating: event.rating,
      comment: event.comment,
      paymentId: event.payment.id,
      amount: event.payment.amount,
      currency: event.payment.currency,
    },
  }));
}
