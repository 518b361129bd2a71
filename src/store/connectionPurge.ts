import { eq, getTableColumns } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Db } from './database.ts';
import type { Store } from './store.ts';

/** Drops the links and bases of a connection, in the caller's transaction. */
export async function dropLinks({ s }: Store, db: Db, connectionId: string): Promise<void> {
  await db.delete(s.entityMappings).where(eq(s.entityMappings.connectionId, connectionId));
  await db.delete(s.claimedIdentities).where(eq(s.claimedIdentities.connectionId, connectionId));
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
