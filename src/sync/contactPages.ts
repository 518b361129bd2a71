import type { GhlClient, SearchedContact } from '../platforms/ghl/client.ts';

/** What a page may hold (reference/ghl.md §5.3). */
const PAGE = 500;

/** Where the reading of a location's contacts goes on. */
export interface PageCursor {
  searchAfter: (string | number)[] | null;
  /** The page to be read next, where contacts carry no `searchAfter`. */
  page: number;
  /** The id that the last page ended with: a page that repeats it shows that the cursor is not understood. */
  lastId: string | null;
  /** How many contacts were read so far. */
  read: number;
}

export const FIRST_PAGE: PageCursor = { searchAfter: null, page: 1, lastId: null, read: 0 };

export interface ContactPage {
  contacts: SearchedContact[];
  /** Where the next page begins. */
  next: PageCursor;
  /** There is none. */
  over: boolean;
}

/** One page of a location's contacts, oldest first. Good for matching only: the index lags. Stores nothing. */
export async function readContactPage(
  ghl: Pick<GhlClient, 'searchContacts'>,
  cursor: PageCursor,
  signal: AbortSignal,
): Promise<ContactPage> {
  signal.throwIfAborted();
  const { contacts, total } = await ghl.searchContacts(
    {
      pageLimit: PAGE,
      ...(cursor.searchAfter ? { searchAfter: cursor.searchAfter } : { page: cursor.page }),
      sort: [{ field: 'dateAdded', direction: 'asc' }],
    },
    { signal },
  );
  const last = contacts.at(-1);
  const read = cursor.read + contacts.length;
  return {
    contacts,
    next: { searchAfter: last?.searchAfter ?? null, page: cursor.page + 1, lastId: last?.id ?? cursor.lastId, read },
    // A short page is not the last one: GHL may give fewer than were asked for.
    over: !last || last.id === cursor.lastId || (total !== null && read >= total),
  };
}
