import type { SimulatedCard, SimulatedCustomer } from './types.ts';
import { cardsOfCustomer, type World } from './world.ts';

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

export const cardView = (card: SimulatedCard): Record<string, unknown> => ({
  card_id: card.cardId,
  customer_id: card.customerId,
  status: card.status,
  balance: card.balance,
  template_id: card.templateId,
  card_type: card.cardType,
  issued_date: iso(card.issuedAtMs),
  installed_date: iso(card.installedAtMs),
  expires_at: iso(card.expiresAtMs),
});

export const customerView = (world: World, customer: SimulatedCustomer): Record<string, unknown> => ({
  customer_id: customer.customerId,
  first_name: customer.firstName,
  last_name: customer.lastName,
  email: customer.email,
  phone_number: customer.phone,
  segments: customer.segments,
  referral_count: customer.referralCount,
  preferences: { opt_in: customer.optIn },
  created_at: iso(customer.createdAtMs),
  updated_at: iso(customer.updatedAtMs),
  cards: cardsOfCustomer(world, customer.customerId).map(cardView),
});
