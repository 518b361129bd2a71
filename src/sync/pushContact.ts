import type { LinkField } from '../../drizzle/tables/links.ts';
import { resolvePending } from '../domain/observe.ts';
import { type FieldsPlan, type FieldWrite, planTags, type TagsPlan } from '../domain/plan.ts';
import { ApiError, isApiError } from '../platforms/apiError.ts';
import type { GhlContactSeen } from '../platforms/ghl/client.ts';
import type { ContactRow } from '../store/contacts.ts';
import type { LinkRow } from '../store/links.ts';
import type { Pair } from '../store/pairs.ts';
import { contactBodyOf, keyOfRemoteField } from './contactBody.ts';
import { contactRow, customerLog, type JobContext, observation } from './jobContext.ts';
import { linkContact } from './linkContact.ts';
import type { Candidates } from './linkOutcomes.ts';
import { planOf, wantedTags } from './pairValues.ts';
import {
  clearedOf,
  holdRefused,
  isUnknownField,
  noteSuccess,
  type PushJob,
  rebased,
  settleAnswer,
  syncedMark,
  takeSideEffects,
} from './pushJob.ts';
import { relinkOnce } from './relink.ts';
import { settleFailure } from './settleFailure.ts';

export interface TagWork {
  job: PushJob;
  plan: TagsPlan;
}

/** How often one job may write again because a field was refused: no more than the map has fields worth holding. */
const ROUNDS_MAX = 8;

/**
 * One person's fields to GHL: find or make the contact, clear up what a lost answer left, write what differs with one
 * PUT, settle (SPEC §2.4 to §2.6). Answers the tags that are still to be written, if any.
 */
export async function pushContact(ctx: JobContext, pair: Pair, candidates: Candidates): Promise<TagWork | null> {
  let job: PushJob | null = null;
  try {
    const linked = await linkContact(ctx, pair, candidates);
    if (linked.kind === 'settled') return null;
    job = { ...linked.job, ctx, pair, startedAtMs: ctx.store.clock.nowMs() };
    return await pushLinked(job);
  } catch (error) {
    try {
      const survivor = job && isApiError(error, 'gone') ? await relinkOnce(job) : null;
      if (survivor) {
        job = survivor;
        return await pushLinked(survivor);
      }
    } catch (second) {
      await settleFailure(ctx, pair, job, second);
      return null;
    }
    await settleFailure(ctx, pair, job, error);
    return null;
  }
}

async function pushLinked(job: PushJob): Promise<TagWork | null> {
  await clearPending(job);
  await pushFields(job);
  return finishFields(job);
}

/** A value whose answer was lost is looked for before anything is planned (SPEC §3.3). */
async function clearPending(job: PushJob): Promise<void> {
  if (!Object.values(job.link.fields).some((field) => field.pending)) return;
  const contact = job.fresh && job.contact ? job.contact : await readContact(job);
  const fields: Record<string, LinkField> = {};
  for (const [key, { pending, ...field }] of Object.entries(job.link.fields)) {
    fields[key] = field;
    if (!pending) continue;
    const verdict = resolvePending({ ...field, pending }, contact.values[key] ?? null);
    if (verdict.kind === 'landed') {
      job.changes.push({ field: key, before: field.base ?? null, after: verdict.base });
      fields[key] = rebased(field, verdict.base);
    }
    const row = job.ctx.rows.find((r) => r.key === key);
    if (verdict.kind !== 'third' || row?.merge !== 'counter') continue;
    // Ours may have arrived and then been edited, or never arrived: nobody can say which difference is the edit.
    fields[key] = {
      ...field,
      held: { reason: 'points_ambiguous', value: pending.value, atMs: job.ctx.store.clock.nowMs() },
    };
    job.problems.push({
      code: 'points_ambiguous',
      cause: key,
      recordId: job.pair.customer.stickycardsId,
      sample: {
        contactId: job.link.ghlId,
        field: key,
        sent: pending.value,
        base: field.base ?? null,
        found: verdict.value,
      },
    });
  }
  job.link = { ...job.link, fields };
}

