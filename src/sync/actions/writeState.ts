import { type ActionResult, applied, queued, rejected } from '../../domain/actionAnswer.ts';
import type { ActionParameters } from '../../domain/actionCall.ts';
import { nextSet } from '../../domain/segmentPlan.ts';
import { isApiError } from '../../platforms/apiError.ts';
import type { Capability } from '../../platforms/stickycards/dialect.ts';
import { insertDeliveries, type NewInboxRow } from '../../store/inbox.ts';
import type { FieldChange } from '../../../drizzle/tables/runs.ts';
import { inSegmentTurn } from '../reverse/segmentTurn.ts';
import { cardWritten, customerWritten } from '../stickyRows.ts';
import type { ActionContext, Outcome, Traces } from './context.ts';
import type { Found } from './findContact.ts';

type Linked = Extract<Found, { kind: 'linked' }>;
type StateAction = Extract<ActionParameters, { action: 'card-status' | 'segments' | 'preferences' }>;
type Sticky = NonNullable<ActionContext['sticky']>;

interface Written {
  answer: ActionResult;
  observation: NewInboxRow | null;
  changes: FieldChange[];
  traceId: string | null;
  traces?: Traces;
}

const NEEDS: Readonly<Record<StateAction['action'], readonly Capability[]>> = {
  'card-status': ['statusWrite'],
  segments: ['segmentsWrite', 'read'],
  preferences: ['preferencesWrite'],
};

/**
 * A value set in Sticky Cards (SPEC §3.4). Setting it twice is setting it: after a crash, or an answer that was lost, it is
 * simply done again. What was written is an observation; folded, it reaches GHL by the next run.
 */
export async function writeState(ctx: ActionContext, found: Linked, parameters: StateAction): Promise<Outcome> {
  const { needs, connection, sticky } = ctx;
  const ids = { contact_id: found.contactId, customer_id: found.customer.stickycardsId };
  const reject = (answer: ActionResult): Outcome => ({ kind: 'done', answer });
  if (sticky === null) return reject(rejected('not_connected', ids));
  if (NEEDS[parameters.action].some((capability) => !sticky.dialect.capabilities[capability]))
    return reject(rejected('not_writable_by_api', ids));
  let written: Written;
  try {
    written = await write(ctx, sticky, found, parameters);
  } catch (error) {
    return outcomeOfFailure(ctx, error, ids);
  }
  const { observation, answer, changes, traceId } = written;
  if (observation) {
    await needs.store.tx((db) => insertDeliveries(needs.store, db, [observation]));
    // Before the person is made due: a job must not plan from what was there before.
    await needs.foldAll(connection);
  }
  return {
    kind: 'done',
    answer: { ...answer, more: { ...ids, ...answer.more } },
    requeue: found.customer.stickycardsId,
    log: {
      action: 'update',
      status: 'success',
      customerId: found.customer.stickycardsId,
      contactId: found.contactId,
      changes,
      traceId,
    },
    ...written.traces,
  };
}

function write(ctx: ActionContext, sticky: Sticky, found: Linked, parameters: StateAction): Promise<Written> {
  switch (parameters.action) {
    case 'card-status':
      return setCardStatus(ctx, sticky, found, parameters.status);
    case 'segments':
      return inSegmentTurn(ctx.needs.store, found.customer.stickycardsId, () =>
        changeSegments(ctx, sticky, found, parameters.add ?? [], parameters.remove ?? []),
      );
    case 'preferences':
      return setPreferences(ctx, sticky, found, parameters.opt_in);
  }
}

async function setCardStatus(
  { needs, connection, signal }: ActionContext,
  { client, dialect }: Sticky,
  { customer, link }: Linked,
  status: 'active' | 'inactive' | 'suspended',
): Promise<Written> {
  const cardId = customer.cardId ?? link.cardId;
  if (cardId === null) return { answer: rejected('no_card'), observation: null, changes: [], traceId: null };
  const word = dialect.statusWrites[status] as string;
  const { traceId, dateMs } = await client.setCardStatus({ cardId, status: word }, { signal });
  const change = { cardId, customerId: customer.stickycardsId, status };
  return {
    answer: applied('ok', 'The status of the card was set.', { card_id: cardId, status }),
    observation: cardWritten(needs.store, connection.id, change, dateMs),
    changes: [{ field: 'card_status', before: customer.cardStatus, after: status }],
    traceId,
  };
}

/** Read, change, write: whatever else the customer is in stays as it is. */
async function changeSegments(
  { needs, connection, signal }: ActionContext,
  { client }: Sticky,
  { customer }: Linked,
  add: readonly string[],
  remove: readonly string[],
): Promise<Written> {
  const customerId = customer.stickycardsId;
  const read = await client.getCustomer(customerId, { signal });
  const before = read.customer.segments ?? [];
  const segments = nextSet(before, add, remove);
  const same = segments.join('\n') === before.join('\n');
  const said = same ? read : await client.setSegments({ customerId, segments }, { signal });
  return {
    answer: applied(same ? 'no_change' : 'ok', same ? 'It was so already.' : 'The segments were changed.', {
      segments,
    }),
    observation: customerWritten(needs.store, connection.id, { customerId, segments }, said.dateMs),
    changes: [{ field: 'segments', before: before.join(', ') || null, after: segments.join(', ') || null }],
    traceId: said.traceId,
  };
}

async function setPreferences(
  { signal }: ActionContext,
  { client }: Sticky,
  { customer }: Linked,
  optIn: boolean,
): Promise<Written> {
  const customerId = customer.stickycardsId;
  const { traceId } = await client.setPreferences({ customerId, optIn }, { signal });
  const status = optIn ? 'opted_in' : 'opted_out';
  return {
    answer: applied('ok', 'The preference was set.', { opt_in: optIn }),
    observation: null,
    changes: [{ field: 'preferences', before: customer.optInStatus, after: status }],
    traceId,
    traces: { optIn: { customerId, status } },
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
