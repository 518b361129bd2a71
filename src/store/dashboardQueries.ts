import { and, asc, desc, eq, gt, inArray, lt, sql } from 'drizzle-orm';
import { type ProblemState, PROBLEM_STATES } from '../../drizzle/tables/problems.ts';
import { type ContactRow, contactsById } from './contacts.ts';
import type { CustomerKey } from './customerQueries.ts';
import { type LinkRow, linksOfCustomers } from './links.ts';
import type { ProblemRow } from './problems.ts';
import type { Store } from './store.ts';
import type { AuditRow } from './timelineQueries.ts';

/** How many problems nobody has taken up; of all connections. */
export async function openProblems({ db, s }: Store): Promise<number> {
  const { problems: t } = s;
  const [row] = await db
    .select({ count: sql`count(*)`.mapWith(Number) })
    .from(t)
    .where(eq(t.state, 'open'));
  return row?.count ?? 0;
}

export type ProblemCounts = Record<ProblemState, number>;

/** Problems by connection and state: a table of causes, not of records, and so a small one. */
export async function problemCounts({ db, s }: Store): Promise<Map<string, ProblemCounts>> {
  const { problems: t } = s;
  const rows = await db
    .select({ connectionId: t.connectionId, state: t.state, count: sql`count(*)`.mapWith(Number) })
    .from(t)
    .groupBy(t.connectionId, t.state);
  const counts = new Map<string, ProblemCounts>();
  for (const row of rows) {
    const known = counts.get(row.connectionId) ?? { open: 0, acknowledged: 0, resolved: 0, ignored: 0 };
    known[row.state] = row.count;
    counts.set(row.connectionId, known);
  }
  return counts;
}

export const NO_PROBLEMS: Readonly<ProblemCounts> = { open: 0, acknowledged: 0, resolved: 0, ignored: 0 };
export { PROBLEM_STATES };

const NEED_SOMEBODY: ProblemState[] = ['open', 'acknowledged'];

/** Problems of a connection that are not over and name one of these records, or the connection itself; newest first. */
export async function problemsOfRecords(
  store: Store,
  connectionId: string,
  recordIds: readonly string[],
): Promise<ProblemRow[]> {
  const { db } = store;
  const { problems: t, problemRecords: r } = store.s;
  const found = await db
    .select({ id: r.problemId })
    .from(r)
    .where(store.inList(r.recordId, [...recordIds, connectionId]));
  const ids = [...new Set(found.map(({ id }) => id))];
  if (ids.length === 0) return [];
  return db
    .select()
    .from(t)
    .where(and(store.inList(t.id, ids), eq(t.connectionId, connectionId), inArray(t.state, NEED_SOMEBODY)))
    .orderBy(desc(t.id));
}

/** The records of a problem by id, in keyset pages. */
export async function recordsOfProblem(
  { db, s }: Store,
  problemId: string,
  limit: number,
  after = '',
): Promise<{ recordId: string; at: Date }[]> {
  const { problemRecords: t } = s;
  return db
    .select({ recordId: t.recordId, at: t.createdAt })
    .from(t)
    .where(and(eq(t.problemId, problemId), gt(t.recordId, after)))
    .orderBy(asc(t.recordId))
    .limit(limit);
}

/** What these records are: customers with their names, and customers that these contacts belong to. */
export async function peopleOfRecords(
  store: Store,
  connectionId: string,
  recordIds: readonly string[],
): Promise<Map<string, { customerId: string; name: string }>> {
  const people = new Map<string, { customerId: string; name: string }>();
  if (recordIds.length === 0) return people;
  const { db } = store;
  const { entityMappings: m, stickyCardsCustomers: c } = store.s;
  const links = await db
    .select({ customerId: m.stickycardsId, contactId: m.ghlId })
    .from(m)
    .where(and(eq(m.connectionId, connectionId), eq(m.entityType, 'customer'), store.inList(m.ghlId, recordIds)));
  const byContact = new Map(links.map((link) => [link.contactId ?? '', link.customerId]));
  const ids = [...new Set([...recordIds, ...byContact.values()])];
  const rows = await db
    .select({ id: c.stickycardsId, firstName: c.firstName, lastName: c.lastName })
    .from(c)
    .where(and(eq(c.connectionId, connectionId), store.inList(c.stickycardsId, ids)));
  const names = new Map(rows.map((row) => [row.id, [row.firstName, row.lastName].filter(Boolean).join(' ')]));
  for (const recordId of recordIds) {
    const customerId = names.has(recordId) ? recordId : byContact.get(recordId);
    if (customerId !== undefined) people.set(recordId, { customerId, name: names.get(customerId) ?? '' });
  }
  return people;
}

/** The link of a person (one that is gone only where there is no other) and what GHL last showed of the contact. */
export async function linkAndContact(
  store: Store,
  { connectionId, customerId }: CustomerKey,
): Promise<{ link: LinkRow | null; contact: ContactRow | null }> {
  const link = (await linksOfCustomers(store, store.db, connectionId, [customerId])).get(customerId) ?? null;
  if (!link?.ghlId) return { link, contact: null };
  const contacts = await contactsById(store, store.db, connectionId, [link.ghlId]);
  return { link, contact: contacts.get(link.ghlId) ?? null };
}

/** By connection: commands that go no further without a person. */
export async function commandsForPeople(
  { db, s }: Store,
  connectionIds: readonly string[],
): Promise<Map<string, number>> {
  const { commands: t } = s;
  if (connectionIds.length === 0) return new Map();
  const rows = await db
    .select({ connectionId: t.connectionId, count: sql`count(*)`.mapWith(Number) })
    .from(t)
    .where(
      and(
        inArray(t.connectionId, [...connectionIds]),
        inArray(t.state, ['held', 'unknown']),
        // What is unknown and still looked for goes on by itself.
        sql`(${t.state} = 'held' or ${t.nextAttemptAt} is null)`,
      ),
    )
    .groupBy(t.connectionId);
  return new Map(rows.map((row) => [row.connectionId, row.count]));
}

/** Who changed what by hand, newest first, in keyset pages. */
export const listAudits = (
  { db, s }: Store,
  filter: { connection?: string },
  limit: number,
  before?: string,
): Promise<AuditRow[]> => {
  const { syncAuditLogs: t } = s;
  return db
    .select()
    .from(t)
    .where(
      and(
        filter.connection === undefined ? undefined : eq(t.connectionId, filter.connection),
        before === undefined ? undefined : lt(t.id, before),
      ),
    )
    .orderBy(desc(t.id))
    .limit(limit);
};
