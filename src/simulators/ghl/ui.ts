import { changeFrom, normalTags } from './contactRules.ts';
import {
  changeContact,
  createContact,
  deleteContact,
  findContact,
  type ContactChange,
  type NewContact,
} from './contactStore.ts';
import { simulatedContact } from './contactViews.ts';
import { addCustomField, type NewCustomField } from './customFields.ts';
import { customWrite, findCustomField } from './customValues.ts';
import { refuseDuplicate } from './duplicates.ts';
import { moveOpportunities } from './opportunityStore.ts';
import { badRequest, contactNotFound, notFound } from './refusals.ts';
import { withTags } from './tags.ts';
import type { SimulatedLocation, StoredContact, World } from './world.ts';
import type { ContactEdit, CustomValue, SeedContact, SimulatedContact, SimulatedCustomField } from './types.ts';

/**
 * What a person does in the GHL UI: under the same rules and with the same webhooks as the API, but without a token or
 * rate limit. A refusal is thrown.
 */
export interface Ui {
  createContact(locationId: string, edit: ContactEdit): SimulatedContact;
  updateContact(id: string, edit: ContactEdit): SimulatedContact;
  addTags(id: string, tags: string[]): SimulatedContact;
  removeTags(id: string, tags: string[]): SimulatedContact;
  setDnd(id: string, dnd: boolean): SimulatedContact;
  deleteContact(id: string): void;
  /** The loser's values fill what the survivor lacks, its tags, notes, tasks and opportunities move, then it is deleted. */
  mergeContacts(survivorId: string, loserId: string): SimulatedContact;
  addCustomField(locationId: string, field: NewCustomField): SimulatedCustomField;
}

function stored(world: World, id: string): StoredContact {
  const contact = findContact(world, id);
  if (!contact) throw contactNotFound(id);
  return contact;
}

export function locationNamed(world: World, id: string): SimulatedLocation {
  const location = world.locations.get(id);
  if (!location) throw notFound(`Location with id ${id} not found`);
  return location;
}

/** A form has one way to empty a field, so `clearWith` has no say here. */
function editOf(world: World, location: SimulatedLocation, edit: ContactEdit): ContactChange {
  const { customFields, ...body } = edit;
  const change = changeFrom(world, location, body);
  for (const [idOrKey, value] of Object.entries(customFields ?? {})) {
    const field = findCustomField(location, idOrKey);
    if (!field) throw badRequest(`unknown custom field ${idOrKey}`);
    change.customFields[field.id] = value === '' || value === null ? null : (customWrite(world, field, value) ?? null);
  }
  return change;
}

export function createUi(world: World): Ui {
  const shown = (contact: StoredContact): SimulatedContact => simulatedContact(world, contact);

  return {
    createContact(locationId, edit) {
      const location = locationNamed(world, locationId);
      const change = editOf(world, location, edit);
      refuseDuplicate(location, change);
      return shown(createContact(world, location, change));
    },
    updateContact(id, edit) {
      const contact = stored(world, id);
      const location = locationNamed(world, contact.locationId);
      const change = editOf(world, location, edit);
      refuseDuplicate(location, change, id);
      return shown(changeContact(world, contact, change));
    },
    addTags: (id, tags) => shown(withTags(world, stored(world, id), normalTags(tags), [])),
    removeTags: (id, tags) => shown(withTags(world, stored(world, id), [], normalTags(tags))),
    setDnd: (id, dnd) => shown(changeContact(world, stored(world, id), { fields: {}, customFields: {}, dnd })),
    deleteContact: (id) => deleteContact(world, stored(world, id)),
    mergeContacts(survivorId, loserId) {
      const survivor = stored(world, survivorId);
      const loser = stored(world, loserId);
      for (const lists of [world.notes, world.tasks] as Map<string, { contactId: string }[]>[]) {
        const moved = (lists.get(loserId) ?? []).map((each) => ({ ...each, contactId: survivorId }));
        lists.set(survivorId, [...(lists.get(survivorId) ?? []), ...moved]);
      }
      moveOpportunities(world, locationNamed(world, survivor.locationId), loserId, survivorId);
      // First, so that its phone and e-mail are free.
      deleteContact(world, loser);
      const change: ContactChange = {
        fields: { ...loser.fields, ...survivor.fields },
        customFields: { ...loser.customFields, ...survivor.customFields } as Record<string, CustomValue>,
        tags: [...new Set([...survivor.tags, ...loser.tags])],
      };
      return shown(changeContact(world, survivor, change));
    },
    addCustomField: (locationId, field) => addCustomField(locationNamed(world, locationId), field),
  };
}

/** In bulk and from the beginning: no webhooks, no duplicate check, seen by searches at once. Answers the ids. */
export function seedContacts(world: World, locationId: string, contacts: readonly SeedContact[]): string[] {
  const location = locationNamed(world, locationId);
  const ms = (time: string | number): number => (typeof time === 'number' ? time : Date.parse(time));
  return contacts.map(({ id, dateAdded, dateUpdated, ...edit }) => {
    const given: NewContact = { seeded: true };
    if (id !== undefined) given.id = id;
    if (dateAdded !== undefined) given.dateAddedMs = ms(dateAdded);
    if (dateUpdated !== undefined) given.dateUpdatedMs = ms(dateUpdated);
    return createContact(world, location, editOf(world, location, edit), given).id;
  });
}
