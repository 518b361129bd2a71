import { factsOf, markerOf, refundedInFull } from '../../domain/commandTexts.ts';
import { isApiError } from '../../platforms/apiError.ts';
import type { GhlOpportunity } from '../../platforms/ghl/client.ts';
import type { CommandRow } from '../../store/commands.ts';
import { commandBySource, commandsFor } from '../../store/commandSteps.ts';
import { ghlOf, placesToLook } from './onContact.ts';
import { searchOpportunity } from './opportunity.ts';
import type { CommandContext, Performed, Performer } from './performer.ts';

/** A refund may be told before its payment; after so long the payment will not come any more. */
const PAYMENT_COMES_WITHIN_MS = 7 * 86_400_000;

/** Done, without anything to do. `why` is shown with the command. */
const nothing = (why: string): Performed => ({ kind: 'applied', result: { nothing: why } });

/** A payment that was refunded in full: its opportunity, if it is ours, becomes lost (SPEC §2.3). */
export const opportunityLostCommand: Performer = {
  kinds: ['opportunity_lost'],
  side: 'ghl',

  prepare: async (ctx, command) => {
    const payment = await fromPayment(ctx, command, 'opportunity');
    if (!payment)
      return (await mayBecomeOne(ctx, command))
        ? wait('the payment has not been told yet')
        : nothing('the payment has no opportunity of ours');
    if (payment.state === 'failed' || payment.state === 'discarded')
      return nothing('the payment has no opportunity of ours');
    if (payment.state !== 'applied') return wait('the command of its payment is not final yet');
    const refunds = await commandsFor(ctx.store, ctx.connection.id, command.target, 'opportunity_lost');
    const ofIt = refunds
      .map((each) => factsOf(each.params))
      .filter(({ paymentId }) => paymentId === command.params['paymentId']);
    if (!refundedInFull(factsOf(payment.params), ofIt)) return nothing('not refunded in full');
    const opportunity = await opportunityOf(ctx, payment);
    if (!opportunity) return nothing('its opportunity is not there any more');
    if (!opportunity.name?.includes(markerOf(payment.id))) return nothing('its opportunity does not bear our marker');
    if (opportunity.status === 'lost') return nothing('its opportunity is lost already');
    const { contactId } = opportunity;
    return { kind: 'send', before: { opportunityId: opportunity.id, status: opportunity.status, contactId } };
  },

  send: async (ctx, command, options) => {
    const opportunityId = command.before?.['opportunityId'] as string;
    try {
      const answer = await ghlOf(ctx).updateOpportunity(opportunityId, { status: 'lost' }, options);
      const changes = [
        { field: 'status', before: (command.before?.['status'] as string | null) ?? null, after: 'lost' },
      ];
      return { kind: 'applied', result: { opportunityId }, traceId: answer.traceId, changes };
    } catch (error) {
      if (!isApiError(error, 'gone') || error.mayHaveLanded) throw error;
      return nothing('its opportunity is not there any more');
    }
  },

  look: async (ctx, command) => {
    const opportunityId = command.before?.['opportunityId'] as string;
    const opportunity = await getOpportunity(ctx, opportunityId);
    // By its id, not through the index: what it shows is what is.
    return opportunity?.status === 'lost' ? { kind: 'there', result: { opportunityId } } : { kind: 'absent' };
  },
};

const wait = (reason: string): Performed => ({ kind: 'wait', reason });

/** The command that made the payment an opportunity, or a note where the connection named no pipeline at that time. */
const fromPayment = (
  { store, connection }: CommandContext,
  command: CommandRow,
  kind: 'opportunity' | 'note',
): Promise<CommandRow | null> =>
  commandBySource(store, {
    connectionId: connection.id,
    kind,
    target: command.target,
    sourceEvent: `payment:${String(command.params['paymentId'])}`,
  });

/** Whether a payment without an opportunity may still get one: not when it is a note, and not after so long. */
async function mayBecomeOne(ctx: CommandContext, command: CommandRow): Promise<boolean> {
  const late = ctx.store.clock.nowMs() - command.createdAt.getTime() > PAYMENT_COMES_WITHIN_MS;
  return !late && (await fromPayment(ctx, command, 'note')) === null;
}

/** The opportunity as it is now; one that an operator said was made is looked for by its marker. */
async function opportunityOf(ctx: CommandContext, payment: CommandRow): Promise<GhlOpportunity | null> {
  const known = payment.result?.['opportunityId'];
  if (typeof known === 'string') return getOpportunity(ctx, known);
  for (const contactId of await placesToLook(ctx, payment)) {
    const found = await searchOpportunity(ctx, contactId, payment.id);
    if (found) return getOpportunity(ctx, found.id);
  }
  return null;
}

async function getOpportunity(ctx: CommandContext, opportunityId: string): Promise<GhlOpportunity | null> {
  try {
    return (await ghlOf(ctx).getOpportunity(opportunityId, { signal: ctx.signal })).opportunity;
  } catch (error) {
    if (isApiError(error, 'gone')) return null;
    throw error;
  }
}
