import type { LinkField, Value } from '../../../drizzle/tables/links.ts';
import type { GhlEdit } from '../../domain/plan.ts';
import { toE164 } from '../../domain/phone.ts';
import { ApiError, isApiError } from '../../platforms/apiError.ts';
import type { CustomerWrite } from '../../platforms/stickycards/report/client.ts';
import type { LinkRow } from '../../store/links.ts';
import type { CustomerRow } from '../../store/staging.ts';
import { rebased, type PushJob } from '../pushJob.ts';
import { announced } from '../announced.ts';
import { customerWritten } from '../stickyRows.ts';
import { type Writer, writerOf } from './writer.ts';

/** A contact detail that a person changed in GHL, or one that our own write overwrote there (SPEC §3.3). */
export interface DetailEdit extends GhlEdit {
  /** GHL does not hold it any more: it goes back there by the contact's next write. */
  lost?: true;
}

type Detail = 'firstName' | 'lastName' | 'email' | 'phone';

/** The column of a customer that shows each contact detail. */
export const DETAIL_COLUMNS = {
  firstName: 'firstName',
  lastName: 'lastName',
  email: 'email',
  phone: 'mobile',
} as const satisfies Record<Detail, keyof CustomerRow>;

/** The platform's name of each detail, as its refusals spell it. */
const remoteNames: Record<string, Detail> = {
  first_name: 'firstName',
  firstname: 'firstName',
  last_name: 'lastName',
  lastname: 'lastName',
  surname: 'lastName',
  email: 'email',
  phone: 'phone',
  phone_number: 'phone',
  phonenumber: 'phone',
};

const OTHER_CUSTOMER = 'Sticky Cards answered for another customer, and may have written the value there';

/** No more rounds than there are details: each refusal holds one of them. */
const ROUNDS_MAX = 4;

/**
 * Name, e-mail and phone as GHL has them now, to Sticky Cards: GHL is the source of truth for contact data (SPEC §3.2).
 * One call for all that changed; a detail that is refused is held with a problem and the rest goes at once. Answers
 * whether anything of the link moved.
 */
export async function writeDetails(job: PushJob, edits: readonly DetailEdit[]): Promise<boolean> {
  const writer = writerOf(job);
  if (edits.length === 0) return false;
  if (!writer) {
    job.open = true;
    return false;
  }
  let left = edits.filter((edit) => writable(job, writer, edit));
  let moved = left.length < edits.length;
  for (let round = 0; left.length > 0 && round < ROUNDS_MAX; round++) {
    try {
      await send(job, writer, left);
      return true;
    } catch (error) {
      if (isApiError(error, 'gone')) {
        // Not asked again for every change of GHL: only for another value of these.
        for (const edit of left) hold(job, edit, 'gone_in_sticky_cards');
        throw error;
      }
      const refused = refusedEdit(job, left, error);
      if (!refused) throw error;
      holdEdit(job, refused, refusalOf(error as ApiError));
      left = left.filter((edit) => edit !== refused);
      moved = true;
    }
  }
  return moved;
}

const detailOf = (job: PushJob, key: string): Detail | null => {
  const ghl = job.ctx.rows.find((row) => row.key === key)?.ghl;
  return ghl === undefined || ghl === 'custom' ? null : ghl;
};

function writable(job: PushJob, { dialect }: Writer, edit: DetailEdit): boolean {
  const { ctx, pair } = job;
  const detail = detailOf(job, edit.key);
  if (detail === null) return false;
  const able = dialect.capabilities.contactWrite && (detail !== 'phone' || dialect.capabilities.phoneChange);
  if (!able) {
    job.problems.push({
      code: 'not_writable_by_api',
      cause: edit.key,
      recordId: pair.customer.stickycardsId,
      sample: { contactId: job.link.ghlId, field: edit.key, dialect: dialect.name },
    });
    return false;
  }
  const impossible =
    detail === 'phone' && typeof edit.to === 'string' && toE164(edit.to, ctx.connection.defaultCountry) === null;
  if (!impossible) return true;
  hold(job, edit, 'invalid_phone');
  job.problems.push({
    code: 'phone_not_possible',
    cause: edit.key,
    recordId: pair.customer.stickycardsId,
    sample: { contactId: job.link.ghlId, field: edit.key },
  });
  return false;
}

