import type { Connection, LocationFacts } from '../domain/connection.ts';
import { type ContactIndex, createContactIndex } from '../domain/contactIndex.ts';
import type { FieldRow, TagMap } from '../domain/fieldMap.ts';
import { emptyReport, type FirstLinkReport } from '../domain/firstLink.ts';
import type { ConnectionMaps } from '../domain/mapOverrides.ts';
import { tagsOfContact, valuesOfContact } from '../domain/observe.ts';
import { AppError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { isApiError } from '../platforms/apiError.ts';
import type { GhlClient } from '../platforms/ghl/client.ts';
import type { GhlSide } from '../platforms/ghl/sides.ts';
import { linkedCustomers } from '../store/links.ts';
import { allPairs } from '../store/pairs.ts';
import type { Store } from '../store/store.ts';
import { FIRST_PAGE, readContactPage } from '../sync/contactPages.ts';
import { keysOfValues } from '../sync/jobContext.ts';
import type { PlanContext } from '../sync/pairValues.ts';
import { findFields, locationOf } from '../sync/provisionFields.ts';
import { haltOf } from '../sync/settleFailure.ts';
import { addPeople, contactsFor, type PeopleContext } from './firstLinkPeople.ts';

export interface FirstLinkNeeds {
  store: Store;
  log: Logger;
  rows: readonly FieldRow[];
  tagMap: TagMap;
  ghlSideOf(connection: Connection): GhlSide | null;
  /** null = nothing is ever written to Sticky Cards. */
  stickySideOf(connection: Connection): unknown;
  /** Folds everything that was committed before, as far as this process may. */
  foldAll(connection: Connection): Promise<void>;
}

/** As a run takes them, so that calls for tags are shared by the same people. */
const PAGE = 200;

/**
 * What going live would do (SPEC §6): reads the location's contacts, matches and plans everybody as the first run
 * would, and writes nothing, on neither side and not here. Throws AppError `ghl_not_configured`, one of the codes of a
 * paused side (409), or `ghl_unavailable` (503).
 */
export async function firstLinkReport(
  needs: FirstLinkNeeds,
  connection: Connection,
  signal: AbortSignal,
): Promise<FirstLinkReport> {
  const side = needs.ghlSideOf(connection);
  if (!side) {
    throw new AppError(
      'ghl_not_configured',
      'set the GHL location and its token first: they say whose contacts are read',
      {
        httpStatus: 409,
      },
    );
  }
  try {
    await needs.foldAll(connection);
    return await reported(needs, connection, side.client, signal);
  } catch (error) {
    const halt = haltOf(error);
    if (halt) throw new AppError(halt.code, halt.message, { httpStatus: 409, cause: error });
    if (!isApiError(error)) throw error;
    throw new AppError('ghl_unavailable', `the contacts cannot be read from GHL now: ${error.message}`, {
      httpStatus: 503,
      retry: 'later',
      cause: error,
    });
  }
}

async function reported(
  needs: FirstLinkNeeds,
  connection: Connection,
  ghl: GhlClient,
  signal: AbortSignal,
): Promise<FirstLinkReport> {
  const { store, rows, tagMap } = needs;
  const report = emptyReport(connection.id, connection.mode, store.clock.now());
  const { readable, facts } = await locationFacts(needs, connection, ghl, report);
  const timeZone = connection.timeZone ?? facts.timeZone;
  const plan: PlanContext = {
    rows,
    tagMap,
    connection,
    facts,
    locale: { defaultCountry: connection.defaultCountry, timeZone },
  };
  const index = createContactIndex();
  const pages = await readContacts(plan, readable, index, ghl, report, signal);
  const ctx: PeopleContext = { ...plan, report, index, owners: new Map(), nowMs: store.clock.nowMs() };
  for (let after: string | undefined = ''; after !== undefined;) {
    signal.throwIfAborted();
    const pairs = await allPairs(store, connection.id, after, PAGE);
    const ids = pairs.flatMap((pair) => (pair.link?.state === 'live' ? [] : contactsFor(ctx, pair)));
    const linked = await linkedCustomers(store, store.db, connection.id, [...new Set(ids.map((c) => c.ghlContactId))]);
    for (const [contactId, customerId] of linked) ctx.owners.set(contactId, customerId);
    addPeople(ctx, pairs);
    after = pairs.at(-1)?.customer.stickycardsId;
    // Whoever waits for an answer meanwhile goes first.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const indexed = (connection.cursors['contacts'] as { doneAtMs?: number | null } | undefined)?.doneAtMs != null;
  if (!indexed && report.linked < report.customers) report.apiCalls += pages;
  // A run that may write to Sticky Cards asks first what changed in GHL (SPEC §3.1).
  if (needs.stickySideOf(connection)) report.apiCalls += 1;
  return report;
}

/**
 * The location as the first run would find it once its fields are made: those that are missing count as writable, with
 * an id that no contact has. Without the scope to list fields nothing is known of them but their names.
 */
async function locationFacts(
  { store, log, rows }: FirstLinkNeeds,
  connection: Connection,
  ghl: GhlClient,
  report: FirstLinkReport,
): Promise<{ facts: LocationFacts; readable: Record<string, string> }> {
  const location = await locationOf(ghl, { connectionId: connection.id, timeZone: connection.timeZone, log });
  const fields = await ghl.listCustomFields().then(
    ({ customFields }) => customFields,
    (error: unknown) => {
      if (!isApiError(error, 'scope')) throw error;
      return null;
    },
  );
  const found = findFields(fields ?? [], rows);
  if (fields === null) {
    report.notes.push(
      'The GHL token may not read custom fields: which exist is not known, and the first run would stop at once. Give it the scopes locations/customFields.readonly and locations/customFields.write.',
    );
  } else {
    report.fieldsToMake = found.missing;
    report.fieldsOfWrongType = found.wrongType;
    const known = connection.location;
    if (!known || rows.some((row) => row.ghl === 'custom' && known.fieldIds[row.key] === undefined))
      report.apiCalls += 2 + found.missing.length;
  }
  const toBeMade = Object.fromEntries(found.missing.map((key) => [key, '']));
  return {
    readable: found.fieldIds,
    facts: { ...location, fieldIds: { ...toBeMade, ...found.fieldIds }, readAtMs: store.clock.nowMs() },
  };
}

/** Reads all contacts into the index; answers how many pages that took. */
async function readContacts(
  { rows, locale, connection }: PlanContext,
  fieldIds: Record<string, string>,
  index: ContactIndex,
  ghl: GhlClient,
  report: FirstLinkReport,
  signal: AbortSignal,
): Promise<number> {
  const seen = new Set<string>();
  let cursor = FIRST_PAGE;
  for (let pages = 1; ; pages++) {
    const page = await readContactPage(ghl, cursor, signal);
    for (const contact of page.contacts) {
      // Contacts that are made meanwhile may move others to the next page.
      if (seen.has(contact.id)) continue;
      seen.add(contact.id);
      const values = valuesOfContact(contact, rows, fieldIds, locale);
      index.put({
        ghlContactId: contact.id,
        ...keysOfValues(values, connection.defaultCountry),
        addedAtMs: contact.dateAdded?.getTime() ?? null,
        values: index.shownAs(values),
        tags: index.tagsOf(tagsOfContact(contact.tags)),
      });
    }
    cursor = page.next;
    if (!page.over) continue;
    report.contacts = seen.size;
    return pages;
  }
}

export interface FirstLinkReports {
  /** Whoever asks while a report is being made gets that one. */
  of(connection: Connection): Promise<FirstLinkReport>;
  /** Ends what is being made; resolves when nothing reads the database any more. */
  close(): Promise<void>;
}

export function createFirstLinkReports(
  needs: Omit<FirstLinkNeeds, 'rows' | 'tagMap'> & { mapsOf(connection: Connection): ConnectionMaps },
): FirstLinkReports {
  const stop = new AbortController();
  const making = new Map<string, Promise<FirstLinkReport>>();
  return {
    of: (connection) => {
      const known = making.get(connection.id);
      if (known) return known;
      const maps = needs.mapsOf(connection);
      const made = firstLinkReport({ ...needs, ...maps }, connection, stop.signal).finally(() =>
        making.delete(connection.id),
      );
      making.set(connection.id, made);
      return made;
    },
    close: async () => {
      stop.abort(new AppError('stopping', 'the service is stopping', { retry: 'later' }));
      await Promise.allSettled(making.values());
    },
  };
}
