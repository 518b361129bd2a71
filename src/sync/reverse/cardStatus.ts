import type { LinkField } from '../../../drizzle/tables/links.ts';
import { cardStatusEdit } from '../../domain/cardStatusEdit.ts';
import type { GhlEdit } from '../../domain/plan.ts';
import { type ApiError, isApiError } from '../../platforms/apiError.ts';
import { type AdminStatus, statusOf } from '../../platforms/stickycards/dialect.ts';
import { hasStickyClient } from '../../platforms/stickycards/sides.ts';
import type { LinkRow } from '../../store/links.ts';
import { type PushJob, rebased } from '../pushJob.ts';
import { cardWritten } from '../stickyRows.ts';
import { announced } from '../announced.ts';
import { notWritable, type Writer, writerOf } from './writer.ts';

/** The row of the field map that takes edits of a card's status. */
export const CARD_STATUS = 'card_status';

/**
 * Sets the status of one card and answers the one that it has then; `link` says what is on its way. Setting it twice is
 * setting it.
 */
export async function setStatus(
  job: PushJob,
  { client, dialect }: Writer,
  cardId: string,
  status: AdminStatus,
  link: LinkRow,
): Promise<AdminStatus> {
  const { ctx, pair } = job;
  const word = dialect.statusWrites[status] as string;
  const answer = await announced(job, link, (beforeSend) =>
    client.setCardStatus({ cardId, status: word }, { signal: ctx.signal, beforeSend }),
  );
  job.reverse.traceId = answer.traceId;
  // An answer that tells nothing, or where the wallet stands, takes nothing back.
  const told = statusOf(dialect, answer.status);
  const now = told?.axis === 'admin' ? told.value : status;
  standsAs(job, cardId, now);
  job.observations.push(
    cardWritten(
      ctx.store,
      ctx.connection.id,
      { cardId, customerId: pair.customer.stickycardsId, status: now },
      answer.dateMs,
    ),
  );
  return now;
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
  if (!edit || job.putBack.has(edit.key)) return false;
  const decision = cardStatusEdit(edit.to);
  const cardId = job.link.cardId ?? job.pair.customer.cardId;
  if (decision.kind === 'put_back' || cardId === null) {
    job.putBack.add(edit.key);
    if (decision.kind !== 'refill') statusProblem(job, 'not_writable');
    return true;
  }
  if (decision.kind !== 'write') return false;
  const writer = writerOf(job);
  // A connection without a client cannot tell an old card ever, and the contact is not to wait for that.
  if (!writer && (hasStickyClient(job.ctx.connection) || !isOldCard(job, cardId))) {
    job.open = true;
    return false;
  }
  if (!writer?.dialect.capabilities.statusWrite) {
    notWritable(job, edit.key);
    if (isOldCard(job, cardId)) settleEdit(job, edit);
    return true;
  }
  await sendStatus(job, writer, edit, cardId, decision.status);
  return true;
}

const fieldOf = ({ link }: PushJob, { key }: GhlEdit): LinkField => {
  const { pending: _, ...field } = link.fields[key] ?? { revision: 0 };
  return field;
};

const withField = ({ link }: PushJob, { key }: GhlEdit, field: LinkField): LinkRow => ({
  ...link,
  fields: { ...link.fields, [key]: field },
});

/** The word that was typed becomes the base: it is no edit any more, of whichever card the contact shows next. */
function settleEdit(job: PushJob, edit: GhlEdit): void {
  job.link = withField(job, edit, rebased(fieldOf(job, edit), edit.to));
}

/** The contact shows, or is to show, another card than the one that the edit is for. */
const isOldCard = (job: PushJob, cardId: string): boolean => cardId !== job.pair.customer.cardId;

async function sendStatus(
  job: PushJob,
  writer: Writer,
  edit: GhlEdit,
  cardId: string,
  status: AdminStatus,
): Promise<void> {
  const field = fieldOf(job, edit);
  const pending = { value: edit.to, sentAtMs: job.ctx.store.clock.nowMs(), to: 'stickycards' as const };
  let now: AdminStatus;
  try {
    now = await setStatus(job, writer, cardId, status, withField(job, edit, { ...field, pending }));
  } catch (error) {
    if (!takeRefusal(job, edit, cardId, error)) throw error;
    return;
  }
  if (now !== status) {
    const held = { reason: 'altered_by_sticky_cards', value: edit.to, atMs: pending.sentAtMs, of: 'ghl' as const };
    job.link = withField(job, edit, { ...field, held });
    altered(job, cardId, status, now);
    return;
  }
  job.reverse.changes.push({ field: edit.key, before: edit.from, after: status });
  // GHL keeps the word that was typed; what the card shows by its own rules goes there by the contact's next write.
  settleEdit(job, edit);
}

/**
 * What is final about one card: it is not there, or it is an old one that does not take the status. The contact gets the
 * status of the card that it shows, and nobody else's card gets the one that was typed.
 */
function takeRefusal(job: PushJob, edit: GhlEdit, cardId: string, error: unknown): boolean {
  if (isApiError(error, 'gone')) cardGone(job, cardId, error);
  else if (isOldCard(job, cardId) && isApiError(error, 'field', 'conflict', 'validation') && !error.mayHaveLanded)
    statusProblem(job, 'not_writable', { cardId, message: error.message, traceId: error.traceId ?? null });
  else return false;
  settleEdit(job, edit);
  return true;
}

/** A card that Sticky Cards does not know any more; its customer may well be there. */
export const cardGone = (job: PushJob, cardId: string, { traceId }: ApiError): void =>
  statusProblem(job, 'card_gone_in_sticky_cards', { cardId, traceId: traceId ?? null });

/** Sticky Cards took the call, and the card has another status by its answer. */
export const altered = (job: PushJob, cardId: string, sent: AdminStatus, answered: AdminStatus): void =>
  statusProblem(job, 'field_refused_by_sticky_cards', { cardId, sent, answered });

function statusProblem(job: PushJob, code: string, more: Record<string, unknown> = {}): void {
  const recordId = job.pair.customer.stickycardsId;
  job.problems.push({
    code,
    cause: CARD_STATUS,
    recordId,
    sample: { contactId: job.link.ghlId, field: CARD_STATUS, ...more },
  });
}