async function pushFields(job: PushJob): Promise<void> {
  const { ctx } = job;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const plan = planOf(ctx, job.pair, job.link, job.contact);
    if (plan.toGhl.length > 0 && !job.fresh && needsRead(job, plan)) {
      await readContact(job);
      continue;
    }
    takeAgreed(job, plan);
    if (plan.toGhl.length === 0) return;
    try {
      await writeFields(job, plan.toGhl);
    } catch (error) {
      if (isUnknownField(error) && !job.refreshed) {
        job.refreshed = true;
        await ctx.refreshFacts();
        continue;
      }
      const key = refusedKey(ctx, plan, error);
      if (key === null) throw error;
      holdRefused(job, key, plan, error as ApiError);
    }
  }
}

/** A PUT that carries a two-way counter or a contact field is preceded by a GET: an edit found there is kept (SPEC §2.6). */
function needsRead(job: PushJob, plan: FieldsPlan): boolean {
  const firstLink = job.contact?.seenBy === 'page' || Object.keys(job.link.fields).length === 0;
  if (firstLink) return false;
  return plan.toGhl.some(({ key }) => {
    const row = job.ctx.rows.find((r) => r.key === key);
    return row !== undefined && row.direction === 'both' && (row.merge === 'counter' || row.ghl !== 'custom');
  });
}

async function readContact(job: PushJob): Promise<ContactRow> {
  const { ctx, link } = job;
  const answer = await ctx.ghl.getContact(link.ghlId as string, { signal: ctx.signal });
  noteSuccess(ctx);
  const row = contactRow(ctx, answer.contact, job.contact, answer.dateMs);
  const changed = !job.contact || row.version !== job.contact.version || row.tags.join() !== job.contact.tags.join();
  job.contact = row;
  job.fresh = true;
  // A read that shows nothing new adds no row: it moves observed_at (SPEC §1).
  const seen = changed ? observation(ctx, 'read', job.pair.customer.stickycardsId, answer.contact, answer) : undefined;
  await ctx.settler.settle({ contact: row, observation: seen });
  return row;
}

/** What both sides agree on already, and what GHL changed: only the link moves (SPEC §3.3). */
function takeAgreed(job: PushJob, plan: FieldsPlan): void {
  const { ctx, pair } = job;
  const fields = { ...job.link.fields };
  const at = (key: string): LinkField => fields[key] ?? { revision: 0 };
  for (const { key, value } of plan.rebase) fields[key] = rebased(at(key), value);
  for (const { key, reason, value } of plan.hold)
    fields[key] = { ...at(key), held: { reason, value, atMs: ctx.store.clock.nowMs() } };
  for (const { key, from, to } of plan.edits) {
    const row = ctx.rows.find((r) => r.key === key);
    if (row?.merge !== 'counter' || typeof from !== 'number' || typeof to !== 'number' || pair.customer.cardId === null)
      continue;
    const revision = at(key).revision;
    // The row and the new base in one transaction: webhook, poll and workflow call that show one edit make one command.
    job.commands.push({
      connectionId: ctx.connection.id,
      kind: 'add_points',
      target: `card:${job.link.cardId ?? pair.customer.cardId}`,
      sourceEvent: `state:${job.link.id}:${key}:${revision}`,
      params: {
        points: to - from,
        customerId: pair.customer.stickycardsId,
        contactId: job.link.ghlId,
        field: key,
        from,
        to,
      },
    });
    fields[key] = rebased(at(key), to);
    pair.balanceBusy = true;
  }
  // Edits of contact fields are the other half's: the contact waits for it.
  if (plan.edits.length > 0 && job.contact) job.contact = { ...job.contact, syncStatus: 'PENDING' };
  job.link = { ...job.link, fields };
}

