import { isoOf, standardFields, type StoredContact, type World } from './world.ts';
import type { CustomValue, SimulatedContact } from './types.ts';

/** A deleted definition takes its values out of every answer. */
function liveCustomFields(world: World, contact: StoredContact): [string, string, CustomValue][] {
  const fields = world.locations.get(contact.locationId)?.customFields;
  const out: [string, string, CustomValue][] = [];
  for (const [id, value] of Object.entries(contact.customFields)) {
    const field = fields?.get(id);
    if (!field) continue;
    // "may be read back as epoch ms" (ghl.md §5.6).
    const epoch = field.dataType === 'DATE' && world.options.datesReadAs === 'epochMs';
    out.push([id, field.fieldKey, epoch ? Date.parse(value as string) : value]);
  }
  return out;
}

/** `{id, value}`, never a key (ghl.md §5.6); emptied ones are left out. */
export const customFieldValues = (world: World, contact: StoredContact): { id: string; value: CustomValue }[] =>
  liveCustomFields(world, contact).map(([id, , value]) => ({ id, value }));

export const fullNameOf = (contact: StoredContact): string =>
  [contact.fields.firstName, contact.fields.lastName].filter(Boolean).join(' ');

function lowerNames(contact: StoredContact): Record<string, string> {
  const { firstName, lastName } = contact.fields;
  const full = fullNameOf(contact).toLowerCase();
  return {
    ...(firstName === undefined ? {} : { firstNameLowerCase: firstName.toLowerCase() }),
    ...(lastName === undefined ? {} : { lastNameLowerCase: lastName.toLowerCase() }),
    ...(full === '' ? {} : { fullNameLowerCase: full }),
  };
}

function common(world: World, contact: StoredContact): Record<string, unknown> {
  const { gender: _gender, ...fields } = contact.fields;
  return {
    id: contact.id,
    locationId: contact.locationId,
    ...fields,
    ...lowerNames(contact),
    ...(fields.email === undefined ? {} : { emailLowerCase: fields.email.toLowerCase() }),
    type: 'lead',
    dnd: contact.dnd,
    dndSettings: contact.dndSettings,
    tags: contact.tags,
    customFields: customFieldValues(world, contact),
    dateAdded: isoOf(contact.dateAddedMs),
    dateUpdated: isoOf(contact.dateUpdatedMs),
  };
}

/** GET, PUT and upsert (ghl.md §5.1 "Contact in responses"). */
export function contactView(world: World, contact: StoredContact): Record<string, unknown> {
  const name = fullNameOf(contact);
  return { ...common(world, contact), ...(name === '' ? {} : { name }) };
}

/** POST /contacts/ answers another set of fields (openapi CreateContactSchema): no name, no timezone. */
export function createdContactView(world: World, contact: StoredContact): Record<string, unknown> {
  const { timezone: _timezone, ...fields } = common(world, contact);
  return { ...fields, deleted: false, bounceEmail: false, unsubscribeEmail: false };
}

/** Search answers carry lower-cased names (ghl.md §5.1) and the place to search on after this contact (§5.3). */
export function searchedContactView(world: World, contact: StoredContact, sortValue: number): Record<string, unknown> {
  const { emailLowerCase: _email, dndSettings: _dnd, fullNameLowerCase: _full, ...view } = common(world, contact);
  const omitted = new Set(world.options.searchOmits);
  const lowered: Record<string, unknown> = { ...view };
  for (const name of ['firstName', 'lastName'] as const) {
    if (contact.fields[name] !== undefined) lowered[name] = contact.fields[name].toLowerCase();
  }
  const name = fullNameOf(contact).toLowerCase();
  if (name !== '') lowered.contactName = name;
  lowered.searchAfter = [sortValue, contact.id];
  return Object.fromEntries(Object.entries(lowered).filter(([key]) => !omitted.has(key)));
}

/** GET /contacts/ (deprecated) answers what openapi ContactsSearchSchema lists and nothing else. */
export function listedContactView(world: World, contact: StoredContact): Record<string, unknown> {
  const { id, locationId, email, timezone, country, source, dateAdded, customFields, tags } = contactView(
    world,
    contact,
  );
  return { id, locationId, email, timezone, country, source, dateAdded, customFields, tags };
}

/** For tests and people: custom fields by key. */
export function simulatedContact(world: World, contact: StoredContact): SimulatedContact {
  const name = fullNameOf(contact);
  const view: SimulatedContact = {
    id: contact.id,
    locationId: contact.locationId,
    dnd: contact.dnd,
    dndSettings: structuredClone(contact.dndSettings) as SimulatedContact['dndSettings'],
    tags: [...contact.tags],
    customFields: {},
    dateAdded: isoOf(contact.dateAddedMs),
    dateUpdated: isoOf(contact.dateUpdatedMs),
  };
  for (const field of standardFields) {
    if (contact.fields[field] !== undefined) view[field] = contact.fields[field];
  }
  if (name !== '') view.name = name;
  for (const [, key, value] of liveCustomFields(world, contact)) {
    view.customFields[key.replace(/^contact\./, '')] = value;
  }
  return view;
}
