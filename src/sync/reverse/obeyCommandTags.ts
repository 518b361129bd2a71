import type { LinkTags } from '../../../drizzle/tables/links.ts';
import { canonicalTag } from '../../domain/canonical.ts';
import { type CommandTagsDecision, decideCommandTags, type TagSighting } from '../../domain/commandTags.ts';
import { type ApiError, isApiError } from '../../platforms/apiError.ts';
import type { AdminStatus } from '../../platforms/stickycards/dialect.ts';
import type { ContactRow } from '../../store/contacts.ts';
import type { LinkRow } from '../../store/links.ts';
import type { PushJob } from '../pushJob.ts';
import { seenSince } from '../sightings.ts';
import { altered, cardGone, setStatus } from './cardStatus.ts';
import { notWritable, type Writer, writerOf } from './writer.ts';

/**
 * The tags `churned` and `reactivated` (SPEC §3.2): every card that is not removed becomes Inactive or Active, and the
 * other tag is taken off.
 */
export async function obeyCommandTags(job: PushJob): Promise<void> {
  const writer = writerOf(job);
  const { ctx, contact } = job;
  if (contact?.seenBy !== 'answer') return;
  const decision = await decide(job, contact);
  const { status, base: commands } = decision;
  if (status !== null && !writer) {
    job.open = true;
    return;
  }
  const { ordered: _, conflict, ...tags } = job.link.tags;
  if (decision.problem) {
    const { churned, reactivated } = ctx.tagMap.commands;
    job.problems.push({
      code: decision.problem,
      recordId: job.pair.customer.stickycardsId,
      sample: { contactId: job.link.ghlId, tags: [churned, reactivated] },
    });
    // Which order holds is decided when one of the two is gone.
    job.link = { ...job.link, tags: { ...job.link.tags, commands, conflict: true } };
    return;
  }
  const readMs = contact.observedAt?.getTime();
  const decided: LinkTags = { ...tags, commands, ...(readMs === undefined ? {} : { commandsReadMs: readMs }) };
  if (status !== null && writer) {
    if (!writer.dialect.capabilities.statusWrite) {
      notWritable(job, 'card_status');
      return;
    }
    await setEveryCard(job, writer, status, { ...job.link, tags: { ...decided, ordered: status } });
  }
  job.tagsToRemove = [...new Set([...job.tagsToRemove, ...decision.removeTags])];
  job.link = { ...job.link, tags: decided };
  if (conflict || status !== null) job.over.add('churn_conflict');
}

async function decide(job: PushJob, contact: ContactRow): Promise<CommandTagsDecision> {
  const { commands: base, ordered } = job.link.tags;
  const churned = canonicalTag(job.ctx.tagMap.commands.churned);
  const reactivated = canonicalTag(job.ctx.tagMap.commands.reactivated);
  const sinceMs = job.link.tags.commandsReadMs ?? job.knownUntilMs;
  const bothNew = [churned, reactivated].every((tag) => contact.tags.includes(tag) && !base?.includes(tag));
  // A delivery that marked the contact for an attempt that failed is not among those of this one.
  const earlier: TagSighting[] =
    bothNew && sinceMs !== null ? await seenSince(job.ctx, contact.ghlContactId, sinceMs) : [];
  return decideCommandTags({
    churned,
    reactivated,
    base,
    ordered,
    now: contact.tags,
    sightings: [...earlier, ...job.sightings],
    sinceMs,
    before: job.knownTags,
  });
}

/** One card that Sticky Cards refuses keeps none of the others; only what is about all of them ends it. */
async function setEveryCard(job: PushJob, writer: Writer, status: AdminStatus, link: LinkRow): Promise<void> {
  const refused: ApiError[] = [];
  for (const { cardId, adminStatus, installStatus } of job.pair.cards) {
    if (installStatus === 'removed') continue;
    try {
      const now = await setStatus(job, writer, cardId, status, link);
      job.reverse.changes.push({ field: `card ${cardId}`, before: adminStatus, after: now });
      if (now !== status) altered(job, cardId, status, now);
    } catch (error) {
      if (!isOfOneCard(error)) throw error;
      if (error.class === 'gone') cardGone(job, cardId, error);
      else refused.push(error);
    }
  }
  // What passes by itself is tried again, and the refusal is met then once more.
  const first = refused.find((error) => error.class === 'transient') ?? refused[0];
  if (first) throw first;
}

/** Answered, and not about the key, the pace or the line: the next card may fare better. */
const isOfOneCard = (error: unknown): error is ApiError =>
  isApiError(error, 'gone', 'conflict', 'field', 'validation', 'transient') &&
  error.side === 'stickycards' &&
  error.answered;
