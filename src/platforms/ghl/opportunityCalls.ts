import type { CallOptions } from '../callApi.ts';
import { type GhlCalls, made } from './call.ts';
import * as s from './schemas.ts';

export interface OpportunityWrite {
  pipelineId?: string;
  pipelineStageId?: string;
  name?: string;
  status?: 'open' | 'won' | 'lost' | 'abandoned';
  /** In major units. */
  monetaryValue?: number;
}

export type OpportunityCreate = OpportunityWrite & {
  contactId: string;
  pipelineId: string;
  name: string;
  status: string;
};

/** Pipelines and opportunities (ghl.md §8). */
export function opportunityCalls({ call, locationId }: GhlCalls) {
  return {
    listPipelines: (options: CallOptions = {}) =>
      call(
        {
          method: 'GET',
          path: '/opportunities/pipelines',
          query: { locationId },
          schema: s.pipelinesAnswer,
          ...options,
        },
        ({ pipelines }) => ({ pipelines }),
      ),

    /** Its index lags: what was just made may not show yet (SPEC §3.5). Query names are snake_case here (ghl.md §8). */
    searchOpportunities: (
      by: { contactId?: string; pipelineId?: string; q?: string; limit?: number },
      options: CallOptions = {},
    ) =>
      call(
        {
          method: 'GET',
          path: '/opportunities/search',
          query: {
            location_id: locationId,
            contact_id: by.contactId,
            pipeline_id: by.pipelineId,
            q: by.q,
            limit: by.limit ?? 100,
          },
          schema: s.opportunitiesAnswer,
          ...options,
        },
        ({ opportunities }) => ({ opportunities }),
      ),

    getOpportunity: (opportunityId: string, options: CallOptions = {}) =>
      call(
        {
          method: 'GET',
          path: '/opportunities/{id}',
          params: { id: opportunityId },
          schema: s.opportunityAnswer,
          ...options,
        },
        ({ opportunity }) => ({ opportunity }),
      ),

    /** One that exists already is class `conflict`, code `opportunity_no_duplicate`, with `meta.existingId`. */
    createOpportunity: (opportunity: OpportunityCreate, options: CallOptions = {}) =>
      call(
        {
          method: 'POST',
          path: '/opportunities/',
          body: { ...opportunity, locationId },
          schema: s.opportunityAnswer,
          ...options,
        },
        made(s.opportunityAnswer, (data) => ({ opportunity: data.opportunity })),
      ),

    /** `opportunity` is null when the 2xx did not show it. */
    updateOpportunity: (opportunityId: string, write: OpportunityWrite, options: CallOptions = {}) =>
      call(
        {
          method: 'PUT',
          path: '/opportunities/{id}',
          params: { id: opportunityId },
          body: write,
          schema: s.opportunityAnswer,
          ...options,
        },
        (data, answer) => ({ opportunity: answer.asExpected ? data.opportunity : null }),
      ),
  };
}
