import { and, asc, desc, eq, gte, inArray, lt, sql } from 'drizzle-orm';
import type { Schema } from '../../drizzle/schema.ts';
import type { CommandKind, CommandState } from '../../drizzle/tables/commands.ts';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

export type CommandRow = Schema['commands']['$inferSelect'];

export interface NewCommand {
  connectionId: string;
  kind: CommandKind;
  target: string;
  sourceEvent: string;
  params: Record<string, unknown>;
  identity?: string | null;
  state?: CommandState;
  reason?: string | null;
  before?: Record<string, unknown> | null;
}

/** Adds rows to the ledger; one whose key exists stays as it is (SPEC §3.5). */
export async function insertCommands(store: Store, db: Db, commands: readonly NewCommand[]): Promise<void> {
  if (commands.length === 0) return;
  const now = store.clock.now();
  await db
    .insert(store.s.commands)
    .values(
      commands.map((command) => ({
        ...command,
        id: store.newId('cmd'),
        state: command.state ?? ('pending' as const),
        createdAt: now,
        updatedAt: now,
      })),
    )
    .onConflictDoNothing();
}

/** The command of this kind for this target that is not finished, if there is one. */
export const openCommandOf = async (
  { s }: Store,
  db: Db,
  connectionId: string,
  kind: CommandKind,
  target: string,
): Promise<CommandRow | null> =>
  (
    await db
      .select()
      .from(s.commands)
      .where(
        and(
          eq(s.commands.connectionId, connectionId),
          eq(s.commands.kind, kind),
          eq(s.commands.target, target),
          inArray(s.commands.state, ['pending', 'sending', 'unknown']),
        ),
      )
      .orderBy(asc(s.commands.id))
      .limit(1)
  )[0] ?? null;

/** Moves a command on; the states a row may come from guard against a second mover. Answers whether it moved. */
export const moveCommand = async (
  store: Store,
  db: Db,
  id: string,
  from: readonly CommandState[],
  set: Partial<Omit<CommandRow, 'id' | 'connectionId'>> & { state: CommandState },
): Promise<boolean> => {
  const { commands: t } = store.s;
  const moved = await db
    .update(t)
    .set({ ...set, updatedAt: store.clock.now() })
    .where(and(eq(t.id, id), inArray(t.state, [...from])))
    .returning({ id: t.id });
  return moved.length > 0;
};

/** Fails what was to happen to a record that is gone and was never sent. */
export const failOpenCommands = async (
  store: Store,
  db: Db,
  connectionId: string,
  target: string,
  reason: string,
): Promise<void> => {
  const { commands: t } = store.s;
  await db
    .update(t)
    .set({ state: 'failed', reason, identity: null, updatedAt: store.clock.now() })
    .where(and(eq(t.connectionId, connectionId), eq(t.target, target), inArray(t.state, ['pending', 'held'])));
};

/** A row found in `sending` when a lease is taken belongs to a process that is gone: its answer never came. */
export const markSendingUnknown = (store: Store, connectionId: string): Promise<number> =>
  store.tx(async (db) => {
    const { commands: t } = store.s;
    const moved = await db
      .update(t)
      .set({ state: 'unknown', reason: 'the process ended before the answer came', updatedAt: store.clock.now() })
      .where(and(eq(t.connectionId, connectionId), eq(t.state, 'sending')))
      .returning({ id: t.id });
    return moved.length;
  });

/** Cards whose points are on their way by a command: their loyalty_points is not written to GHL (SPEC §3.3). */
export async function cardsWithOpenPoints(
  store: Store,
  db: Db,
  connectionId: string,
  cardIds: readonly string[],
): Promise<Set<string>> {
  if (cardIds.length === 0) return new Set();
  const { commands: t } = store.s;
  const rows = await db
    .select({ target: t.target })
    .from(t)
    .where(
      and(
        eq(t.connectionId, connectionId),
        eq(t.kind, 'add_points'),
        inArray(
          t.target,
          cardIds.map((id) => `card:${id}`),
        ),
        inArray(t.state, ['pending', 'held', 'sending', 'unknown']),
      ),
    );
  return new Set(rows.map((row) => row.target.slice('card:'.length)));
}

/** The commands that these states of fields or deliveries made, whatever became of them. */
export const commandsBySource = (
  { db, s }: Store,
  connectionId: string,
  sourceEvents: readonly string[],
): Promise<CommandRow[]> => {
  const { commands: t } = s;
  return db
    .select()
    .from(t)
    .where(and(eq(t.connectionId, connectionId), inArray(t.sourceEvent, [...sourceEvents])))
    .orderBy(asc(t.id));
};

export interface CommandFilter {
  connection?: string;
  state?: string;
  kind?: string;
}

/** Newest first; `floor` = the oldest id that is looked at. `findCommands` is the one that is quick for every filter. */
export const listCommands = (
  { db, s }: Store,
  filter: CommandFilter,
  limit: number,
  before?: string,
  floor?: string | null,
): Promise<CommandRow[]> => {
  const { commands: t } = s;
  return db
    .select()
    .from(t)
    .where(
      and(
        filter.connection === undefined ? undefined : eq(t.connectionId, filter.connection),
        filter.state === undefined ? undefined : eq(t.state, filter.state as CommandState),
        // Said in the index's own words, or SQLite does not see that its partial index serves the query.
        filter.connection === undefined && ['held', 'unknown', 'failed'].includes(filter.state ?? '')
          ? sql`${t.state} in ('held', 'unknown', 'failed')`
          : undefined,
        filter.kind === undefined ? undefined : eq(t.kind, filter.kind as CommandKind),
        before === undefined ? undefined : lt(t.id, before),
        floor == null ? undefined : gte(t.id, floor),
      ),
    )
    .orderBy(desc(t.id))
    .limit(limit);
};

/** The total that the newest booking of this target left behind, of those that were applied since; null when none was. */
export async function appliedBalance(
  { db, s }: Store,
  connectionId: string,
  target: string,
  sinceMs: number,
): Promise<number | null> {
  const { commands: t } = s;
  const rows = await db
    .select({ result: t.result })
    .from(t)
    .where(
      and(
        eq(t.connectionId, connectionId),
        eq(t.target, target),
        eq(t.kind, 'add_points'),
        eq(t.state, 'applied'),
        gte(t.updatedAt, new Date(sinceMs)),
      ),
    )
    .orderBy(desc(t.id))
    .limit(1);
  const balance = rows[0]?.result?.['balance'];
  return typeof balance === 'number' ? balance : null;
}
