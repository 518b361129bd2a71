import type { Happening, SimulatedCard, SimulatedCustomer } from './types.ts';

/** The native envelope says phones without `+` (sticky-cards.md §6). */
const digitsOf = (phone: string | null): string | null => phone?.replace('+', '') ?? null;
const secondsOf = (ms: number): number => Math.trunc(ms / 1000);
const INSTALL_WORDS = {
  issued: 'not_installed',
  installed: 'installed',
  removed: 'deleted',
  expired: 'expired',
} as const;
const CURRENCIES_WITHOUT_CENTS = new Set(['JPY', 'KRW', 'CLP', 'VND']);

/** Which field of a native card holds its balance (sticky-cards.md §3). */
const BALANCE_FIELDS: Readonly<Record<string, string>> = {
  reward: 'bonus_balance',
  stamp: 'current_number_of_uses',
  multipass: 'balance',
  cashback: 'balance',
  gift: 'balance',
  membership: 'balance',
};

/** The card shape of sticky-cards.md §6: flat, snake_case but for a few camelCase names. */
const cardData = (happening: Happening, customer: SimulatedCustomer, card: SimulatedCard): Record<string, unknown> => ({
  serial_number: card.cardId,
  card_type: card.cardType,
  template_id: Number(card.templateId) || card.templateId,
  device_type: card.install === 'installed' ? 'Apple Wallet' : null,
  status: INSTALL_WORDS[card.install],
  short_link: `https://cards.example.com/c/${card.cardId}`,
  share_link: `https://cards.example.com/s/${card.cardId}`,
  cardholder_id: customer.customerId,
  cardholder_phone: digitsOf(customer.phone),
  cardholder_email: customer.email ?? '',
  cardholder_first_name: customer.firstName ?? '',
  cardholder_last_name: customer.lastName ?? '',
  cardholder_birth_date: null,
  current_number_of_uses: null,
  number_stamps_total: null,
  number_rewards_unused: null,
  stamps_before_reward: null,
  balance: null,
  discount_percentage: null,
  discount_amount: null,
  bonus_balance: null,
  [BALANCE_FIELDS[card.cardType] ?? 'balance']: card.balance,
  expires_at: card.expiresAtMs === null ? null : new Date(card.expiresAtMs).toISOString(),
  latitude: null,
  longitude: null,
  utm_source: null,
  custom_fields: null,
  operationPurchaseSum: null,
  operationComment: happening.comment ?? null,
  customerSubscription: null,
  membershipTier: null,
  countVisits: card.scans,
  timestamp: secondsOf(happening.atMs),
});

const personData = (customer: SimulatedCustomer): Record<string, unknown> => ({
  phone: digitsOf(customer.phone),
  email: customer.email,
  first_name: customer.firstName,
  last_name: customer.lastName,
});

/** Nobody has published the shapes below (sticky-cards.md §5): ours are guesses of different styles, on purpose. */
const customerData = (happening: Happening, customer: SimulatedCustomer): Record<string, unknown> => ({
  id: customer.customerId,
  ...personData(customer),
  ...(happening.type === 'CustomerReferralCreatedEvent' && { referral_count: customer.referralCount }),
  ...(happening.segment !== undefined && { segments: [{ id: 1, type: 'custom', name: happening.segment }] }),
  createdAt: new Date(customer.createdAtMs).toISOString(),
});

const feedbackData = (happening: Happening, customer: SimulatedCustomer): Record<string, unknown> => ({
  id: happening.feedback?.feedbackId,
  customer_id: customer.customerId,
  ...personData(customer),
  rating: happening.feedback?.rating,
  text: happening.feedback?.comment ?? null,
});

const paymentData = (happening: Happening, customer: SimulatedCustomer): Record<string, unknown> => {
  const { paymentId = null, amount = 0, currency = 'USD' } = happening.payment ?? {};
  return {
    id: paymentId,
    customer_id: customer.customerId,
    ...(happening.card && { serial_number: happening.card.cardId }),
    ...personData(customer),
    amount_cents: Math.round(amount * (CURRENCIES_WITHOUT_CENTS.has(currency) ? 1 : 100)),
    currency,
  };
};

/** The native envelope `{event, timestamp, is_sandbox, data}` (sticky-cards.md §6), times in Unix seconds. */
export function nativeEnvelope(happening: Happening, isSandbox: boolean): Record<string, unknown> {
  const { customer, card, payment, feedback } = happening;
  const dataOf = (): Record<string, unknown> => {
    if (payment) return paymentData(happening, customer);
    if (feedback) return feedbackData(happening, customer);
    return card ? cardData(happening, customer, card) : customerData(happening, customer);
  };
  return { timestamp: secondsOf(happening.atMs), event: happening.type, is_sandbox: isSandbox, data: dataOf() };
}