async function send(job: PushJob, { client }: Writer, edits: readonly DetailEdit[]): Promise<void> {
  const { ctx, pair } = job;
  const customerId = pair.customer.stickycardsId;
  const write: CustomerWrite = { customerId };
  for (const edit of edits) {
    const detail = detailOf(job, edit.key);
    // A name is emptied by an empty text; null would say nothing.
    if (detail !== null) write[detail] = edit.to === null ? '' : String(edit.to);
  }
  const sentAtMs = ctx.store.clock.nowMs();
  const fields: Record<string, LinkField> = { ...job.link.fields };
  for (const { key, to, lost } of edits) {
    const { held: _, ...field } = fields[key] ?? { revision: 0 };
    fields[key] = { ...field, pending: { value: to, sentAtMs, to: 'stickycards', ...(lost && { lost }) } };
  }
  const link: LinkRow = { ...job.link, fields };
  const answer = await announced(job, link, (beforeSend) =>
    client.upsertCustomer(write, { signal: ctx.signal, beforeSend }),
  );
  if (answer.customerId === customerId) return takeWritten(job, edits, answer);
  const { customerId: other, traceId } = answer;
  for (const edit of edits) holdEdit(job, edit, { code: 'customer_conflict', other, message: OTHER_CUSTOMER, traceId });
}

/** Sticky Cards has them: they are the base where GHL holds them too, and what staging shows. */
function takeWritten(
  job: PushJob,
  edits: readonly DetailEdit[],
  answer: { traceId: string | null; dateMs: number | null },
): void {
  const { ctx, pair } = job;
  const fields = { ...job.link.fields };
  const told: Partial<Record<Detail, string>> = {};
  const cleared: (typeof DETAIL_COLUMNS)[Detail][] = [];
  for (const { key, from, to, over, lost } of edits) {
    const detail = detailOf(job, key) as Detail;
    const { pending: _, ...field } = fields[key] ?? { revision: 0 };
    fields[key] = lost ? field : rebased(field, to);
    job.reverse.changes.push({ field: key, before: over ?? from, after: to });
    if (over !== undefined) job.reverse.notes.push(`${key} was changed on both sides: the value of GHL was taken`);
    if (lost) job.reverse.notes.push(`${key}: our own write went over this edit in GHL; it is put back there`);
    if (to === null) cleared.push(DETAIL_COLUMNS[detail]);
    else told[detail] = String(to);
    pair.customer = { ...pair.customer, [DETAIL_COLUMNS[detail]]: to };
  }
  job.link = { ...job.link, fields };
  job.reverse.traceId = answer.traceId;
  job.observations.push(
    customerWritten(
      ctx.store,
      ctx.connection.id,
      { customerId: pair.customer.stickycardsId, ...told, ...(cleared.length > 0 ? { cleared } : {}) },
      answer.dateMs,
    ),
  );
}

function refusedEdit(job: PushJob, edits: readonly DetailEdit[], error: unknown): DetailEdit | null {
  if (!(error instanceof ApiError) || (error.class !== 'field' && error.class !== 'conflict')) return null;
  const named = remoteNames[(error.field ?? error.meta?.matchingField ?? '').toLowerCase()];
  return edits.find((edit) => detailOf(job, edit.key) === named) ?? null;
}

function hold(job: PushJob, { key, to }: DetailEdit, reason: string): void {
  const { pending: _, ...field } = job.link.fields[key] ?? { revision: 0 };
  const held = { reason, value: to as Value, atMs: job.ctx.store.clock.nowMs(), of: 'ghl' as const };
  job.link = { ...job.link, fields: { ...job.link.fields, [key]: { ...field, held } } };
}

interface Refusal {
  code: 'customer_conflict' | 'field_refused_by_sticky_cards';
  /** The customer who has the value. */
  other: string | null;
  message: string;
  traceId: string | null;
}

const refusalOf = (error: ApiError): Refusal => ({
  code: error.class === 'conflict' ? 'customer_conflict' : 'field_refused_by_sticky_cards',
  other: error.meta?.existingId ?? null,
  message: error.message,
  traceId: error.traceId ?? null,
});

function holdEdit(job: PushJob, edit: DetailEdit, { code, other, message, traceId }: Refusal): void {
  hold(job, edit, code === 'customer_conflict' ? code : 'refused_by_sticky_cards');
  job.problems.push({
    code,
    cause: edit.key,
    recordId: job.pair.customer.stickycardsId,
    sample: { contactId: job.link.ghlId, field: edit.key, otherCustomerId: other, message, traceId },
  });
}
