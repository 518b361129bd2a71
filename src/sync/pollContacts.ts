import type { Connection, LocationFacts } from '../domain/connection.ts';
import type { FieldRow } from '../domain/fieldMap.ts';
import { tagsOfContact, valuesOfContact } from '../domain/observe.ts';
import { isKnownUpdate, POLL_OVERLAP_MS, type PollCursor, pollFrom } from '../domain/pollRule.ts';
import type { Logger } from '../log.ts';
import type { GhlClient, SearchedContact } from '../platforms/ghl/client.ts';
import type { ConnectionStore } from '../store/connections.ts';
import type { ContactRow } from '../store/contacts.ts';
import { markContacts } from '../store/marks.ts';
import type { Store } from '../store/store.ts';
import { type Shown, type Standing, standingsOf } from './ghlStanding.ts';
import { writtenAtMs } from './writtenAt.ts';

export interface PollNeeds {
  store: Store;
  log: Pick<Logger, 'warn'>;
  connections: Pick<ConnectionStore, 'remembered' | 'rememberCursor'>;
  connection: Connection;
  facts: Pick<LocationFacts, 'fieldIds' | 'timeZone'>;
  rows: readonly FieldRow[];
  ghl: Pick<GhlClient, 'searchContacts'>;
  signal: AbortSignal;
}

const CURSOR = 'poll';
/** Enough for a quiet five minutes; what follows is asked for in the largest pages that GHL gives. */
const FIRST_PAGE = 100;
const NEXT_PAGE = 500;
/** Of what a poll marked so many are remembered; one too many costs a read, not an edit. */
const TOLD_MAX = 500;

/**
 * Asks GHL which contacts were updated since the last poll, newest first, and marks those that are not known already for
 * a read (SPEC §3.1). One call when nothing changed. The cursor moves when all pages are stored: a poll that was
 * interrupted is made again as a whole, and marking twice is marking once. Rejects with ApiError. Does nothing for a
 * connection that was never activated.
 */
export async function pollContacts(needs: PollNeeds): Promise<{ calls: number; marked: number }> {
  const { store, connection, signal } = needs;
  const activatedAtMs = connection.activatedAt?.getTime();
  const done = { calls: 0, marked: 0 };
  if (activatedAtMs === undefined || connection.mode === 'observe') return done;
  const cursors = (await needs.connections.remembered(connection.id))?.cursors ?? {};
  const before = (cursors[CURSOR] as PollCursor | undefined) ?? null;
  // Until the location's contacts were read, who is already there is found by the first link itself.
  const indexed = (cursors['contacts'] as { doneAtMs?: number | null } | undefined)?.doneAtMs != null;
  const fromMs = pollFrom(before, activatedAtMs);
  const told = new Map(before?.told);
  let untilMs: number | null = null;
  let lastId: string | null = null;
  let read = 0;
  for (let after: SearchedContact['searchAfter'] = null, page = 1; ; page++) {
    signal.throwIfAborted();
    const { contacts, total, dateMs } = await needs.ghl.searchContacts(
      {
        pageLimit: after ? NEXT_PAGE : FIRST_PAGE,
        ...(after ? { searchAfter: after } : { page }),
        sort: [{ field: 'dateUpdated', direction: 'desc' }],
      },
      { signal },
    );
    done.calls += 1;
    read += contacts.length;
    untilMs ??= dateMs ?? store.clock.nowMs();
    const last = contacts.at(-1);
    if (contacts.some((contact) => contact.dateUpdated === null))
      needs.log.warn('GHL lists contacts without dateUpdated: their changes cannot be polled', {
        connection: connection.id,
      });
    const updated = contacts.filter(({ dateUpdated }) => dateUpdated !== null && dateUpdated.getTime() >= fromMs);
    done.marked += await markUnknown(needs, updated, told, indexed);
    // The oldest of the page is older than the window, or there is no further page (one that repeats itself is none). A
    // short page alone does not say so: GHL may give fewer than were asked for.
    const over = !last || last.id === lastId || (total !== null && read >= total);
    if (over || updated.length < contacts.length) break;
    lastId = last.id;
    after = last.searchAfter;
  }
  const next: PollCursor = { untilMs, told: recent(told, untilMs) };
  await needs.connections.rememberCursor(connection.id, CURSOR, next);
  return done;
}

/** What the next poll reads again because of the overlap. */
const recent = (told: ReadonlyMap<string, number>, untilMs: number): PollCursor['told'] =>
  [...told]
    .filter(([, updatedAtMs]) => updatedAtMs >= untilMs - POLL_OVERLAP_MS)
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, TOLD_MAX);

async function markUnknown(
  needs: PollNeeds,
  contacts: readonly SearchedContact[],
  told: Map<string, number>,
  indexed: boolean,
): Promise<number> {
  const { store, connection } = needs;
  const updatedAtMs = (contact: SearchedContact) => (contact.dateUpdated as Date).getTime();
  const news = contacts.filter((contact) => told.get(contact.id) !== updatedAtMs(contact));
  if (news.length === 0) return 0;
  const shown = news.map((contact) => ({ ...shownOf(needs, contact), updatedAtMs: updatedAtMs(contact) }));
  const marked = await store.tx(async (db) => {
    const standing = await standingsOf(store, db, connection, needs.rows, shown);
    const found = shown.filter((contact) => isWorthARead(standing(contact), contact.updatedAtMs, indexed));
    const marks = found.map(({ contactId }) => ({ contactId, eventId: null }));
    await markContacts(store, db, connection.id, marks);
    return found;
  });
  for (const contact of marked) told.set(contact.contactId, contact.updatedAtMs);
  return marked.length;
}

/** Ids and times decide; of the values only whom the contact may belong to. */
function isWorthARead(standing: Standing, updatedAtMs: number, indexed: boolean): boolean {
  switch (standing.kind) {
    case 'linked':
      return !isKnownUpdate(updatedAtMs, knowledge(standing.contact, writtenAtMs(standing.link)));
    case 'being_made':
      return false;
    case 'gone':
      // It is in the list, so it exists.
      return true;
    case 'unlinked': {
      const { contact, matches, newcomer } = standing;
      // A page of the index shows a newcomer, but nobody has decided about it yet.
      const decided = contact !== null && (contact.seenBy === 'answer' || !newcomer);
      if (decided && isKnownUpdate(updatedAtMs, knowledge(contact, null))) return false;
      return matches ? indexed : newcomer;
    }
  }
}

const knowledge = (contact: ContactRow | null, writtenMs: number | null) => ({
  dateUpdatedMs: contact?.dateUpdated?.getTime() ?? null,
  writtenAtMs: writtenMs,
});

function shownOf({ connection, facts, rows }: PollNeeds, contact: SearchedContact): Shown {
  const locale = { defaultCountry: connection.defaultCountry, timeZone: connection.timeZone ?? facts.timeZone };
  return {
    contactId: contact.id,
    shown: {
      values: valuesOfContact(contact, rows, facts.fieldIds, locale),
      tags: contact.hasTags ? tagsOfContact(contact.tags) : null,
      dnd: null,
      dateAddedMs: contact.dateAdded?.getTime() ?? null,
    },
  };
}
