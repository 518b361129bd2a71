import { backoffMs, ATTEMPTS_MAX } from '../domain/backoff.ts';
import { takenOffByMs } from '../domain/observe.ts';
import { planTags, type TagsPlan } from '../domain/plan.ts';
import { isApiError } from '../platforms/apiError.ts';
import type { CustomerMark } from '../store/pairs.ts';
import type { NewLogRow } from '../store/runs.ts';
import type { Settlement } from '../store/settle.ts';
import { customerLog } from './jobContext.ts';
import { cardShownBy, wantedTags } from './pairValues.ts';
import { clearedOf, type PushJob, syncedMark, takeSideEffects } from './pushJob.ts';
import { describe } from './settleFailure.ts';

export interface TagWork {
  job: PushJob;
  plan: TagsPlan;
}

/** Fields are done: settle all of it when no tags are left, else hand the tags on. */
export async function finishFields(job: PushJob): Promise<TagWork | null> {
  const { ctx, pair, contact } = job;
  const ghlTags = contact?.seenBy === 'answer' ? new Set(contact.tags) : null;
  const wanted = planTags(
    wantedTags(ctx.tagMap, pair),
    job.link.tags,
    ghlTags,
    takenOffByMs(contact, job.knownUntilMs),
  );
  const plan = { ...wanted, remove: [...new Set([...wanted.remove, ...job.tagsToRemove])].toSorted() };
  const hasTags = plan.add.length > 0 || plan.remove.length > 0;
  const writesTags = hasTags && ctx.halves.toGhl && !ctx.capabilities.isRefused('tags');
  if (hasTags && !writesTags) job.forwardOpen = true;
  const { pending: _, ...tags } = job.link.tags;
  job.link = {
    ...job.link,
    cardId: cardShownBy(ctx, pair, job.link, contact, job),
    tags: {
      ...tags,
      base: plan.base,
      off: plan.off,
      ...(writesTags ? { pending: { add: plan.add, remove: plan.remove, sentAtMs: ctx.store.clock.nowMs() } } : {}),
    },
  };
  const wrote = job.created || job.changes.length > 0;
  const logs: NewLogRow[] = [...reverseLog(job)];
  if (wrote)
    logs.push(
      customerLog(ctx, pair.customer.stickycardsId, job.link.ghlId, {
        action: job.created ? 'create' : 'update',
        status: 'success',
        changes: job.changes,
        traceId: job.traceId,
        attempt: pair.customer.attempts + 1,
        durationMs: ctx.store.clock.nowMs() - job.startedAtMs,
      }),
    );
  if (!writesTags) count(job, wrote);
  const done = writesTags ? {} : outcomeOf(job);
  const effects = takeSideEffects(job);
  await ctx.settler.settle({
    link: job.link,
    contact: job.contact ?? undefined,
    ...optIn(job),
    ...effects,
    ...done,
    logs: [...logs, ...(done.logs ?? [])],
    problems: [...effects.problems, ...(done.problems ?? [])],
    cleared: [...effects.cleared, ...(done.cleared ?? [])],
  });
  return writesTags ? { job, plan } : null;
}

/** One record of the run, whichever half it was that wrote. */
export function count(job: PushJob, wrote: boolean): void {
  const { counts } = job.ctx;
  const changed = wrote || job.reverse.changes.length > 0;
  // Left for a run of the other direction: nobody's record.
  if (job.forwardOpen && !changed && !job.reverse.error) return;
  if (job.reverse.error) counts.failedCount += 1;
  else counts[job.created ? 'createdCount' : changed ? 'updatedCount' : 'unchangedCount'] += 1;
}

function optIn(job: PushJob): Pick<Settlement, 'optIn'> {
  return job.optIn === null ? {} : { optIn: { customerId: job.pair.customer.stickycardsId, status: job.optIn } };
}

/** What went to Sticky Cards, before → after (SPEC §2.6, sync_logs). */
function reverseLog(job: PushJob): NewLogRow[] {
  const { ctx, pair, reverse } = job;
  if (reverse.changes.length === 0 && reverse.notes.length === 0) return [];
  return [
    customerLog(ctx, pair.customer.stickycardsId, job.link.ghlId, {
      direction: 'ghl_to_stickycards',
      action: 'update',
      status: 'success',
      changes: reverse.changes,
      errorMessage: reverse.notes.length === 0 ? null : reverse.notes.join('; '),
      traceId: reverse.traceId,
      durationMs: ctx.store.clock.nowMs() - job.startedAtMs,
    }),
  ];
}

/**
 * What a finished job leaves of the record: in step, or to be taken again because one half is still open. The mark goes
 * last: whoever finds it after a crash reads the contact again.
 */
export function outcomeOf(job: PushJob): Settlement {
  const { pair, link } = job;
  const marks = job.open && link.ghlId !== null ? { marks: [{ contactId: link.ghlId, eventId: null }] } : {};
  const done: Settlement = pair.mark && !job.open ? { mark: { row: pair.mark } } : marks;
  if (job.reverse.error) return { ...done, ...reverseFailure(job) };
  if (!job.forwardOpen) return { ...done, ...clearedOf(job), customer: syncedMark(pair) };
  // Nothing was tried of that half: it waits as it was.
  const { attempts, nextAttemptAt } = pair.customer;
  const waiting: CustomerMark = { ...syncedMark(pair), syncStatus: 'PENDING', attempts, nextAttemptAt };
  return { ...done, customer: waiting };
}

/** Sticky Cards did not take a change: again later, or a person has to look (SPEC §2.6, classes of errors). */
function reverseFailure(job: PushJob): Settlement {
  const { ctx, pair, link } = job;
  const { error } = job.reverse;
  const { errorClass, errorCode, errorMessage, traceId } = describe(error);
  const customerId = pair.customer.stickycardsId;
  const passing =
    !isApiError(error) ||
    ['transient', 'rate_limited', 'daily_budget', 'auth', 'scope'].includes(error.class) ||
    error.mayHaveLanded;
  const counts = !isApiError(error, 'auth', 'scope', 'rate_limited', 'daily_budget') && ctx.health.succeeded > 0;
  const attempts = pair.customer.attempts + (counts ? 1 : 0);
  const failed = !passing || attempts >= ATTEMPTS_MAX;
  const gone = isApiError(error, 'gone');
  const waitMs = backoffMs(Math.max(1, attempts), ctx.random());
  const nextAttemptAt = failed ? null : new Date(ctx.store.clock.nowMs() + waitMs);
  const sample = { contactId: link.ghlId, message: errorMessage };
  const code = gone ? 'gone_in_sticky_cards' : 'record_failed';
  return {
    customer: {
      customerId,
      claimedVersion: pair.customer.version,
      syncStatus: failed ? 'FAILED' : 'PENDING',
      syncError: { class: errorClass, code: errorCode, message: errorMessage },
      attempts,
      nextAttemptAt,
    },
    problems: failed ? [{ code, cause: gone ? '' : errorCode, recordId: customerId, sample }] : [],
    logs: [
      customerLog(ctx, customerId, link.ghlId, {
        direction: 'ghl_to_stickycards',
        action: 'update',
        status: 'failed',
        errorClass,
        errorCode,
        errorMessage,
        traceId,
        attempt: Math.max(1, attempts),
        nextAttemptAt,
      }),
    ],
  };
}
