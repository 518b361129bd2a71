import { and, asc, eq, gt, isNull, lte, or, sql } from 'drizzle-orm';
import type { LinkRow } from './links.ts';
import type { CustomerRow } from './staging.ts';
import type { Store } from './store.ts';

const dueAndLinked = (store: Store, connectionId: string) => {
  const { stickyCardsCustomers: t, entityMappings: m } = store.s;
  return {
    joined: and(
      eq(m.connectionId, t.connectionId),
      eq(m.entityType, 'customer'),
      eq(m.stickycardsId, t.stickycardsId),
      eq(m.state, 'live'),
    ),
    where: and(
      eq(t.connectionId, connectionId),
      eq(t.syncStatus, 'PENDING'),
      eq(t.paused, false),
      or(isNull(t.nextAttemptAt), lte(t.nextAttemptAt, store.clock.now())),
    ),
  };
};

/** What tells without its cards and contact whether a linked person's job may change contact data or take tags off. */
export type DuePerson = Pick<
  CustomerRow,
  | 'stickycardsId'
  | 'email'
  | 'mobile'
  | 'firstName'
  | 'lastName'
  | 'cardInstalled'
  | 'cardStatus'
  | 'referralCount'
  | 'segments'
  | 'lastActivity'
> & { link: Pick<LinkRow, 'fields' | 'tags' | 'createdAt'> };

/** The linked ones among the people who are due, in keyset pages by customer id; some 20 µs each. */
export async function dueLinkedPeople(
  store: Store,
  connectionId: string,
  after: string,
  limit: number,
): Promise<DuePerson[]> {
  const { stickyCardsCustomers: t, entityMappings: m } = store.s;
  const { joined, where } = dueAndLinked(store, connectionId);
  return store.db
    .select({
      stickycardsId: t.stickycardsId,
      email: t.email,
      mobile: t.mobile,
      firstName: t.firstName,
      lastName: t.lastName,
      cardInstalled: t.cardInstalled,
      cardStatus: t.cardStatus,
      referralCount: t.referralCount,
      segments: t.segments,
      lastActivity: t.lastActivity,
      link: { fields: m.fields, tags: m.tags, createdAt: m.createdAt },
    })
    .from(t)
    .innerJoin(m, joined)
    .where(and(where, gt(t.stickycardsId, after)))
    .orderBy(asc(t.stickycardsId))
    .limit(limit);
}

/** Live links of a connection. */
export async function countLinked({ db, s }: Store, connectionId: string): Promise<number> {
  const { entityMappings: m } = s;
  const [row] = await db
    .select({ count: sql`count(*)`.mapWith(Number) })
    .from(m)
    .where(and(eq(m.connectionId, connectionId), eq(m.entityType, 'customer'), eq(m.state, 'live')));
  return row?.count ?? 0;
}
