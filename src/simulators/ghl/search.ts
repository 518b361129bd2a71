import { anything, checkedBody, number, text } from './bodyRules.ts';
import { searchedContactView } from './contactViews.ts';
import { locationOf, ok, type Answer, type Call, type Endpoint } from './endpoint.ts';
import { unprocessable } from './refusals.ts';
import { filtersOf } from './searchFilters.ts';
import type { StoredContact } from './world.ts';

const pageLimitMax = 500;
/** Pages by number end here; deeper ones are asked for with `searchAfter` (ghl.md §5.3). */
const numberedRecordsMax = 10_000;

const shape = {
  locationId: text,
  page: number,
  pageLimit: number,
  query: text,
  filters: anything,
  sort: anything,
  searchAfter: anything,
};

// One function per sort field, always the same one: the index keeps its sorted lists by it.
const sortFields: Record<string, (contact: StoredContact) => number> = {
  dateAdded: (contact) => contact.dateAddedMs,
  dateUpdated: (contact) => contact.dateUpdatedMs,
};

function sortOf(sort: unknown): { value: (contact: StoredContact) => number; descending: boolean } {
  if (sort === undefined) return { value: sortFields.dateAdded!, descending: true };
  const first = (Array.isArray(sort) ? sort[0] : undefined) as { field?: unknown; direction?: unknown } | undefined;
  const value = typeof first?.field === 'string' ? sortFields[first.field] : undefined;
  if (!value) throw unprocessable([`sort.0.field must be one of the following values: dateAdded, dateUpdated`]);
  if (first?.direction !== 'asc' && first?.direction !== 'desc') {
    throw unprocessable(['sort.0.direction must be one of the following values: asc, desc']);
  }
  return { value, descending: first.direction === 'desc' };
}

function searchAfterOf(given: unknown): [number, string] | undefined {
  if (given === undefined || (Array.isArray(given) && given.length === 0)) return undefined;
  if (Array.isArray(given) && given.length === 2 && Number.isFinite(Number(given[0]))) {
    return [Number(given[0]), String(given[1])];
  }
  throw unprocessable(['searchAfter must be the searchAfter of a contact']);
}

/** How many of the ascending list come before (value, id). */
function countBefore(
  sorted: readonly StoredContact[],
  value: (contact: StoredContact) => number,
  [at, id]: [number, string],
  orEqual: boolean,
): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const contact = sorted[middle]!;
    const difference = value(contact) - at || (contact.id < id ? -1 : contact.id > id ? 1 : 0);
    if (difference < 0 || (orEqual && difference === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function search(call: Call): Answer {
  const body = checkedBody(call.body, shape, ['locationId', 'pageLimit']);
  const location = locationOf(call, body.locationId);
  const page = (body.page as number | undefined) ?? 1;
  const pageLimit = body.pageLimit as number;
  if (!Number.isInteger(pageLimit) || pageLimit < 1 || pageLimit > pageLimitMax) {
    throw unprocessable([`pageLimit must be between 1 and ${pageLimitMax}`]);
  }
  if (!Number.isInteger(page) || page < 1) throw unprocessable(['page must not be less than 1']);
  const after = searchAfterOf(body.searchAfter);
  if (!after && page * pageLimit > numberedRecordsMax) {
    throw unprocessable([`page: more than ${numberedRecordsMax} records need searchAfter`]);
  }
  const { value, descending } = sortOf(body.sort);
  const matches = filtersOf(body.filters);
  const query = (body.query as string | undefined)?.toLowerCase();

  const sorted = location.contactIndex.sortedBy(value);
  // From `start`, in steps of `step`, to the end of the list.
  const step = descending ? -1 : 1;
  let start = descending ? sorted.length - 1 : 0;
  if (after)
    start = descending ? countBefore(sorted, value, after, false) - 1 : countBefore(sorted, value, after, true);
  let skip = after ? 0 : (page - 1) * pageLimit;
  let total = 0;
  const found: StoredContact[] = [];
  const wanted = (contact: StoredContact): boolean =>
    (!matches || matches(contact)) &&
    (!query || Object.values(contact.fields).some((it) => it.toLowerCase().includes(query)));

  if (matches || query) for (const contact of sorted) total += wanted(contact) ? 1 : 0;
  else total = sorted.length;
  for (let i = start; i >= 0 && i < sorted.length && found.length < pageLimit; i += step) {
    const contact = sorted[i]!;
    if (!wanted(contact)) continue;
    if (skip > 0) skip -= 1;
    else found.push(contact);
  }
  return ok({
    contacts: found.map((contact) => searchedContactView(call.world, contact, value(contact))),
    total,
  });
}

export const searchEndpoints: Endpoint[] = [
  { method: 'post', path: '/contacts/search', scopes: ['contacts.readonly'], handle: search },
];
