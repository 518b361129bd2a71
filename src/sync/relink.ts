import { linkedCustomers, newLink } from '../store/links.ts';
import { contactRow, observation } from './jobContext.ts';
import { lookForPerson } from './lookForPerson.ts';
import { linkedJob, type PushJob, takeSideEffects } from './pushJob.ts';

/**
 * The linked contact is gone: deleted, or merged into another. Looks for the person once by identity (SPEC §2.6,
 * `gone`); a survivor is linked by the no-base rule, and the job goes on with it. Never makes a contact again.
 * Answers null when there is nobody, somebody else's contact, or several that could be meant.
 */
export async function relinkOnce(job: PushJob): Promise<PushJob | null> {
  const { ctx, pair } = job;
  const looked = await lookForPerson(ctx, pair);
  if (looked?.kind === 'ambiguous') {
    const { by, ghlContactIds: contactIds } = looked;
    const recordId = pair.customer.stickycardsId;
    job.problems.push({ code: 'ambiguous', recordId, sample: { customerId: recordId, by, contactIds } });
    return null;
  }
  const found = looked?.contact;
  if (!found || found.id === job.link.ghlId) return null;
  const owner = (await linkedCustomers(ctx.store, ctx.store.db, ctx.connection.id, [found.id])).get(found.id);
  if (owner !== undefined) return null;
  const nowMs = ctx.store.clock.nowMs();
  await ctx.settler.settle({
    ...takeSideEffects(job),
    link: { ...job.link, state: 'gone', metadata: { ...job.link.metadata, gone: 'relinked', goneAtMs: nowMs } },
    contact: job.contact ? { ...job.contact, deleted: true } : undefined,
  });
  const contact = contactRow(ctx, found, null, null);
  const fresh = newLink(ctx.store, ctx.connection.id, pair.customer.stickycardsId, found.id, 'live');
  const link = { ...fresh, metadata: { matchedBy: 'relink', before: job.link.ghlId } };
  const seen = { traceId: null, dateMs: null };
  await ctx.settler.settle({
    link,
    contact,
    observations: [observation(ctx, 'read', pair.customer.stickycardsId, found, seen)],
  });
  return { ...linkedJob(link, contact, { fresh: true }), ctx, pair, startedAtMs: job.startedAtMs };
}
