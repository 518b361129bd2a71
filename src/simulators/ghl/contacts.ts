import { checkedBody } from './bodyRules.ts';
import { changeFrom, createShape, normalPhone, updateShape, upsertShape } from './contactRules.ts';
import { changeContact, createContact, deleteContact } from './contactStore.ts';
import { contactView, createdContactView, listedContactView } from './contactViews.ts';
import { matchOf, refuseDuplicate, searchOrderOf, withoutConflicts } from './duplicates.ts';
import {
  contactOf,
  created,
  locationOf,
  locationOfContact,
  ok,
  queriedLocation,
  wholeNumber,
  type Answer,
  type Call,
  type Endpoint,
} from './endpoint.ts';
import { unprocessable } from './refusals.ts';

const read = ['contacts.readonly'];
const write = ['contacts.write'];

function create(call: Call): Answer {
  const body = checkedBody(call.body, createShape, ['locationId']);
  const location = locationOf(call, body.locationId);
  const change = changeFrom(call.world, location, body);
  refuseDuplicate(location, change);
  return created({ contact: createdContactView(call.world, createContact(call.world, location, change)) });
}

function update(call: Call): Answer {
  const contact = contactOf(call);
  const body = checkedBody(call.body, updateShape);
  const location = locationOfContact(call, contact);
  const change = changeFrom(call.world, location, body);
  refuseDuplicate(location, change, contact.id);
  return ok({ succeded: true, contact: contactView(call.world, changeContact(call.world, contact, change)) });
}

/** ghl.md §5.2: the first identifier that finds somebody decides; what conflicts is dropped without a word. */
function upsert(call: Call): Answer {
  const body = checkedBody(call.body, upsertShape, ['locationId']);
  const location = locationOf(call, body.locationId);
  const change = changeFrom(call.world, location, body);
  const alwaysNew = body.createNewIfDuplicateAllowed === true && location.options.allowDuplicateContact === true;
  const match = alwaysNew ? undefined : matchOf(location, change.fields, searchOrderOf(location));
  if (!match) {
    return ok({ new: true, contact: contactView(call.world, createContact(call.world, location, change)) });
  }
  const kept = withoutConflicts(location, change, match.contact);
  // Silently ignored for a contact that exists (issue #313).
  delete kept.fields.gender;
  return ok({ new: false, contact: contactView(call.world, changeContact(call.world, match.contact, kept)) });
}

/** Reads the contacts themselves, not the search index: never behind (ghl.md §5.3). */
function searchDuplicate(call: Call): Answer {
  const location = queriedLocation(call, 'locationId');
  const { email, number } = call.query;
  if (!email && !number) throw unprocessable(['email or number should not be empty']);
  const phone = number ? normalPhone(location, number) : undefined;
  const match = matchOf(location, { email, phone }, searchOrderOf(location));
  return ok({ contact: match ? contactView(call.world, match.contact) : null });
}

/** Deprecated; newest first, paged by the time and id of the last one. */
function list(call: Call): Answer {
  const location = queriedLocation(call, 'locationId');
  const limit = wholeNumber(call.query, 'limit', 20, 100);
  const query = call.query.query?.toLowerCase();
  const startAfter = call.query.startAfter === undefined ? Infinity : Number(call.query.startAfter);
  const startAfterId = call.query.startAfterId ?? '';
  const found = location.contactIndex
    .sortedBy((contact) => contact.dateAddedMs)
    .toReversed()
    .filter((contact) => !query || JSON.stringify(contact.fields).toLowerCase().includes(query));
  const page = found
    .filter((it) => it.dateAddedMs < startAfter || (it.dateAddedMs === startAfter && it.id < startAfterId))
    .slice(0, limit);
  const last = page.at(-1);
  return ok({
    contacts: page.map((contact) => listedContactView(call.world, contact)),
    count: found.length,
    meta: { total: found.length, ...(last ? { startAfterId: last.id, startAfter: last.dateAddedMs } : {}) },
  });
}

function remove(call: Call): Answer {
  deleteContact(call.world, contactOf(call));
  return ok({ succeded: true });
}

/** Enrolling in a workflow changes nothing here; it is only checked and acknowledged. */
function workflow(call: Call): Answer {
  contactOf(call);
  return ok({ succeded: true });
}

export const contactEndpoints: Endpoint[] = [
  { method: 'get', path: '/contacts/search/duplicate', scopes: read, handle: searchDuplicate },
  { method: 'post', path: '/contacts/upsert', scopes: write, handle: upsert },
  { method: 'post', path: '/contacts', scopes: write, handle: create },
  { method: 'get', path: '/contacts', scopes: read, handle: list },
  {
    method: 'get',
    path: '/contacts/:contactId',
    scopes: read,
    handle: (call) => ok({ contact: contactView(call.world, contactOf(call)) }),
  },
  { method: 'put', path: '/contacts/:contactId', scopes: write, handle: update },
  { method: 'delete', path: '/contacts/:contactId', scopes: write, handle: remove },
  { method: 'post', path: '/contacts/:contactId/workflow/:workflowId', scopes: write, handle: workflow },
  { method: 'delete', path: '/contacts/:contactId/workflow/:workflowId', scopes: write, handle: workflow },
];
