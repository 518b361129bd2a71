import { type ActionResult, queued, rejected } from '../../domain/actionAnswer.ts';
import type { ActionCall } from '../../domain/actionCall.ts';
import type { Connection } from '../../domain/connection.ts';
import { sidePauseOf } from '../sidePause.ts';
import type { ActionContext, Outcome, Subject } from './context.ts';
import { findContact, type Found } from './findContact.ts';
import { orderAndPerform, performKnown } from './ledger.ts';
import { syncContact } from './syncContact.ts';
import { within } from './within.ts';
import { writeState } from './writeState.ts';

/** Why nothing of a connection may be carried out now, whatever is asked; null = it may. */
export function closedFor({ mode, state, pausedDirections }: Connection): ActionResult | null {
  if (mode === 'observe') return rejected('observe');
  if (state !== 'ready') return queued('connection_paused');
  return pausedDirections.includes('ghl_to_stickycards') ? queued('direction_paused') : null;
}

/**
 * One call of a workflow, as far as it gets now (SPEC §3.4). The caller holds the connection's lease. Called again after a
 * crash it finds what was done: commands by their source, values by setting them once more.
 * @param probing a person wants to see whether Sticky Cards answers again: its pause is no reason to wait
 */
export async function carryOut(
  ctx: ActionContext,
  subject: Subject,
  call: ActionCall,
  { probing = false }: { probing?: boolean } = {},
): Promise<Outcome> {
  const { needs, connection } = ctx;
  const { parameters, contact } = call;
  const known = await performKnown(ctx, subject);
  if (known) return known;
  const pause = probing ? null : await sidePauseOf(needs.connections, connection.id, 'stickycards');
  if (pause && needs.store.clock.nowMs() < pause.probeAtMs)
    return { kind: 'later', answer: queued('sticky_cards_unavailable') };
  const found = parameters.action === 'push' ? await findInTime(ctx, call) : await findContact(ctx, contact);
  if (found === 'late' || (found.kind === 'later' && parameters.action === 'push'))
    // No answer means no push, now or ever.
    return withLog({ kind: 'done', answer: rejected('unknown_consent') }, subject, null, null);
  if (found.kind === 'later') return found;
  if (found.kind === 'done') return withLog(found, subject, null, contact.contactId);
  const customerId = found.kind === 'linked' ? found.customer.stickycardsId : null;
  const outcome = await perform(ctx, subject, found, parameters);
  return withLog(outcome, subject, customerId, found.contactId);
}

const findInTime = (ctx: ActionContext, { contact }: ActionCall): Promise<Found | 'late'> => {
  const { clock } = ctx.needs.store;
  return within(clock, ctx.askUntilMs - clock.nowMs(), ctx.signal, (signal) =>
    findContact({ ...ctx, signal }, contact),
  );
};

async function perform(
  ctx: ActionContext,
  subject: Subject,
  found: Exclude<Found, Outcome>,
  parameters: ActionCall['parameters'],
): Promise<Outcome> {
  const { contactId } = found;
  if (parameters.action === 'sync-contact')
    return syncContact(ctx, contactId, found.kind === 'linked' ? found.customer.stickycardsId : null);
  if (found.kind === 'unlinked') return { kind: 'done', answer: rejected('not_linked', { contact_id: contactId }) };
  const ids = { contact_id: contactId, customer_id: found.customer.stickycardsId };
  if (ctx.sticky === null) return { kind: 'done', answer: rejected('not_connected', ids) };
  if (found.customer.paused)
    return { kind: 'later', answer: queued('record_paused', ids), pausedCustomerId: ids.customer_id };
  switch (parameters.action) {
    case 'push':
    case 'issue-card':
    case 'add-points':
      return orderAndPerform(ctx, subject, found, parameters);
    case 'card-status':
    case 'segments':
    case 'preferences':
      return writeState(ctx, subject, found, parameters);
  }
}

/** A call that made no command leaves a row of the log; the engine of the ledger writes its own. */
function withLog(
  outcome: Outcome,
  { receiptId }: Subject,
  customerId: string | null,
  contactId: string | null,
): Outcome {
  if (outcome.kind === 'later' || outcome.commandId !== undefined || outcome.log) return outcome;
  const { result, reasonCode, message } = outcome.answer;
  const status = result === 'applied' ? 'success' : 'skipped';
  const told = result === 'applied' ? {} : { errorCode: reasonCode, errorMessage: message };
  return {
    ...outcome,
    log: { action: 'update', status, customerId, contactId, entityId: customerId ?? contactId ?? receiptId, ...told },
  };
}
