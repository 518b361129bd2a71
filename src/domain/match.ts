import { comparableDigits, toE164 } from './phone.ts';

/** A contact as far as matching needs it. */
export interface ContactKeys {
  ghlContactId: string;
  /** E.164, or as typed when it is not possible. */
  phone: string | null;
  phoneDigits: string | null;
  email: string | null;
  stickycardsCustomerId: string | null;
  /** When it was made in GHL (ms); null = not known. */
  addedAtMs: number | null;
  /** The customer that it is linked to already. */
  linkedTo: string | null;
}

export interface PersonKeys {
  customerId: string;
  phone: string | null;
  email: string | null;
}

export type MatchedBy = 'customer_id' | 'phone' | 'email';

export type Match =
  | { kind: 'contact'; ghlContactId: string; by: MatchedBy; conflictEmailContactId: string | null }
  /** Several contacts that nobody has yet, and nothing tells which of them is the person. */
  | { kind: 'ambiguous'; by: MatchedBy; ghlContactIds: string[] }
  | { kind: 'already_linked'; ghlContactId: string; linkedTo: string }
  | { kind: 'create' }
  | { kind: 'excluded'; reason: 'no_contact_info' | 'invalid_phone' };

/** What the contacts of a location are looked up by, for one person. */
export function identitiesOf(
  person: PersonKeys,
  defaultCountry: string,
): { e164: string | null; digits: string | null; email: string | null } {
  const e164 = person.phone === null ? null : toE164(person.phone, defaultCountry);
  return {
    e164,
    digits: person.phone === null || e164 !== null ? null : comparableDigits(person.phone, defaultCountry),
    email: person.email?.trim().toLowerCase() || null,
  };
}

/**
 * Finds a person's contact among the candidates that share an identity (SPEC §2.5, 2 to 5). Pure; never guesses: of
 * several free contacts with one identity only the one that has the others too is taken, and a phone that is not
 * possible counts only where exactly one contact has the same digits.
 */
export function matchContact(person: PersonKeys, candidates: readonly ContactKeys[], defaultCountry: string): Match {
  const { e164, digits, email } = identitiesOf(person, defaultCountry);
  const owned = candidates.filter((c) => c.stickycardsCustomerId === person.customerId && c.linkedTo === null);
  const hasEmail = (contact: ContactKeys) => email !== null && contact.email === email;
  const hasPhone = (contact: ContactKeys) => e164 !== null && contact.phone === e164;
  if (owned.length > 0) return onlyOne(owned, 'customer_id', [hasPhone, hasEmail]) ?? several(owned, 'customer_id');
  if (e164 === null && email === null && digits === null) {
    return { kind: 'excluded', reason: person.phone === null ? 'no_contact_info' : 'invalid_phone' };
  }
  const byEmail = prefer(candidates.filter(hasEmail));
  const sameDigits = digits === null ? [] : candidates.filter((c) => c.phoneDigits === digits);
  const byPhone = e164 !== null ? prefer(candidates.filter(hasPhone)) : sameDigits.length === 1 ? sameDigits : [];
  if (byPhone.length > 0) {
    const match = onlyOne(byPhone, 'phone', [hasEmail]);
    if (!match) return several(byPhone, 'phone');
    const conflict = byEmail.some((c) => c.ghlContactId === match.ghlContactId) ? undefined : byEmail[0];
    return match.kind === 'contact' && conflict ? { ...match, conflictEmailContactId: conflict.ghlContactId } : match;
  }
  if (byEmail.length > 0) return onlyOne(byEmail, 'email', []) ?? several(byEmail, 'email');
  if (e164 === null && email === null) return { kind: 'excluded', reason: 'invalid_phone' };
  return { kind: 'create' };
}

/** Where a location allows duplicates several contacts share an identity: the free ones first, then by id. */
const prefer = (contacts: ContactKeys[]) =>
  contacts.toSorted(
    (a, b) => Number(a.linkedTo !== null) - Number(b.linkedTo !== null) || (a.ghlContactId < b.ghlContactId ? -1 : 1),
  );

const freeOf = (contacts: readonly ContactKeys[]) => contacts.filter((contact) => contact.linkedTo === null);

/** The one of these contacts that can be meant: the free one, or the free one that shares more; null when several can. */
function onlyOne(contacts: ContactKeys[], by: MatchedBy, sharesMore: ((contact: ContactKeys) => boolean)[]) {
  const free = freeOf(contacts);
  let left = free;
  for (const shares of sharesMore) {
    const closer = left.filter(shares);
    if (left.length > 1 && closer.length > 0) left = closer;
  }
  if (left.length > 1) return null;
  const [contact = contacts[0] as ContactKeys] = left;
  return contact.linkedTo === null
    ? ({ kind: 'contact', ghlContactId: contact.ghlContactId, by, conflictEmailContactId: null } as const)
    : ({ kind: 'already_linked', ghlContactId: contact.ghlContactId, linkedTo: contact.linkedTo } as const);
}

const several = (contacts: ContactKeys[], by: MatchedBy): Match => ({
  kind: 'ambiguous',
  by,
  ghlContactIds: freeOf(contacts)
    .map((contact) => contact.ghlContactId)
    .toSorted(),
});
