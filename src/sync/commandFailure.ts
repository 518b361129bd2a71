import { ATTEMPTS_MAX, backoffMs } from '../domain/backoff.ts';
import { AppError, messageOf } from '../errors.ts';
import { ApiError } from '../platforms/apiError.ts';
import type { CommandRow } from '../store/commands.ts';
import { type CommandPass, sampleOf, settleCommand, type Step } from './commandPass.ts';
import type { Performer } from './commands/performer.ts';

/** Somebody else moved the command between claim and send: it is theirs. */
export class TakenElsewhere extends Error {}

/** After so many failures in passing in a row the side is asked whether it is there at all. */
const DOWN_AFTER_FAILURES = 5;
/** A capability that the token lacks is tried again this often (SPEC §2.6). */
const PROBE_EVERY_MS = 15 * 60_000;
const RATE_WAIT_MS = 60_000;

/** The command as it was claimed, and as it is on disk now: `sending` when the request was about to leave. */
interface Attempt {
  claimed: CommandRow;
  row: CommandRow;
}

/**
 * What a send that did not succeed leaves (SPEC §2.6, §3.5). Landed or not is never guessed: what may have arrived is
 * `unknown`; what certainly did not is `pending` again, as if nothing had been tried, or failed when it was refused.
 */
export async function settleSendFailure(
  pass: CommandPass,
  performer: Performer,
  { claimed, row }: Attempt,
  error: unknown,
  startedAtMs: number,
): Promise<void> {
  if (error instanceof TakenElsewhere) return;
  const { ctx } = pass;
  const settle = (step: Omit<Step, 'startedAtMs'>) => settleCommand(pass, performer, row, { ...step, startedAtMs });
  const nowMs = ctx.store.clock.nowMs();
  const sent = row.state === 'sending';
  const { attempts, sentAt, looks } = claimed;
  /** As if nothing had been tried. */
  const back = (afterMs: number | null, reason: string | null = claimed.reason) => ({
    state: 'pending' as const,
    attempts,
    sentAt,
    looks,
    reason,
    nextAttemptAt: afterMs === null ? null : new Date(nowMs + afterMs),
  });
  const api = error instanceof ApiError ? error : null;

  if (isStop(pass, error) && (!sent || performer.sendsOnce)) {
    // Nobody's attempt; the next holder of the lease goes on.
    if (sent) await settle({ set: back(null) });
    return;
  }
  if (sent && (api === null || api.mayHaveLanded)) {
    if (api) await noteFailure(pass, performer, api);
    else if (!isStop(pass, error)) logOwn(pass, row, error);
    pass.counts.unknown += 1;
    const nextAttemptAt = new Date(nowMs + backoffMs(row.attempts, pass.random()));
    const reason = api?.message ?? 'it was interrupted while it was being sent';
    await settle({
      set: { state: 'unknown', reason, nextAttemptAt },
      learned: { traceId: api?.traceId ?? null },
      log: { status: 'failed', ...described(error), nextAttemptAt },
    });
    return;
  }
  if (api?.class === 'auth' || api?.class === 'daily_budget' || api?.class === 'rate_limited') {
    pass.counts.waiting += 1;
    pass.health[performer.side].stopped ??= api.class === 'rate_limited' ? 'rate' : api;
    const waitMs = api.class === 'rate_limited' ? (api.retryAfterMs ?? RATE_WAIT_MS) : null;
    if (sent || waitMs !== null) await settle({ set: back(waitMs) });
    return;
  }
  if (api?.class === 'scope') {
    pass.counts.waiting += 1;
    pass.refusedKinds.add(row.kind);
    const sample = sampleOf(row, { message: api.message, traceId: api.traceId ?? null });
    await settle({
      set: back(PROBE_EVERY_MS, api.message),
      problems: [{ code: 'command_scope_missing', cause: row.kind, recordId: row.id, sample }],
    });
    return;
  }
  const passing = api ? api.class === 'transient' : !(error instanceof AppError && error.retry === 'never');
  if (!api && passing) logOwn(pass, row, error);
  const counted = api && passing ? await noteFailure(pass, performer, api) : passing;
  const tried = attempts + (counted ? 1 : 0);
  if (passing && tried < ATTEMPTS_MAX) {
    pass.counts.waiting += 1;
    const set = {
      ...back(backoffMs(Math.max(1, tried), pass.random()), described(error).errorMessage),
      attempts: tried,
    };
    await settle({ set, log: { status: 'failed', ...described(error), nextAttemptAt: set.nextAttemptAt } });
    return;
  }
  pass.counts.failed += 1;
  const { errorCode, errorMessage, traceId } = described(error);
  const reason = api ? errorMessage : errorCode;
  const sample = sampleOf(row, { message: errorMessage, traceId });
  await settle({
    set: { state: 'failed', reason, identity: null, nextAttemptAt: null, attempts: Math.max(tried, row.attempts) },
    learned: { traceId },
    problems: [{ code: 'command_failed', cause: row.kind, recordId: row.id, sample }],
    log: { status: 'failed', ...described(error) },
  });
}

