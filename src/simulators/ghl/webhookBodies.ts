import { isoOf, type StoredContact, type StoredOpportunity, type World } from './world.ts';
import { customFieldValues } from './contactViews.ts';
import type { SimulatedNote, SimulatedTask } from './types.ts';

type ContactEvent = 'ContactCreate' | 'ContactUpdate' | 'ContactTagUpdate' | 'ContactDndUpdate' | 'ContactDelete';

const contactEventFields = [
  'address1',
  'city',
  'state',
  'companyName',
  'country',
  'source',
  'dateOfBirth',
  'email',
  'firstName',
  'lastName',
  'phone',
  'postalCode',
  'website',
  'assignedTo',
] as const;

/** No old values, no list of what changed, nobody named (ghl.md §9.1); what is empty is left out. */
export function emitContact(world: World, type: ContactEvent, contact: StoredContact): void {
  if (!world.webhooks.wanted()) return;
  const fields: Record<string, unknown> = {};
  for (const name of contactEventFields) {
    if (contact.fields[name] !== undefined) fields[name] = contact.fields[name];
  }
  const name = [contact.fields.firstName, contact.fields.lastName].filter(Boolean).join(' ');
  world.webhooks.emit(type, {
    locationId: contact.locationId,
    id: contact.id,
    ...fields,
    ...(name === '' ? {} : { name }),
    dateAdded: isoOf(contact.dateAddedMs),
    dnd: contact.dnd,
    ...(type === 'ContactDndUpdate' ? { dndSettings: contact.dndSettings } : {}),
    tags: contact.tags,
    attachments: [],
    customFields: customFieldValues(world, contact),
  });
}

export function emitNote(world: World, type: 'NoteCreate' | 'NoteUpdate' | 'NoteDelete', note: SimulatedNote): void {
  world.webhooks.emit(type, {
    locationId: locationIdOf(world, note.contactId),
    id: note.id,
    body: note.body,
    contactId: note.contactId,
    dateAdded: note.dateAdded,
  });
}

export function emitTask(world: World, type: 'TaskCreate' | 'TaskComplete' | 'TaskDelete', task: SimulatedTask): void {
  world.webhooks.emit(type, {
    locationId: locationIdOf(world, task.contactId),
    id: task.id,
    ...(task.assignedTo === undefined ? {} : { assignedTo: task.assignedTo }),
    ...(task.body === undefined ? {} : { body: task.body }),
    contactId: task.contactId,
    title: task.title,
    dateAdded: world.stamp(),
    dueDate: task.dueDate,
  });
}

export function emitOpportunity(world: World, type: string, opportunity: StoredOpportunity): void {
  world.webhooks.emit(type, {
    locationId: opportunity.locationId,
    id: opportunity.id,
    ...(opportunity.assignedTo === undefined ? {} : { assignedTo: opportunity.assignedTo }),
    contactId: opportunity.contactId,
    monetaryValue: opportunity.monetaryValue,
    name: opportunity.name,
    pipelineId: opportunity.pipelineId,
    pipelineStageId: opportunity.pipelineStageId,
    ...(opportunity.source === undefined ? {} : { source: opportunity.source }),
    status: opportunity.status,
    dateAdded: opportunity.createdAt,
  });
}

const locationIdOf = (world: World, contactId: string): string =>
  world.locationOfContact.get(contactId)?.options.id ?? '';
