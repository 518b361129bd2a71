import { backoffMs, ATTEMPTS_MAX } from '../domain/backoff.ts';
import { AppError, messageOf } from '../errors.ts';
import { ApiError } from '../platforms/apiError.ts';
import type { Pair } from '../store/pairs.ts';
import type { NewLogRow } from '../store/runs.ts';
import { customerLog, type JobContext } from './jobContext.ts';
import { noteSuccess, type PushJob, takeSideEffects } from './pushJob.ts';
import { type HaltCode, RunHalted } from './sidePause.ts';

/** After so many failures in passing in a row the side is asked whether it is there at all. */
export const DOWN_AFTER_FAILURES = 5;

const halts: Partial<Record<ApiError['class'], { code: HaltCode; text: string }>> = {
  auth: { code: 'ghl_token_rejected', text: 'GHL does not accept the token: put in a new one' },
  scope: { code: 'ghl_scope_missing', text: 'the GHL token lacks a scope that is needed' },
  daily_budget: { code: 'ghl_daily_budget', text: "today's GHL calls are used up: it goes on after midnight UTC" },
};

/** More exact than the class: what GHL's known texts and the token keeper say. */
const haltsByCode: Readonly<Record<string, { code: HaltCode; text: string | null }>> = {
  wrong_location: { code: 'ghl_wrong_location', text: 'the GHL token is not one of this location' },
  location_inactive: { code: 'ghl_location_inactive', text: 'the location is switched off in GHL' },
  ghl_reconnect_needed: { code: 'ghl_reconnect_needed', text: null },
  ghl_client_rejected: { code: 'ghl_client_rejected', text: null },
};

/** The halt that an answer means for the whole side; null when it is about one record. */
export function haltOf(error: unknown): RunHalted | null {
  if (error instanceof RunHalted) return error;
  if (!(error instanceof ApiError) || error.side !== 'ghl') return null;
  const halt = haltsByCode[error.code] ?? halts[error.class];
  if (!halt) return null;
  const message = halt.text === null ? error.message : `${halt.text} (${messageOf(error)})`;
  return new RunHalted(halt.code, message, error);
}

/** What was tried, as its log row names it. */
type Tried = Pick<NewLogRow, 'action'> & Partial<Pick<NewLogRow, 'tagsAdded' | 'tagsRemoved'>>;

/** What a failed job leaves: the record's next state, a log row, its problems (SPEC §2.6, classes of errors). */
export async function settleFailure(
  ctx: JobContext,
  pair: Pair,
  job: PushJob | null,
  error: unknown,
  // Who has no contact yet failed at being given one.
  tried: Tried = { action: job?.link.ghlId ? 'update' : 'create' },
): Promise<void> {
  if (ctx.signal.aborted) {
    // Stopping, a halt or losing the lease is nobody's attempt; what was pending on disk is looked for by whoever comes next.
    if (job) await ctx.settler.settle({ link: job.link, ...takeSideEffects(job) });
    return;
  }
  const api = error instanceof ApiError ? error : null;
  const halt = haltOf(error);
  if (halt) {
    if (job) await ctx.settler.settle({ link: job.link, ...takeSideEffects(job) });
    throw halt;
  }
  if (api?.class === 'gone' && job) return settleGone(ctx, pair, job, api);
  if (!api)
    ctx.log.error('a record failed for a reason of our own', {
      connection: ctx.connection.id,
      customerId: pair.customer.stickycardsId,
      error,
    });
  const passing = !api || api.class === 'transient' || api.class === 'rate_limited' || api.mayHaveLanded;
  if (passing) return settlePassing(ctx, pair, job, error, tried);
  await settleFailed(ctx, pair, job, api, tried);
}

/** Network, timeout, 5xx: again later, with backoff; an attempt counts only while other calls get through. */
async function settlePassing(
  ctx: JobContext,
  pair: Pair,
  job: PushJob | null,
  error: unknown,
  tried: Tried,
): Promise<void> {
  ctx.health.failedInARow += 1;
  const counts = ctx.health.succeeded > 0 && ctx.health.failedInARow === 1;
  const attempts = pair.customer.attempts + (counts ? 1 : 0);
  const givenUp = attempts >= ATTEMPTS_MAX;
  const waitMs = backoffMs(Math.max(1, attempts), ctx.random());
  const nextAttemptAt = givenUp ? null : new Date(ctx.store.clock.nowMs() + waitMs);
  const next = { syncStatus: givenUp ? ('FAILED' as const) : ('PENDING' as const), attempts, nextAttemptAt };
  await settleRecord(ctx, pair, job, error, next, tried);
  if (ctx.health.failedInARow >= DOWN_AFTER_FAILURES) await proveUp(ctx, error);
}

/** So many failures in a row: is the side down, or are these records bad? One cheap read tells (a circuit half open). */
export async function proveUp(ctx: JobContext, error: unknown): Promise<void> {
  try {
    await ctx.ghl.getLocation({ priority: 'next', signal: ctx.signal });
    noteSuccess(ctx);
  } catch (probe) {
    const halt = haltOf(probe);
    if (halt) throw halt;
    // Refused for a reason of its own is an answer too.
    if (probe instanceof ApiError && probe.answered && probe.class !== 'transient') {
      noteSuccess(ctx);
      return;
    }
    throw new RunHalted('ghl_down', `GHL does not answer: ${messageOf(error)}`, error);
  }
}

