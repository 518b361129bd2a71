import { and, asc, eq, gt } from 'drizzle-orm';
import type { LinkField, LinkTags } from '../../drizzle/tables/links.ts';
import { requeueAll } from './commandSteps.ts';
import type { Db } from './db.ts';
import { type LinkRow, writeLinks } from './links.ts';
import { markContacts } from './marks.ts';
import { clearProblems } from './problems.ts';
import type { Store } from './store.ts';

/** Its name among the cursors of a connection. */
const CURSOR = 'retakeBases';

/** How far the taking back of bases got. */
interface RetakeCursor {
  /** Customer id of the last link that has none any more. */
  after: string;
}

const PAGE = 200;

/** What keeps a field from being planned, and is asked anew once the field has no base. */
const HOLD_PROBLEMS = ['value_not_taken', 'field_refused', 'identity_conflict', 'points_ambiguous', 'bonus_overlap'];

const liveLinks = (store: Store, connectionId: string, after: string) => {
  const { entityMappings: t } = store.s;
  return and(
    eq(t.connectionId, connectionId),
    eq(t.entityType, 'customer'),
    eq(t.state, 'live'),
    gt(t.stickycardsId, after),
  );
};

/**
 * The connection goes live after it was in observe: nobody knows since when what either side shows, so every linked pair
 * is a first link again (SPEC §1). Only written down here, in the caller's transaction: the links are the lease holder's
 * to write, and a large connection must not keep the receivers waiting.
 */
export async function askForBases(store: Store, db: Db, connectionId: string): Promise<void> {
  const { entityMappings: m } = store.s;
  const [link] = await db
    .select({ id: m.id })
    .from(m)
    .where(liveLinks(store, connectionId, ''))
    .limit(1);
  if (link) await writeCursor(store, db, connectionId, { after: '' });
}

async function writeCursor(store: Store, db: Db, connectionId: string, cursor: RetakeCursor | null): Promise<void> {
  const { connections: t } = store.s;
  const query = db.select({ cursors: t.cursors }).from(t).where(eq(t.id, connectionId));
  const [row] = await (store.dialect === 'postgres' ? query.for('update') : query);
  if (!row) return;
  const { [CURSOR]: _, ...others } = row.cursors;
  const cursors = cursor === null ? others : { ...others, [CURSOR]: cursor };
  await db.update(t).set({ cursors }).where(eq(t.id, connectionId));
}

async function readCursor({ s }: Store, db: Db, connectionId: string): Promise<RetakeCursor | null> {
  const { connections: t } = s;
  const [row] = await db.select({ cursors: t.cursors }).from(t).where(eq(t.id, connectionId));
  return (row?.cursors[CURSOR] as RetakeCursor | undefined) ?? null;
}

/**
 * Takes the bases of a connection back where its activation asked for that: the links stay, each person is planned by the
 * rule for pairs without a base (SPEC §2.5), from a read of the contact. A page of links per transaction; interrupted, the
 * next run goes on. The caller holds the connection's lease and plans nothing before this is done.
 * @param ownTags canonical tags that stand for a state: ours, whatever else happens to the base
 */
export async function retakeBases(
  store: Store,
  connectionId: string,
  ownTags: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  if (!(await readCursor(store, store.db, connectionId))) return;
  for (let over = false; !over;) {
    signal.throwIfAborted();
    over = await store.tx((db) => retakePage(store, db, connectionId, ownTags));
  }
}

/** Answers whether it was the last one. */
async function retakePage(store: Store, db: Db, connectionId: string, ownTags: ReadonlySet<string>): Promise<boolean> {
  const cursor = await readCursor(store, db, connectionId);
  if (!cursor) return true;
  const { entityMappings: t } = store.s;
  const query = db
    .select()
    .from(t)
    .where(liveLinks(store, connectionId, cursor.after))
    .orderBy(asc(t.stickycardsId))
    .limit(PAGE);
  const links = await (store.dialect === 'postgres' ? query.for('update') : query);
  const last = links.at(-1);
  if (!last) {
    await writeCursor(store, db, connectionId, null);
    return true;
  }
  await writeLinks(
    store,
    db,
    links.map((link) => withoutBases(link, ownTags)),
  );
  await readAgain(store, db, connectionId, links);
  await writeCursor(store, db, connectionId, { after: last.stickycardsId });
  return false;
}

/**
 * The link as a first link leaves it. The revisions stay: the ledger's keys are made of them, and an edit to come must not
 * be taken for one that was paid long ago.
 */
export const withoutBases = (link: LinkRow, ownTags: ReadonlySet<string>): LinkRow => ({
  ...link,
  fields: Object.fromEntries(
    Object.entries(link.fields).map(([key, { revision }]) => [key, { revision } as LinkField]),
  ),
  tags: tagsWithoutBase(link.tags, ownTags),
  cardId: null,
});

/** A tag of a state that we put on goes with its state, also when that left meanwhile: it may be on, and it is ours. */
function tagsWithoutBase({ base, pending }: LinkTags, ownTags: ReadonlySet<string>): LinkTags {
  const ours = [...new Set([...base, ...(pending?.add ?? []), ...(pending?.remove ?? [])])].filter((tag) =>
    ownTags.has(tag),
  );
  return { base: [], off: {}, ...(ours.length > 0 && { pending: { add: ours.toSorted(), remove: [], sentAtMs: 0 } }) };
}

/** What was known of the contacts is old: until they are read it is good for matching only. */
async function readAgain(store: Store, db: Db, connectionId: string, links: readonly LinkRow[]): Promise<void> {
  const { ghlContacts: c } = store.s;
  const contactIds = links.map((link) => link.ghlId).filter((id) => id !== null);
  await db
    .update(c)
    .set({ seenBy: 'page' })
    .where(and(eq(c.connectionId, connectionId), store.inList(c.ghlContactId, contactIds)));
  await markContacts(
    store,
    db,
    connectionId,
    contactIds.map((contactId) => ({ contactId, eventId: null })),
  );
  const ids = links.map((link) => link.stickycardsId);
  await requeueAll(store, db, connectionId, ids);
  for (const { stickycardsId, fields } of links)
    if (Object.values(fields).some(({ held }) => held))
      await clearProblems(store, db, connectionId, stickycardsId, HOLD_PROBLEMS);
}
