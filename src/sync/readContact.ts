import type { ContactRow } from '../store/contacts.ts';
import { contactRow, observation } from './jobContext.ts';
import { noteSuccess, type PushJob } from './pushJob.ts';

/** GETs the job's contact: what is decided from now on is decided from what GHL holds now (SPEC §2.6, §3.3). */
export async function readContact(job: PushJob): Promise<ContactRow> {
  const { ctx, link } = job;
  const answer = await ctx.ghl.getContact(link.ghlId as string, { signal: ctx.signal });
  noteSuccess(ctx);
  const row = contactRow(ctx, answer.contact, job.contact, answer.dateMs);
  const changed = !job.contact || row.version !== job.contact.version || row.tags.join() !== job.contact.tags.join();
  job.contact = row;
  job.fresh = true;
  job.readAtMs = row.observedAt?.getTime() ?? null;
  // A read that shows nothing new adds no row: it moves observed_at (SPEC §1).
  if (changed) job.observations.push(observation(ctx, 'read', job.pair.customer.stickycardsId, answer.contact, answer));
  return row;
}
