import { canonicalTag } from './canonical.ts';
import { toE164 } from './phone.ts';

/** A contact in GHL that belongs to no customer yet, as far as the decision needs it: canonical values. */
export interface UnlinkedContact {
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  /** What stands in the custom field of that name. */
  stickycardsCustomerId: string | null;
  /** Canonical. */
  tags: readonly string[];
  /** When it was made in GHL (ms); null = GHL did not say. */
  addedAtMs: number | null;
}

/** A customer that we know of and that the contact could be. */
export interface Holder {
  customerId: string;
  /** What they share; `gone_link` = they were linked until the contact was deleted, and GHL shows it again. */
  by: 'gone_link' | 'customer_id' | 'phone' | 'email';
  /** The contact that the customer is linked to; null = none. */
  linkedTo: string | null;
}

/** Which new contacts become customers (SPEC §3.2, row 1). */
export interface NewCustomerRules {
  /** `all`, `tag:<name>` or `off`. */
  createCustomers: string;
  activatedAtMs: number | null;
  defaultCountry: string;
  createdToday: number;
  perDayMax: number;
}

/** Contact details as they are sent; null is not sent. */
export interface NewCustomerDetails {
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  /** E.164. */
  phone: string | null;
}

export const NO_CUSTOMER_REASONS = [
  'unknown_customer_id',
  'no_contact_info',
  'invalid_phone',
  'made_before_activation',
  'creation_off',
  'tag_missing',
] as const;
export type NoCustomerReason = (typeof NO_CUSTOMER_REASONS)[number];

export type NewCustomerDecision =
  /** The customer is there: its own job links it. */
  | { kind: 'link'; customerId: string; by: Holder['by'] }
  | { kind: 'already_linked'; customerId: string; linkedTo: string }
  | { kind: 'nothing'; reason: NoCustomerReason }
  | { kind: 'limit' }
  | { kind: 'create'; details: NewCustomerDetails; identities: string[] };

/** New customers of one connection and UTC day; what is more waits for the next day (SPEC §3.2). */
export const NEW_CUSTOMERS_PER_DAY = 200;

const DAY_MS = 86_400_000;
/** Midnight UTC (ms) before an instant. */
export const utcDayOf = (atMs: number): number => Math.floor(atMs / DAY_MS) * DAY_MS;
/** The next midnight UTC (ms). */
export const nextUtcDay = (atMs: number): number => utcDayOf(atMs) + DAY_MS;

/** What a creation claims, the phone first: one spelling for both directions (SPEC §2.5). */
export const identitiesOfDetails = ({ phone, email }: Pick<NewCustomerDetails, 'phone' | 'email'>): string[] => [
  ...(phone === null ? [] : [`phone:${phone}`]),
  ...(email === null ? [] : [`email:${email}`]),
];

/** The contact details that a creation's claims stand for. */
export const detailsOfIdentities = (identities: readonly string[]): Pick<NewCustomerDetails, 'phone' | 'email'> => {
  const of = (kind: string) => identities.find((identity) => identity.startsWith(kind))?.slice(kind.length) ?? null;
  return { phone: of('phone:'), email: of('email:') };
};

const ORDER: readonly Holder['by'][] = ['gone_link', 'customer_id', 'phone', 'email'];

/** The customer that a contact is, of those that share something with it: a free one first, then the stronger tie, then the smaller id. */
export const preferredHolder = (holders: readonly Holder[]): Holder | null =>
  holders.toSorted(
    (a, b) =>
      Number(a.linkedTo !== null) - Number(b.linkedTo !== null) ||
      ORDER.indexOf(a.by) - ORDER.indexOf(b.by) ||
      (a.customerId < b.customerId ? -1 : 1),
  )[0] ?? null;

/**
 * What becomes of a contact that was read and is linked to nobody (SPEC §3.2 row 1, §2.5: never guess, never make a
 * duplicate). Pure. Where a customer is known it is never a new one; whether they are the same person is then decided
 * where all other matches are, by `matchContact`.
 */
export function decideNewCustomer(
  contact: UnlinkedContact,
  holders: readonly Holder[],
  rules: NewCustomerRules,
): NewCustomerDecision {
  const holder = preferredHolder(holders);
  if (holder) {
    const { customerId, linkedTo, by } = holder;
    return linkedTo === null ? { kind: 'link', customerId, by } : { kind: 'already_linked', customerId, linkedTo };
  }
  const phone = contact.phone === null ? null : toE164(contact.phone, rules.defaultCountry);
  const { firstName, lastName, email } = contact;
  const reason = reasonAgainst(contact, phone, rules);
  if (reason !== null) return { kind: 'nothing', reason };
  if (rules.createdToday >= rules.perDayMax) return { kind: 'limit' };
  const details = { firstName, lastName, email, phone };
  return { kind: 'create', details, identities: identitiesOfDetails(details) };
}

/** Why nothing is made of the contact; null = a customer may be made. */
function reasonAgainst(
  contact: UnlinkedContact,
  e164: string | null,
  { createCustomers, activatedAtMs }: NewCustomerRules,
): NoCustomerReason | null {
  // Somebody's id that we do not know: whoever wrote it knows more than we do.
  if (contact.stickycardsCustomerId !== null) return 'unknown_customer_id';
  if (e164 === null && contact.email === null) return contact.phone === null ? 'no_contact_info' : 'invalid_phone';
  // Without a date nobody can say that it is new.
  if (activatedAtMs === null || contact.addedAtMs === null || contact.addedAtMs < activatedAtMs)
    return 'made_before_activation';
  if (createCustomers === 'all') return null;
  if (!createCustomers.startsWith('tag:')) return 'creation_off';
  return contact.tags.includes(canonicalTag(createCustomers.slice('tag:'.length))) ? null : 'tag_missing';
}
