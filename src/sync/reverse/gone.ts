import type { PushJob } from '../pushJob.ts';

/** Sticky Cards does not know the person (any more): there is nobody to tell. GHL keeps what it has, and it is listed once. */
export function goneInStickyCards(job: PushJob): void {
  const customerId = job.pair.customer.stickycardsId;
  job.problems.push({
    code: 'gone_in_sticky_cards',
    recordId: customerId,
    sample: { customerId, contactId: job.link.ghlId },
  });
}
