import { ApiError, isApiError } from '../platforms/apiError.ts';
import { customerLog, type JobContext } from './jobContext.ts';
import { count, outcomeOf, type TagWork } from './finishPair.ts';
import { noteSuccess } from './pushJob.ts';
import { settleFailure } from './settleFailure.ts';
import { writtenAt } from './writtenAt.ts';

/** How many contacts one bulk call names. */
const BULK_MAX = 500;

interface TagCall {
  type: 'add' | 'remove';
  tags: string[];
  works: TagWork[];
}

/**
 * Tags of a page of contacts: equal changes go out together through the bulk endpoint, each row of the answer settled
 * on its own (SPEC §2.6). Adding and removing are idempotent, so a lost answer is simply repeated.
 */
export async function pushTags(
  ctx: JobContext,
  works: readonly TagWork[],
  perform: (call: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const failed = new Map<TagWork, unknown>();
  // Removals first, so that a tag that moves from one state to another never stands beside its opposite for long.
  for (const type of ['remove', 'add'] as const) {
    const calls = groupCalls(
      works.filter((work) => !failed.has(work)),
      type,
    );
    await Promise.all(calls.map((call) => perform(() => send(ctx, call, failed))));
  }
  for (const work of works) {
    if (!failed.has(work)) continue;
    const error = failed.get(work);
    if (isApiError(error, 'scope')) await settleRefused(ctx, work, error);
    else await settleFailure(ctx, work.job.pair, work.job, error, triedTags(work));
  }
  await Promise.all(works.filter((work) => !failed.has(work)).map((work) => settleTags(ctx, work)));
}

/** Contacts that need the same tags put on (or taken off) share a call. */
export function groupCalls(works: readonly TagWork[], type: 'add' | 'remove'): TagCall[] {
  const groups = Map.groupBy(
    works.filter((work) => work.plan[type].length > 0),
    // What went wrong in a bulk call goes alone the next time: its own answer says more.
    (work) => `${work.plan[type].join('\n')}${work.job.pair.customer.syncError ? ` ${work.job.link.id}` : ''}`,
  );
  return [...groups.values()].flatMap((group) => {
    const calls: TagCall[] = [];
    for (let i = 0; i < group.length; i += BULK_MAX) {
      const chunk = group.slice(i, i + BULK_MAX);
      calls.push({ type, tags: chunk[0]?.plan[type] ?? [], works: chunk });
    }
    return calls;
  });
}

async function send(ctx: JobContext, call: TagCall, failed: Map<TagWork, unknown>): Promise<void> {
  const [first] = call.works;
  if (!first) return;
  try {
    if (call.works.length === 1) {
      const contactId = first.job.link.ghlId as string;
      const answer = await (call.type === 'add' ? ctx.ghl.addTags : ctx.ghl.removeTags)(contactId, call.tags, {
        signal: ctx.signal,
      });
      first.job.traceId = answer.traceId;
      first.job.link = writtenAt(first.job.link, answer.dateMs);
    } else {
      const ids = call.works.map((work) => work.job.link.ghlId as string);
      const answer = await ctx.ghl.bulkTags(call.type, ids, call.tags, { signal: ctx.signal });
      const rows = new Map(answer.rows.map((row) => [row.contactId, row]));
      for (const work of call.works) {
        work.job.traceId = answer.traceId;
        const row = rows.get(work.job.link.ghlId as string);
        if (row?.ok) work.job.link = writtenAt(work.job.link, answer.dateMs);
        else failed.set(work, rowError(row?.message ?? 'the answer did not name the contact'));
      }
    }
    noteSuccess(ctx);
    ctx.capabilities.allow('tags');
  } catch (error) {
    for (const work of call.works) failed.set(work, error);
  }
}

/** A row of a bulk answer that says no: the contact may be gone, which the next single call finds out. */
const rowError = (message: string) =>
  new ApiError(`tags not taken: ${message}`, {
    side: 'ghl',
    class: /not found|deleted/i.test(message) ? 'gone' : 'transient',
    code: 'tags_not_taken',
    answered: true,
    mayHaveLanded: false,
  });

const triedTags = ({ plan }: TagWork) => ({
  action: 'tag' as const,
  tagsAdded: plan.add,
  tagsRemoved: plan.remove,
});

/** The token may do everything but tags: they wait, the rest of the person and everybody else goes on (SPEC §2.6). */
async function settleRefused(ctx: JobContext, { job }: TagWork, error: ApiError): Promise<void> {
  ctx.capabilities.refuse('tags', error);
  const { pending: _, ...tags } = job.link.tags;
  job.link = { ...job.link, tags };
  job.forwardOpen = true;
  count(job, job.created || job.changes.length > 0);
  await ctx.settler.settle({ ...outcomeOf(job), link: job.link });
}

async function settleTags(ctx: JobContext, { job, plan }: TagWork): Promise<void> {
  const { pair, link } = job;
  const { pending: _, ...tags } = link.tags;
  const base = new Set([...plan.base, ...plan.add]);
  for (const tag of plan.remove) base.delete(tag);
  const shown = new Set([...(job.contact?.tags ?? []), ...plan.add]);
  for (const tag of plan.remove) shown.delete(tag);
  count(job, true);
  const commands = tags.commands?.filter((tag) => !plan.remove.includes(tag));
  const done = outcomeOf(job);
  await ctx.settler.settle({
    ...done,
    link: { ...link, tags: { ...tags, base: [...base].toSorted(), ...(commands && { commands }) } },
    contact: job.contact ? { ...job.contact, tags: [...shown].toSorted() } : undefined,
    logs: [
      customerLog(ctx, pair.customer.stickycardsId, link.ghlId, {
        action: 'tag',
        status: 'success',
        tagsAdded: plan.add,
        tagsRemoved: plan.remove,
        traceId: job.traceId,
        attempt: pair.customer.attempts + 1,
        durationMs: ctx.store.clock.nowMs() - job.startedAtMs,
      }),
      ...(done.logs ?? []),
    ],
  });
}
