import { and, asc, eq, gt, lte, sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import { type ContactRow, contactsById } from './contacts.ts';
import type { Db } from './db.ts';
import { type LinkRow, linksOfCustomers } from './links.ts';
import type { Store } from './store.ts';

/** A stretch of the people of a connection, by customer id: from behind `after` up to `until` (null = to the end). */
export interface Stretch {
  after: string;
  until: string | null;
}

/** The next stretch of at most `size` people: no query of a sweep looks at more rows than these. */
export async function nextStretch(store: Store, connectionId: string, after: string, size: number): Promise<Stretch> {
  const { stickyCardsCustomers: c } = store.s;
  const [last] = await store.db
    .select({ id: c.stickycardsId })
    .from(c)
    .where(and(eq(c.connectionId, connectionId), gt(c.stickycardsId, after)))
    .orderBy(asc(c.stickycardsId))
    .limit(1)
    .offset(size - 1);
  return { after, until: last?.id ?? null };
}

export interface StateChange {
  customerId: string;
  inactive: boolean;
}

/**
 * Linked people of a stretch whose state and whose link do not agree about the tag: inactive, and the link knows
 * nothing of it; active, and it does; or a call that was never answered. What is to be done about it is decided by the
 * links themselves.
 */
export async function stateChanges(
  store: Store,
  connectionId: string,
  { after, until }: Stretch,
  rule: { inactiveSince: Date; tag: string },
): Promise<StateChange[]> {
  const { stickyCardsCustomers: c, entityMappings: m } = store.s;
  const inactive = sql<boolean>`(coalesce(${c.lastActivity}, ${m.createdAt}) <= ${sql.param(rule.inactiveSince, c.lastActivity)})`;
  const named = mentions(sql`${m.tags}`, rule.tag);
  const unanswered = mentions(sql`${m.tags}`, 'pending');
  const rows = await store.db
    .select({ customerId: c.stickycardsId, inactive: sql`${inactive}`.mapWith(Boolean) })
    .from(c)
    .innerJoin(
      m,
      and(
        eq(m.connectionId, c.connectionId),
        eq(m.entityType, 'customer'),
        eq(m.stickycardsId, c.stickycardsId),
        eq(m.state, 'live'),
      ),
    )
    .where(
      and(
        eq(c.connectionId, connectionId),
        gt(c.stickycardsId, after),
        until === null ? undefined : lte(c.stickycardsId, until),
        eq(c.paused, false),
        sql`(${inactive} <> ${named} or ${unanswered})`,
      ),
    )
    .orderBy(asc(c.stickycardsId));
  return rows;
}

/** Whether a JSON column holds this text as a name or a value: the same in both databases, as text. */
const mentions = (column: SQL, text: string): SQL => {
  const pattern = `%${JSON.stringify(text).replace(/[\\%_]/g, '\\$&')}%`;
  return sql`(cast(${column} as text) like ${pattern} escape '\\')`;
};

export interface LinkedPerson {
  link: LinkRow;
  contact: ContactRow | null;
}

/** Links and contacts of these people. */
export async function linkedPeople(
  store: Store,
  connectionId: string,
  customerIds: readonly string[],
): Promise<Map<string, LinkedPerson>> {
  const links = await linksOfCustomers(store, store.db, connectionId, customerIds);
  const live = [...links].filter(([, link]) => link.state === 'live' && link.ghlId !== null);
  const contactIds = live.map(([, link]) => link.ghlId as string);
  const contacts = await contactsById(store, store.db, connectionId, contactIds);
  return new Map(live.map(([id, link]) => [id, { link, contact: contacts.get(link.ghlId as string) ?? null }]));
}

/** Writes nothing but the tags: whatever else changed in these rows meanwhile stays. */
export async function writeTags(
  store: Store,
  db: Db,
  links: readonly LinkRow[],
  contacts: readonly ContactRow[] = [],
): Promise<void> {
  const updatedAt = store.clock.now();
  await store.bulk.write(
    db,
    store.s.entityMappings,
    links.map((link) => ({ ...link, updatedAt })),
    { conflict: ['id'], update: ['tags', 'metadata', 'updatedAt'] },
  );
  await store.bulk.write(
    db,
    store.s.ghlContacts,
    contacts.map((contact) => ({ ...contact, updatedAt })),
    { conflict: ['connectionId', 'ghlContactId'], update: ['tags', 'updatedAt'] },
  );
}

/** Lets the next run take these people, if they are not waiting or stopped for a reason of their own. */
export const askForRun = async (
  store: Store,
  db: Db,
  connectionId: string,
  customerIds: readonly string[],
): Promise<void> => {
  if (customerIds.length === 0) return;
  const { stickyCardsCustomers: c } = store.s;
  await db
    .update(c)
    .set({ syncStatus: 'PENDING', nextAttemptAt: null })
    .where(
      and(eq(c.connectionId, connectionId), eq(c.syncStatus, 'SYNCED'), store.inList(c.stickycardsId, customerIds)),
    );
};

/** People of one transaction: short enough that a delivery does not wait for it. */
const PAGE = 1000;

/** Lets the next run take everybody of the connection who is in step. Repeated after a crash it does the same. */
export async function askForRunOfAll(store: Store, connectionId: string): Promise<void> {
  const { stickyCardsCustomers: c } = store.s;
  for (let after = ''; ;) {
    const people = await store.db
      .select({ id: c.stickycardsId })
      .from(c)
      .where(and(eq(c.connectionId, connectionId), eq(c.syncStatus, 'SYNCED'), gt(c.stickycardsId, after)))
      .orderBy(c.stickycardsId)
      .limit(PAGE);
    const ids = people.map(({ id }) => id);
    await store.tx((db) => askForRun(store, db, connectionId, ids));
    if (ids.length < PAGE) return;
    after = ids.at(-1) as string;
  }
}
