import { and, asc, eq, inArray, lte } from 'drizzle-orm';
import type { Schema } from '../../drizzle/schema.ts';
import { type Clue, emailClue, paymentClue, phoneClue } from '../domain/whoIsMeant.ts';
import type { Db } from './db.ts';
import type { InboxRow } from './inboxRow.ts';
import { clearProblems, type RaisedProblem, raiseProblems } from './problems.ts';
import type { Store } from './store.ts';

/** The problem of a delivery that names no customer and leaves nobody to be found: one for all of them. */
export const nameless = ({ id, type }: Pick<InboxRow, 'id' | 'type'>, reason: string): RaisedProblem => ({
  code: 'customer_unknown',
  recordId: id,
  sample: { receiptId: id, type, reason },
});

export type FormerDetail = Pick<Schema['formerDetails']['$inferSelect'], 'clue' | 'stickycardsId'>;

const withPrefix = (clues: readonly Clue[], clueOf: (value: string) => Clue): string[] => {
  const prefix = clueOf('');
  return clues.filter((clue) => clue.startsWith(prefix)).map((clue) => clue.slice(prefix.length));
};

/** Whoever these clues belong to, or ever belonged to: by their contact details, or as the customer of a payment. */
export async function holdersOfClues(
  store: Store,
  db: Db,
  connectionId: string,
  clues: readonly Clue[],
): Promise<{ clue: Clue; customerId: string }[]> {
  const { stickyCardsCustomers: c, formerDetails: f, commands: m } = store.s;
  const holders: { clue: Clue; customerId: string }[] = [];
  // One query per index: an `or` over two columns would read all customers.
  for (const [column, clueOf] of [
    [c.mobile, phoneClue],
    [c.email, emailClue],
  ] as const) {
    const values = withPrefix(clues, clueOf);
    if (values.length === 0) continue;
    const rows = await db
      .select({ value: column, customerId: c.stickycardsId })
      .from(c)
      .where(and(eq(c.connectionId, connectionId), store.inList(column, values)));
    holders.push(...rows.map(({ value, customerId }) => ({ clue: clueOf(value as string), customerId })));
  }
  if (clues.length > 0)
    holders.push(
      ...(await db
        .select({ clue: f.clue, customerId: f.stickycardsId })
        .from(f)
        .where(and(eq(f.connectionId, connectionId), store.inList(f.clue, clues)))),
    );
  // A payment's row of the ledger bears the same words as its clue (domain/commandsOf.ts).
  const payments = clues.filter((clue) => clue.startsWith(paymentClue('')));
  if (payments.length === 0) return holders;
  const rows = await db
    .select({ clue: m.sourceEvent, target: m.target })
    .from(m)
    .where(
      and(
        eq(m.connectionId, connectionId),
        store.inList(m.sourceEvent, payments),
        inArray(m.kind, ['note', 'opportunity']),
      ),
    );
  for (const { clue, target } of rows) holders.push({ clue, customerId: target.slice('customer:'.length) });
  return holders;
}

/** Which of these payments were made opportunities. */
export async function opportunitiesAmong(
  store: Store,
  db: Db,
  connectionId: string,
  paymentIds: readonly string[],
): Promise<string[]> {
  if (paymentIds.length === 0) return [];
  const { commands: m } = store.s;
  const sources = paymentIds.map(paymentClue);
  const rows = await db
    .selectDistinct({ source: m.sourceEvent })
    .from(m)
    .where(and(eq(m.connectionId, connectionId), store.inList(m.sourceEvent, sources), eq(m.kind, 'opportunity')));
  return withPrefix(
    rows.map(({ source }) => source),
    paymentClue,
  );
}

/** Keeps what staging does not show of these people's contact details, in the caller's transaction. */
export const keepFormerDetails = (
  store: Store,
  db: Db,
  connectionId: string,
  details: readonly FormerDetail[],
): Promise<void> =>
  store.bulk.write(
    db,
    store.s.formerDetails,
    details.map((detail) => ({ connectionId, ...detail })),
    { conflict: ['connectionId', 'clue', 'stickycardsId'], update: 'none' },
  );

export interface Wait {
  eventId: string;
  clues: readonly Clue[];
  /** When a problem is to tell of it. */
  tellAt: Date;
}

/** Keeps what these deliveries wait for, in the caller's transaction; one that waits already stays as told as it is. */
export const keepWaiting = (store: Store, db: Db, connectionId: string, waits: readonly Wait[]): Promise<void> =>
  store.bulk.write(
    db,
    store.s.waitingDeliveries,
    waits.flatMap(({ eventId, clues, tellAt }) =>
      clues.map((clue, i) => ({ connectionId, eventId, clue, tellAt: i === 0 ? tellAt : null })),
    ),
    { conflict: ['connectionId', 'eventId', 'clue'], update: 'none' },
  );

/** These deliveries have found their customer, in the caller's transaction: they are no problem any more. */
export async function endWaits(store: Store, db: Db, connectionId: string, eventIds: readonly string[]): Promise<void> {
  if (eventIds.length === 0) return;
  const { waitingDeliveries: w, problems: p, problemRecords: r } = store.s;
  await db.delete(w).where(and(eq(w.connectionId, connectionId), store.inList(w.eventId, eventIds)));
  const told = await db
    .select({ id: r.recordId })
    .from(r)
    .innerJoin(p, eq(p.id, r.problemId))
    .where(and(store.inList(r.recordId, eventIds), eq(p.connectionId, connectionId), eq(p.code, 'customer_unknown')));
  for (const { id } of told) await clearProblems(store, db, connectionId, id, ['customer_unknown']);
}

const PAGE = 200;

/**
 * Raises the problem for every delivery that has waited long enough for its customer, once each. One small query when
 * there is none. Answers how many.
 */
export async function tellOfWaiting(store: Store, connectionId: string): Promise<number> {
  for (let count = 0; ;) {
    const told = await store.tx((db) => tellPage(store, db, connectionId));
    count += told;
    if (told < PAGE) return count;
  }
}

async function tellPage(store: Store, db: Db, connectionId: string): Promise<number> {
  const { waitingDeliveries: w, webhookEvents: e } = store.s;
  const due = await db
    .select({ id: w.eventId })
    .from(w)
    .where(and(eq(w.connectionId, connectionId), lte(w.tellAt, store.clock.now())))
    .orderBy(asc(w.tellAt))
    .limit(PAGE);
  if (due.length === 0) return 0;
  const ids = due.map(({ id }) => id);
  const rows = await db
    .select({ id: e.id, type: e.type, status: e.status, reason: e.reason })
    .from(e)
    .where(store.inList(e.id, ids));
  await db
    .update(w)
    .set({ tellAt: null })
    .where(and(eq(w.connectionId, connectionId), store.inList(w.eventId, ids)));
  const waiting = rows.filter((row) => row.status === 'waiting');
  await raiseProblems(
    store,
    db,
    connectionId,
    waiting.map((row) => nameless(row, row.reason ?? 'waiting')),
  );
  return due.length;
}
