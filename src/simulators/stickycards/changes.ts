import { randomUUID } from 'node:crypto';
import { ApiRefusal } from './refusal.ts';
import type { SimulatedCard, SimulatedCustomer } from './types.ts';
import { cardOf, customerOf, newCardId, newCustomerId, templateOf, type World } from './world.ts';

/** What a person or a call changes of a customer; `null` empties a name. */
export interface CustomerChange {
  firstName?: string | null | undefined;
  lastName?: string | null | undefined;
  email?: string | undefined;
  phone?: string | undefined;
}

export const emailKey = (email: string): string => email.trim().toLowerCase();
export const phoneKey = (phone: string): string => phone.replaceAll(/\D/g, '');

/** Who has this e-mail or phone. */
export function matchCustomer(world: World, change: CustomerChange): { byPhone?: string; byEmail?: string } {
  const byPhone = change.phone === undefined ? undefined : world.byPhone.get(phoneKey(change.phone));
  const byEmail = change.email === undefined ? undefined : world.byEmail.get(emailKey(change.email));
  return { ...(byPhone !== undefined && { byPhone }), ...(byEmail !== undefined && { byEmail }) };
}

/** 409 naming the other customer when the e-mail or phone is somebody else's. */
function refuseTaken(world: World, customerId: string | undefined, change: CustomerChange): void {
  const { byPhone, byEmail } = matchCustomer(world, change);
  const taken = (field: string, other: string) =>
    new ApiRefusal(409, 'customer_exists', [`${field} already exists`], { customer_id: other });
  if (byPhone !== undefined && byPhone !== customerId) throw taken('phone_number', byPhone);
  if (byEmail !== undefined && byEmail !== customerId) throw taken('email', byEmail);
}

function index(world: World, customer: SimulatedCustomer): void {
  if (customer.phone !== null) world.byPhone.set(phoneKey(customer.phone), customer.customerId);
  if (customer.email !== null) world.byEmail.set(emailKey(customer.email), customer.customerId);
}

/** Creates a customer, silently: the caller tells about it. */
export function addCustomer(
  world: World,
  change: CustomerChange,
  atMs: number,
  id = newCustomerId(),
): SimulatedCustomer {
  refuseTaken(world, undefined, change);
  const customer: SimulatedCustomer = {
    customerId: id,
    firstName: change.firstName ?? null,
    lastName: change.lastName ?? null,
    email: change.email ?? null,
    phone: change.phone ?? null,
    segments: [],
    referralCount: 0,
    optIn: true,
    createdAtMs: atMs,
    updatedAtMs: atMs,
  };
  world.customers.set(id, customer);
  index(world, customer);
  return customer;
}

/** The platform has no event for this (sticky-cards.md §5: "There is no CustomerUpdated"). */
export function changeCustomer(
  world: World,
  customerId: string,
  change: CustomerChange,
  atMs: number,
): SimulatedCustomer {
  const customer = customerOf(world, customerId);
  refuseTaken(world, customerId, change);
  if (change.phone !== undefined && customer.phone !== null) world.byPhone.delete(phoneKey(customer.phone));
  if (change.email !== undefined && customer.email !== null) world.byEmail.delete(emailKey(customer.email));
  if (change.firstName !== undefined) customer.firstName = change.firstName;
  if (change.lastName !== undefined) customer.lastName = change.lastName;
  if (change.email !== undefined) customer.email = change.email;
  if (change.phone !== undefined) customer.phone = change.phone;
  customer.updatedAtMs = atMs;
  index(world, customer);
  return customer;
}

export function addCard(
  world: World,
  customerId: string,
  options: { templateId?: string | undefined; balance?: number | undefined; cardId?: string | undefined },
  atMs: number,
): SimulatedCard {
  customerOf(world, customerId);
  const template = templateOf(world, options.templateId);
  const card: SimulatedCard = {
    cardId: options.cardId ?? newCardId(world),
    customerId,
    templateId: template.id,
    cardType: template.cardType,
    install: 'issued',
    status: 'issued',
    balance: options.balance ?? 0,
    issuedAtMs: atMs,
    installedAtMs: null,
    expiresAtMs: null,
    scans: 0,
  };
  world.cards.set(card.cardId, card);
  world.cardsOf.set(customerId, [...(world.cardsOf.get(customerId) ?? []), card.cardId]);
  return card;
}

/** Moves the balance and tells about it, whoever moved it: calls of the API echo as webhooks (sticky-cards.md §6). */
export function moveBalance(world: World, cardId: string, by: number, atMs: number, comment?: string): SimulatedCard {
  const card = cardOf(world, cardId);
  if (card.balance + by < 0) throw new ApiRefusal(422, 'insufficient_balance', ['balance must not go below 0']);
  if (by === 0) return card;
  card.balance += by;
  const customer = customerOf(world, card.customerId);
  world.tell({ type: 'CardBalanceUpdatedEvent', customer, card, ...(comment !== undefined && { comment }) }, atMs);
  return card;
}

/** Puts a customer into a segment and tells; nothing happens when they are in it. */
export function linkSegment(world: World, customerId: string, segment: string, atMs: number): SimulatedCustomer {
  const customer = customerOf(world, customerId);
  if (customer.segments.includes(segment)) return customer;
  customer.segments = [...customer.segments, segment];
  customer.updatedAtMs = atMs;
  world.tell({ type: 'CustomerSegmentLinkedEvent', customer, segment }, atMs);
  return customer;
}

export const newPaymentId = (): string => `pay_${randomUUID().slice(0, 13)}`;
