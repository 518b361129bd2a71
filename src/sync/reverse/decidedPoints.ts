import { POINTS_DECIDED } from '../../domain/points.ts';
import { type PushJob, rebased } from '../pushJob.ts';
import { readContact } from '../readContact.ts';
import { cardRead } from '../stickyRows.ts';
import { writerOf } from './writer.ts';

/**
 * A person put the right number into GHL and pressed Retry (problem `points_ambiguous`): what the card has now is the
 * base, so what GHL shows beyond it is the edit, booked once like any other.
 */
export async function takeDecidedPoints(job: PushJob): Promise<void> {
  const decided = Object.entries(job.link.fields).filter(([, { held }]) => held?.reason === POINTS_DECIDED);
  if (decided.length === 0) return;
  const { ctx, pair } = job;
  const writer = writerOf(job);
  const cardId = job.link.cardId ?? pair.customer.cardId;
  // A booking that is under way would be in one number and not in the other.
  if (!writer || cardId === null || pair.balanceBusy) {
    job.open = true;
    return;
  }
  if (!job.fresh) await readContact(job);
  const { card, dateMs } = await writer.client.getCard(cardId, { signal: ctx.signal });
  if (typeof card.balance !== 'number') return;
  const fields = { ...job.link.fields };
  for (const [key, field] of decided) fields[key] = rebased(field, card.balance);
  job.link = { ...job.link, fields };
  if (pair.customer.cardId === cardId) pair.customer = { ...pair.customer, loyaltyPoints: card.balance };
  job.observations.push(cardRead(ctx.store, ctx.connection.id, card, pair.customer.stickycardsId, dateMs));
}
