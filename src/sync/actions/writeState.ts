import { type ActionResult, queued, rejected } from '../../domain/actionAnswer.ts';
import { ownTagOf } from '../../domain/fieldMap.ts';
import { isApiError } from '../../platforms/apiError.ts';
import type { Capability } from '../../platforms/stickycards/dialect.ts';
import { noteSet, setByLater } from '../../store/idempotency.ts';
import { insertDeliveries } from '../../store/inbox.ts';
import { setOptIn } from '../../store/pairs.ts';
import { inSegmentTurn } from '../reverse/segmentTurn.ts';
import { inTurn } from '../turns.ts';
import type { ActionContext, Outcome, Subject } from './context.ts';
import { idsOf, type Linked, setValue, type StateAction, type Written } from './setValue.ts';

const NEEDS: Readonly<Record<StateAction['action'], readonly Capability[]>> = {
  'card-status': ['statusWrite'],
  segments: ['segmentsWrite', 'read'],
  preferences: ['preferencesWrite'],
};

/**
 * A value set in Sticky Cards (SPEC §3.4). After a crash, or an answer that was lost, it is simply set again, unless a call
 * that came later has set it since: the last word counts, in whatever order the calls got through. What was written is an
 * observation; folded, it reaches GHL by the next run.
 */
export async function writeState(
  ctx: ActionContext,
  subject: Subject,
  found: Linked,
  parameters: StateAction,
): Promise<Outcome> {
  const { sticky } = ctx;
  const ids = idsOf(found);
  const reject = (answer: ActionResult): Outcome => ({ kind: 'done', answer });
  if (sticky === null) return reject(rejected('not_connected', ids));
  if (NEEDS[parameters.action].some((capability) => !sticky.dialect.capabilities[capability]))
    return reject(rejected('not_writable_by_api', ids));
  const reserved = parameters.action === 'segments' ? reservedAmong(ctx, parameters.add ?? []) : undefined;
  if (reserved !== undefined) {
    const message = `"${reserved}" is a tag with a meaning of its own and never a segment: nothing was changed.`;
    return reject(rejected('reserved_tag', { ...ids, tag: reserved }, message));
  }
  return inTurnOf(ctx, found, parameters.action, async () => {
    try {
      const later = await setByLater(ctx.needs.store, subject, found.customer.stickycardsId);
      const written = await setValue(ctx, sticky, found, parameters, later);
      return 'kind' in written ? written : await keep(ctx, subject, found, written);
    } catch (error) {
      return outcomeOfFailure(ctx, error, ids);
    }
  });
}

/** Tags of events and commands are never segments (SPEC §3.2). They may be taken off: what is there by mistake has to go. */
const reservedAmong = ({ tagMap }: ActionContext, add: readonly string[]): string | undefined =>
  add.find((name) => ownTagOf(tagMap, name) !== null);

/** Calls for one value of one customer: each sees what the one before it has set. */
function inTurnOf<T>(
  { needs, connection }: ActionContext,
  { customer }: Linked,
  action: string,
  work: () => Promise<T>,
) {
  const customerId = customer.stickycardsId;
  if (action === 'segments') return inSegmentTurn(needs.store, customerId, work);
  return inTurn(needs.store, `${action} ${connection.id} ${customerId}`, work);
}

async function keep(ctx: ActionContext, subject: Subject, found: Linked, written: Written): Promise<Outcome> {
  const { needs, connection } = ctx;
  const { store } = needs;
  const { observation, answer, changes, traceId, sets, optIn } = written;
  const customerId = found.customer.stickycardsId;
  await store.tx(async (db) => {
    if (observation) await insertDeliveries(store, db, [observation]);
    if (optIn !== undefined) await setOptIn(store, db, connection.id, customerId, optIn);
    await noteSet(store, db, subject, customerId, sets);
  });
  // Before the person is made due: a job must not plan from what was there before.
  if (observation) await needs.foldAll(connection);
  return {
    kind: 'done',
    answer: { ...answer, more: { ...idsOf(found), ...answer.more } },
    requeue: customerId,
    log: { action: 'update', status: 'success', customerId, contactId: found.contactId, changes, traceId },
  };
}

/** What a call that failed tells the workflow: refused for good, or tried again. */
export function outcomeOfFailure(ctx: ActionContext, error: unknown, ids: ActionResult['more'] = {}): Outcome {
  if (!isApiError(error) || ctx.signal.aborted) throw error;
  if (error.class === 'gone') return { kind: 'done', answer: rejected('gone_in_sticky_cards', ids) };
  if (isApiError(error, 'validation', 'field', 'conflict'))
    return {
      kind: 'done',
      answer: rejected('refused_by_sticky_cards', ids, `Sticky Cards refused it: ${error.message}`),
    };
  return { kind: 'later', answer: queued('sticky_cards_unavailable', ids) };
}
