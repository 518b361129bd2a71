import { and, eq, inArray, sql } from 'drizzle-orm';
import type { LinkField } from '../../drizzle/tables/links.ts';
import { POINTS_AMBIGUOUS, POINTS_DECIDED } from '../domain/points.ts';
import { writeAudit } from './audit.ts';
import { type CustomerFilter, type CustomerKey, type CustomerPosition, listCustomers } from './customerQueries.ts';
import type { Db } from './db.ts';
import { clearProblems } from './problems.ts';
import type { Store } from './store.ts';

/** What a side did to a value that we sent: a person who retries says that it may be sent again. */
const LIFTED_BY_RETRY = [
  'refused_by_ghl',
  'dropped_by_ghl',
  'altered_by_ghl',
  'refused_by_sticky_cards',
  'customer_conflict',
  'invalid_phone',
  'gone_in_sticky_cards',
];

const RETRY_PAGE = 200;

/** Lets the next run take a person again, with the values that GHL refused or altered. */
export const retryCustomer = (store: Store, key: CustomerKey, actor: string): Promise<void> =>
  store.tx(async (db) => {
    const [before] = await retry(store, db, key.connectionId, [key.customerId]);
    await decidePoints(store, db, key);
    await writeAudit(store, db, {
      actor,
      action: 'customer.retry',
      subject: key.customerId,
      connectionId: key.connectionId,
      before: before ?? null,
      after: { syncStatus: 'PENDING', attempts: 0 },
    });
  });

/** The same for everybody whom a filter finds; answers how many. One audit row per page and connection. */
export async function retryCustomers(
  store: Store,
  filter: CustomerFilter,
  actor: string,
  onPage: (count: number) => void = () => undefined,
): Promise<number> {
  let count = 0;
  let after: CustomerPosition | undefined;
  for (;;) {
    const { rows, next } = await listCustomers(store, filter, RETRY_PAGE, after);
    for (const [connectionId, group] of Map.groupBy(rows, (row) => row.connectionId)) {
      const ids = group.map((row) => row.stickycardsId);
      count += await store.tx(async (db) => {
        const taken = await retry(store, db, connectionId, ids, filter.syncStatus);
        const entry = { actor, action: 'customer.retry_all', subject: connectionId, connectionId };
        await writeAudit(store, db, { ...entry, before: { filter }, after: { count: taken.length } });
        return taken.length;
      });
    }
    onPage(count);
    if (next === null) return count;
    after = next;
  }
}

/** The same for these people of one connection, as one audit row; answers how many there were. */
export const retryCustomersById = (
  store: Store,
  connectionId: string,
  customerIds: readonly string[],
  actor: string,
): Promise<number> =>
  customerIds.length === 0
    ? Promise.resolve(0)
    : store.tx(async (db) => {
        const { length: count } = await retry(store, db, connectionId, customerIds);
        const entry = { actor, action: 'customer.retry_all', subject: connectionId, connectionId };
        await writeAudit(store, db, { ...entry, before: { customerIds }, after: { count } });
        return count;
      });

interface Taken {
  syncStatus: string;
  attempts: number;
  code: string | null;
}

/** Only those who still have the status that the caller saw. */
async function retry(
  store: Store,
  db: Db,
  connectionId: string,
  customerIds: readonly string[],
  syncStatus?: CustomerFilter['syncStatus'],
): Promise<Taken[]> {
  const { stickyCardsCustomers: t } = store.s;
  await liftHolds(store, db, connectionId, customerIds);
  const mine = and(
    eq(t.connectionId, connectionId),
    inArray(t.stickycardsId, [...customerIds]),
    syncStatus === undefined ? undefined : eq(t.syncStatus, syncStatus),
  );
  const before = await db
    .select({ id: t.stickycardsId, syncStatus: t.syncStatus, attempts: t.attempts, syncError: t.syncError })
    .from(t)
    .where(mine);
  await db
    .update(t)
    .set({
      syncStatus: 'PENDING',
      attempts: 0,
      nextAttemptAt: null,
      syncError: null,
      // A job that has this person in hand just now must not settle the retry away.
      version: sql`${t.version} + 1`,
    })
    .where(mine);
  // Whoever fails again is counted anew; the rest of the problem's records keep it open.
  for (const row of before) if (row.syncError) await clearProblems(store, db, connectionId, row.id, ['record_failed']);
  return before.map((row) => ({
    syncStatus: row.syncStatus,
    attempts: row.attempts,
    code: row.syncError?.code ?? null,
  }));
}

