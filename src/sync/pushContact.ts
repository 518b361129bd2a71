import { type FieldsPlan } from '../domain/plan.ts';
import type { LinkField } from '../../drizzle/tables/links.ts';
import { type ApiError, isApiError } from '../platforms/apiError.ts';
import type { Pair } from '../store/pairs.ts';
import { finishFields, type TagWork } from './finishPair.ts';
import type { JobContext } from './jobContext.ts';
import { linkContact } from './linkContact.ts';
import type { Candidates } from './linkOutcomes.ts';
import { clearPending } from './lostAnswers.ts';
import { planOf } from './pairValues.ts';
import { holdRefused, isUnknownField, type PushJob, rebased } from './pushJob.ts';
import { readUnknownBalance } from './readBalance.ts';
import { readContact } from './readContact.ts';
import { relinkOnce } from './relink.ts';
import { takeDecidedPoints } from './reverse/decidedPoints.ts';
import { pushCustomer } from './reverse/pushCustomer.ts';
import { settleFailure } from './settleFailure.ts';
import { sightingsOf } from './sightings.ts';
import { needsRead, refusedKey, writeFields } from './writeFields.ts';

export type { TagWork } from './finishPair.ts';

/** How often one job may plan again, because a field was refused or an answer showed something new. */
const ROUNDS_MAX = 16;

/**
 * One person, both halves: find or make the contact, clear up what a lost answer left, read the contact where something
 * may have changed in GHL, tell Sticky Cards what did (SPEC §3.2), write what differs to GHL with one PUT, settle (SPEC
 * §2.4 to §2.6). Answers the tags that are still to be written, if any.
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
  const { ctx, pair } = job;
  job.knownUntilMs = job.contact?.seenBy === 'answer' ? (job.contact.observedAt?.getTime() ?? null) : null;
  job.knownTags = job.contact?.seenBy === 'answer' ? job.contact.tags : [];
  job.knownUpdatedMs = job.contact?.seenBy === 'answer' ? (job.contact.dateUpdated?.getTime() ?? null) : null;
  job.sightings = await sightingsOf(ctx, pair.mark);
  await clearPending(job);
  await takeDecidedPoints(job);
  if (pair.mark && !job.fresh) await readContact(job);
  await planAndWrite(job);
  return finishFields(job);
}

async function planAndWrite(job: PushJob): Promise<void> {
  const { ctx } = job;
  let written = 0;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const plan = planOf(ctx, job.pair, job.link, job.contact, job);
    const writes = ctx.halves.toGhl ? plan.toGhl : [];
    if (writes.length > 0 && !job.fresh && needsRead(job, plan)) {
      await readContact(job);
      continue;
    }
    if (await readUnknownBalance(job, plan)) continue;
    takeAgreed(job, plan);
    if (job.contact?.seenBy === 'answer' && job.contact !== job.decidedFrom) {
      job.decidedFrom = job.contact;
      await pushCustomer(job, plan);
      continue;
    }
    if (writes.length === 0) {
      job.forwardOpen = plan.toGhl.length > 0;
      return;
    }
    try {
      await writeFields(job, writes);
      // Once: a field that GHL changes by itself is not fought over.
      written += 1;
      job.writing = written === 1;
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

/** What both sides agree on already: only the link moves (SPEC §3.3). */
function takeAgreed(job: PushJob, plan: FieldsPlan): void {
  const { ctx } = job;
  const fields = { ...job.link.fields };
  const at = (key: string): LinkField => fields[key] ?? { revision: 0 };
  for (const { key, value } of plan.rebase) {
    const row = ctx.rows.find((r) => r.key === key);
    // What a person says about consent is decided, not only taken note of (SPEC §3.2).
    if (row?.direction === 'from_ghl' && row.merge === 'value') continue;
    fields[key] = rebased(at(key), value);
  }
  for (const { key, reason, value } of plan.hold)
    fields[key] = { ...at(key), held: { reason, value, atMs: ctx.store.clock.nowMs(), of: 'ghl' } };
  job.link = { ...job.link, fields };
}
