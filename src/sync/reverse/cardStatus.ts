import { canonicalTag } from '../../domain/canonical.ts';
import { cardStatusEdit } from '../../domain/cardStatusEdit.ts';
import { decideCommandTags } from '../../domain/commandTags.ts';
import type { GhlEdit } from '../../domain/plan.ts';
import type { AdminStatus } from '../../platforms/stickycards/dialect.ts';
import type { LinkRow } from '../../store/links.ts';
import { type PushJob, rebased } from '../pushJob.ts';
import { cardWritten } from '../stickyRows.ts';
import { announced } from './announced.ts';
import { notWritable, type Writer, writerOf } from './writer.ts';

/** Sets the status of one card; `link` says what is on its way. Setting it twice is setting it. */
async function setStatus(
  job: PushJob,
  { client, dialect }: Writer,
  cardId: string,
  status: AdminStatus,
  link: LinkRow,
): Promise<void> {
  const { ctx, pair } = job;
  const word = dialect.statusWrites[status] as string;
  const answer = await announced(job, link, (beforeSend) =>
    client.setCardStatus({ cardId, status: word }, { signal: ctx.signal, beforeSend }),
  );
  job.reverse.traceId = answer.traceId;
  standsAs(job, cardId, status);
  job.observations.push(
    cardWritten(
      ctx.store,
      ctx.connection.id,
      { cardId, customerId: pair.customer.stickycardsId, status },
      answer.dateMs,
    ),
  );
}

/** The pair with a card that is known to have this status now. */
export function standsAs(job: PushJob, cardId: string, status: AdminStatus): void {
  const { pair } = job;
  pair.cards = pair.cards.map((card) => (card.cardId === cardId ? { ...card, adminStatus: status } : card));
  if (pair.customer.cardId === cardId)
    pair.customer = { ...pair.customer, cardStatus: shownStatus(job, cardId, status) };
}

/** What GHL shows of a card's status: the admin status when it is not active, else where the wallet stands (SPEC §4). */
const shownStatus = (job: PushJob, cardId: string, status: AdminStatus): string | null => {
  const card = job.pair.cards.find((each) => each.cardId === cardId);
  return status === 'active' ? (card?.installStatus ?? null) : status;
};

/**
 * card_status typed in GHL (SPEC §3.2): active, inactive or suspended goes to the card that the contact showed; any
 * other word is put back with a problem. Answers whether the pair is to be planned anew.
 */
export async function writeCardStatus(job: PushJob, edit: GhlEdit | undefined): Promise<boolean> {
  const writer = writerOf(job);
  if (!edit || job.putBack.has(edit.key)) return false;
  const { pair } = job;
  const decision = cardStatusEdit(edit.to);
  const cardId = job.link.cardId ?? pair.customer.cardId;
  if (decision.kind === 'put_back' || cardId === null) {
    job.putBack.add(edit.key);
    if (decision.kind === 'put_back')
      job.problems.push({
        code: 'not_writable',
        cause: edit.key,
        recordId: pair.customer.stickycardsId,
        sample: { contactId: job.link.ghlId, field: edit.key },
      });
    return true;
  }
  if (decision.kind !== 'write') return false;
  if (!writer) {
    job.open = true;
    return false;
  }
  if (!writer.dialect.capabilities.statusWrite) {
    notWritable(job, writer, edit.key);
    return false;
  }
  const field = job.link.fields[edit.key] ?? { revision: 0 };
  const pending = { value: edit.to, sentAtMs: job.ctx.store.clock.nowMs(), to: 'stickycards' as const };
  const fields = { ...job.link.fields, [edit.key]: { ...field, pending } };
  await setStatus(job, writer, cardId, decision.status, { ...job.link, fields });
  job.reverse.changes.push({ field: edit.key, before: edit.from, after: decision.status });
  // GHL keeps the word that was typed; what the card shows by its own rules goes there by the contact's next write.
  job.link = { ...job.link, fields: { ...job.link.fields, [edit.key]: rebased(field, edit.to) } };
  return true;
}

/**
 * The tags `churned` and `reactivated` (SPEC §3.2): every card that is not removed becomes Inactive or Active, and the
 * other tag is taken off.
 */
export async function obeyCommandTags(job: PushJob): Promise<void> {
  const writer = writerOf(job);
  const { ctx, pair, contact } = job;
  if (contact?.seenBy !== 'answer') return;
  const { churned, reactivated } = ctx.tagMap.commands;
  const decision = decideCommandTags({
    churned: canonicalTag(churned),
    reactivated: canonicalTag(reactivated),
    base: job.link.tags.commands,
    now: contact.tags,
    sightings: job.sightings,
    sinceMs: job.knownUntilMs,
  });
  // Ordered once, it is carried out on every card, also when an answer got lost and the tag is off again by then.
  const status = decision.status ?? job.link.tags.ordered ?? null;
  if (status !== null && !writer) {
    job.open = true;
    return;
  }
  if (decision.problem)
    job.problems.push({
      code: decision.problem,
      recordId: pair.customer.stickycardsId,
      sample: { contactId: job.link.ghlId, tags: [churned, reactivated] },
    });
  if (status !== null && writer) {
    if (!writer.dialect.capabilities.statusWrite) {
      notWritable(job, writer, 'card_status');
      return;
    }
    const cards = pair.cards.filter((card) => card.installStatus !== 'removed');
    const link = { ...job.link, tags: { ...job.link.tags, ordered: status } };
    for (const card of cards) {
      await setStatus(job, writer, card.cardId, status, link);
      job.reverse.changes.push({ field: `card ${card.cardId}`, before: card.adminStatus, after: status });
    }
  }
  job.tagsToRemove = [...new Set([...job.tagsToRemove, ...decision.removeTags])];
  const { ordered: _, ...tags } = job.link.tags;
  job.link = { ...job.link, tags: { ...tags, commands: decision.base } };
}
