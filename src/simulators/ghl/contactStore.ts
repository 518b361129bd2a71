import { emitContact } from './webhookBodies.ts';
import { newGhlId, type SimulatedLocation, type StandardField, type StoredContact, type World } from './world.ts';
import type { CustomValue, DndSettings } from './types.ts';

/** A checked change: what is absent stays, `null` empties. */
export interface ContactChange {
  fields: Partial<Record<StandardField, string | null>>;
  /** The whole list (ghl.md §5.4: an update overwrites). */
  tags?: readonly string[];
  customFields: Record<string, CustomValue | null>;
  dnd?: boolean;
  dndSettings?: DndSettings;
}

export const findContact = (world: World, id: string): StoredContact | undefined =>
  world.locationOfContact.get(id)?.contacts.get(id);

/** Contacts are compared by lower-case e-mail and E.164 phone, within a location only (ghl.md §5.2). */
export function holdersOf(location: SimulatedLocation, kind: 'email' | 'phone', value: string): ReadonlySet<string> {
  const index = kind === 'email' ? location.byEmail : location.byPhone;
  return index.get(kind === 'email' ? value.toLowerCase() : value) ?? new Set();
}

function reindex(index: Map<string, Set<string>>, id: string, before: string | undefined, after: string | undefined) {
  if (before === after) return;
  if (before !== undefined) {
    const holders = index.get(before);
    holders?.delete(id);
    if (holders?.size === 0) index.delete(before);
  }
  if (after === undefined) return;
  const holders = index.get(after);
  if (holders) holders.add(id);
  else index.set(after, new Set([id]));
}

/** Puts a contact, or with `after` undefined takes it away, in every index. */
function replace(
  world: World,
  location: SimulatedLocation,
  before: StoredContact | undefined,
  after: StoredContact | undefined,
  settled = false,
): void {
  const id = (after ?? before)!.id;
  reindex(location.byPhone, id, before?.fields.phone, after?.fields.phone);
  reindex(location.byEmail, id, before?.fields.email?.toLowerCase(), after?.fields.email?.toLowerCase());
  if (after) {
    location.contacts.set(id, after);
    world.locationOfContact.set(id, location);
  } else {
    location.contacts.delete(id);
    world.locationOfContact.delete(id);
  }
  location.contactIndex.put(id, after, settled);
}

function applied<K extends string, V>(
  before: Readonly<Partial<Record<K, V>>>,
  change: Partial<Record<K, V | null>>,
): { value: Partial<Record<K, V>>; changed: boolean } {
  const value: Partial<Record<K, V>> = { ...before };
  let changed = false;
  for (const [name, next] of Object.entries(change) as [K, V | null][]) {
    if (next === null) {
      changed ||= name in value;
      delete value[name];
    } else if (JSON.stringify(value[name]) !== JSON.stringify(next)) {
      changed = true;
      value[name] = next;
    }
  }
  return { value, changed };
}

/** Adding an unknown tag creates it in the location (ghl.md §5.4). */
function learnTags(location: SimulatedLocation, tags: readonly string[]): void {
  for (const name of tags) {
    if (!location.tags.has(name)) location.tags.set(name, { id: newGhlId(), name, locationId: location.options.id });
  }
}

export interface NewContact {
  id?: string;
  dateAddedMs?: number;
  dateUpdatedMs?: number;
  /** From the beginning: searched at once, no webhook. */
  seeded?: boolean;
}

export function createContact(
  world: World,
  location: SimulatedLocation,
  change: ContactChange,
  given: NewContact = {},
): StoredContact {
  const dateAddedMs = given.dateAddedMs ?? world.stampMs();
  const contact: StoredContact = {
    id: given.id ?? newGhlId(),
    locationId: location.options.id,
    fields: applied<StandardField, string>({}, change.fields).value,
    tags: change.tags ?? [],
    customFields: applied<string, CustomValue>({}, change.customFields).value as Record<string, CustomValue>,
    dnd: change.dnd ?? false,
    dndSettings: change.dndSettings ?? {},
    dateAddedMs,
    dateUpdatedMs: given.dateUpdatedMs ?? dateAddedMs,
  };
  learnTags(location, contact.tags);
  replace(world, location, undefined, contact, given.seeded);
  if (!given.seeded) emitContact(world, 'ContactCreate', contact);
  return contact;
}

/**
 * Every change of a contact, from the API as from the UI, goes through here: each sends its webhooks, so a write of the
 * API comes back to the app that made it (ghl.md §9.1). `dateUpdated` moves even when nothing else did.
 */
export function changeContact(world: World, contact: StoredContact, change: ContactChange): StoredContact {
  const location = world.locationOfContact.get(contact.id)!;
  const fields = applied(contact.fields, change.fields);
  const custom = applied<string, CustomValue>(contact.customFields, change.customFields);
  const tags = change.tags ?? contact.tags;
  const dnd = change.dnd ?? contact.dnd;
  const dndSettings = applied(contact.dndSettings, change.dndSettings ?? {});
  const after: StoredContact = {
    ...contact,
    fields: fields.value,
    customFields: custom.value as Record<string, CustomValue>,
    tags,
    dnd,
    dndSettings: dndSettings.value,
    dateUpdatedMs: world.stampMs(),
  };
  learnTags(location, tags);
  replace(world, location, contact, after);

  const tagsChanged = tags.length !== contact.tags.length || tags.some((tag) => !contact.tags.includes(tag));
  const alsoUpdate = tagsChanged && world.options.webhooks?.tagChangeSendsContactUpdate === true;
  if (fields.changed || custom.changed || alsoUpdate) emitContact(world, 'ContactUpdate', after);
  if (tagsChanged) emitContact(world, 'ContactTagUpdate', after);
  if (dnd !== contact.dnd || dndSettings.changed) emitContact(world, 'ContactDndUpdate', after);
  return after;
}

/** With everything that hangs on it; only the contact itself is announced. */
export function deleteContact(world: World, contact: StoredContact): void {
  const location = world.locationOfContact.get(contact.id)!;
  replace(world, location, contact, undefined);
  world.notes.delete(contact.id);
  world.tasks.delete(contact.id);
  for (const id of world.opportunitiesOfContact.get(contact.id) ?? []) {
    world.opportunities.delete(id);
    location.opportunityIndex.put(id, undefined);
  }
  world.opportunitiesOfContact.delete(contact.id);
  emitContact(world, 'ContactDelete', contact);
}
