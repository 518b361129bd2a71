import { takenOffByMs } from '../../domain/observe.ts';
import { nextSet, planSegments, type SegmentsPlan, segmentStatedAtMs } from '../../domain/segmentPlan.ts';
import type { PushJob } from '../pushJob.ts';
import { announced } from '../announced.ts';
import { customerWritten } from '../stickyRows.ts';
import { toldByRead } from '../toldByRead.ts';
import { inSegmentTurn } from './segmentTurn.ts';
import { notWritable, type Writer, writerOf } from './writer.ts';

/** As staging keeps them. */
export const inOrder = (segments: readonly string[]): string[] =>
  segments.toSorted((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));

/**
 * Tags that stand for segments, put on or taken off in GHL (SPEC §3.2): the customer is read, and the set that was read
 * with just these elements changed is written. It is written ahead: when the answer gets lost and the tag is taken back
 * meanwhile, that is an edit too (`clearInStickyCards`).
 */
export async function writeSegments(job: PushJob): Promise<void> {
  const writer = writerOf(job);
  const { ctx, pair, contact } = job;
  if (contact?.seenBy !== 'answer') return;
  const plan = planSegments({
    tagMap: ctx.tagMap,
    knownSegments: ctx.knownSegments,
    segments: pair.customer.segments,
    statedAtMs: (name) => segmentStatedAtMs(pair.customer.foldState, name),
    link: job.link.tags,
    ghlTags: new Set(contact.tags),
    ghlSeenAtMs: takenOffByMs(contact, job.knownUntilMs),
  });
  if (plan.add.length + plan.remove.length === 0) return;
  if (!writer) {
    job.open = true;
    return;
  }
  const { capabilities } = writer.dialect;
  if (!capabilities.segmentsWrite || !capabilities.read) {
    notWritable(job, 'segments');
    return;
  }
  await inSegmentTurn(ctx.store, pair.customer.stickycardsId, () => readAndWrite(job, writer, plan));
}

async function readAndWrite(job: PushJob, writer: Writer, plan: SegmentsPlan): Promise<void> {
  const { ctx, pair } = job;
  const customerId = pair.customer.stickycardsId;
  const read = await writer.client.getCustomer(customerId, { signal: ctx.signal });
  const before = toldByRead(read, 'segments');
  const after = nextSet(before, plan.add, plan.remove);
  let { dateMs } = read;
  if (after.join('\n') !== before.join('\n')) {
    const sent = { add: plan.addTags, remove: plan.removeTags };
    const answer = await announced(job, { ...job.link, tags: { ...job.link.tags, segments: sent } }, (beforeSend) =>
      writer.client.setSegments({ customerId, segments: after }, { signal: ctx.signal, beforeSend }),
    );
    job.reverse.traceId = answer.traceId;
    dateMs = answer.dateMs;
  }
  job.reverse.changes.push({ field: 'segments', before: before.join(', ') || null, after: after.join(', ') || null });
  pair.customer = { ...pair.customer, segments: inOrder(after) };
  job.observations.push(customerWritten(ctx.store, ctx.connection.id, { customerId, segments: after }, dateMs));
  const { segments: _, ...tags } = job.link.tags;
  const base = new Set(tags.base);
  for (const tag of plan.addTags) base.add(tag);
  for (const tag of plan.removeTags) base.delete(tag);
  job.link = { ...job.link, tags: { ...tags, base: [...base].toSorted() } };
}
