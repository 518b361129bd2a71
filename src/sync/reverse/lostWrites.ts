import type { LinkField, Value } from '../../../drizzle/tables/links.ts';
import { canonical } from '../../domain/canonical.ts';
import { cardStatusEdit } from '../../domain/cardStatusEdit.ts';
import { tagOfSegment } from '../../domain/fieldMap.ts';
import type { Values } from '../../domain/plan.ts';
import { type ApiError, isApiError } from '../../platforms/apiError.ts';
import { type Dialect, statusOf } from '../../platforms/stickycards/dialect.ts';
import type { CustomerSeen } from '../../platforms/stickycards/report/client.ts';
import { type PushJob, rebased } from '../pushJob.ts';
import { cardRead, customerRead, customerWritten } from '../stickyRows.ts';
import { notTold } from '../toldByRead.ts';
import { standsAs, CARD_STATUS } from './cardStatus.ts';
import { DETAIL_COLUMNS } from './contactFields.ts';
import { goneInStickyCards } from './gone.ts';
import { inOrder } from './segments.ts';

interface Read {
  customer: CustomerSeen;
  dateMs: number | null;
  traceId: string | null;
}

const WORDS_OF_CONSENT = ['opt_in_status', 'dnd'];

const names = ['firstName', 'lastName'] as const;

/** Pending toward Sticky Cards and told by a read of the customer; what was said about consent is not (`consentBase`). */
const isAsked = (key: string, { pending }: LinkField): boolean =>
  pending?.to === 'stickycards' && !WORDS_OF_CONSENT.includes(key);

/**
 * What was on its way to Sticky Cards when its answer got lost (SPEC §3.3): it is there and becomes the base, or it is as
 * if it had never been sent. Only then it can be told whether GHL, as it is now, says something else: whoever took an
 * edit back meanwhile is obeyed either way. One read for all of it; without Sticky Cards it stays on its way.
 */
export async function clearInStickyCards(job: PushJob): Promise<void> {
  const { ctx, pair, link } = job;
  const fieldsAsked = Object.entries(link.fields).some(([key, field]) => isAsked(key, field));
  if (!fieldsAsked && !link.tags.segments) return;
  if (!ctx.sticky || !ctx.halves.toSticky) return;
  let read: Read;
  try {
    read = await ctx.sticky.client.getCustomer(pair.customer.stickycardsId, { signal: ctx.signal });
  } catch (error) {
    if (!isApiError(error) || error.side !== 'stickycards' || ctx.signal.aborted) throw error;
    if (error.class === 'gone') {
      forget(job);
      return goneInStickyCards(job);
    }
    return staysOnItsWay(job, error);
  }
  job.observations.push(customerRead(ctx.store, ctx.connection.id, read.customer, read.dateMs));
  takeFields(job, read, ctx.sticky.dialect);
  takeSegments(job, read);
}

/** Looked for again by the next attempt; whatever does not hang on it goes to GHL all the same. */
function staysOnItsWay(job: PushJob, error: ApiError): void {
  job.reverse.error ??= error;
  job.ctx.stickyFailed(error);
}

/** There is nobody who could have got it. */
function forget(job: PushJob): void {
  const fields = Object.fromEntries(
    Object.entries(job.link.fields).map(([key, field]) => {
      const { pending: _, ...rest } = field;
      return [key, isAsked(key, field) ? rest : field];
    }),
  );
  const { segments: _, ...tags } = job.link.tags;
  job.link = { ...job.link, fields, tags };
}

function takeFields(job: PushJob, read: Read, dialect: Dialect) {
  const { ctx, pair } = job;
  const { customer, dateMs } = read;
  const shown: Values = {
    email: canonical('email', customer.email, ctx.locale),
    phone: canonical('phone', customer.phone, ctx.locale),
    firstName: canonical('text', customer.firstName, ctx.locale),
    lastName: canonical('text', customer.lastName, ctx.locale),
  };
  const fields: Record<string, LinkField> = {};
  const cleared: string[] = [];
  for (const [key, field] of Object.entries(job.link.fields)) {
    fields[key] = field;
    if (!isAsked(key, field) || !field.pending) continue;
    const { pending, ...rest } = field;
    fields[key] = rest;
    const ghl = ctx.rows.find((row) => row.key === key)?.ghl;
    const now = ghl === undefined || ghl === 'custom' ? null : (shown[ghl] ?? null);
    const landed = key === CARD_STATUS ? takeStatus(job, read, dialect, pending.value) : now === pending.value;
    if (!landed) continue;
    if (!pending.lost) fields[key] = rebased(rest, pending.value);
    job.reverse.changes.push({ field: key, before: field.base ?? null, after: pending.value });
    if (pending.value === null && ghl) cleared.push(ghl);
    if (ghl !== undefined && ghl !== 'custom') pair.customer = { ...pair.customer, [DETAIL_COLUMNS[ghl]]: now };
  }
  // What a read leaves out says nothing; that the name is empty now is known from our own write.
  const emptied = names.filter((name) => cleared.includes(name));
  if (emptied.length > 0) {
    const change = { customerId: pair.customer.stickycardsId, cleared: emptied };
    job.observations.push(customerWritten(ctx.store, ctx.connection.id, change, dateMs));
  }
  job.link = { ...job.link, fields };
}

const isOff = (base: Value | undefined): boolean => base === 'inactive' || base === 'suspended';

/** Whether the card that the contact showed has the status that was typed; if so, the pair and staging have it too. */
function takeStatus(job: PushJob, { customer, dateMs }: Read, dialect: Dialect, typed: Value): boolean {
  const { ctx, pair } = job;
  const cardId = job.link.cardId ?? pair.customer.cardId;
  const card = customer.cards?.find((each) => each.cardId === cardId);
  const decision = cardStatusEdit(typed);
  if (!card || typeof card.status !== 'string' || decision.kind !== 'write') return false;
  const shown = statusOf(dialect, card.status);
  // A card that shows where its wallet stands is not off any more; whether it was switched on just now it does not tell.
  const leftOff =
    decision.status === 'active' && shown?.axis === 'install' && isOff(job.link.fields[CARD_STATUS]?.base);
  if (!leftOff && (shown?.axis !== 'admin' || shown.value !== decision.status)) return false;
  standsAs(job, card.cardId, decision.status);
  job.observations.push(cardRead(ctx.store, ctx.connection.id, card, pair.customer.stickycardsId, dateMs));
  return true;
}

function takeSegments(job: PushJob, read: Read): void {
  const { segments, ...tags } = job.link.tags;
  if (!segments) return;
  const now = read.customer.segments;
  if (now == null) return staysOnItsWay(job, notTold(read, 'segments'));
  const on = new Set(now.map((name) => tagOfSegment(job.ctx.tagMap, name)));
  const base = new Set(tags.base);
  for (const tag of segments.add) if (on.has(tag)) base.add(tag);
  for (const tag of segments.remove) if (!on.has(tag)) base.delete(tag);
  job.link = { ...job.link, tags: { ...tags, base: [...base].toSorted() } };
  job.pair.customer = { ...job.pair.customer, segments: inOrder(now) };
}
