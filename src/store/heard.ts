import { and, count, desc, eq, inArray, isNotNull, max, ne } from 'drizzle-orm';
import type { InboxRow } from './inboxRow.ts';
import type { Store } from './store.ts';

/** So many of the newest entries of a connection are looked at: some 30 ms, whatever lies before them. */
const LOOKED_AT = 20_000;

/** Deliveries of one source and type among the newest entries of the inbox. */
export interface Heard {
  source: InboxRow['source'];
  type: string;
  count: number;
  lastAt: Date;
}

/** What a connection was sent lately, by source and type; refused deliveries and our own observations are left out. */
export async function heardLately({ db, s }: Store, connectionId: string): Promise<Heard[]> {
  const { webhookEvents: t } = s;
  const newest = db
    .select({ source: t.source, type: t.type, status: t.status, receivedAt: t.receivedAt })
    .from(t)
    .where(and(eq(t.connectionId, connectionId), isNotNull(t.foldedAt)))
    .orderBy(desc(t.id))
    .limit(LOOKED_AT)
    .as('newest');
  const rows = await db
    .select({ source: newest.source, type: newest.type, count: count(), lastAt: max(newest.receivedAt) })
    .from(newest)
    .where(
      and(inArray(newest.source, ['stickycards', 'ghl', 'ghl_workflow', 'sticker']), ne(newest.status, 'rejected')),
    )
    .groupBy(newest.source, newest.type);
  return rows.flatMap(({ lastAt, ...row }) => (lastAt === null ? [] : [{ ...row, lastAt }]));
}

/** Whether a delivery of this source was ever taken, folded or not. */
export async function everHeard({ db, s }: Store, connectionId: string, source: InboxRow['source']): Promise<boolean> {
  const { webhookEvents: t } = s;
  const rows = await db
    .select({ id: t.id })
    .from(t)
    .where(and(eq(t.connectionId, connectionId), eq(t.source, source), ne(t.status, 'rejected')))
    .limit(1);
  return rows.length > 0;
}

/** The newest refused delivery of a connection: its reason is often all that is wrong with a set-up. */
export async function lastRefused(
  { db, s }: Store,
  connectionId: string,
): Promise<{ source: InboxRow['source']; reason: string | null; receivedAt: Date } | null> {
  const { webhookEvents: t } = s;
  const [row] = await db
    .select({ source: t.source, reason: t.reason, receivedAt: t.receivedAt })
    .from(t)
    .where(and(eq(t.connectionId, connectionId), eq(t.status, 'rejected')))
    .orderBy(desc(t.id))
    .limit(1);
  return row ?? null;
}
