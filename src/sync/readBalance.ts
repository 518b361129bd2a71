import { isApiError } from '../platforms/apiError.ts';
import type { FieldsPlan } from '../domain/plan.ts';
import type { PushJob } from './pushJob.ts';
import { cardRead } from './stickyRows.ts';

/**
 * A balance that nothing has told yet is read before points that stand in GHL are planned on (SPEC §2.5, no base): the
 * card's balance goes to GHL, never the other way. Once per job; answers whether it is known now.
 */
export async function readUnknownBalance(job: PushJob, plan: FieldsPlan): Promise<boolean> {
  const { ctx, pair } = job;
  const { cardId, stickycardsId: customerId } = pair.customer;
  if (!plan.balanceUnknown || job.balanceAsked || cardId === null) return false;
  if (!ctx.sticky?.dialect.capabilities.read) return false;
  job.balanceAsked = true;
  try {
    const { card, dateMs } = await ctx.sticky.client.getCard(cardId, { signal: ctx.signal });
    job.observations.push(cardRead(ctx.store, ctx.connection.id, card, customerId, dateMs));
    pair.customer = { ...pair.customer, loyaltyPoints: card.balance ?? null };
    return typeof card.balance === 'number';
  } catch (error) {
    if (!isApiError(error) || error.side !== 'stickycards' || ctx.signal.aborted) throw error;
    if (error.class === 'gone') return false;
    job.reverse.error ??= error;
    ctx.stickyFailed(error);
    return false;
  }
}
