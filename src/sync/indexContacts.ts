import { tagsOfContact, valuesOfContact } from '../domain/observe.ts';
import type { SearchedContact } from '../platforms/ghl/client.ts';
import type { ConnectionStore } from '../store/connections.ts';
import { type ContactRow, writePageContacts } from '../store/contacts.ts';
import { FIRST_PAGE, type PageCursor, readContactPage } from './contactPages.ts';
import { type JobContext, keysOfValues } from './jobContext.ts';

interface IndexCursor extends PageCursor {
  doneAtMs: number | null;
}

/** Whether all of the location's contacts were read: nothing is asked any more. */
export const isIndexed = async (
  ctx: Pick<JobContext, 'connection'>,
  connections: Pick<ConnectionStore, 'remembered'>,
): Promise<boolean> =>
  ((await connections.remembered(ctx.connection.id))?.cursors['contacts'] as IndexCursor | undefined)?.doneAtMs != null;

/**
 * Reads the location's contacts once, in pages, before the first links (SPEC §2.5); the cursor is kept after each
 * page, so that a restart goes on where it stopped. Good for matching only: the index lags.
 */
export async function indexContacts(
  ctx: JobContext,
  connections: Pick<ConnectionStore, 'rememberCursor' | 'remembered'>,
): Promise<void> {
  const stored = (await connections.remembered(ctx.connection.id))?.cursors['contacts'] as IndexCursor | undefined;
  let cursor: IndexCursor = stored ?? { ...FIRST_PAGE, doneAtMs: null };
  while (cursor.doneAtMs === null) {
    const page = await readContactPage(ctx.ghl, cursor, ctx.signal);
    const rows = page.contacts.map((contact) => pageRow(ctx, contact));
    await ctx.store.tx((db) => writePageContacts(ctx.store, db, rows));
    cursor = {
      ...page.next,
      doneAtMs: page.over ? ctx.store.clock.nowMs() : null,
    };
    await connections.rememberCursor(ctx.connection.id, 'contacts', cursor);
  }
}

function pageRow(ctx: JobContext, seen: SearchedContact): ContactRow {
  const now = ctx.store.clock.now();
  const values = valuesOfContact(seen, ctx.rows, ctx.facts.fieldIds, ctx.locale);
  return {
    connectionId: ctx.connection.id,
    ghlContactId: seen.id,
    ...keysOfValues(values, ctx.connection.defaultCountry),
    values,
    tags: tagsOfContact(seen.tags),
    seenBy: 'page',
    deleted: false,
    version: 0,
    pushedVersion: 0,
    syncStatus: 'SYNCED',
    syncError: null,
    attempts: 0,
    nextAttemptAt: null,
    readWanted: false,
    dateAdded: seen.dateAdded,
    dateUpdated: seen.dateUpdated,
    observedAt: null,
    createdAt: now,
    updatedAt: now,
  };
}
