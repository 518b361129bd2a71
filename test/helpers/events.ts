import type { StickyCardsEvent } from '../../src/domain/event.ts';

export const event = (type: string, rest: Partial<StickyCardsEvent> = {}): StickyCardsEvent => ({
  type,
  eventId: null,
  occurredAtMs: null,
  isSandbox: false,
  customerId: 'cus_1',
  cardId: 'card_1',
  email: null,
  phone: null,
  firstName: null,
  lastName: null,
  balance: null,
  segments: null,
  segment: null,
  referralCount: null,
  rating: null,
  comment: null,
  extra: {},
  ...rest,
  card: { status: null, installedAtMs: null, templateId: null, cardType: null, ...rest.card },
  payment: { id: null, amount: null, currency: null, ...rest.payment },
});
