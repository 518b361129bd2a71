import { and, asc, eq, gte, isNotNull } from 'drizzle-orm';
import type { Db } from './db.ts';
import type { InboxRow } from './inboxRow.ts';
import type { LinkRow } from './links.ts';
import type { Store } from './store.ts';

/** The links of these contacts, by contact id; one that is gone only where there is no other. */
export async function linksOfContacts(
  store: Store,
  db: Db,
  connectionId: string,
  contactIds: readonly string[],
): Promise<Map<string, LinkRow>> {
  if (contactIds.length === 0) return new Map();
  const { entityMappings: t } = store.s;
  const rows = await db
    .select()
    .from(t)
    .where(and(eq(t.connectionId, connectionId), eq(t.entityType, 'customer'), store.inList(t.ghlId, contactIds)));
  const links = new Map<string, LinkRow>();
  for (const row of rows) {
    const known = links.get(row.ghlId as string);
    if (!known || known.state === 'gone') links.set(row.ghlId as string, row);
  }
  return links;
}

export interface Identities {
  customerIds: readonly string[];
  phones: readonly string[];
  emails: readonly string[];
}

export interface StagedIdentities {
  customerIds: ReadonlySet<string>;
  phones: ReadonlySet<string>;
  emails: ReadonlySet<string>;
}

/** Which of these belong to a staged customer. One query per index, none for an empty list. */
export async function stagedIdentities(
  store: Store,
  db: Db,
  connectionId: string,
  wanted: Identities,
): Promise<StagedIdentities> {
  const { stickyCardsCustomers: t } = store.s;
  const find = async (column: typeof t.stickycardsId | typeof t.mobile | typeof t.email, values: readonly string[]) => {
    if (values.length === 0) return new Set<string>();
    const rows = await db
      .selectDistinct({ value: column })
      .from(t)
      .where(and(eq(t.connectionId, connectionId), store.inList(column, [...new Set(values)])));
    return new Set(rows.map((row) => row.value as string));
  };
  return {
    customerIds: await find(t.stickycardsId, wanted.customerIds),
    phones: await find(t.mobile, wanted.phones),
    emails: await find(t.email, wanted.emails),
  };
}

export interface GhlFolded {
  id: string;
  status: 'folded' | 'skipped';
  reason: string | null;
}

/** Writes what became of each delivery; those that ended alike share a statement. */
export async function markGhlFolded(store: Store, db: Db, outcomes: readonly GhlFolded[], now: Date): Promise<void> {
  const { webhookEvents: t } = store.s;
  for (const alike of Map.groupBy(outcomes, ({ status, reason }) => `${status} ${reason ?? ''}`).values()) {
    const { status, reason } = alike[0] as GhlFolded;
    await db
      .update(t)
      .set({ status, reason, foldedAt: now })
      .where(
        store.inList(
          t.id,
          alike.map(({ id }) => id),
        ),
      );
  }
}

/** The delivery that bears this key; null when there is none. */
export async function receivedAtOf(
  { db, s }: Store,
  connectionId: string,
  source: InboxRow['source'],
  dedupeKey: string,
): Promise<Date | null> {
  const { webhookEvents: t } = s;
  const [row] = await db
    .select({ receivedAt: t.receivedAt })
    .from(t)
    .where(and(eq(t.connectionId, connectionId), eq(t.source, source), eq(t.dedupeKey, dedupeKey)));
  return row?.receivedAt ?? null;
}

/**
 * What GHL's app webhooks said of a contact since a time (ms, by their own clock), echoes included, oldest first: they
 * tell whether a value of ours was ever shown there (SPEC §3.3).
 */
export async function deliveriesOfContact(
  { db, s }: Store,
  connectionId: string,
  contactId: string,
  sinceMs: number,
): Promise<Pick<InboxRow, 'id' | 'type' | 'occurredAt' | 'flags' | 'payload'>[]> {
  const { webhookEvents: t } = s;
  return db
    .select({ id: t.id, type: t.type, occurredAt: t.occurredAt, flags: t.flags, payload: t.payload })
    .from(t)
    .where(
      and(
        eq(t.connectionId, connectionId),
        eq(t.contactId, contactId),
        isNotNull(t.contactId),
        isNotNull(t.foldedAt),
        eq(t.source, 'ghl'),
        gte(t.occurredAt, new Date(sinceMs)),
      ),
    )
    .orderBy(asc(t.occurredAt));
}
