import { fullNameOf } from './contactViews.ts';
import { holdersOf, type ContactChange } from './contactStore.ts';
import { badRequest } from './refusals.ts';
import type { SimulatedLocation, StoredContact } from './world.ts';

export interface Match {
  contact: StoredContact;
  matchingField: 'email' | 'phone';
}

/** The contact with the lowest place in time that holds this identifier, other than `exceptId`. */
function holderOf(
  location: SimulatedLocation,
  kind: 'email' | 'phone',
  value: string,
  exceptId?: string,
): StoredContact | undefined {
  for (const id of holdersOf(location, kind, value)) {
    if (id !== exceptId) return location.contacts.get(id);
  }
  return undefined;
}

/** The first contact found by the identifiers in the order asked (ghl.md §5.2). */
export function matchOf(
  location: SimulatedLocation,
  identifiers: { email?: string | null | undefined; phone?: string | null | undefined },
  order: readonly ('email' | 'phone')[] = location.identifierOrder,
  exceptId?: string,
): Match | undefined {
  for (const kind of order) {
    const value = identifiers[kind];
    const contact = value ? holderOf(location, kind, value, exceptId) : undefined;
    if (contact) return { contact, matchingField: kind };
  }
  return undefined;
}

/** Where duplicates are allowed the order is e-mail, then phone (ghl.md §5.2, point 4). */
export const searchOrderOf = (location: SimulatedLocation): readonly ('email' | 'phone')[] =>
  location.options.allowDuplicateContact === true ? ['email', 'phone'] : location.identifierOrder;

/** The 400 of a create, or of an update that takes what belongs to another contact (ghl.md §4). */
export function refuseDuplicate(location: SimulatedLocation, change: ContactChange, exceptId?: string): void {
  if (location.options.allowDuplicateContact === true) return;
  const match = matchOf(location, change.fields, location.identifierOrder, exceptId);
  if (!match) return;
  throw badRequest('This location does not allow duplicated contacts.', {
    meta: {
      contactId: match.contact.id,
      contactName: fullNameOf(match.contact),
      matchingField: match.matchingField,
    },
  });
}

/** The change without an e-mail or phone that belongs to another contact: upsert drops it silently (ghl.md §5.2, issue #37). */
export function withoutConflicts(
  location: SimulatedLocation,
  change: ContactChange,
  contact: StoredContact,
): ContactChange {
  const fields = { ...change.fields };
  for (const kind of searchOrderOf(location)) {
    const value = fields[kind];
    if (value && matchOf(location, { [kind]: value }, [kind], contact.id)) delete fields[kind];
  }
  return { ...change, fields };
}
