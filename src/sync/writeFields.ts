import type { FieldReadBefore, FieldSent, LinkField } from '../../drizzle/tables/links.ts';
import type { FieldsPlan, FieldWrite } from '../domain/plan.ts';
import { ApiError } from '../platforms/apiError.ts';
import type { GhlContactSeen } from '../platforms/ghl/client.ts';
import type { LinkRow } from '../store/links.ts';
import { announced } from './announced.ts';
import { contactBodyOf, keyOfRemoteField } from './contactBody.ts';
import type { JobContext } from './jobContext.ts';
import { noteSuccess, type PushJob, settleAnswer } from './pushJob.ts';

/** Writes of a field that are remembered, to tell an edit that they went over (SPEC §3.3). */
const WRITES_KEPT = 3;

/** A PUT that carries a two-way counter or a contact field is preceded by a GET: an edit found there is kept (SPEC §2.6). */
export function needsRead(job: PushJob, plan: FieldsPlan): boolean {
  const fields = Object.values(job.link.fields);
  // Revisions outlive the bases of a pair that is a first link again: what was seen of its contact is old.
  const neverShared = fields.every(({ revision }) => revision === 0);
  const firstLink = fields.length === 0 || (job.contact?.seenBy === 'page' && neverShared);
  if (firstLink) return false;
  return plan.toGhl.some(({ key }) => {
    const row = job.ctx.rows.find((r) => r.key === key);
    return row !== undefined && row.direction === 'both' && (row.merge === 'counter' || row.ghl !== 'custom');
  });
}

/** One PUT with what differs: pending, sent, compared with what the answer shows. */
export async function writeFields(job: PushJob, writes: FieldWrite[]): Promise<void> {
  const { ctx } = job;
  const sentAtMs = ctx.store.clock.nowMs();
  const pending: Record<string, LinkField> = { ...job.link.fields };
  const overOf = readsBefore(job, writes);
  for (const { key, after } of writes) {
    const { held: _, ...field } = pending[key] ?? { revision: 0 };
    const over = overOf.get(key);
    pending[key] = { ...field, pending: { value: after, sentAtMs, ...(over && { over }) } };
  }
  const link = { ...job.link, fields: pending };
  let seen = await put(job, link, writes);
  const customWrites = writes.filter(({ key }) => ctx.rows.find((row) => row.key === key)?.ghl === 'custom');
  const left = customWrites.filter(({ after }) => after === null);
  // What empties a custom field is not documented: the answer says whether it did (SPEC §3.3).
  if (ctx.emptyWith.value === '' && left.some(({ key }) => isFilled(ctx, seen.contact, key))) {
    ctx.emptyWith.value = null;
    seen = await put(job, link, left);
  }
  settleAnswer(job, link, writes, seen.contact, seen.answer);
  rememberWrites(job, writes, overOf, seen.answer.dateMs);
  job.readAtMs = seen.answer.dateMs;
}

const isFilled = (ctx: JobContext, contact: GhlContactSeen, key: string): boolean => {
  const value = contact.customFields[ctx.facts.fieldIds[key] as string] ?? null;
  return value !== null && value !== '';
};

async function put(job: PushJob, link: LinkRow, writes: readonly FieldWrite[]) {
  const { ctx } = job;
  const body = contactBodyOf(writes, ctx.rows, ctx.facts.fieldIds, ctx.emptyWith.value);
  const answer = await announced(job, link, (beforeSend) =>
    ctx.ghl.updateContact(job.link.ghlId as string, body, {
      priority: job.fresh ? 'next' : 'live',
      signal: ctx.signal,
      beforeSend,
    }),
  );
  noteSuccess(ctx);
  return { answer, contact: await proofOf(job, answer.contact) };
}

/** Two-way fields: between the GET and the answer an edit could be gone over unseen (SPEC §3.3, overwritten edits). */
function readsBefore(job: PushJob, writes: readonly FieldWrite[]): Map<string, FieldReadBefore> {
  const { readAtMs: getAtMs, contact, link } = job;
  if (getAtMs === null) return new Map();
  const readUpdatedAtMs = contact?.dateUpdated?.getTime();
  return new Map(
    writes
      .filter(({ key }) => job.ctx.rows.find((row) => row.key === key)?.direction === 'both')
      .map(({ key, before }) => [key, { getAtMs, read: before, readUpdatedAtMs, cardId: link.cardId }]),
  );
}

function rememberWrites(
  job: PushJob,
  writes: readonly FieldWrite[],
  overOf: ReadonlyMap<string, FieldReadBefore>,
  answeredAtMs: number | null,
) {
  if (answeredAtMs === null) return;
  const fields = { ...job.link.fields };
  const writtenAtMs = job.contact?.dateUpdated?.getTime();
  for (const { key, after } of writes) {
    const over = overOf.get(key);
    if (over)
      fields[key] = remembered(fields[key] ?? { revision: 0 }, { ...over, answeredAtMs, writtenAtMs, sent: after });
  }
  job.link = { ...job.link, fields };
}

/** The field with one more write of ours, as its newest. */
export const remembered = (field: LinkField, sent: Omit<FieldSent, 'revision'>): LinkField => ({
  ...field,
  writes: [{ ...sent, revision: field.revision }, ...(field.writes ?? [])].slice(0, WRITES_KEPT),
});

/** The contact as the answer shows it; an answer that shows too little is completed by a read. */
async function proofOf(job: PushJob, shown: GhlContactSeen | null): Promise<GhlContactSeen> {
  if (shown?.hasCustomFields) return shown;
  const answer = await job.ctx.ghl.getContact(job.link.ghlId as string, { signal: job.ctx.signal });
  return answer.contact;
}

/** A refusal that names one of the fields that were sent: that one is held, the rest goes at once (SPEC §2.6). */
export function refusedKey(ctx: JobContext, plan: FieldsPlan, error: unknown): string | null {
  if (!(error instanceof ApiError) || (error.class !== 'field' && error.class !== 'conflict')) return null;
  const key = keyOfRemoteField(error.field ?? error.meta?.matchingField, ctx.rows, ctx.facts.fieldIds);
  return key !== null && plan.toGhl.some((write) => write.key === key) ? key : null;
}
