import type { LinkField } from '../../drizzle/tables/links.ts';
import { resolvePending } from '../domain/observe.ts';
import { POINTS_AMBIGUOUS } from '../domain/points.ts';
import type { ContactRow } from '../store/contacts.ts';
import { type PushJob, rebased } from './pushJob.ts';
import { readContact } from './readContact.ts';
import { clearInStickyCards } from './reverse/lostWrites.ts';
import { seenSince } from './sightings.ts';
import { remembered } from './writeFields.ts';

/** Our clock and GHL's: a delivery of ours is looked for a little before the send. A value of ours proves itself. */
const CLOCKS_APART_MS = 60_000;

/** A command field's clear is judged with the deliveries that came since, not by its value alone (SPEC §3.3). */
const isCommandField = (job: PushJob, key: string) => job.ctx.rows.find((row) => row.key === key)?.merge === 'command';

/** Values whose answer was lost are looked for on the side that they went to, before anything is planned (SPEC §3.3). */
export async function clearPending(job: PushJob): Promise<void> {
  const pending = Object.values(job.link.fields).flatMap((field) => field.pending ?? []);
  if (pending.some(({ to }) => to === undefined)) await clearInGhl(job);
  await clearInStickyCards(job);
}

async function clearInGhl(job: PushJob): Promise<void> {
  const contact = job.fresh && job.contact ? job.contact : await readContact(job);
  const fields: Record<string, LinkField> = {};
  const arrived = whatArrived(job, contact);
  for (const [key, field] of Object.entries(job.link.fields)) {
    fields[key] = field;
    const { pending, ...rest } = field;
    if (!pending || pending.to !== undefined || isCommandField(job, key)) continue;
    fields[key] = rest;
    const verdict = resolvePending(field, contact.values[key] ?? null);
    const row = job.ctx.rows.find((r) => r.key === key);
    if (verdict.kind === 'landed') {
      job.changes.push({ field: key, before: field.base ?? null, after: verdict.base });
      fields[key] = landed(rest, pending, contact, contact.dateUpdated?.getTime());
      // The card that the contact shows changed with it: what is typed from now on is meant for that one.
      if (row?.staging === 'cardId') job.link = { ...job.link, cardId: verdict.base as string | null };
    }
    if (verdict.kind !== 'third' || row?.merge !== 'counter') continue;
    const proof = arrived.get(pending.sentAtMs);
    // It never arrived, so what stands there is an edit on the base.
    if (proof === false) continue;
    const shown = await seenSince(job.ctx, contact.ghlContactId, pending.sentAtMs - CLOCKS_APART_MS);
    const ours = shown.find((seen) => seen.values[key] === pending.value);
    if (ours || proof === true) {
      // A delivery showed ours, or a field that went with it: it arrived, and what stands there now is an edit on it.
      job.changes.push({ field: key, before: field.base ?? null, after: pending.value });
      fields[key] = landed(rest, pending, contact, ours?.atMs);
      continue;
    }
    // Ours may have arrived and then been edited, or never arrived: nobody can say which difference is the edit.
    fields[key] = {
      ...rest,
      held: { reason: POINTS_AMBIGUOUS, value: pending.value, atMs: job.ctx.store.clock.nowMs() },
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

/**
 * Whether our lost writes arrived, by when they were sent, as far as fields tell that went with them and that nobody else
 * writes: a write arrives as a whole or not at all.
 */
function whatArrived(job: PushJob, contact: ContactRow): Map<number, boolean> {
  const told = new Map<number, boolean>();
  for (const row of job.ctx.rows) {
    const { pending, base = null } = job.link.fields[row.key] ?? {};
    if (!pending || pending.to !== undefined || row.direction !== 'to_ghl' || pending.value === base) continue;
    const shown = contact.values[row.key] ?? null;
    if (shown === pending.value) told.set(pending.sentAtMs, true);
    else if (shown === base) told.set(pending.sentAtMs, false);
  }
  return told;
}

/** Ours arrived, no later than `writtenAtMs` by GHL's clock; it may have gone over an edit like any other write. */
function landed(
  field: LinkField,
  { value, over }: NonNullable<LinkField['pending']>,
  { observedAt }: Pick<ContactRow, 'observedAt'>,
  writtenAtMs: number | undefined,
): LinkField {
  const settled = rebased(field, value);
  const answeredAtMs = writtenAtMs ?? observedAt?.getTime();
  if (!over || answeredAtMs === undefined) return settled;
  return remembered(settled, { ...over, answeredAtMs, writtenAtMs, sent: value });
}
