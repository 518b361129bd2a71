import type { CommandKind } from '../../drizzle/tables/commands.ts';
import type { ApiError, Side } from '../platforms/apiError.ts';
import type { CommandRow } from '../store/commands.ts';
import { settleStep } from '../store/commandSteps.ts';
import type { RaisedProblem } from '../store/problems.ts';
import type { NewLogRow } from '../store/runs.ts';
import type { Settler } from '../store/settle.ts';
import type { CommandContext, Learned, Performer } from './commands/performer.ts';
import type { CrashHook } from './crashPoints.ts';
import { customerLog } from './jobContext.ts';

/** What became of the commands of one pass. */
export interface CommandCounts {
  applied: number;
  failed: number;
  held: number;
  /** The answer was lost, or nobody can say; looked at again, or waiting for an operator. */
  unknown: number;
  /** Not yet: something else comes first, or it is tried again later. */
  waiting: number;
}

export interface SideHealth {
  /** An attempt counts only while others get through (SPEC §2.6). */
  succeeded: number;
  failedInARow: number;
  /** Nothing more of this side is started in this pass: what the pass ends with, or `rate` for a limit that passes by itself. */
  stopped: ApiError | 'rate' | null;
}

/** What the commands of one pass share. */
export interface CommandPass {
  ctx: CommandContext;
  settler: Pick<Settler, 'commit'>;
  health: Record<Side, SideHealth>;
  /** Kinds that the token may not do: the rest goes on (SPEC §2.6, a capability is paused). */
  refusedKinds: Set<CommandKind>;
  counts: CommandCounts;
  random(): number;
  crashPoint: CrashHook;
}

const CUSTOMER = 'customer:';

/** Whose record a command belongs to; null when it does not say. */
export function customerIdOf(row: Pick<CommandRow, 'target' | 'params'>): string | null {
  if (row.target.startsWith(CUSTOMER)) return row.target.slice(CUSTOMER.length);
  const named = row.params['customerId'];
  return typeof named === 'string' ? named : null;
}

const contactIdOf = (row: CommandRow, learned: Learned): string | null => {
  const named = learned.contactId ?? row.before?.['contactId'] ?? row.params['contactId'];
  return typeof named === 'string' ? named : null;
};

/** What goes into problems: ids only. */
export const sampleOf = (row: CommandRow, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  commandId: row.id,
  kind: row.kind,
  target: row.target,
  sourceEvent: row.sourceEvent,
  ...more,
});

export interface Step {
  set: Partial<Omit<CommandRow, 'id' | 'connectionId'>> & { state: CommandRow['state'] };
  learned?: Learned;
  problems?: RaisedProblem[];
  log?: Pick<NewLogRow, 'status'> & Partial<NewLogRow>;
  startedAtMs: number;
}

/**
 * Stores one step of a command in one transaction, shared with those of its neighbours. Answers the row as it is now;
 * null when somebody else moved it meanwhile.
 */
export async function settleCommand(
  pass: CommandPass,
  performer: Pick<Performer, 'side'>,
  row: CommandRow,
  { set, learned = {}, problems = [], log, startedAtMs }: Step,
): Promise<CommandRow | null> {
  const { store, connection, runId } = pass.ctx;
  const customerId = customerIdOf(row);
  const logRow =
    log &&
    ({
      // A workflow's action is performed outside of runs.
      ...customerLog({ runId: runId ?? 'action', connection }, customerId ?? row.target, contactIdOf(row, learned), {
        action: 'command',
        attempt: Math.max(1, set.attempts ?? row.attempts),
        traceId: learned.traceId ?? null,
        changes: learned.changes ?? [],
        durationMs: store.clock.nowMs() - startedAtMs,
        nextAttemptAt: set.nextAttemptAt ?? null,
        ...log,
      }),
      entityType: 'command',
      entityId: row.id,
      customerId,
      direction: performer.side === 'ghl' ? 'stickycards_to_ghl' : 'ghl_to_stickycards',
    } satisfies NewLogRow);
  const moved = await pass.settler.commit((db) =>
    settleStep(store, db, {
      row,
      set: {
        ...(learned.result === undefined ? {} : { result: learned.result }),
        ...(learned.before === undefined ? {} : { before: learned.before }),
        ...set,
      },
      observations: learned.observations ?? [],
      problems: [...(learned.problems ?? []), ...problems],
      commands: learned.commands ?? [],
      logs: logRow ? [logRow] : [],
      marks: learned.marks ?? [],
      requeue: learned.requeue ?? null,
    }),
  );
  return moved ? { ...row, ...set } : null;
}

export function noteAnswer(pass: CommandPass, side: Side): void {
  pass.health[side].succeeded += 1;
  pass.health[side].failedInARow = 0;
}
