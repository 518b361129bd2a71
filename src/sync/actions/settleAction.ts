import { answerText } from '../../domain/actionAnswer.ts';
import { requeue } from '../../store/commandSteps.ts';
import { keepAnswer, noteInInbox, type OpenAction } from '../../store/idempotency.ts';
import { writeLogs } from '../../store/runs.ts';
import type { Store } from '../../store/store.ts';
import { customerLog } from '../jobContext.ts';
import type { Outcome } from './context.ts';
import type { StoredAction } from './stored.ts';

/** Stores what a call came to, with its answer, in one transaction; one that is tried again stays open. */
export async function settleAction(
  store: Store,
  open: OpenAction,
  stored: StoredAction,
  outcome: Outcome,
): Promise<void> {
  const { connectionId } = open;
  const { result, reasonCode, more } = outcome.answer;
  const body = answerText(stored.receiptId, stored.action, outcome.answer);
  // It waits as before: nothing of it is written each time that it is tried.
  if (outcome.kind === 'later' && open.body !== null) return;
  await store.tx(async (db) => {
    // The row of a "Webhook" action shows what the fold made of it.
    if (stored.ownRow)
      await noteInInbox(store, db, stored.receiptId, {
        status: result === 'rejected' ? 'skipped' : 'folded',
        reason: result === 'applied' ? null : reasonCode,
        ...(typeof more?.['customer_id'] === 'string' ? { customerId: more['customer_id'] } : {}),
        ...(typeof more?.['contact_id'] === 'string' ? { contactId: more['contact_id'] } : {}),
      });
    if (outcome.kind === 'later') {
      await keepAnswer(store, db, open, body, { carriedOut: false });
      return;
    }
    const { commandId, log } = outcome;
    if (outcome.requeue !== undefined) await requeue(store, db, connectionId, outcome.requeue);
    if (log) {
      const { customerId, contactId, ...more } = log;
      const about = { runId: 'action', connection: { id: connectionId } };
      const row = customerLog(about, customerId ?? contactId ?? stored.receiptId, contactId ?? null, more);
      await writeLogs(store, db, [{ ...row, customerId, direction: 'ghl_to_stickycards' }]);
    }
    await keepAnswer(store, db, open, body, { carriedOut: true, commandId });
  });
}
