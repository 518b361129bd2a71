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

export type Match =
  | {
      kind: 'contact';
      ghlContactId: string;
      by: 'customer_id' | 'phone' | 'email';
      conflictEmailContactId: string | null;
    }
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
 * Finds a person's contact among the candidates that share an identity (SPEC §2.5, 2 to 5). Pure; never guesses: a
 * phone that is not possible counts only where exactly one contact has the same digits.
 */
export function matchContact(person: PersonKeys, candidates: readonly ContactKeys[], defaultCountry: string): Match {
  const { e164, digits, email } = identitiesOf(person, defaultCountry);
  const owned = candidates.filter((c) => c.stickycardsCustomerId === person.customerId && c.linkedTo === null);
  if (owned.length === 1) return found(owned[0] as ContactKeys, 'customer_id', null);
  if (e164 === null && email === null && digits === null) {
    return { kind: 'excluded', reason: person.phone === null ? 'no_contact_info' : 'invalid_phone' };
  }
  const byEmail = email === null ? [] : prefer(candidates.filter((c) => c.email === email));
  const byPhone =
    e164 !== null
      ? prefer(candidates.filter((c) => c.phone === e164))
      : onlyOne(digits === null ? [] : candidates.filter((c) => c.phoneDigits === digits));
  const phoneContact = byPhone[0];
  const emailContact = byEmail[0];
  if (phoneContact) {
    const conflict =
      emailContact && !byEmail.some((c) => c.ghlContactId === phoneContact.ghlContactId)
        ? emailContact.ghlContactId
        : null;
    return found(phoneContact, 'phone', conflict);
  }
  if (emailContact) return found(emailContact, 'email', null);
  if (e164 === null && email === null) return { kind: 'excluded', reason: 'invalid_phone' };
  return { kind: 'create' };
}

const onlyOne = (contacts: ContactKeys[]) => (contacts.length === 1 ? contacts : []);

/** Where a location allows duplicates several contacts share an identity: a free one first, then the smallest id. */
const prefer = (contacts: ContactKeys[]) =>
  contacts.toSorted(
    (a, b) => Number(a.linkedTo !== null) - Number(b.linkedTo !== null) || (a.ghlContactId < b.ghlContactId ? -1 : 1),
  );

const found = (
  contact: ContactKeys,
  by: 'customer_id' | 'phone' | 'email',
  conflictEmailContactId: string | null,
): Match =>
  contact.linkedTo === null
    ? { kind: 'contact', ghlContactId: contact.ghlContactId, by, conflictEmailContactId }
    : { kind: 'already_linked', ghlContactId: contact.ghlContactId, linkedTo: contact.linkedTo };
