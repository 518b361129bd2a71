// People who are linked to their contacts already, written as rows: what benches of a run start from.
import { join } from 'node:path';
import { newCard } from '../src/domain/stagedRecord.ts';
import { loadMaps } from '../src/maps.ts';
import { projectRoot } from '../src/paths.ts';
import type { SeedContact } from '../src/simulators/ghl/types.ts';
import { newLink, writeLinks } from '../src/store/links.ts';
import type { Pair } from '../src/store/pairs.ts';
import { cardRow, type CustomerRow, newCustomerRow, writePeople } from '../src/store/staging.ts';
import { type ContactRow, writeContacts } from '../src/store/contacts.ts';
import type { Store } from '../src/store/store.ts';
import { stickyValues, wantedTags } from '../src/sync/pairValues.ts';

export const CONNECTION = 'default';
const DAY_MS = 86_400_000;
/** Not long ago: nobody is inactive. */
const FIRST_DAY_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS - 20 * DAY_MS + DAY_MS / 2;
const maps = loadMaps(join(projectRoot, 'config'));

export const fieldIdOf = (key: string) => `fld_${key}`;
export const contactIdOf = (n: number) => `con_${String(n).padStart(7, '0')}`;
export const customerIdOf = (n: number) => `cus_${String(n).padStart(7, '0')}`;
const cardIdOf = (n: number) => `card_${String(n).padStart(7, '0')}`;

function customerRow(n: number, connectionId = CONNECTION): CustomerRow {
  const at = new Date(FIRST_DAY_MS);
  const empty = newCustomerRow(connectionId, customerIdOf(n), at);
  return {
    ...empty,
    // What a later delivery folds to must be what the columns show.
    foldState: { ...empty.foldState, referralFloor: n % 3 },
    email: `person${n}@example.com`,
    mobile: `+1212${String(2_000_000 + n)}`,
    firstName: 'Ana',
    lastName: `No ${n}`,
    cardId: cardIdOf(n),
    cardStatus: 'installed',
    cardInstalled: 'installed',
    loyaltyPoints: n % 500,
    cardInstalledDate: at,
    cardIssuedDate: at,
    lastActivity: at,
    lastPurchaseDate: at,
    referralCount: n % 3,
    syncStatus: 'SYNCED',
    pushedVersion: 1,
  };
}

function pairOf(n: number, connectionId = CONNECTION): Pair {
  const customer = customerRow(n, connectionId);
  const at = FIRST_DAY_MS;
  const card = {
    ...newCard(cardIdOf(n), customer.stickycardsId),
    installStatus: 'installed',
    installed: 'installed',
    balance: n % 500,
    installedAtMs: at,
    issuedAtMs: at,
  };
  return { customer, cards: [card], link: null, contact: null, balanceBusy: false, inactive: false };
}

const planContext = {
  rows: maps.rows,
  tagMap: maps.tagMap,
  facts: { timeZone: 'UTC', allowDuplicateContact: false, fieldIds: {}, readAtMs: 0 },
  locale: { defaultCountry: 'US', timeZone: 'UTC' },
  connection: { defaultCountry: 'US' },
} as unknown as Parameters<typeof stickyValues>[0];

/** The contact of an id as GHL answers it, all fields filled, with what was written just now. */
export function contactShown(contactId: string, written: Record<string, unknown>): Record<string, unknown> {
  const n = Number(contactId.slice('con_'.length));
  const pair = pairOf(Number.isInteger(n) ? n : 0);
  const values = stickyValues(planContext, pair);
  return {
    id: contactId,
    locationId: 'LOC1',
    firstName: values['first_name'],
    lastName: values['last_name'],
    email: values['email'],
    phone: values['phone'],
    type: 'lead',
    dnd: false,
    dndSettings: {},
    tags: [...wantedTags(maps.tagMap, pair).keys()],
    customFields: maps.rows
      .filter((row) => row.ghl === 'custom')
      .map((row) => ({ id: fieldIdOf(row.key), value: written[fieldIdOf(row.key)] ?? values[row.key] ?? null }))
      .filter((field) => field.value !== null),
    dateAdded: '2026-01-05T12:00:00.000Z',
    dateUpdated: '2026-01-05T12:00:00.000Z',
  };
}

/** The same contact for the simulator. */
export function seedOf(n: number): SeedContact {
  const { firstName, lastName, email, phone, tags, customFields } = contactShown(contactIdOf(n), {});
  const values = (customFields as { id: string; value: unknown }[]).map(({ id, value }) => [id.slice(4), value]);
  return {
    ...({ firstName, lastName, email, phone, tags } as SeedContact),
    id: contactIdOf(n),
    customFields: Object.fromEntries(values) as Record<string, unknown>,
  };
}

/** Writes the people with the numbers from `from` on, their cards, contacts and links: all in step, nothing to do. */
export async function writeLinkedPeople(
  store: Store,
  from: number,
  count: number,
  connectionId = CONNECTION,
): Promise<void> {
  const now = store.clock.now();
  const pairs = Array.from({ length: count }, (_, i) => pairOf(from + i, connectionId));
  const contacts: ContactRow[] = [];
  const links = pairs.map((pair, i) => {
    const contactId = contactIdOf(from + i);
    const values = stickyValues(planContext, pair);
    const tags = [...wantedTags(maps.tagMap, pair).keys()].toSorted();
    contacts.push({
      connectionId,
      ghlContactId: contactId,
      phone: pair.customer.mobile,
      phoneDigits: pair.customer.mobile?.slice(2) ?? null,
      email: pair.customer.email,
      stickycardsCustomerId: pair.customer.stickycardsId,
      values,
      tags,
      seenBy: 'answer',
      deleted: false,
      version: 1,
      pushedVersion: 1,
      syncStatus: 'SYNCED',
      syncError: null,
      attempts: 0,
      nextAttemptAt: null,
      readWanted: false,
      dateAdded: now,
      dateUpdated: now,
      observedAt: now,
      createdAt: now,
      updatedAt: now,
    });
    return {
      ...newLink(store, connectionId, pair.customer.stickycardsId, contactId, 'live'),
      fields: Object.fromEntries(maps.rows.map((row) => [row.key, { base: values[row.key] ?? null, revision: 1 }])),
      tags: { base: tags, off: {} },
      cardId: pair.customer.cardId,
    };
  });
  await store.tx(async (db) => {
    const cards = pairs.flatMap((pair) => pair.cards.map((card) => cardRow(connectionId, card, undefined, now)));
    await writePeople(
      store,
      db,
      pairs.map((pair) => pair.customer),
      cards,
    );
    await writeContacts(store, db, contacts);
    await writeLinks(store, db, links);
  });
}

/** As if everybody (or those with the numbers below `below`) had been scanned at the till on that day: one one-way field each is to be written. */
export async function scanEverybody(store: Store, day: number, below = Number.MAX_SAFE_INTEGER): Promise<number> {
  const { stickyCardsCustomers: t } = store.s;
  const rows = await store.db.select().from(t);
  const at = new Date(FIRST_DAY_MS + day * DAY_MS);
  const changed = rows
    .filter((row) => Number(row.stickycardsId.slice('cus_'.length)) < below)
    .map((row) => ({ ...row, lastActivity: at, version: row.version + 1, syncStatus: 'PENDING' as const }));
  await store.tx((db) => writePeople(store, db, changed, []));
  return changed.length;
}

export const dayOf = (day: number): string => new Date(FIRST_DAY_MS + day * DAY_MS).toISOString().slice(0, 10);
