import { factsOf, markerOf, opportunityName } from '../../domain/commandTexts.ts';
import { type ApiError, isApiError } from '../../platforms/apiError.ts';
import type { GhlOpportunity } from '../../platforms/ghl/client.ts';
import type { CommandRow } from '../../store/commands.ts';
import { ghlOf, linkedContact, onContact, placesToLook, sentTo } from './onContact.ts';
import type { CommandContext, Performed, Performer } from './performer.ts';

/** What is looked for through an index that lags counts as not there only so long after the send (SPEC §3.5). */
const SECOND_LOOK_MS = 2 * 60_000;

const bears = (opportunity: Pick<GhlOpportunity, 'name'>, commandId: string): boolean =>
  opportunity.name?.includes(markerOf(commandId)) === true;

/** The opportunity of a command among those of a contact, as far as the index knows it. */
export async function searchOpportunity(
  ctx: CommandContext,
  contactId: string,
  commandId: string,
): Promise<GhlOpportunity | null> {
  // In all pipelines: the connection's own may have been changed since.
  const { opportunities } = await ghlOf(ctx).searchOpportunities({ contactId }, { signal: ctx.signal });
  return opportunities.find((each) => bears(each, commandId)) ?? null;
}

/** A payment as an opportunity that is won (SPEC §2.3), found again by the marker in its name. */
export const opportunityCommand: Performer = {
  kinds: ['opportunity'],
  side: 'ghl',
  sendsOnce: true,

  prepare: async (ctx, command) => {
    const linked = await linkedContact(ctx, command);
    if (linked.kind !== 'contact') return linked;
    const { pipelineId } = ctx.connection.ghl;
    // Taken out of the settings since: the payment is written down all the same.
    if (pipelineId === null) return { ...asNote(ctx, command), reason: 'no_pipeline' };
    return { kind: 'send', before: { contactId: linked.contactId, pipelineId } };
  },

  send: (ctx, command, options) => {
    const contactId = sentTo(command) as string;
    const facts = factsOf(command.params);
    const { stageId } = ctx.connection.ghl;
    return onContact(ctx, contactId, async () => {
      try {
        const answer = await ghlOf(ctx).createOpportunity(
          {
            contactId,
            pipelineId: command.before?.['pipelineId'] as string,
            ...(stageId === null ? {} : { pipelineStageId: stageId }),
            name: `${opportunityName(facts)} ${markerOf(command.id)}`,
            status: 'won',
            ...(facts.amount === null ? {} : { monetaryValue: facts.amount }),
          },
          options,
        );
        const result = { opportunityId: answer.opportunity.id, contactId };
        return { kind: 'applied', result, contactId, traceId: answer.traceId };
      } catch (error) {
        if (isApiError(error, 'conflict')) return existing(ctx, command, contactId, error);
        // A pipeline or a stage that is not there any more, say: the payment is written down all the same.
        if (isApiError(error, 'validation', 'field'))
          return { ...asNote(ctx, command), reason: error.message, contactId };
        throw error;
      }
    });
  },

  look: async (ctx, command) => {
    for (const contactId of await placesToLook(ctx, command)) {
      const found = await searchOpportunity(ctx, contactId, command.id);
      if (found) return { kind: 'there', result: { opportunityId: found.id, contactId }, contactId };
    }
    const secondMs = (command.sentAt?.getTime() ?? 0) + SECOND_LOOK_MS;
    const nowMs = ctx.store.clock.nowMs();
    if (command.looks > 0 && nowMs >= secondMs) return { kind: 'absent' };
    return { kind: 'look_again', afterMs: Math.max(secondMs, nowMs) };
  },
};

/**
 * The contact has one in this pipeline and the location allows one only. Ours from an attempt whose answer was lost is
 * adopted; anybody else's, also that of an earlier payment, is left alone, and the payment becomes a note.
 */
async function existing(
  ctx: CommandContext,
  command: CommandRow,
  contactId: string,
  error: ApiError,
): Promise<Performed> {
  const traceId = error.traceId ?? null;
  const existingId = error.meta?.existingId;
  if (existingId !== undefined) {
    const { opportunity } = await ghlOf(ctx).getOpportunity(existingId, { signal: ctx.signal });
    if (bears(opportunity, command.id))
      return { kind: 'applied', result: { opportunityId: existingId, contactId }, contactId, traceId };
  }
  const sample = { contactId, opportunityId: existingId ?? null, pipelineId: ctx.connection.ghl.pipelineId };
  return {
    ...asNote(ctx, command),
    result: { existingOpportunityId: existingId ?? null, contactId },
    // One record, the connection: it is a setting of the location, not something about each payment.
    problems: [{ code: 'opportunity_not_allowed', recordId: ctx.connection.id, sample }],
    contactId,
    traceId,
  };
}

const asNote = ({ connection }: CommandContext, { target, sourceEvent, params }: CommandRow) => ({
  kind: 'failed' as const,
  reason: 'opportunity_not_allowed',
  commands: [{ connectionId: connection.id, kind: 'note' as const, target, sourceEvent, params }],
});
