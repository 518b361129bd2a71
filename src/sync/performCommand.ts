import { ATTEMPTS_MAX } from '../domain/backoff.ts';
import { type CommandRow, moveCommand } from '../store/commands.ts';
import { settleLookFailure, settleSendFailure, TakenElsewhere } from './commandFailure.ts';
import { type CommandPass, noteAnswer, sampleOf, settleCommand } from './commandPass.ts';
import type { Looked, Performed, Performer } from './commands/performer.ts';

/**
 * Whoever finds a command in `sending` does not look before the request is over for certain (callApi gives up after a
 * minute): a process that lost its lease may still have it on the line.
 */
const LOOK_AFTER_MS = 60_000;
/** Looks at one command in one pass: where the send is long ago, the second look may follow the first at once. */
const LOOKS_AT_ONCE = 2;

/**
 * One command, as far as it gets now (SPEC §3.5): a lost answer is looked for before anything is sent; what is sent is
 * `sending` on disk before the request leaves; what came of it is stored in one transaction. Rejects only when the
 * outcome cannot be stored.
 */
export async function performCommand(pass: CommandPass, performer: Performer, row: CommandRow): Promise<void> {
  pass.crashPoint('claimed', row);
  let current: CommandRow | null = row;
  for (let looks = 0; current?.state === 'unknown' && looks < LOOKS_AT_ONCE; looks++) {
    if ((current.nextAttemptAt?.getTime() ?? Infinity) > pass.ctx.store.clock.nowMs()) return;
    current = await lookFor(pass, performer, current);
  }
  if (current?.state === 'pending') await send(pass, performer, current);
}

async function lookFor(pass: CommandPass, performer: Performer, row: CommandRow): Promise<CommandRow | null> {
  const startedAtMs = pass.ctx.store.clock.nowMs();
  let looked: Looked;
  try {
    looked = await performer.look(pass.ctx, row);
  } catch (error) {
    await settleLookFailure(pass, performer, row, error, startedAtMs);
    return null;
  }
  pass.crashPoint('looked', row);
  noteAnswer(pass, performer.side);
  const next = await settleLook(pass, performer, row, looked, startedAtMs);
  pass.crashPoint('look_settled', row);
  return next;
}

async function settleLook(
  pass: CommandPass,
  performer: Performer,
  row: CommandRow,
  looked: Looked,
  startedAtMs: number,
): Promise<CommandRow | null> {
  const looks = row.looks + 1;
  switch (looked.kind) {
    case 'there':
      return settlePerformed(pass, performer, row, { ...looked, kind: 'applied' }, startedAtMs, { looks });
    case 'absent':
      if (row.attempts >= ATTEMPTS_MAX) {
        const reason = `no answer to ${row.attempts} attempts, and it is not there`;
        return settlePerformed(pass, performer, row, { ...looked, kind: 'failed', reason }, startedAtMs, { looks });
      }
      return settleCommand(pass, performer, row, {
        set: { state: 'pending', looks, nextAttemptAt: null, reason: row.reason },
        learned: looked,
        startedAtMs,
      });
    case 'look_again':
      return settleCommand(pass, performer, row, {
        set: { state: 'unknown', looks, nextAttemptAt: new Date(looked.afterMs) },
        learned: looked,
        startedAtMs,
      });
    case 'cannot_tell':
      pass.counts.unknown += 1;
      return settleCommand(pass, performer, row, {
        set: { state: 'unknown', looks, nextAttemptAt: null, decidedBy: null, reason: looked.reason },
        learned: looked,
        problems: [
          {
            code: 'command_unknown',
            cause: row.kind,
            recordId: row.id,
            sample: sampleOf(row, { reason: looked.reason }),
          },
        ],
        log: { status: 'failed', errorCode: 'command_unknown', errorMessage: looked.reason },
        startedAtMs,
      });
  }
}

