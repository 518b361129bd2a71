import { and, eq } from 'drizzle-orm';
import type { Schema } from '../../drizzle/schema.ts';
import type { ContactKeys } from '../domain/match.ts';
import type { Db } from './db.ts';
import { linkedCustomers } from './links.ts';
import type { Store } from './store.ts';

export type ContactRow = Schema['ghlContacts']['$inferSelect'];

export async function contactsById(
  store: Store,
  db: Db,
  connectionId: string,
  ids: readonly string[],
): Promise<Map<string, ContactRow>> {
  if (ids.length === 0) return new Map();
  const { ghlContacts: t } = store.s;
  const rows = await db
    .select()
    .from(t)
    .where(and(eq(t.connectionId, connectionId), store.inList(t.ghlContactId, ids)));
  return new Map(rows.map((row) => [row.ghlContactId, row]));
}

/** What a page of the location's contacts tells; what we know better already stays. */
export const writePageContacts = (store: Store, db: Db, rows: readonly ContactRow[]): Promise<void> =>
  store.bulk.write(db, store.s.ghlContacts, rows, { conflict: ['connectionId', 'ghlContactId'], update: 'none' });

export const writeContacts = (store: Store, db: Db, rows: readonly ContactRow[]): Promise<void> =>
  rows.length === 0
    ? Promise.resolve()
    : store.bulk.write(db, store.s.ghlContacts, rows, { conflict: ['connectionId', 'ghlContactId'], update: 'all' });

export interface Lookup {
  customerIds: string[];
  phones: string[];
  digits: string[];
  emails: string[];
}

/** Every known contact that shares one of these identities, with whom it is linked to. */
export async function candidateContacts(
  store: Store,
  db: Db,
  connectionId: string,
  lookup: Lookup,
): Promise<ContactKeys[]> {
  const { ghlContacts: t } = store.s;
  const columns = [
    [t.stickycardsCustomerId, lookup.customerIds],
    [t.phone, lookup.phones],
    [t.phoneDigits, lookup.digits],
    [t.email, lookup.emails],
  ] as const;
  // One query per index: an `or` over four columns would read the whole location.
  const found = new Map<string, Omit<ContactKeys, 'linkedTo'>>();
  for (const [column, values] of columns) {
    if (values.length === 0) continue;
    const rows = await db
      .select({
        ghlContactId: t.ghlContactId,
        phone: t.phone,
        phoneDigits: t.phoneDigits,
        email: t.email,
        stickycardsCustomerId: t.stickycardsCustomerId,
        dateAdded: t.dateAdded,
      })
      .from(t)
      .where(and(eq(t.connectionId, connectionId), eq(t.deleted, false), store.inList(column, values)));
    for (const { dateAdded, ...row } of rows)
      found.set(row.ghlContactId, { ...row, addedAtMs: dateAdded?.getTime() ?? null });
  }
  const linked = await linkedCustomers(store, db, connectionId, [...found.keys()]);
  return [...found.values()].map((row) => ({ ...row, linkedTo: linked.get(row.ghlContactId) ?? null }));
}
