import type { SyncStatus } from '../../drizzle/tables/staging.ts';
import { toE164 } from '../domain/phone.ts';

export interface CustomerFilter {
  connection?: string;
  syncStatus?: SyncStatus;
  /** Code of the stored reason or failure. */
  code?: string;
  /** Id, e-mail, phone digits or the beginning of a name. */
  q?: string;
}

/** What of a person a search looks at. */
export interface SearchedPerson {
  stickycardsId: string;
  email: string | null;
  mobile: string | null;
  firstName: string | null;
  lastName: string | null;
}

/** Fewer digits than these are part of too many numbers. */
const DIGITS_MIN = 3;

const digitsOf = (text: string) => (/^[\d\s+()./-]+$/.test(text) ? text.replace(/\D/g, '') : '');

/** The values that an index finds at once, when `q` is the whole of an id, an e-mail or a phone number. */
export function exactValues(q: string, defaultCountry: string): { id: string; email: string; mobiles: string[] } {
  const digits = digitsOf(q);
  const numbers = digits.length < 5 ? [] : [toE164(q, defaultCountry), `+${digits}`, q];
  return { id: q, email: q.toLowerCase(), mobiles: [...new Set(numbers.filter((number) => number !== null))] };
}

/** The digits of `q` when it is a part of a phone number; null = it is none, or too short to tell anybody by. */
export function digitsToFind(q: string): string | null {
  const digits = digitsOf(q);
  return digits.length >= DIGITS_MIN ? digits : null;
}

/** Whether a person is meant by `q`: the beginning of id, e-mail or name, or a run of digits of the phone number. */
export function isMeant(q: string, person: SearchedPerson): boolean {
  const wanted = q.normalize('NFC').toLowerCase();
  const begins = (text: string | null) => text !== null && text.toLowerCase().startsWith(wanted);
  const { firstName, lastName } = person;
  const names = [firstName, lastName, [firstName, lastName].filter((name) => name !== null).join(' ')];
  if ([person.stickycardsId, person.email, ...names].some(begins)) return true;
  const digits = digitsToFind(q);
  return digits !== null && person.mobile !== null && person.mobile.replace(/\D/g, '').includes(digits);
}