async function writeFields(job: PushJob, writes: FieldWrite[]): Promise<void> {
  const { ctx, pair } = job;
  const sentAtMs = ctx.store.clock.nowMs();
  const pending: Record<string, LinkField> = { ...job.link.fields };
  for (const { key, after } of writes) {
    const { held: _, ...field } = pending[key] ?? { revision: 0 };
    pending[key] = { ...field, pending: { value: after, sentAtMs } };
  }
  const link = { ...job.link, fields: pending };
  const answer = await sending(job, link, (beforeSend) =>
    ctx.ghl.updateContact(job.link.ghlId as string, contactBodyOf(writes, ctx.rows, ctx.facts.fieldIds), {
      signal: ctx.signal,
      beforeSend,
    }),
  );
  noteSuccess(ctx);
  job.traceId = answer.traceId;
  const seen = await proofOf(job, answer.contact);
  settleAnswer(job, link, writes, seen, answer.dateMs);
  await ctx.settler.settle({
    link: job.link,
    contact: job.contact as ContactRow,
    observation: observation(ctx, 'self', pair.customer.stickycardsId, seen, answer),
  });
}

/**
 * Write ahead, then send: `link` with its pending values is on disk when the request leaves, and stays the truth unless
 * the request certainly did not land.
 */
async function sending<T>(
  job: PushJob,
  link: LinkRow,
  send: (beforeSend: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const before = job.link;
  try {
    return await send(async () => {
      await job.ctx.settler.settle({ link, ...takeSideEffects(job) });
      job.link = link;
    });
  } catch (error) {
    if (!(error instanceof ApiError && error.mayHaveLanded)) job.link = before;
    throw error;
  }
}

/** The contact as the answer shows it; an answer that shows too little is completed by a read. */
async function proofOf(job: PushJob, shown: GhlContactSeen | null): Promise<GhlContactSeen> {
  if (shown?.hasCustomFields) return shown;
  const answer = await job.ctx.ghl.getContact(job.link.ghlId as string, { signal: job.ctx.signal });
  return answer.contact;
}

/** A refusal that names one of the fields that were sent: that one is held, the rest goes at once (SPEC §2.6). */
function refusedKey(ctx: JobContext, plan: FieldsPlan, error: unknown): string | null {
  if (!(error instanceof ApiError) || (error.class !== 'field' && error.class !== 'conflict')) return null;
  const key = keyOfRemoteField(error.field ?? error.meta?.matchingField, ctx.rows, ctx.facts.fieldIds);
  return key !== null && plan.toGhl.some((write) => write.key === key) ? key : null;
}

/** Fields are done: settle all of it when no tags are left, else hand the tags on. */
async function finishFields(job: PushJob): Promise<TagWork | null> {
  const { ctx, pair, contact } = job;
  const ghlTags = contact?.seenBy === 'answer' ? new Set(contact.tags) : null;
  const plan = planTags(wantedTags(ctx.tagMap, pair), job.link.tags, ghlTags, contact?.observedAt?.getTime() ?? 0);
  const writesTags = plan.add.length > 0 || plan.remove.length > 0;
  const { pending: _, ...tags } = job.link.tags;
  job.link = {
    ...job.link,
    cardId: pair.customer.cardId,
    tags: {
      ...tags,
      base: plan.base,
      off: plan.off,
      ...(writesTags ? { pending: { add: plan.add, remove: plan.remove, sentAtMs: ctx.store.clock.nowMs() } } : {}),
    },
  };
  const wrote = job.created || job.changes.length > 0;
  const log = wrote
    ? [
        customerLog(ctx, pair.customer.stickycardsId, job.link.ghlId, {
          action: job.created ? 'create' : 'update',
          status: 'success',
          changes: job.changes,
          traceId: job.traceId,
          durationMs: ctx.store.clock.nowMs() - job.startedAtMs,
        }),
      ]
    : [];
  if (!writesTags) ctx.counts[job.created ? 'createdCount' : wrote ? 'updatedCount' : 'unchangedCount'] += 1;
  await ctx.settler.settle({
    link: job.link,
    contact: job.contact ?? undefined,
    logs: log,
    ...takeSideEffects(job),
    ...(writesTags ? {} : { ...clearedOf(job), customer: syncedMark(pair) }),
  });
  return writesTags ? { job, plan } : null;
}
