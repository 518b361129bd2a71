import { ApiError } from '../apiError.ts';
import { type CallOptions, unexpectedAnswer } from '../callApi.ts';
import { type GhlCalls, made } from './call.ts';
import { contactBody, type ContactCreate, type ContactWrite, contactSeen, type GhlContactSeen } from './contact.ts';
import * as s from './schemas.ts';

export interface SearchQuery {
  /** At most 500. */
  pageLimit: number;
  /** Of the last contact of the page before. */
  searchAfter?: (string | number)[] | undefined;
  /** From 1; for a page behind one whose contacts carry no `searchAfter`. */
  page?: number | undefined;
  sort?: { field: string; direction: 'asc' | 'desc' }[];
  filters?: { field: string; operator: string; value?: unknown }[];
}

/** A row of a search page: good for matching only, the index lags and may lower-case names (ghl.md §5.3). */
export type SearchedContact = GhlContactSeen & { searchAfter: (string | number)[] | null };

export interface BulkTagsRow {
  contactId: string;
  ok: boolean;
  message: string;
}

/** Contacts and their tags (ghl.md §5). */
export function contactCalls({ call, locationId }: GhlCalls) {
  const tags =
    (method: 'POST' | 'DELETE') =>
    (contactId: string, names: string[], options: CallOptions = {}) =>
      call(
        {
          method,
          path: '/contacts/{id}/tags',
          params: { id: contactId },
          body: { tags: names },
          schema: s.tagsAnswer,
          ...options,
        },
        // null: the answer does not say
        (data) => ({ tags: Array.isArray(data.tags) ? data.tags : null }),
      );

  return {
    /** One page. `total` is null when the answer does not tell. The index lags behind writes. */
    searchContacts: ({ pageLimit, searchAfter, page = 1, sort, filters }: SearchQuery, options: CallOptions = {}) =>
      call(
        {
          method: 'POST',
          path: '/contacts/search',
          body: { locationId, pageLimit, ...(searchAfter ? { searchAfter } : { page }), sort, filters },
          isRead: true,
          schema: s.searchAnswer,
          ...options,
        },
        (data) => ({
          contacts: data.contacts.map((body): SearchedContact => ({
            ...contactSeen(body),
            searchAfter: body.searchAfter ?? null,
          })),
          total: data.total ?? data.count ?? null,
        }),
      ),

    /** By the location's own rules (ghl.md §5.2); `contact` is null when nobody has it. Not the lagging index. */
    searchDuplicate: (by: { phone?: string | undefined; email?: string | undefined }, options: CallOptions = {}) =>
      call(
        {
          method: 'GET',
          path: '/contacts/search/duplicate',
          query: { locationId, number: by.phone, email: by.email },
          schema: s.duplicateAnswer,
          ...options,
        },
        ({ contact }) => ({ contact: contact ? contactSeen(contact) : null }),
      ),

    /** Rejects with class `gone` for an unknown or deleted id, which GHL answers with 400 or 404. */
    getContact: (contactId: string, options: CallOptions = {}) =>
      call(
        { method: 'GET', path: '/contacts/{id}', params: { id: contactId }, schema: s.contactAnswer, ...options },
        ({ contact }) => ({ contact: contactSeen(contact) }),
      ),

    /** A duplicate is class `conflict` with `meta.contactId` and `field` (ghl.md §4). */
    createContact: (contact: ContactCreate, options: CallOptions = {}) =>
      naming(contact, () =>
        call(
          {
            method: 'POST',
            path: '/contacts/',
            body: { ...contactBody(contact), locationId },
            schema: s.contactAnswer,
            ...options,
          },
          made(s.contactAnswer, (data) => ({ contact: contactSeen(data.contact) })),
        ),
      ),

    /** `contact` is null when the 2xx did not show it: the write happened, what it left behind has to be read. */
    updateContact: (contactId: string, write: ContactWrite, options: CallOptions = {}) =>
      naming(write, () =>
        call(
          {
            method: 'PUT',
            path: '/contacts/{id}',
            params: { id: contactId },
            body: contactBody(write),
            schema: s.contactAnswer,
            ...options,
          },
          (data, answer) => ({ contact: answer.asExpected ? contactSeen(data.contact) : null }),
        ),
      ),

    /** `tags`: the contact's tags afterwards, null when the answer does not say. */
    addTags: tags('POST'),
    removeTags: tags('DELETE'),

    /** Each contact has its own row; one that the answer leaves out is `ok: false`, `not in the answer`. */
    bulkTags: (type: 'add' | 'remove', contactIds: string[], names: string[], options: CallOptions = {}) =>
      call(
        {
          method: 'POST',
          path: '/contacts/bulk/tags/update/{type}',
          params: { type },
          body: { contacts: contactIds, tags: names, locationId },
          schema: s.bulkTagsAnswer,
          ...options,
        },
        (data, answer) => {
          if (!answer.asExpected) throw unexpectedAnswer('ghl', answer.status, answer.traceId, 'no rows', true);
          const said = new Map(data.responses.map((row) => [row.contactId, row]));
          const rows = contactIds.map((contactId): BulkTagsRow => {
            const row = said.get(contactId);
            // Some answers count errors and list nothing: none is none.
            if (!row && data.responses.length === 0 && data.errorCount === 0)
              return { contactId, ok: true, message: '' };
            if (!row) return { contactId, ok: false, message: 'not in the answer' };
            return { contactId, ok: row.type !== 'error', message: row.message ?? '' };
          });
          return { rows };
        },
      ),
  };
}

/** GHL counts custom fields of the body (`customFields.0.field_value …`): says which one that is. */
async function naming<T>(write: ContactWrite, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const at =
      error instanceof ApiError ? /^customFields[.[]+(\d{1,3})(?:[.\]]|$)/i.exec(error.field ?? '')?.[1] : undefined;
    const id = at === undefined ? undefined : write.customFields?.[Number(at)]?.id;
    if (!(error instanceof ApiError) || id === undefined) throw error;
    throw new ApiError(error.message, {
      side: error.side,
      class: error.class,
      code: error.code,
      status: error.status,
      traceId: error.traceId,
      field: `customFields.${id}`,
      meta: error.meta,
      answered: error.answered,
      mayHaveLanded: error.mayHaveLanded,
      retryAfterMs: error.retryAfterMs,
      cause: error,
    });
  }
}
