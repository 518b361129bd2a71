import { checkedBody, flag, number, object, text, textList, type Shape } from './bodyRules.ts';
import { findContact } from './contactStore.ts';
import { fullNameOf } from './contactViews.ts';
import { locationOf, ok, queriedLocation, wholeNumber, type Answer, type Call, type Endpoint } from './endpoint.ts';
import { unprocessable } from './refusals.ts';
import type { SimulatedLocation, StoredOpportunity, World } from './world.ts';

const read = ['opportunities.readonly'];

export function opportunityView(world: World, opportunity: StoredOpportunity): Record<string, unknown> {
  const { createdAtMs: _created, updatedAtMs: _updated, ...view } = opportunity;
  const contact = findContact(world, opportunity.contactId);
  if (!contact) return view;
  const { email, phone, companyName } = contact.fields;
  return {
    ...view,
    contact: { id: contact.id, name: fullNameOf(contact), email, phone, companyName, tags: contact.tags },
  };
}

const byAge = (opportunity: StoredOpportunity): number => opportunity.createdAtMs;

/** Newest first, as of the search lag ago (ghl.md §8 "the search index lags"). */
const newestFirst = (location: SimulatedLocation): StoredOpportunity[] =>
  location.opportunityIndex.sortedBy(byAge).toReversed();

const named = (query: string | undefined) => (opportunity: StoredOpportunity) =>
  !query || opportunity.name.toLowerCase().includes(query.toLowerCase());

/** Query names of GET and what they ask for; snake_case here and nowhere else (ghl.md §8). */
const filters: Record<string, keyof StoredOpportunity> = {
  contact_id: 'contactId',
  pipeline_id: 'pipelineId',
  pipeline_stage_id: 'pipelineStageId',
  assigned_to: 'assignedTo',
  id: 'id',
};
const otherParameters = ['location_id', 'status', 'q', 'limit', 'page', 'order', 'startAfter', 'startAfterId'];
const ignoredParameters = ['campaignId', 'endDate', 'date', 'country', 'getTasks', 'getNotes', 'getCalendarEvents'];
const known = new Set([...Object.keys(filters), ...otherParameters, ...ignoredParameters]);

function searchByQuery(call: Call): Answer {
  const unknown = Object.keys(call.query).filter((name) => !known.has(name));
  if (unknown.length > 0) throw unprocessable(unknown.map((name) => `property ${name} should not exist`));
  const location = queriedLocation(call, 'location_id');
  const limit = wholeNumber(call.query, 'limit', 20, 100);
  const page = wholeNumber(call.query, 'page', 1, Number.MAX_SAFE_INTEGER);
  const { status, startAfter, startAfterId } = call.query;
  const found = newestFirst(location)
    .filter((it) => Object.entries(filters).every(([name, key]) => !call.query[name] || it[key] === call.query[name]))
    .filter((it) => !status || status === 'all' || it.status === status)
    .filter(named(call.query.q));
  const after = Number(startAfter);
  const rest =
    startAfter === undefined
      ? found.slice((page - 1) * limit)
      : found.filter((it) => byAge(it) < after || (byAge(it) === after && it.id < (startAfterId ?? '')));
  const shown = rest.slice(0, limit);
  const last = shown.at(-1);
  return ok({
    opportunities: shown.map((it) => opportunityView(call.world, it)),
    meta: {
      total: found.length,
      currentPage: page,
      ...(last ? { startAfter: byAge(last), startAfterId: last.id } : {}),
      ...(rest.length > limit ? { nextPage: page + 1 } : {}),
    },
    aggregations: {},
  });
}

const shape: Shape = {
  locationId: text,
  query: text,
  limit: number,
  page: number,
  searchAfter: textList,
  additionalDetails: object({ notes: flag, tasks: flag, calendarEvents: flag, unReadConversations: flag }, [
    'notes',
    'tasks',
    'calendarEvents',
    'unReadConversations',
  ]),
};

function searchByBody(call: Call): Answer {
  const body = checkedBody(call.body, shape, Object.keys(shape));
  const location = locationOf(call, body.locationId);
  const limit = body.limit as number;
  const page = body.page as number;
  if (!Number.isInteger(limit) || limit < 1 || limit > 500) throw unprocessable(['limit must be between 1 and 500']);
  if (!Number.isInteger(page) || page < 1) throw unprocessable(['page must not be less than 1']);
  const [after, afterId] = body.searchAfter as string[];
  const found = newestFirst(location).filter(named(body.query as string));
  const rest =
    after === undefined
      ? found.slice((page - 1) * limit)
      : found.filter((it) => byAge(it) < Number(after) || (byAge(it) === Number(after) && it.id < (afterId ?? '')));
  return ok({
    opportunities: rest.slice(0, limit).map((it) => opportunityView(call.world, it)),
    total: found.length,
    aggregations: {},
  });
}

export const opportunitySearchEndpoints: Endpoint[] = [
  { method: 'get', path: '/opportunities/search', scopes: read, handle: searchByQuery },
  { method: 'post', path: '/opportunities/search', scopes: read, handle: searchByBody },
];
