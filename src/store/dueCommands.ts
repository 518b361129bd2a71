import { and, asc, eq, exists, gt, inArray, isNull, lte, not, or, sql } from 'drizzle-orm';
import type { CommandKind } from '../../drizzle/tables/commands.ts';
import { type CommandRow, moveCommand } from './commands.ts';
import type { Db } from './db.ts';
import { raiseProblems } from './problems.ts';
import type { Store } from './store.ts';

export interface DueQuery {
  state: 'pending' | 'unknown';
  kinds: readonly CommandKind[];
  /** Of those, the kinds that write to the contact of `customer:<id>`: they are not due before there is one. */
  linkedKinds: readonly CommandKind[];
  target?: string | undefined;
  ids?: readonly string[] | undefined;
}

/**
 * So many rows are looked through at a time: commands of people who never get a contact wait for a month, and deliveries
 * must not wait while all of them are passed over (a hundred thousand take a third of a second in all).
 */
const WINDOW = 2000;

/**
 * Commands to take now, in keyset pages by id; an empty page is the end. `pending`: those whose time has come, or that
 * have none. `unknown`: those whose next look is due; one without a time waits for an operator.
 */
export async function dueCommands(
  store: Store,
  connectionId: string,
  query: DueQuery,
  after: string,
  limit: number,
): Promise<CommandRow[]> {
  const named = query.target !== undefined || query.ids !== undefined;
  for (let from = after; ;) {
    const until = named ? null : await windowEnd(store, connectionId, query.state, from);
    const rows = await dueWithin(store, connectionId, query, { from, until }, limit);
    if (rows.length > 0 || until === null) return rows;
    from = until;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const OPEN = ['pending', 'sending', 'unknown'] as const;

/** Whether anything is left to do or to look for: one question, where each pass would ask half a dozen for nothing. */
export async function hasOpenCommands({ db, s }: Store, connectionId: string): Promise<boolean> {
  const { commands: t } = s;
  const rows = await db
    .select({ id: t.id })
    .from(t)
    .where(and(eq(t.connectionId, connectionId), inArray(t.state, [...OPEN])))
    .limit(1);
  return rows.length > 0;
}

/** The last id of the next window; null when what is left is less than one. */
async function windowEnd(
  { db, s }: Store,
  connectionId: string,
  state: DueQuery['state'],
  after: string,
): Promise<string | null> {
  const { commands: t } = s;
  const rows = await db
    .select({ id: t.id })
    .from(t)
    .where(and(eq(t.connectionId, connectionId), eq(t.state, state), gt(t.id, after)))
    .orderBy(asc(t.id))
    .limit(1)
    .offset(WINDOW - 1);
  return rows[0]?.id ?? null;
}

function dueWithin(
  store: Store,
  connectionId: string,
  { state, kinds, linkedKinds, target, ids }: DueQuery,
  window: { from: string; until: string | null },
  limit: number,
): Promise<CommandRow[]> {
  const { commands: t, entityMappings: m } = store.s;
  const now = store.clock.now();
  // Whoever is linked, and whoever was: what is for a contact that is gone fails instead of waiting for ever.
  const hasContact = exists(
    store.db
      .select({ one: sql`1` })
      .from(m)
      .where(
        and(
          eq(m.connectionId, connectionId),
          eq(m.entityType, 'customer'),
          sql`${m.stickycardsId} = substr(${t.target}, ${'customer:'.length + 1})`,
          inArray(m.state, ['live', 'gone']),
        ),
      ),
  );
  return store.db
    .select()
    .from(t)
    .where(
      and(
        eq(t.connectionId, connectionId),
        eq(t.state, state),
        gt(t.id, window.from),
        window.until === null ? undefined : lte(t.id, window.until),
        inArray(t.kind, [...kinds]),
        state === 'pending' ? or(isNull(t.nextAttemptAt), lte(t.nextAttemptAt, now)) : lte(t.nextAttemptAt, now),
        target === undefined ? undefined : eq(t.target, target),
        ids === undefined ? undefined : store.inList(t.id, ids),
        linkedKinds.length === 0 ? undefined : or(not(inArray(t.kind, [...linkedKinds])), hasContact),
      ),
    )
    .orderBy(asc(t.id))
    .limit(limit);
}

/** Which of these people an operator has paused: what is to happen to them waits. */
export async function pausedAmong(
  store: Store,
  connectionId: string,
  customerIds: readonly string[],
): Promise<Set<string>> {
  const { stickyCardsCustomers: t } = store.s;
  const rows = await store.db
    .select({ id: t.stickycardsId })
    .from(t)
    .where(and(eq(t.connectionId, connectionId), store.inList(t.stickycardsId, customerIds), eq(t.paused, true)));
  return new Set(rows.map((row) => row.id));
}

const PAGE = 200;

/**
 * Holds what was made before `before` and never sent: after so long somebody has to say whether it is still wanted
 * (SPEC §3.5). Answers how many. Ids count up with time, so it costs one small page when nothing is that old.
 */
export async function holdOldCommands(
  store: Store,
  connectionId: string,
  kinds: readonly CommandKind[],
  before: Date,
): Promise<number> {
  const { commands: t } = store.s;
  let count = 0;
  for (let after = ''; ;) {
    const page = await store.db
      .select()
      .from(t)
      .where(
        and(eq(t.connectionId, connectionId), eq(t.state, 'pending'), inArray(t.kind, [...kinds]), gt(t.id, after)),
      )
      .orderBy(asc(t.id))
      .limit(PAGE);
    const old = page.filter((row) => row.createdAt < before);
    const held = old.filter((row) => row.sentAt === null && row.decidedBy === null);
    if (held.length > 0) count += await store.tx((db) => hold(store, db, held));
    const last = page.at(-1);
    if (!last || old.length < page.length || page.length < PAGE) return count;
    after = last.id;
  }
}

async function hold(store: Store, db: Db, rows: readonly CommandRow[]): Promise<number> {
  let count = 0;
  for (const row of rows) {
    if (!(await moveCommand(store, db, row.id, ['pending'], { state: 'held', reason: 'too_old' }))) continue;
    count += 1;
    const sample = { commandId: row.id, kind: row.kind, target: row.target };
    await raiseProblems(store, db, row.connectionId, [
      { code: 'command_too_old', cause: row.kind, recordId: row.id, sample },
    ]);
  }
  return count;
}

/**
 * Commands of these kinds in `sending` that none of `underWay` is: their settle could not be stored. Whether they
 * arrived has to be looked for. Answers how many.
 */
export async function loseStraySends(
  store: Store,
  connectionId: string,
  kinds: readonly CommandKind[],
  underWay: ReadonlySet<string>,
): Promise<number> {
  const { commands: t } = store.s;
  const sending = await store.db
    .select({ id: t.id })
    .from(t)
    .where(and(eq(t.connectionId, connectionId), eq(t.state, 'sending'), inArray(t.kind, [...kinds])));
  const stray = sending.filter(({ id }) => !underWay.has(id));
  if (stray.length === 0) return 0;
  return store.tx(async (db) => {
    let count = 0;
    for (const { id } of stray) {
      const set = { state: 'unknown' as const, reason: 'what came of it could not be stored' };
      if (await moveCommand(store, db, id, ['sending'], set)) count += 1;
    }
    return count;
  });
}
