import { and, eq, gt } from 'drizzle-orm';
import { AppError } from '../errors.ts';
import { writeAudit } from './audit.ts';
import { writeBalanceMode } from './balanceMode.ts';
import { confirmBrake } from './brakeState.ts';
import { heldCommands } from './pointsLimit.ts';
import { type CommandRow, moveCommand } from './commands.ts';
import type { Db } from './db.ts';
import type { ProblemRow } from './problems.ts';
import type { Store } from './store.ts';

export const getProblem = async ({ db, s }: Store, id: string): Promise<ProblemRow | null> =>
  (await db.select().from(s.problems).where(eq(s.problems.id, id)))[0] ?? null;

/**
 * What a person decided about a problem; null when there is no such problem. A resolved one forgets its records, so
 * that it counts from one when it comes back; an ignored one stays ignored. Throws AppError `problem_is_over` (409).
 */
export const decideProblem = (
  store: Store,
  id: string,
  state: 'acknowledged' | 'resolved' | 'ignored',
  actor: string,
): Promise<ProblemRow | null> =>
  store.tx(async (db) => {
    const { problems: t, problemRecords: records } = store.s;
    const [row] = await db.select().from(t).where(eq(t.id, id));
    if (!row || row.state === state) return row ?? null;
    if (state === 'resolved') await db.delete(records).where(eq(records.problemId, id));
    // Nobody can be on what is over: it would keep its next occurrence from opening it, and from being told.
    const may = state === 'acknowledged' ? gt(t.affected, 0) : undefined;
    const [decided] = await db
      .update(t)
      .set({ state, ...(state === 'resolved' && { affected: 0 }), updatedAt: store.clock.now() })
      .where(and(eq(t.id, id), may))
      .returning();
    if (!decided) throw isOver(row);
    await writeAudit(store, db, {
      actor,
      action: `problem.${state}`,
      subject: id,
      connectionId: row.connectionId,
      before: { state: row.state, affected: row.affected },
      after: { state, affected: decided.affected },
    });
    return decided;
  });

const isOver = ({ state }: ProblemRow): AppError =>
  new AppError(
    'problem_is_over',
    'Nothing is affected by this problem any more, so there is nothing to acknowledge. It opens again by itself when its cause comes back; one that is ignored does so after it was resolved.',
    { httpStatus: 409, details: { state } },
  );

/** What a person confirmed. `nothing`: nothing waits for this problem. */
export type Confirmed = { kind: 'done' | 'nothing'; problem: ProblemRow };

/**
 * Lets go what a limit stopped (SPEC §6.1): the held commands that the problem is about are sent by the next run, once. Of
 * `balance_mode_wrong` it says that the setting is right as it is: the next booking proves it anew. Of `mass_change`, that
 * the changes which were counted go with the next run. The problem is resolved by it. null when there is no such problem.
 */
export const confirmProblem = (store: Store, id: string, actor: string): Promise<Confirmed | null> =>
  store.tx(async (db) => {
    const { problems: t, problemRecords: records } = store.s;
    const [row] = await db.select().from(t).where(eq(t.id, id));
    if (!row) return null;
    const about = await db.select({ id: records.recordId }).from(records).where(eq(records.problemId, id));
    const commands = await letGo(store, db, row, new Set(about.map((record) => record.id)), actor);
    const modeConfirmed = row.code === 'balance_mode_wrong' && row.state !== 'resolved';
    const brakeConfirmed = row.code === 'mass_change' && (await confirmBrake(store, db, row.connectionId, actor));
    if (commands.length === 0 && !modeConfirmed && !brakeConfirmed) return { kind: 'nothing', problem: row };
    if (modeConfirmed) await writeBalanceMode(store, db, row.connectionId, null);
    await db.delete(records).where(eq(records.problemId, id));
    const [problem] = await db
      .update(t)
      .set({ state: 'resolved', affected: 0, updatedAt: store.clock.now() })
      .where(eq(t.id, id))
      .returning();
    await writeAudit(store, db, {
      actor,
      action: 'problem.confirm',
      subject: id,
      connectionId: row.connectionId,
      before: { code: row.code, state: row.state, affected: row.affected },
      after: { state: 'resolved', commands },
    });
    return { kind: 'done', problem: problem as ProblemRow };
  });

/** Held for the problem's own cause: named by it, or of a customer or contact that it names. */
function isAbout(
  problem: ProblemRow,
  recordIds: ReadonlySet<string>,
  { id, reason, target, params }: CommandRow,
): boolean {
  if (recordIds.has(id)) return true;
  if (reason !== problem.code) return false;
  const ids = [target.slice(target.indexOf(':') + 1), params['customerId'], params['contactId']];
  return ids.some((each) => typeof each === 'string' && recordIds.has(each));
}

async function letGo(
  store: Store,
  db: Db,
  problem: ProblemRow,
  recordIds: ReadonlySet<string>,
  actor: string,
): Promise<string[]> {
  const ids: string[] = [];
  for (const command of await heldCommands(store, db, problem.connectionId)) {
    if (!isAbout(problem, recordIds, command)) continue;
    const set = { state: 'pending' as const, decidedBy: actor, nextAttemptAt: null, reason: null };
    if (await moveCommand(store, db, command.id, ['held'], set)) ids.push(command.id);
  }
  return ids;
}
