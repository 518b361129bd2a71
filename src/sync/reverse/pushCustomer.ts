import type { Overwritten } from '../../domain/overwritten.ts';
import { judgeSightings } from '../../domain/overwritten.ts';
import type { FieldsPlan } from '../../domain/plan.ts';
import { isApiError } from '../../platforms/apiError.ts';
import { appliedBalance, cardsWithOpenPoints } from '../../store/commands.ts';
import type { Capability } from '../capabilities.ts';
import type { PushJob } from '../pushJob.ts';
import { writeCardStatus } from './cardStatus.ts';
import { writeConsent } from './consent.ts';
import { type DetailEdit, writeDetails } from './contactFields.ts';
import { goneInStickyCards } from './gone.ts';
import { obeyCommandTags } from './obeyCommandTags.ts';
import { orderPoints } from './points.ts';
import { writeSegments } from './segments.ts';
import { writerOf } from './writer.ts';

/**
 * The reverse half of a pair (SPEC §3.2): everything that a read showed to be changed in GHL goes to Sticky Cards, each
 * part by itself, so that one which fails keeps none of the others. What failed is told to the forward half by
 * `job.reverse.error`; it goes on and the record is tried again.
 */
export async function pushCustomer(job: PushJob, plan: FieldsPlan): Promise<void> {
  const { ctx } = job;
  const kindOf = (key: string) => ctx.rows.find((row) => row.key === key);
  const details: DetailEdit[] = plan.edits.filter(({ key }) => kindOf(key)?.ghl !== 'custom');
  const counters = plan.edits.filter(({ key }) => kindOf(key)?.merge === 'counter');
  const { lost, points } = overwrittenEdits(job);
  await attempt(job, 'contact_details', () => writeDetails(job, [...details, ...lost]));
  await attempt(job, 'card_status', () =>
    writeCardStatus(
      job,
      plan.edits.find(({ key }) => key === 'card_status'),
    ),
  );
  await attempt(job, 'card_status', () => obeyCommandTags(job));
  await attempt(job, 'preferences', () => writeConsent(job));
  await attempt(job, 'segments', () => writeSegments(job));
  await orderPoints(job, counters, points);
  await attempt(job, null, () => bookPoints(job));
}

/**
 * A refusal or silence of Sticky Cards is kept for later; whatever else goes wrong ends the job. A key that may not do
 * just this does everything else: what is left waits with its mark.
 */
async function attempt(job: PushJob, capability: Capability | null, work: () => Promise<unknown>): Promise<void> {
  const { capabilities } = job.ctx;
  const { length } = job.reverse.changes;
  try {
    job.closed = capability !== null && capabilities.isRefused(capability);
    await work();
    if (capability !== null && job.reverse.changes.length > length) capabilities.allow(capability);
  } catch (error) {
    if (!isApiError(error) || error.side !== 'stickycards' || job.ctx.signal.aborted) throw error;
    if (error.class === 'gone') return goneInStickyCards(job);
    if (error.class === 'scope' && capability !== null) {
      capabilities.refuse(capability, error);
      job.open = true;
      return;
    }
    job.reverse.error ??= error;
    job.ctx.stickyFailed(error);
  } finally {
    job.closed = false;
  }
}

/** Balance commands of the card are performed at once; with what they come to, GHL is written in the same job. */
async function bookPoints(job: PushJob): Promise<void> {
  const { ctx, pair } = job;
  const cardId = job.link.cardId ?? pair.customer.cardId;
  if (!pair.balanceBusy || cardId === null || !writerOf(job)) return;
  const target = `card:${cardId}`;
  await ctx.perform({ target });
  const { store, connection } = ctx;
  const open = await cardsWithOpenPoints(store, store.db, connection.id, [cardId]);
  pair.balanceBusy = open.has(cardId);
  if (!pair.balanceBusy && pair.customer.cardId === cardId) {
    const balance = await appliedBalance(store, connection.id, target, job.startedAtMs);
    if (balance !== null) pair.customer = { ...pair.customer, loyaltyPoints: balance };
  }
  // A bonus that is booked by now is cleared by the write that follows.
  await orderPoints(job, [], []);
}

/** Edits that one of our own writes went over, as the deliveries that marked the contact showed them (SPEC §3.3). */
function overwrittenEdits(job: PushJob): { lost: DetailEdit[]; points: (Overwritten & { key: string })[] } {
  const lost: DetailEdit[] = [];
  const points: (Overwritten & { key: string })[] = [];
  const { ctx, contact } = job;
  if (job.judged || job.sightings.length === 0 || !contact) return { lost, points };
  job.judged = true;
  for (const row of ctx.rows) {
    const field = job.link.fields[row.key];
    if (row.direction !== 'both' || !field?.writes) continue;
    const judged = judgeSightings({
      merge: row.merge,
      sightings: job.sightings.map(({ eventId, atMs, values }) => ({ eventId, atMs, value: values[row.key] ?? null })),
      writes: field.writes,
      base: field.base,
      pending: field.pending,
      current: contact.values[row.key] ?? null,
      lastReadAtMs: job.knownUntilMs,
      lastReadUpdatedAtMs: job.knownUpdatedMs,
    });
    for (const judgement of judged) {
      if (judgement.kind === 'ambiguous')
        job.problems.push({
          code: 'points_ambiguous',
          cause: row.key,
          recordId: job.pair.customer.stickycardsId,
          sample: { contactId: job.link.ghlId, field: row.key, seen: judgement.value, found: judgement.base },
        });
      if (judgement.kind !== 'overwritten') continue;
      if (row.merge === 'counter') points.push({ ...judgement, key: row.key });
      else if (row.ghl !== 'custom')
        lost.push({ key: row.key, from: field.base ?? null, to: judgement.value, lost: true });
    }
  }
  return { lost, points };
}
