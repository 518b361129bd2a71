import { and, eq } from 'drizzle-orm';
import { COMMAND_KINDS } from '../../drizzle/tables/commands.ts';
import { type CommandDecision, decided } from '../domain/commandStates.ts';
import { writeAudit } from './audit.ts';
import { type CommandFilter, type CommandRow, listCommands, moveCommand } from './commands.ts';
import { requeue } from './commandSteps.ts';
import type { Db } from './db.ts';
import { freeIdentities } from './links.ts';
import { newestOf, ofWindow, type Windowed, windowFloor } from './listWindow.ts';
import { connectionNames, newestAcross } from './newestAcross.ts';
import { clearPointsLimit } from './pointsLimit.ts';
import { clearProblems } from './problems.ts';
import type { Store } from './store.ts';
import { wantCardRead } from './wantedReads.ts';

export const getCommand = async ({ db, s }: Store, id: string): Promise<CommandRow | null> =>
  (await db.select().from(s.commands).where(eq(s.commands.id, id)))[0] ?? null;

/** States with an index over all connections. */
const FOR_PEOPLE = ['held', 'unknown', 'failed'];

/** The ledger for people, newest first; asked as its indexes lie: by connection and state, or by connection and kind. */
export async function findCommands(
  store: Store,
  filter: CommandFilter,
  limit: number,
  before?: string,
): Promise<Windowed<CommandRow>> {
  const { commands: t } = store.s;
  const { connection, state, kind } = filter;
  if (connection === undefined) {
    if (state === undefined && kind === undefined) return listCommands(store, filter, limit, before);
    if (kind === undefined && FOR_PEOPLE.includes(state as string)) return listCommands(store, filter, limit, before);
    const read = (name: string) => findCommands(store, { ...filter, connection: name }, limit, before);
    return newestAcross(await connectionNames(store), limit, read);
  }
  if (state === undefined && kind === undefined) {
    const lists: CommandRow[][] = [];
    for (const each of COMMAND_KINDS) lists.push(await listCommands(store, { connection, kind: each }, limit, before));
    return newestOf(lists, limit);
  }
  const both = state !== undefined && kind !== undefined;
  const base = and(eq(t.connectionId, connection), eq(t.state, state as CommandRow['state']));
  const floor = both ? await windowFloor(store, t, base, before) : null;
  return ofWindow(await listCommands(store, filter, limit, before, floor), limit, floor);
}

/** Problems that name a command and are over when a person has decided about it. */
const PROBLEMS_OF_COMMANDS = [
  'command_unknown',
  'command_failed',
  'command_too_old',
  'command_scope_missing',
  'points_limit',
];

export type Decided = { kind: 'done'; command: CommandRow } | { kind: 'not_possible'; command: CommandRow };

/**
 * What a person decided about a command (SPEC §6.1): `confirm` it happened, `resend` send it again, `discard` it. Audited.
 * null when there is no such command; `not_possible` when its state leaves no such decision.
 */
export const decideCommand = (
  store: Store,
  id: string,
  decision: CommandDecision,
  actor: string,
): Promise<Decided | null> =>
  store.tx(async (db) => {
    const { commands: t } = store.s;
    const query = db.select().from(t).where(eq(t.id, id));
    const [row] = await (store.dialect === 'postgres' ? query.for('update') : query);
    if (!row) return null;
    const sentAtMs = row.sentAt?.getTime() ?? null;
    const state = decided(decision, { state: row.state, sentAtMs }, store.clock.nowMs());
    if (state === null) return { kind: 'not_possible', command: row };
    const again = state === 'pending';
    await moveCommand(store, db, id, [row.state], {
      state,
      decidedBy: actor,
      nextAttemptAt: null,
      // Looks belong to the attempt that they looked for.
      ...(again ? { looks: 0, reason: null } : { identity: null }),
    });
    if (!again) await followUp(store, db, row);
    await clearProblems(store, db, row.connectionId, id, PROBLEMS_OF_COMMANDS);
    await clearLimit(store, db, row);
    await writeAudit(store, db, {
      actor,
      action: `command.${decision}`,
      subject: id,
      connectionId: row.connectionId,
      before: { kind: row.kind, target: row.target, state: row.state, reason: row.reason, attempts: row.attempts },
      after: { state },
    });
    const [command] = await db.select().from(t).where(eq(t.id, id));
    return { kind: 'done', command: command as CommandRow };
  });

/**
 * A command is over without an answer of the other side: the identities of a creation are free again, and a card is read,
 * whatever became of the points; GHL gets the balance from that (SPEC §6.1).
 */
async function followUp(store: Store, db: Db, row: CommandRow): Promise<void> {
  await freeIdentities(store, db, row.id);
  if (row.kind !== 'add_points') return;
  const holder = await wantCardRead(store, db, row.connectionId, row.target.slice('card:'.length));
  const named = row.params['customerId'];
  const customerId = holder ?? (typeof named === 'string' ? named : null);
  if (customerId !== null) await requeue(store, db, row.connectionId, customerId);
}

async function clearLimit(store: Store, db: Db, row: CommandRow): Promise<void> {
  const customerId = row.params['customerId'];
  if (row.state !== 'held' || row.reason !== 'points_limit' || typeof customerId !== 'string') return;
  await clearPointsLimit(store, db, row.connectionId, customerId);
}
