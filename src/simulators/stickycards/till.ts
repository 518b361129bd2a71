import { randomUUID } from 'node:crypto';
import {
  addCard,
  addCustomer,
  changeCustomer,
  linkSegment,
  moveBalance,
  newPaymentId,
  type CustomerChange,
} from './changes.ts';
import { ApiRefusal, notFound } from './refusal.ts';
import type { Happening, InstallState, SimulatedCard, SimulatedCustomer, SimulatedPayment } from './types.ts';
import { cardOf, customerOf, type World } from './world.ts';

export interface Charge {
  /** In major units. */
  amount: number;
  currency?: string | undefined;
  cardId?: string | undefined;
  paymentId?: string | undefined;
}

/** What staff and customers do at the shop; each is told as a webhook except where it says "silently". */
export interface Till {
  createCustomer(person: CustomerChange & { customerId?: string | undefined }): SimulatedCustomer;
  /** Silently: the platform has no such event. */
  updateCustomer(customerId: string, change: CustomerChange): SimulatedCustomer;
  /** Silently. */
  setOptIn(customerId: string, optIn: boolean): SimulatedCustomer;
  issueCard(
    customerId: string,
    options?: { templateId?: string | undefined; balance?: number | undefined; cardId?: string | undefined },
  ): SimulatedCard;
  installCard(cardId: string): SimulatedCard;
  removeCard(cardId: string): SimulatedCard;
  expireCard(cardId: string): SimulatedCard;
  /** By the operator, silently. */
  setCardStatus(cardId: string, status: 'Active' | 'Inactive' | 'Suspended'): SimulatedCard;
  /** By staff, at the till; not an open by the customer. */
  scan(cardId: string): SimulatedCard;
  /** Negative takes off. */
  addPoints(cardId: string, points: number, comment?: string): SimulatedCard;
  /** Somebody got a card through this customer's link. */
  refer(customerId: string): SimulatedCustomer;
  linkSegment(customerId: string, segment: string): SimulatedCustomer;
  /** Silently. */
  unlinkSegment(customerId: string, segment: string): SimulatedCustomer;
  feedback(customerId: string, feedback: { rating: number; comment?: string | undefined }): void;
  pay(customerId: string, charge: Charge): SimulatedPayment;
  payFailed(customerId: string, charge: Charge): SimulatedPayment;
  /** Of the whole payment, or of a part of it. */
  refund(paymentId: string, amount?: number): SimulatedPayment;
  recurrentFailed(customerId: string, charge: Charge): SimulatedPayment;
}

/** `now` decides when it happens: the simulator's clock, or an hour of a day that is told afterwards. */
export function createTill(world: World, now: () => number): Till {
  const tellCard = (type: Happening['type'], card: SimulatedCard): SimulatedCard => {
    world.tell({ type, customer: customerOf(world, card.customerId), card }, now());
    return structuredClone(card);
  };
  const shown = (customer: SimulatedCustomer): SimulatedCustomer => structuredClone(customer);

  function moveInstall(cardId: string, install: InstallState, type: Happening['type']): SimulatedCard {
    const card = cardOf(world, cardId);
    card.install = install;
    card.status = install;
    if (install === 'installed') card.installedAtMs = now();
    if (install === 'expired') card.expiresAtMs = now();
    return tellCard(type, card);
  }

  function charge(customerId: string, due: Charge, type: Happening['type'], state: SimulatedPayment['state']) {
    const customer = customerOf(world, customerId);
    const payment: SimulatedPayment = {
      paymentId: due.paymentId ?? newPaymentId(),
      customerId,
      cardId: due.cardId ?? null,
      amount: due.amount,
      currency: due.currency ?? 'USD',
      state,
    };
    world.payments.set(payment.paymentId, payment);
    tellPayment(type, customer, payment, payment.amount);
    return structuredClone(payment);
  }

  function tellPayment(
    type: Happening['type'],
    customer: SimulatedCustomer,
    payment: SimulatedPayment,
    amount: number,
  ) {
    const { paymentId, currency, cardId } = payment;
    const card = cardId === null ? {} : { card: cardOf(world, cardId) };
    world.tell({ type, customer, ...card, payment: { paymentId, amount, currency } }, now());
  }

  return {
    createCustomer({ customerId, ...person }) {
      const customer = addCustomer(world, person, now(), customerId);
      world.tell({ type: 'CustomerCreatedEvent', customer }, now());
      return shown(customer);
    },
    updateCustomer: (customerId, change) => shown(changeCustomer(world, customerId, change, now())),
    setOptIn(customerId, optIn) {
      const customer = customerOf(world, customerId);
      customer.optIn = optIn;
      return shown(customer);
    },
    issueCard: (customerId, options = {}) => tellCard('CardIssuedEvent', addCard(world, customerId, options, now())),
    installCard: (cardId) => moveInstall(cardId, 'installed', 'CardInstalledEvent'),
    removeCard: (cardId) => moveInstall(cardId, 'removed', 'CardRemovedEvent'),
    expireCard: (cardId) => moveInstall(cardId, 'expired', 'CardExpiredEvent'),
    setCardStatus(cardId, status) {
      const card = cardOf(world, cardId);
      card.status = status;
      return structuredClone(card);
    },
    scan(cardId) {
      const card = cardOf(world, cardId);
      card.scans += 1;
      return tellCard('CardScannedEvent', card);
    },
    addPoints: (cardId, points, comment) => structuredClone(moveBalance(world, cardId, points, now(), comment)),
    refer(customerId) {
      const customer = customerOf(world, customerId);
      customer.referralCount += 1;
      world.tell({ type: 'CustomerReferralCreatedEvent', customer }, now());
      return shown(customer);
    },
    linkSegment: (customerId, segment) => shown(linkSegment(world, customerId, segment, now())),
    unlinkSegment(customerId, segment) {
      const customer = customerOf(world, customerId);
      customer.segments = customer.segments.filter((each) => each !== segment);
      return shown(customer);
    },
    feedback(customerId, { rating, comment }) {
      const feedback = { feedbackId: `fbk_${randomUUID().slice(0, 13)}`, rating, comment: comment ?? null };
      world.tell({ type: 'FeedbackCreatedEvent', customer: customerOf(world, customerId), feedback }, now());
    },
    pay: (customerId, due) => charge(customerId, due, 'PaymentCompletedSuccessfulEvent', 'paid'),
    payFailed: (customerId, due) => charge(customerId, due, 'PaymentCompletedFailedEvent', 'failed'),
    refund(paymentId, amount) {
      const payment = world.payments.get(paymentId);
      if (!payment) throw notFound('Payment');
      if (payment.state === 'failed')
        throw new ApiRefusal(422, 'not_paid', ['payment_id must be of a payment that was made']);
      payment.state = amount === undefined || amount >= payment.amount ? 'refunded' : 'partly_refunded';
      tellPayment('PaymentRefundedEvent', customerOf(world, payment.customerId), payment, amount ?? payment.amount);
      return structuredClone(payment);
    },
    recurrentFailed: (customerId, due) => charge(customerId, due, 'RecurrentPaymentCompletedFailedEvent', 'failed'),
  };
}
