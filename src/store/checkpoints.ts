import { and, asc, desc, eq, gt, inArray, isNotNull, isNull, or } from 'drizzle-orm';
import { newCustomer } from '../domain/stagedRecord.ts';
import type { Db } from './db.ts';
import { type CardRow, type CustomerRow, loadPeople, newCustomerRow, writePeople } from './staging.ts';
import type { Store } from './store.ts';

/** What a rebuild takes back and the inbox gives again; the bookkeeping of the sync is not among it. */
const valueColumns = [
  'email',
  'mobile',
  'firstName',
  'lastName',
  'cardId',
  'cardStatus',
  'cardInstalled',
  'loyaltyPoints',
  'cardInstalledDate',
  'cardIssuedDate',
  'lastActivity',
  'lastPurchaseDate',
  'referralCount',
  'segments',
  'extra',
  'foldState',
  'readWanted',
] as const satisfies readonly (keyof CustomerRow)[];

const timeColumns = new Set([
  'cardInstalledDate',
  'cardIssuedDate',
  'lastActivity',
  'lastPurchaseDate',
  'installedAt',
  'issuedAt',
  'observedAt',
  'createdAt',
  'updatedAt',
]);

const PAGE = 500;

/** Values of a row as JSON knows them → as the row has them: times are text in a checkpoint. */
const revive = <T>(state: Record<string, unknown>): T =>
  Object.fromEntries(
    Object.entries(state).map(([key, value]) => [
      key,
      timeColumns.has(key) && typeof value === 'string' ? new Date(value) : value,
    ]),
  ) as T;

const pickValues = (row: CustomerRow): Partial<CustomerRow> =>
  Object.fromEntries(valueColumns.map((key) => [key, row[key]]));

/**
 * Keeps staging as it stands, so that payloads of everything folded so far may be pruned (SPEC §2.2). Only when all
 * that was received is folded; answers the last event it stands for, or null when there is nothing to keep.
 */
export async function writeCheckpoint(store: Store, db: Db, connectionId: string): Promise<string | null> {
  const { webhookEvents: e, stickyCardsCustomers: c, stickyCardsCards: k, stagingCheckpoints: p } = store.s;
  const [last] = await db
    .select({ id: e.id })
    .from(e)
    .where(and(eq(e.connectionId, connectionId), isNotNull(e.foldedAt)))
    .orderBy(desc(e.id))
    .limit(1);
  if (!last) return null;
  const createdAt = store.clock.now();
  await db.delete(p).where(eq(p.connectionId, connectionId));
  const save = (entity: 'customer' | 'card', rows: { id: string; state: Record<string, unknown> }[]) =>
    store.bulk.write(
      db,
      p,
      rows.map(({ id, state }) => ({ connectionId, entity, entityId: id, uptoEventId: last.id, state, createdAt })),
      { conflict: ['connectionId', 'entity', 'entityId'], update: 'all' },
    );
  for (let after = ''; ;) {
    const rows = await db
      .select()
      .from(c)
      .where(and(eq(c.connectionId, connectionId), gt(c.stickycardsId, after)))
      .orderBy(asc(c.stickycardsId))
      .limit(PAGE);
    await save(
      'customer',
      rows.map((row) => ({ id: row.stickycardsId, state: { ...pickValues(row), stickycardsId: row.stickycardsId } })),
    );
    if (rows.length < PAGE) break;
    after = (rows.at(-1) as CustomerRow).stickycardsId;
  }
  for (let after = ''; ;) {
    const rows = await db
      .select()
      .from(k)
      .where(and(eq(k.connectionId, connectionId), gt(k.cardId, after)))
      .orderBy(asc(k.cardId))
      .limit(PAGE);
    await save(
      'card',
      rows.map((row) => ({ id: row.cardId, state: { ...row } })),
    );
    if (rows.length < PAGE) break;
    after = (rows.at(-1) as CardRow).cardId;
  }
  return last.id;
}

/**
 * Takes staging back to the last checkpoint (or to nothing) and marks the deliveries after it as not folded: the next
 * fold gives the same staging again. One transaction, so that no run sees it half done.
 */
export async function resetStaging(store: Store, db: Db, connectionId: string): Promise<void> {
  const { webhookEvents: e, stickyCardsCustomers: c, stickyCardsCards: k, stagingCheckpoints: p } = store.s;
  const now = store.clock.now();
  const empty = { ...newCustomerRow(connectionId, '', now), foldState: newCustomer('').fold };
  await db.delete(k).where(eq(k.connectionId, connectionId));
  await db
    .update(c)
    .set({ ...pickValues(empty), updatedAt: now })
    .where(eq(c.connectionId, connectionId));
  let upto = '';
  for (const entity of ['customer', 'card'] as const) {
    for (let after = ''; ;) {
      const page = await db
        .select()
        .from(p)
        .where(and(eq(p.connectionId, connectionId), eq(p.entity, entity), gt(p.entityId, after)))
        .orderBy(asc(p.entityId))
        .limit(PAGE);
      const [first] = page;
      if (!first) break;
      upto = first.uptoEventId;
      after = (page.at(-1) as { entityId: string }).entityId;
      if (entity === 'card') {
        await writePeople(
          store,
          db,
          [],
          page.map((row) => revive<CardRow>(row.state)),
        );
        continue;
      }
      const known = await loadPeople(
        store,
        db,
        connectionId,
        page.map((row) => row.entityId),
        [],
      );
      const rows = page.map((row) => ({
        ...(known.customers.get(row.entityId) ?? newCustomerRow(connectionId, row.entityId, now)),
        ...revive<Partial<CustomerRow>>(row.state),
      }));
      await writePeople(store, db, rows, []);
    }
  }
  await db
    .update(e)
    .set({ foldedAt: null, status: 'received', reason: null })
    .where(
      and(
        eq(e.connectionId, connectionId),
        inArray(e.source, ['stickycards', 'read', 'self']),
        // Reads and writes of GHL contacts are observations of the other side.
        isNull(e.contactId),
        isNotNull(e.payload),
        or(gt(e.id, upto), eq(e.status, 'waiting')),
        inArray(e.status, ['folded', 'waiting']),
      ),
    );
}
