import type { Happening, StickyCardsSimulatorOptions } from './types.ts';

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

const TIMESTAMPS: Readonly<
  Record<NonNullable<StickyCardsSimulatorOptions['timestamps']>, (ms: number) => string | number>
> = {
  iso: (ms) => new Date(ms).toISOString(),
  seconds: (ms) => Math.trunc(ms / 1000),
  milliseconds: (ms) => ms,
};

/** The flat envelope of SPEC §2.1. What an event does not concern is left out; what nobody knows is null. */
export function flatEnvelope(
  happening: Happening,
  timestamps: StickyCardsSimulatorOptions['timestamps'] = 'iso',
): Record<string, unknown> {
  const { customer, card, segment, payment, feedback } = happening;
  return {
    event_type: happening.type,
    timestamp: TIMESTAMPS[timestamps](happening.atMs),
    customer_id: customer.customerId,
    card_id: card?.cardId ?? null,
    email: customer.email,
    phone_number: customer.phone,
    first_name: customer.firstName,
    last_name: customer.lastName,
    ...(card && {
      card: {
        id: card.cardId,
        status: card.status,
        balance: card.balance,
        installed_date: iso(card.installedAtMs),
        template_id: card.templateId,
        card_type: card.cardType,
      },
    }),
    ...(happening.type === 'CardBalanceUpdatedEvent' && { balance: card?.balance ?? null }),
    ...(happening.type === 'CustomerReferralCreatedEvent' && { referral_count: customer.referralCount }),
    ...(segment !== undefined && { segment, segments: customer.segments }),
    ...(payment && { payment_id: payment.paymentId, amount: payment.amount, currency: payment.currency }),
    ...(feedback && { rating: feedback.rating, comment: feedback.comment }),
    ...(happening.comment !== undefined && { comment: happening.comment }),
  };
}
