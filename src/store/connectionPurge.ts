import { and, eq, getTableColumns, inArray } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
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
 * All tables whose rows belong to a connection. The inbox late: what was received a moment before waits for its commit.
 * The lease last: until it is gone nobody else takes the name.
 */
function ownTables({ s }: Store): [name: string, table: PgTable, connectionId: PgColumn][] {
  const { syncAuditLogs: _, webhookEvents, leases, ...others } = s;
  return Object.entries({ ...others, webhookEvents, leases }).flatMap(([name, table]) => {
    const column = (getTableColumns(table) as Record<string, PgColumn>)['connectionId'];
    return column ? [[name, table as PgTable, column] as const] : [];
  }) as [string, PgTable, PgColumn][];
}

async function purgeTable(
  { s }: Store,
  db: Db,
  [name, table, column]: ReturnType<typeof ownTables>[number],
  connectionId: string,
): Promise<void> {
  if (name === 'problems') {
    const ids = db.select({ id: s.problems.id }).from(s.problems).where(eq(column, connectionId));
    await db.delete(s.problemRecords).where(inArray(s.problemRecords.problemId, ids));
  }
  await db.delete(table).where(eq(column, connectionId));
}

/**
 * Drops all that belongs to a removed connection but the audit log, a table at a time, its lease at the end. The caller
 * has that lease, and nothing works in the connection's name. Interrupted, it is begun again.
 */
export async function purgeConnection(store: Store, connectionId: string, signal?: AbortSignal): Promise<void> {
  for (const table of ownTables(store)) {
    signal?.throwIfAborted();
    await store.tx((db) => purgeTable(store, db, table, connectionId));
  }
}

/** The same in the caller's transaction, of what may still lie there under the name of a connection that is being made. */
export async function purgeLeftovers(store: Store, db: Db, connectionId: string): Promise<void> {
  for (const table of ownTables(store)) await purgeTable(store, db, table, connectionId);
}
