import type { ZodType } from 'zod';
import { type Api, type ApiAnswer, type ApiRequest, unexpectedAnswer } from '../callApi.ts';

/** What every answer brings besides its value. `dateMs` is the remote's clock; null when the answer had no `Date`. */
export interface Answered {
  traceId: string | null;
  dateMs: number | null;
}

/** What the groups of calls need. */
export interface GhlCalls {
  locationId: string;
  call: <T, V>(request: ApiRequest<T>, use: (data: T, answer: ApiAnswer<T>) => V) => Promise<V & Answered>;
}

/** GHL wants it on every call; other versions spell bodies differently (ghl.md §1). Never a Location-Id header: §4. */
const headers = { Version: '2021-07-28' };

export function createGhlCalls(api: Api, locationId: string): GhlCalls {
  return {
    locationId,
    call: async (request, use) => {
      const answer = await api.call({ ...request, headers });
      return { ...use(answer.data, answer), traceId: answer.traceId, dateMs: answer.dateMs };
    },
  };
}

/** For creations: reads what was made, or rejects with `unexpected_answer`, check-first, when the 2xx names no id. */
export const made =
  <T, V>(schema: ZodType<T>, read: (data: T) => V) =>
  (data: T, answer: ApiAnswer<T>): V => {
    const parsed = schema.safeParse(data);
    if (parsed.success) return read(parsed.data);
    throw unexpectedAnswer('ghl', answer.status, answer.traceId, 'no id of what was made', true);
  };