async function send(pass: CommandPass, performer: Performer, claimed: CommandRow): Promise<void> {
  const { ctx } = pass;
  const { clock } = ctx.store;
  const startedAtMs = clock.nowMs();
  let row = claimed;
  try {
    const prepared = await performer.prepare(ctx, row);
    pass.crashPoint('prepared', row);
    if (prepared.kind !== 'send') {
      await settlePerformed(pass, performer, row, prepared, startedAtMs);
      return;
    }
    const before = prepared.before ?? row.before;
    const beforeSend = async () => {
      const sentAt = clock.now();
      const nextAttemptAt = new Date(sentAt.getTime() + LOOK_AFTER_MS);
      const set = { state: 'sending' as const, attempts: row.attempts + 1, sentAt, nextAttemptAt, looks: 0 };
      const moved = await pass.settler.commit((db) =>
        moveCommand(ctx.store, db, row.id, ['pending'], { ...set, before }),
      );
      if (!moved) throw new TakenElsewhere();
      row = { ...row, ...set, before };
      pass.crashPoint('sending', row);
    };
    const performed = await performer.send(ctx, { ...row, before }, { signal: ctx.signal, beforeSend });
    pass.crashPoint('answered', row);
    noteAnswer(pass, performer.side);
    await settlePerformed(pass, performer, row, performed, startedAtMs);
  } catch (error) {
    await settleSendFailure(pass, performer, { claimed, row }, error, startedAtMs);
    return;
  }
  pass.crashPoint('settled', row);
}

const isCode = (reason: string): boolean => /^[a-z][a-z_]*$/.test(reason);

async function settlePerformed(
  pass: CommandPass,
  performer: Performer,
  row: CommandRow,
  performed: Performed,
  startedAtMs: number,
  more: { looks?: number } = {},
): Promise<CommandRow | null> {
  const { counts } = pass;
  const step = { learned: performed, startedAtMs };
  if (performed.kind === 'applied') {
    counts.applied += 1;
    const set = { ...more, state: 'applied' as const, reason: null, identity: null, nextAttemptAt: null };
    return settleCommand(pass, performer, row, { ...step, set, log: { status: 'success' } });
  }
  const { reason } = performed;
  const log = { errorCode: isCode(reason) ? reason : `command_${performed.kind}`, errorMessage: reason };
  if (performed.kind === 'held') {
    counts.held += 1;
    const set = { ...more, state: 'held' as const, reason, nextAttemptAt: null };
    return settleCommand(pass, performer, row, { ...step, set, log: { status: 'skipped', ...log } });
  }
  if (performed.kind === 'wait' && row.attempts < ATTEMPTS_MAX) {
    counts.waiting += 1;
    const { kind: _, reason: __, untilMs, ...learned } = performed;
    // A row that waits for the same thing as before is left alone: nothing of it is written in every run.
    const same = row.state === 'pending' && row.reason === reason && untilMs === undefined;
    if (same && Object.keys(learned).length === 0) return null;
    const nextAttemptAt = untilMs === undefined ? null : new Date(untilMs);
    const set = { ...more, state: 'pending' as const, reason, nextAttemptAt };
    // Refused for certain: what was sent did not happen.
    return settleCommand(pass, performer, row, {
      ...step,
      set: row.state === 'sending' ? { ...set, sentAt: null } : set,
    });
  }
  counts.failed += 1;
  const explained = reason === 'gone' || reason === 'opted_out' || (performed.problems ?? []).length > 0;
  return settleCommand(pass, performer, row, {
    ...step,
    set: { ...more, state: 'failed', reason, identity: null, nextAttemptAt: null },
    problems: explained
      ? []
      : [
          {
            code: 'command_failed',
            cause: row.kind,
            recordId: row.id,
            sample: sampleOf(row, { reason }),
          },
        ],
    log: { status: reason === 'gone' ? 'skipped' : 'failed', ...log },
  });
}