/** A look that failed tells nothing: it is repeated later; one that is refused leaves the decision to a person. */
export async function settleLookFailure(
  pass: CommandPass,
  performer: Performer,
  row: CommandRow,
  error: unknown,
  startedAtMs: number,
): Promise<void> {
  if (isStop(pass, error)) return;
  const api = error instanceof ApiError ? error : null;
  pass.counts.unknown += 1;
  if (api?.class === 'auth' || api?.class === 'daily_budget' || api?.class === 'rate_limited') {
    pass.health[performer.side].stopped ??= api.class === 'rate_limited' ? 'rate' : api;
    return;
  }
  if (api?.class === 'transient') await noteFailure(pass, performer, api);
  else if (!api) logOwn(pass, row, error);
  const refused = api !== null && api.class !== 'transient' && api.class !== 'scope';
  const waitMs = api?.class === 'scope' ? PROBE_EVERY_MS : backoffMs(row.looks + 1, pass.random());
  const nextAttemptAt = refused ? null : new Date(pass.ctx.store.clock.nowMs() + waitMs);
  const { errorMessage: reason, traceId } = described(error);
  const sample = sampleOf(row, { reason, traceId });
  await settleCommand(pass, performer, row, {
    // `looks` stays: a look that failed has not seen that it is not there.
    set: { state: 'unknown', reason, nextAttemptAt, ...(refused ? { decidedBy: null } : {}) },
    problems: refused ? [{ code: 'command_unknown', cause: row.kind, recordId: row.id, sample }] : [],
    log: { status: 'failed', ...described(error), nextAttemptAt },
    startedAtMs,
  });
}

/** The run ends, the lease went, the service stops: callApi lets no write go after that (callApi.ts). */
const isStop = ({ ctx }: CommandPass, error: unknown): boolean =>
  (ctx.signal.aborted && error === ctx.signal.reason) ||
  (error instanceof AppError && !(error instanceof ApiError) && error.code === 'stopped');

/** Counts a failure in passing; answers whether it counts as an attempt: only while others get through. */
async function noteFailure(pass: CommandPass, performer: Performer, error: ApiError): Promise<boolean> {
  if (error.class !== 'transient') return true;
  const health = pass.health[performer.side];
  health.failedInARow += 1;
  const counts = health.succeeded > 0 && health.failedInARow === 1;
  if (health.failedInARow >= DOWN_AFTER_FAILURES && health.stopped === null) await proveUp(pass, performer, error);
  return counts;
}

/** So many failures in a row: is the side down, or are these commands bad? One cheap read tells. */
async function proveUp(pass: CommandPass, { side }: Performer, error: ApiError): Promise<void> {
  const { ctx } = pass;
  const health = pass.health[side];
  try {
    if (side === 'ghl') await ctx.ghl?.getLocation({ priority: 'next', signal: ctx.signal });
    else if (!ctx.sticky?.dialect.capabilities.list) throw error;
    else await ctx.sticky.client.listCustomers({ page: 1, perPage: 1 }, { priority: 'next', signal: ctx.signal });
    health.failedInARow = 0;
  } catch (probe) {
    const refusesAll = probe instanceof ApiError && (probe.class === 'auth' || probe.class === 'daily_budget');
    if (refusesAll) health.stopped = probe;
    else if (probe instanceof ApiError && probe.answered && probe.class !== 'transient') health.failedInARow = 0;
    else health.stopped = error;
  }
}

function logOwn({ ctx }: CommandPass, row: CommandRow, error: unknown): void {
  const about = { connection: ctx.connection.id, commandId: row.id, kind: row.kind };
  ctx.log.error('a command failed for a reason of our own', { ...about, error });
}

function described(error: unknown) {
  if (error instanceof ApiError)
    return {
      errorClass: error.class,
      errorCode: error.code,
      errorMessage: error.message,
      traceId: error.traceId ?? null,
    };
  if (error instanceof AppError)
    return { errorClass: 'internal', errorCode: error.code, errorMessage: messageOf(error), traceId: null };
  return {
    errorClass: 'internal',
    errorCode: 'internal',
    errorMessage: 'an error of our own; the log names it',
    traceId: null,
  };
}
