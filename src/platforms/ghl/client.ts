import type { Api } from '../callApi.ts';
import { createGhlCalls } from './call.ts';
import { contactCalls } from './contactCalls.ts';
import { locationCalls } from './locationCalls.ts';
import { noteCalls } from './noteCalls.ts';
import { opportunityCalls } from './opportunityCalls.ts';

export type { Answered } from './call.ts';
export type { ContactCreate, ContactWrite, CustomFieldWrite, GhlContactSeen } from './contact.ts';
export type { BulkTagsRow, SearchedContact, SearchQuery } from './contactCalls.ts';
export type { OpportunityCreate, OpportunityWrite } from './opportunityCalls.ts';
export type { GhlCustomField, GhlLocation, GhlNote, GhlOpportunity, GhlPipeline, GhlTask } from './schemas.ts';

export type GhlClient = ReturnType<typeof createGhlClient>;

/**
 * GHL's API for one location (ghl.md §5 to §8). Every answer is `{ value…, traceId, dateMs }`; all functions take
 * CallOptions last and reject with ApiError. A creation whose 2xx names no id rejects with `unexpected_answer`,
 * check-first: it was made, but nobody can say which one it is.
 */
export function createGhlClient({ api, locationId }: { api: Api; locationId: string }) {
  const calls = createGhlCalls(api, locationId);
  return {
    locationId,
    ...locationCalls(calls),
    ...contactCalls(calls),
    ...noteCalls(calls),
    ...opportunityCalls(calls),
  };
}
