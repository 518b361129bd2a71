import { linkedCustomers } from '../store/links.ts';
import { dueMarks, type MarkRow } from '../store/marks.ts';
import { pairsOfCustomers } from '../store/pairs.ts';
import { takeUnlinkedContact } from './createCustomer.ts';
import type { JobContext } from './jobContext.ts';
import type { JobQueue } from './jobQueue.ts';
import type { Candidates } from './linkOutcomes.ts';
import { settleLinkedCreations } from './lostCustomer.ts';
import { pushContact, type TagWork } from './pushContact.ts';
import { pushTags } from './pushTags.ts';

const PAGE = 200;

/**
 * Contacts that something may have happened to in GHL (SPEC §3.1): each is read; one that is linked gets the pair's
 * whole job, one that belongs to nobody is matched to a customer or becomes one.
 */
export async function pushMarked(ctx: JobContext, jobs: JobQueue, onPage: () => Promise<void>): Promise<void> {
  await settleLinkedCreations(ctx);
  for (let after = ''; ;) {
    ctx.signal.throwIfAborted();
    const marks = await dueMarks(ctx.store, ctx.connection.id, after, PAGE);
    const last = marks.at(-1);
    if (!last || !ctx.halves.toSticky) return;
    after = last.ghlContactId;
    await pushPage(ctx, jobs, marks);
    await onPage();
  }
}

async function pushPage(ctx: JobContext, jobs: JobQueue, marks: readonly MarkRow[]): Promise<void> {
  const { store, connection } = ctx;
  const ids = marks.map((mark) => mark.ghlContactId);
  const owners = await linkedCustomers(store, store.db, connection.id, ids);
  const pairs = new Map(
    (await pairsOfCustomers(store, connection.id, [...new Set(owners.values())])).map((pair) => [
      pair.customer.stickycardsId,
      pair,
    ]),
  );
  // They are linked: nobody has to be found for them.
  const candidates: Candidates = { contacts: [], taken: new Map() };
  const tagWorks: TagWork[] = [];
  await Promise.all(
    marks.map((mark) =>
      jobs.perform(async () => {
        if (!ctx.halves.toSticky) return;
        const owner = owners.get(mark.ghlContactId);
        const pair = owner === undefined ? undefined : pairs.get(owner);
        if (!pair) return takeUnlinkedContact(ctx, mark);
        // A paused record keeps its mark until a person lets it go on.
        if (pair.customer.paused) return undefined;
        const work = await pushContact(ctx, { ...pair, mark }, candidates);
        if (work) tagWorks.push(work);
        return undefined;
      }),
    ),
  );
  await pushTags(ctx, tagWorks, jobs.perform);
}
