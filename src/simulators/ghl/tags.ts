import { checkedBody, flag, text, textList } from './bodyRules.ts';
import { normalTags } from './contactRules.ts';
import { changeContact, findContact } from './contactStore.ts';
import { contactOf, created, locationOf, missing, ok, type Answer, type Call, type Endpoint } from './endpoint.ts';
import { unprocessable } from './refusals.ts';
import { newGhlId, type StoredContact, type World } from './world.ts';

/** Adding a tag that is there and removing one that is not are harmless (ghl.md §5.4): nothing changes, nothing is sent. */
export function withTags(world: World, contact: StoredContact, add: string[], remove: string[]): StoredContact {
  const gone = new Set(remove);
  const tags = [...new Set([...contact.tags, ...add])].filter((tag) => !gone.has(tag));
  const same = tags.length === contact.tags.length && tags.every((tag) => contact.tags.includes(tag));
  return same ? contact : changeContact(world, contact, { fields: {}, customFields: {}, tags });
}

const tagsIn = (call: Call): string[] =>
  normalTags(checkedBody(call.body, { tags: textList }, ['tags']).tags as string[]);

/** One row per contact as in openapi UpdateTagsResponseDTO; a bad row does not spoil the others. */
function bulkRow(
  call: Call,
  locationId: string,
  contactId: string,
  change: { add: string[]; remove: string[] | 'all' },
) {
  const error = (message: string) => ({ contactId, message, type: 'error' });
  const contact = findContact(call.world, contactId);
  if (!contact)
    return error(/^[A-Za-z0-9]{20}$/.test(contactId) ? 'contact is deleted' : 'contact id is not a valid firebase id');
  if (contact.locationId !== locationId) return error('contact does not belong to location');
  const oldTags = [...contact.tags];
  const after = withTags(call.world, contact, change.add, change.remove === 'all' ? oldTags : change.remove);
  return {
    contactId,
    message: 'Tags updated',
    type: 'success',
    oldTags,
    tagsAdded: after.tags.filter((tag) => !oldTags.includes(tag)),
    tagsRemoved: oldTags.filter((tag) => !after.tags.includes(tag)),
  };
}

function bulk(call: Call): Answer {
  const body = checkedBody(call.body, { contacts: textList, tags: textList, locationId: text, removeAllTags: flag }, [
    'contacts',
    'tags',
    'locationId',
  ]);
  const type = call.params.type;
  if (type !== 'add' && type !== 'remove')
    throw unprocessable(['type must be one of the following values: add, remove']);
  if (body.removeAllTags === true && type === 'add')
    throw unprocessable(['removeAllTags can only be used with remove']);
  const location = locationOf(call, body.locationId);
  const tags = normalTags(body.tags as string[]);
  const change = {
    add: type === 'add' ? tags : [],
    remove: type === 'add' ? [] : body.removeAllTags === true ? ('all' as const) : tags,
  };
  const responses = (body.contacts as string[]).map((id) => bulkRow(call, location.options.id, id, change));
  return created({
    succeded: true,
    errorCount: responses.filter((row) => row.type === 'error').length,
    responses,
  });
}

function tagNamed(call: Call) {
  const location = locationOf(call, call.params.locationId);
  const id = call.params.tagId ?? '';
  const tag = [...location.tags.values()].find((each) => each.id === id);
  if (!tag) throw missing('Tag', id);
  return { location, tag };
}

function createLocationTag(call: Call): Answer {
  const location = locationOf(call, call.params.locationId);
  const [name] = normalTags([checkedBody(call.body, { name: text }, ['name']).name as string]);
  if (name === undefined) throw unprocessable(['name should not be empty']);
  const tag = location.tags.get(name) ?? { id: newGhlId(), name, locationId: location.options.id };
  location.tags.set(name, tag);
  return ok({ tag });
}

function renameLocationTag(call: Call): Answer {
  const { location, tag } = tagNamed(call);
  const [name] = normalTags([checkedBody(call.body, { name: text }, ['name']).name as string]);
  if (name === undefined) throw unprocessable(['name should not be empty']);
  location.tags.delete(tag.name);
  const renamed = { ...tag, name };
  location.tags.set(name, renamed);
  return ok({ tag: renamed });
}

function deleteLocationTag(call: Call): Answer {
  const { location, tag } = tagNamed(call);
  location.tags.delete(tag.name);
  return ok({ succeded: true });
}

const readTags = ['locations/tags.readonly'];
const writeTags = ['locations/tags.write'];

export const tagEndpoints: Endpoint[] = [
  { method: 'post', path: '/contacts/bulk/tags/update/:type', scopes: ['contacts.write'], handle: bulk },
  {
    method: 'post',
    path: '/contacts/:contactId/tags',
    scopes: ['contacts.write'],
    handle: (call) => created({ tags: withTags(call.world, contactOf(call), tagsIn(call), []).tags }),
  },
  {
    method: 'delete',
    path: '/contacts/:contactId/tags',
    scopes: ['contacts.write'],
    handle: (call) => ok({ tags: withTags(call.world, contactOf(call), [], tagsIn(call)).tags }),
  },
  {
    method: 'get',
    path: '/locations/:locationId/tags',
    scopes: readTags,
    handle: (call) => ok({ tags: [...locationOf(call, call.params.locationId).tags.values()] }),
  },
  { method: 'post', path: '/locations/:locationId/tags', scopes: writeTags, handle: createLocationTag },
  {
    method: 'get',
    path: '/locations/:locationId/tags/:tagId',
    scopes: readTags,
    handle: (call) => ok({ tag: tagNamed(call).tag }),
  },
  { method: 'put', path: '/locations/:locationId/tags/:tagId', scopes: writeTags, handle: renameLocationTag },
  { method: 'delete', path: '/locations/:locationId/tags/:tagId', scopes: writeTags, handle: deleteLocationTag },
];
