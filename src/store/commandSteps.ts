import { and, asc, eq, inArray, ne, sql } from 'drizzle-orm';
import type { CommandKind } from '../../drizzle/tables/commands.ts';
import { type CommandRow, insertCommands, moveCommand, type NewCommand } from './commands.ts';
import type { Db } from './db.ts';
import { insertDeliveries, type NewInboxRow } from './inbox.ts';
import { markContacts } from './marks.ts';
import { clearProblems, raiseProblems, type RaisedProblem } from './problems.ts';
import { type NewLogRow, writeLogs } from './runs.ts';
import type { Store } from './store.ts';

/** Problems of a command that are over when it gets anywhere. */
const COMMAND_PROBLEMS = ['command_failed', 'command_unknown', 'command_too_old', 'command_scope_missing'];

export interface CommandStep {
  row: CommandRow;
  set: Partial<Omit<CommandRow, 'id' | 'connectionId'>> & { state: CommandRow['state'] };
  observations: readonly NewInboxRow[];
  problems: readonly RaisedProblem[];
  commands: readonly NewCommand[];
  logs: readonly NewLogRow[];
  marks: readonly string[];
  requeue: string | null;
}

/**
 * Moves a command on with everything that was learned, in the caller's transaction. One that somebody moved meanwhile
 * (an operator decided) stays where it is, and nothing follows from it; what was seen is kept all the same. Answers
 * whether it moved.
 */
export async function settleStep(store: Store, db: Db, step: CommandStep): Promise<boolean> {
  const { row, set } = step;
  if (step.observations.length > 0) await insertDeliveries(store, db, step.observations);
  await markContacts(
    store,
    db,
    row.connectionId,
    step.marks.map((contactId) => ({ contactId, eventId: null })),
  );
  await writeLogs(store, db, step.logs);
  if (step.requeue !== null) await requeue(store, db, row.connectionId, step.requeue);
  if (!(await moveCommand(store, db, row.id, [row.state], set))) return false;
  await insertCommands(store, db, step.commands);
  if (set.state === 'applied' && (row.reason !== null || row.decidedBy !== null))
    await clearProblems(store, db, row.connectionId, row.id, COMMAND_PROBLEMS);
  if (step.problems.length > 0) await raiseProblems(store, db, row.connectionId, step.problems);
  return true;
}

/** The person is planned anew by the next run; a job that has them in hand just now must not settle that away. */
export const requeue = (store: Store, db: Db, connectionId: string, customerId: string): Promise<void> =>
  requeueAll(store, db, connectionId, [customerId]);

/** The same for many at once. */
export async function requeueAll(
  store: Store,
  db: Db,
  connectionId: string,
  customerIds: readonly string[],
): Promise<void> {
  const { stickyCardsCustomers: t } = store.s;
  await db
    .update(t)
    .set({ syncStatus: 'PENDING', attempts: 0, nextAttemptAt: null, version: sql`${t.version} + 1` })
    .where(and(eq(t.connectionId, connectionId), store.inList(t.stickycardsId, customerIds)));
}

/** The rows of one kind for one target, oldest first. */
export const commandsFor = ({ db, s }: Store, connectionId: string, target: string, kind: CommandKind) =>
  db
    .select()
    .from(s.commands)
    .where(and(eq(s.commands.connectionId, connectionId), eq(s.commands.target, target), eq(s.commands.kind, kind)))
    .orderBy(asc(s.commands.id));

/** Another command of this kind for this target that is on its way or whose answer was lost. */
export const commandInDoubt = async (
  { db, s }: Store,
  { connectionId, kind, target, id }: Pick<CommandRow, 'connectionId' | 'kind' | 'target' | 'id'>,
): Promise<string | null> => {
  const { commands: t } = s;
  const [row] = await db
    .select({ id: t.id })
    .from(t)
    .where(
      and(
        eq(t.connectionId, connectionId),
        eq(t.target, target),
        eq(t.kind, kind),
        inArray(t.state, ['sending', 'unknown']),
        ne(t.id, id),
      ),
    )
    .limit(1);
  return row?.id ?? null;
};

/** The row of a kind, source and target: there is at most one. */
export const commandBySource = async (
  { db, s }: Store,
  key: { connectionId: string; kind: CommandKind; target: string; sourceEvent: string },
): Promise<CommandRow | null> => {
  const { commands: t } = s;
  const rows = await db
    .select()
    .from(t)
    .where(
      and(
        eq(t.connectionId, key.connectionId),
        eq(t.sourceEvent, key.sourceEvent),
        eq(t.kind, key.kind),
        eq(t.target, key.target),
      ),
    );
  return rows[0] ?? null;
};