async function liftHolds(store: Store, db: Db, connectionId: string, customerIds: readonly string[]): Promise<void> {
  const { entityMappings: t } = store.s;
  const query = db
    .select({ id: t.id, fields: t.fields, state: t.state, metadata: t.metadata })
    .from(t)
    .where(
      and(eq(t.connectionId, connectionId), eq(t.entityType, 'customer'), inArray(t.stickycardsId, [...customerIds])),
    );
  const links = await (store.dialect === 'postgres' ? query.for('update') : query);
  for (const { id, fields, state, metadata } of links) {
    // A person may say that a deleted contact is to be looked for once more (SPEC §2.5, 0).
    if (state === 'gone') {
      await db
        .update(t)
        .set({ metadata: { ...metadata, lookAgain: true }, updatedAt: store.clock.now() })
        .where(eq(t.id, id));
      continue;
    }
    const lifted = withoutHolds(fields);
    if (lifted) await db.update(t).set({ fields: lifted, updatedAt: store.clock.now() }).where(eq(t.id, id));
  }
}

/** Pressed for this one person: the number that GHL shows is the right one (problem points_ambiguous). Never for many at once. */
async function decidePoints({ s, clock }: Store, db: Db, { connectionId, customerId }: CustomerKey): Promise<void> {
  const { entityMappings: t } = s;
  const mine = and(eq(t.connectionId, connectionId), eq(t.entityType, 'customer'), eq(t.stickycardsId, customerId));
  for (const { id, fields } of await db.select({ id: t.id, fields: t.fields }).from(t).where(mine)) {
    const asked = Object.entries(fields).filter(([, { held }]) => held?.reason === POINTS_AMBIGUOUS);
    if (asked.length === 0) continue;
    const decided = asked.map(([key, field]) => [key, { ...field, held: { ...field.held, reason: POINTS_DECIDED } }]);
    const next = { ...fields, ...(Object.fromEntries(decided) as Record<string, LinkField>) };
    await db.update(t).set({ fields: next, updatedAt: clock.now() }).where(eq(t.id, id));
  }
}

/** The fields without the holds that a retry lifts; null when there are none. */
function withoutHolds(fields: Record<string, LinkField>): Record<string, LinkField> | null {
  const isLifted = (field: LinkField) => field.held !== undefined && LIFTED_BY_RETRY.includes(field.held.reason);
  if (!Object.values(fields).some(isLifted)) return null;
  return Object.fromEntries(
    Object.entries(fields).map(([key, field]) => {
      const { held: _, ...rest } = field;
      return [key, isLifted(field) ? rest : field];
    }),
  );
}

/** Keeps a person out of the runs, or lets them in again; what came meanwhile is still there. */
export const setCustomerPaused = (store: Store, key: CustomerKey, paused: boolean, actor: string): Promise<void> =>
  store.tx(async (db) => {
    const { stickyCardsCustomers: t } = store.s;
    const changed = await db
      .update(t)
      .set({ paused })
      .where(and(eq(t.connectionId, key.connectionId), eq(t.stickycardsId, key.customerId), eq(t.paused, !paused)))
      .returning({ id: t.stickycardsId });
    if (changed.length === 0) return;
    await writeAudit(store, db, {
      actor,
      action: paused ? 'customer.pause' : 'customer.resume',
      subject: key.customerId,
      connectionId: key.connectionId,
      before: { paused: !paused },
      after: { paused },
    });
  });
