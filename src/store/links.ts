import { and, eq, ne } from 'drizzle-orm';
import type { Schema } from '../../drizzle/schema.ts';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

export type LinkRow = Schema['entityMappings']['$inferSelect'];

export const newLink = (
  store: Store,
  connectionId: string,
  customerId: string,
  ghlId: string | null,
  state: LinkRow['state'],
): LinkRow => {
  const now = store.clock.now();
  return {
    id: store.newId('lnk'),
    connectionId,
    entityType: 'customer',
    stickycardsId: customerId,
    ghlId,
    state,
    fields: {},
    tags: { base: [], off: {} },
    cardId: null,
    metadata: {},
    createdAt: now,
    updatedAt: now,
  };
};

/** The links of these people, by customer id; one that is gone only where there is no other. */
export async function linksOfCustomers(
  store: Store,
  db: Db,
  connectionId: string,
  customerIds: readonly string[],
): Promise<Map<string, LinkRow>> {
  if (customerIds.length === 0) return new Map();
  const { entityMappings: t } = store.s;
  const rows = await db
    .select()
    .from(t)
    .where(
      and(eq(t.connectionId, connectionId), eq(t.entityType, 'customer'), store.inList(t.stickycardsId, customerIds)),
    );
  const links = new Map<string, LinkRow>();
  for (const row of rows) {
    const known = links.get(row.stickycardsId);
    if (!known || known.state === 'gone') links.set(row.stickycardsId, row);
  }
  return links;
}

/** Contact id → customer id of the live links of these contacts. */
export async function linkedCustomers(
  store: Store,
  db: Db,
  connectionId: string,
  contactIds: readonly string[],
): Promise<Map<string, string>> {
  if (contactIds.length === 0) return new Map();
  const { entityMappings: t } = store.s;
  const rows = await db
    .select({ ghlId: t.ghlId, stickycardsId: t.stickycardsId })
    .from(t)
    .where(
      and(
        eq(t.connectionId, connectionId),
        eq(t.entityType, 'customer'),
        ne(t.state, 'gone'),
        store.inList(t.ghlId, contactIds),
      ),
    );
  return new Map(rows.map((row) => [row.ghlId as string, row.stickycardsId]));
}

/** Writes whole links back; only the holder of the connection's lease does. */
export const writeLinks = (store: Store, db: Db, links: readonly LinkRow[]): Promise<void> =>
  links.length === 0
    ? Promise.resolve()
    : store.bulk.write(
        db,
        store.s.entityMappings,
        links.map((link) => ({ ...link, updatedAt: store.clock.now() })),
        { conflict: ['id'], update: 'all' },
      );

/** Takes the identities for a creation; answers the command that holds one already, or null when all are ours. */
export async function claimIdentities(
  store: Store,
  db: Db,
  connectionId: string,
  identities: readonly string[],
  commandId: string,
): Promise<string | null> {
  const { claimedIdentities: t } = store.s;
  if (identities.length === 0) return null;
  const createdAt = store.clock.now();
  const claimed = await db
    .insert(t)
    .values(identities.map((identity) => ({ connectionId, identity, commandId, createdAt })))
    .onConflictDoNothing()
    .returning({ identity: t.identity });
  // Asked only now: on Postgres the insert has waited for whoever claimed one of them at the same moment.
  const taken = await db
    .select({ commandId: t.commandId })
    .from(t)
    .where(and(eq(t.connectionId, connectionId), store.inList(t.identity, identities), ne(t.commandId, commandId)));
  if (!taken[0]) return null;
  const news = claimed.map(({ identity }) => identity);
  if (news.length > 0) await db.delete(t).where(and(eq(t.connectionId, connectionId), store.inList(t.identity, news)));
  return taken[0].commandId;
}

export const freeIdentities = async (store: Store, db: Db, commandId: string): Promise<void> => {
  await db.delete(store.s.claimedIdentities).where(eq(store.s.claimedIdentities.commandId, commandId));
};

/** Only a link whose creation came to nothing may go. */
export const dropLink = async ({ s }: Store, db: Db, id: string): Promise<void> => {
  await db.delete(s.entityMappings).where(and(eq(s.entityMappings.id, id), eq(s.entityMappings.state, 'creating')));
};
