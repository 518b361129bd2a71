import { and, eq, getTableColumns, inArray } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

/**
 * Drops the links and bases of a connection, in the caller's transaction, and what was known of the contacts that they
 * led to: everybody is a first link again. A creation that was not finished there is no concern of the new location.
 */
export async function dropLinks({ s, clock }: Store, db: Db, connectionId: string): Promise<void> {
  const { entityMappings, claimedIdentities, ghlContacts, contactMarks, commands, stickyCardsCustomers } = s;
  await db.delete(entityMappings).where(eq(entityMappings.connectionId, connectionId));
  await db.delete(claimedIdentities).where(eq(claimedIdentities.connectionId, connectionId));
  await db.delete(ghlContacts).where(eq(ghlContacts.connectionId, connectionId));
  await db.delete(contactMarks).where(eq(contactMarks.connectionId, connectionId));
  await db
    .update(commands)
    .set({ state: 'discarded', identity: null, reason: 'the connection was bound anew', updatedAt: clock.now() })
    .where(
      and(
        eq(commands.connectionId, connectionId),
        eq(commands.kind, 'create_contact'),
        inArray(commands.state, ['pending', 'sending', 'unknown']),
      ),
    );
  await db
    .update(stickyCardsCustomers)
    .set({ syncStatus: 'PENDING', syncError: null, attempts: 0, nextAttemptAt: null })
    .where(eq(stickyCardsCustomers.connectionId, connectionId));
}

/**
 * Drops all that belongs to a connection but its own row and the audit log, a table at a time: a later connection of
 * the same name must not find its links.
 */
export async function purgeConnection(store: Store, connectionId: string): Promise<void> {
  for (const [name, table] of Object.entries(store.s)) {
    if (name === 'syncAuditLogs') continue;
    const column = (getTableColumns(table) as Record<string, PgColumn>).connectionId;
    if (column) await store.tx(async (db) => void (await db.delete(table).where(eq(column, connectionId))));
  }
}
