import { fullNameOf, simulatedContact } from './contactViews.ts';
import { findContact } from './contactStore.ts';
import type { Poster, Posted } from './poster.ts';
import { contactNotFound } from './refusals.ts';
import type { World } from './world.ts';

export interface WorkflowCall {
  /** What the user typed under Custom Data; values are strings. */
  customData?: Record<string, string>;
  workflow?: { id: string; name: string };
  headers?: Record<string, string>;
}

/**
 * The standard workflow action "Webhook" (ghl.md §10.1): flat, snake_case, tags as one string, custom fields by label,
 * neither signed nor numbered.
 */
export function workflowBody(world: World, contactId: string, call: WorkflowCall): Record<string, unknown> {
  const stored = findContact(world, contactId);
  const location = stored && world.locations.get(stored.locationId);
  if (!stored || !location) throw contactNotFound(contactId);
  const contact = simulatedContact(world, stored);
  const labelled: Record<string, unknown> = {};
  for (const field of location.customFields.values()) {
    const value = contact.customFields[field.fieldKey.replace(/^contact\./, '')];
    if (value !== undefined) labelled[field.name] = value;
  }
  const present = (fields: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ''));
  return {
    contact_id: contact.id,
    ...present({
      first_name: contact.firstName,
      last_name: contact.lastName,
      full_name: fullNameOf(stored),
      email: contact.email,
      phone: contact.phone,
      address1: contact.address1,
      city: contact.city,
      state: contact.state,
      country: contact.country,
      postal_code: contact.postalCode,
      timezone: contact.timezone,
      date_of_birth: contact.dateOfBirth,
      company_name: contact.companyName,
      website: contact.website,
      contact_source: contact.source,
    }),
    tags: contact.tags.join(','),
    date_created: contact.dateAdded,
    contact_type: 'lead',
    ...labelled,
    location: {
      name: location.options.name ?? location.options.id,
      country: location.country,
      id: location.options.id,
    },
    workflow: call.workflow ?? { id: 'workflow-sim', name: 'Simulated workflow' },
    triggerData: {},
    customData: call.customData ?? {},
  };
}

/** Runs the action against a URL and waits for its answer. */
export function runWorkflow(
  world: World,
  poster: Poster,
  contactId: string,
  url: string,
  call: WorkflowCall = {},
): Promise<Posted> {
  const body = Buffer.from(JSON.stringify(workflowBody(world, contactId, call)));
  return poster.post(url, body, { 'User-Agent': 'axios/1.7.2', ...call.headers });
}
