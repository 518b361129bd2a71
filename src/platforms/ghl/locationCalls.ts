import type { CallOptions } from '../callApi.ts';
import { type GhlCalls, made } from './call.ts';
import * as s from './schemas.ts';

/** The location itself and its custom fields (ghl.md §6, §7). */
export function locationCalls({ call, locationId }: GhlCalls) {
  return {
    /** Also the connection test: token, location, clock (ghl.md §7). */
    getLocation: (options: CallOptions = {}) =>
      call(
        { method: 'GET', path: '/locations/{id}', params: { id: locationId }, schema: s.locationAnswer, ...options },
        ({ location }) => ({ location }),
      ),

    listCustomFields: (options: CallOptions = {}) =>
      call(
        {
          method: 'GET',
          path: '/locations/{id}/customFields',
          params: { id: locationId },
          query: { model: 'contact' },
          schema: s.customFieldsAnswer,
          ...options,
        },
        ({ customFields }) => ({ customFields }),
      ),

    /** GHL makes the fieldKey from the name (ghl.md §6). A name that exists is some 4xx: list again. */
    createCustomField: (
      field: { name: string; dataType: 'TEXT' | 'NUMERICAL' | 'DATE'; placeholder?: string; position?: number },
      options: CallOptions = {},
    ) =>
      call(
        {
          method: 'POST',
          path: '/locations/{id}/customFields',
          params: { id: locationId },
          body: { ...field, model: 'contact' },
          schema: s.customFieldAnswer,
          ...options,
        },
        made(s.customFieldAnswer, ({ customField }) => ({ customField })),
      ),
  };
}
