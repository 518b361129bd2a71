import type { ContactKeys } from './match.ts';
import type { Values } from './plan.ts';

/** A contact of a page, as little of it as finding and planning need: tens of thousands are held at once. */
export interface IndexedContact extends Omit<ContactKeys, 'linkedTo'> {
  /** By field-map key: null where the contact shows nothing. Shared by all contacts that show the same fields. */
  values: Values;
  tags: readonly string[];
}

export interface ContactLookup {
  customerId: string;
  e164: string | null;
  digits: string | null;
  email: string | null;
}

export interface ContactIndex {
  /** Makes it found by all that it has now; a contact that is there already may have got an identity more. */
  put(contact: IndexedContact): void;
  /** Every contact that shares one of these. */
  find(lookup: ContactLookup): IndexedContact[];
  /** The one object for all values that are empty in the same places. */
  shownAs(values: Values): Values;
  /** The same list, made of strings that are held once. */
  tagsOf(tags: readonly string[]): readonly string[];
}

/** Nearly every identity belongs to one contact: a list is made for the second. */
type Found = IndexedContact | IndexedContact[];

const NO_TAGS: readonly string[] = [];

/** A location's contacts by phone, digits, e-mail and customer id, in memory. */
export function createContactIndex(): ContactIndex {
  const byCustomer = new Map<string, Found>();
  const byPhone = new Map<string, Found>();
  const byDigits = new Map<string, Found>();
  const byEmail = new Map<string, Found>();
  const shapes = new Map<string, Values>();
  const names = new Map<string, string>();

  const keep = (map: Map<string, Found>, key: string | null, contact: IndexedContact) => {
    if (key === null) return;
    const known = map.get(key);
    if (known === undefined) map.set(key, contact);
    else if (Array.isArray(known)) {
      if (!known.includes(contact)) known.push(contact);
    } else if (known !== contact) map.set(key, [known, contact]);
  };

  const name = (text: string): string => {
    const known = names.get(text);
    if (known !== undefined) return known;
    names.set(text, text);
    return text;
  };

  return {
    put: (contact) => {
      keep(byCustomer, contact.stickycardsCustomerId, contact);
      keep(byPhone, contact.phone, contact);
      keep(byDigits, contact.phoneDigits, contact);
      keep(byEmail, contact.email, contact);
    },
    find: ({ customerId, e164, digits, email }) => {
      const found = [
        byCustomer.get(customerId),
        e164 === null ? undefined : byPhone.get(e164),
        digits === null ? undefined : byDigits.get(digits),
        email === null ? undefined : byEmail.get(email),
      ];
      return [...new Set(found.flatMap((hit) => hit ?? []))];
    },
    shownAs: (values) => {
      const keys = Object.keys(values);
      const shape = keys.map((key) => (values[key] === null ? '-' : '+')).join('');
      let known = shapes.get(shape);
      if (!known) {
        known = Object.fromEntries(keys.map((key) => [key, values[key] === null ? null : true]));
        shapes.set(shape, known);
      }
      return known;
    },
    tagsOf: (tags) => (tags.length === 0 ? NO_TAGS : tags.map(name)),
  };
}