const settleFailed = (ctx: JobContext, pair: Pair, job: PushJob | null, error: ApiError, tried: Tried) => {
  const next = { syncStatus: 'FAILED' as const, attempts: pair.customer.attempts + 1, nextAttemptAt: null };
  return settleRecord(ctx, pair, job, error, next, tried);
};

async function settleRecord(
  ctx: JobContext,
  pair: Pair,
  job: PushJob | null,
  error: unknown,
  next: { syncStatus: 'PENDING' | 'FAILED'; attempts: number; nextAttemptAt: Date | null },
  tried: Tried,
): Promise<void> {
  const { errorClass, errorCode, errorMessage, traceId } = describe(error);
  ctx.counts.failedCount += 1;
  const customerId = pair.customer.stickycardsId;
  const effects = job && takeSideEffects(job);
  await ctx.settler.settle({
    ...effects,
    link: job?.link,
    problems: [
      ...(effects?.problems ?? []),
      ...(next.syncStatus === 'FAILED'
        ? [
            {
              code: 'record_failed',
              cause: errorCode,
              recordId: customerId,
              sample: { contactId: job?.link.ghlId ?? null, message: errorMessage },
            },
          ]
        : []),
    ],
    logs: [
      customerLog(ctx, customerId, job?.link.ghlId ?? null, {
        ...tried,
        status: 'failed',
        durationMs: job && ctx.store.clock.nowMs() - job.startedAtMs,
        errorClass,
        errorCode,
        errorMessage,
        traceId,
        attempt: Math.max(1, next.attempts),
        nextAttemptAt: next.nextAttemptAt,
      }),
    ],
    customer: {
      customerId,
      claimedVersion: pair.customer.version,
      syncError: { class: errorClass, code: errorCode, message: errorMessage },
      ...next,
    },
  });
}

/** Deleted in GHL: never made again by us (SPEC §2.5, 0). */
async function settleGone(ctx: JobContext, pair: Pair, job: PushJob, error: ApiError): Promise<void> {
  const customerId = pair.customer.stickycardsId;
  const code = 'deleted_in_ghl';
  const message = 'the contact was deleted in GHL';
  const contactId = job.link.ghlId;
  ctx.counts.skippedCount += 1;
  const effects = takeSideEffects(job);
  await ctx.settler.settle({
    ...effects,
    link: {
      ...job.link,
      state: 'gone',
      metadata: { ...job.link.metadata, gone: code, goneAtMs: ctx.store.clock.nowMs() },
    },
    contact: job.contact ? { ...job.contact, deleted: true } : undefined,
    failedTarget: { target: `customer:${customerId}`, reason: 'gone' },
    problems: [...effects.problems, { code, recordId: customerId, sample: { customerId, contactId } }],
    logs: [
      customerLog(ctx, customerId, contactId, {
        action: 'skip',
        status: 'skipped',
        errorClass: 'gone',
        errorCode: code,
        errorMessage: message,
        traceId: error.traceId ?? null,
      }),
    ],
    customer: {
      customerId,
      claimedVersion: pair.customer.version,
      syncStatus: 'SKIPPED',
      syncError: { class: 'gone', code, message },
      attempts: 0,
      nextAttemptAt: null,
    },
  });
}

/** A record that is left out on purpose, listed with its reason. */
export async function settleSkipped(
  ctx: JobContext,
  pair: Pair,
  reason: { code: string; message: string; contactId?: string | null; sample?: Record<string, unknown> },
): Promise<void> {
  const customerId = pair.customer.stickycardsId;
  ctx.counts.skippedCount += 1;
  await ctx.settler.settle({
    problems: reason.sample
      ? [{ code: reason.code, recordId: customerId, sample: { customerId, ...reason.sample } }]
      : [],
    logs: [
      customerLog(ctx, customerId, reason.contactId ?? null, {
        action: 'skip',
        status: 'skipped',
        errorCode: reason.code,
        errorMessage: reason.message,
      }),
    ],
    customer: {
      customerId,
      claimedVersion: pair.customer.version,
      syncStatus: 'SKIPPED',
      syncError: { class: 'excluded', code: reason.code, message: reason.message },
      attempts: 0,
      nextAttemptAt: null,
    },
  });
}

/** An error in the words that a record and its log show. */
export function describe(error: unknown) {
  if (error instanceof ApiError) {
    return {
      errorClass: error.class,
      errorCode: error.code,
      errorMessage: error.message,
      traceId: error.traceId ?? null,
    };
  }
  if (error instanceof AppError)
    return { errorClass: 'internal', errorCode: error.code, errorMessage: error.message, traceId: null };
  return {
    errorClass: 'internal',
    errorCode: 'internal',
    errorMessage: 'an error of our own; the log names it',
    traceId: null,
  };
}
