import { answerOfCommand, queued, rejected } from '../../domain/actionAnswer.ts';
import type { ActionParameters } from '../../domain/actionCall.ts';
import { isApiError } from '../../platforms/apiError.ts';
import { getCommand } from '../../store/commandActions.ts';
import { commandsBySource, type CommandRow, insertCommands, type NewCommand } from '../../store/commands.ts';
import { raiseProblems } from '../../store/problems.ts';
import { performCommands } from '../performCommands.ts';
import { consentNow } from './consentNow.ts';
import type { ActionContext, Outcome, Subject } from './context.ts';
import { ASK_MS } from './contexts.ts';
import type { Found } from './findContact.ts';
import { within } from './within.ts';

type Linked = Extract<Found, { kind: 'linked' }>;
type LedgerAction = Extract<ActionParameters, { action: 'push' | 'issue-card' | 'add-points' }>;

/** How long a call waits for a command that has to wait for another one; then it is left to the runs. */
const PATIENCE_MS = 5000;
const LOOK_EVERY_MS = 100;
/** What GHL said of a person's consent before a push was written down holds for its first attempt, and this long. */
const CONSENT_HOLDS_MS = 5000;

/** A call that was taken before: the command that it made, whatever became of it. */
export async function performKnown(ctx: ActionContext, subject: Subject): Promise<Outcome | null> {
  const { store } = ctx.needs;
  const [command] = await commandsBySource(store, ctx.connection.id, [subject.sourceEvent]);
  return command ? perform(ctx, command, null) : null;
}

/** Push, card and points (SPEC §3.4): what must happen once is written into the ledger first, then performed at once. */
export async function orderAndPerform(
  ctx: ActionContext,
  subject: Subject,
  found: Linked,
  parameters: LedgerAction,
): Promise<Outcome> {
  const { store } = ctx.needs;
  const order = await orderOf(ctx, found, parameters);
  if ('answer' in order) return order;
  const agreedAtMs = parameters.action === 'push' ? store.clock.nowMs() : null;
  const command: NewCommand = { ...order, connectionId: ctx.connection.id, sourceEvent: subject.sourceEvent };
  await store.tx(async (db) => {
    await insertCommands(store, db, [command]);
    if (command.state !== 'held') return;
    const { customer, contactId } = found;
    const sample = {
      contactId,
      field: 'add-points',
      points: command.params['points'],
      limit: ctx.connection.pointsLimit,
    };
    await raiseProblems(store, db, ctx.connection.id, [
      { code: 'points_limit', cause: 'add-points', recordId: customer.stickycardsId, sample },
    ]);
  });
  const [ordered] = await commandsBySource(store, ctx.connection.id, [subject.sourceEvent]);
  return ordered ? perform(ctx, ordered, agreedAtMs) : { kind: 'later', answer: queued('will_retry') };
}

type Order = Pick<NewCommand, 'kind' | 'target' | 'params' | 'state' | 'reason'>;

async function orderOf(ctx: ActionContext, found: Linked, parameters: LedgerAction): Promise<Order | Outcome> {
  const { contactId, customer, link } = found;
  const customerId = customer.stickycardsId;
  const about = { customerId, contactId };
  const ids = { contact_id: contactId, customer_id: customerId };
  switch (parameters.action) {
    case 'push': {
      const refused = await consentRefused(ctx, found);
      if (refused) return { kind: 'done', answer: rejected(refused, ids) };
      const { message, title } = parameters;
      const params = { message, ...(title === undefined ? {} : { title }), ...about };
      return { kind: 'push', target: `customer:${customerId}`, params };
    }
    case 'issue-card': {
      const { template_id: templateId } = parameters;
      const params = { ...about, asked: true, ...(templateId === undefined ? {} : { templateId }) };
      return { kind: 'create_card', target: `customer:${customerId}`, params };
    }
    case 'add-points': {
      const cardId = customer.cardId ?? link.cardId;
      if (cardId === null) return { kind: 'done', answer: rejected('no_card', ids) };
      const params = { points: parameters.points, ...about, field: 'add-points' };
      const held = Math.abs(parameters.points) > ctx.connection.pointsLimit;
      const state = held ? { state: 'held' as const, reason: 'points_limit' } : {};
      return { kind: 'add_points', target: `card:${cardId}`, params, ...state };
    }
  }
}

/** Why no push may go to the person; null = one may. */
async function consentRefused(
  ctx: ActionContext,
  { contactId, customer }: Linked,
): Promise<'opted_out' | 'unknown_consent' | 'contact_not_found' | null> {
  // What Sticky Cards was told last counts too: DND that was switched off again is no new consent (SPEC §3.2).
  if (customer.optInStatus === 'opted_out') return 'opted_out';
  const optedOut = await optedOutNow(ctx, contactId, ctx.askUntilMs - ctx.needs.store.clock.nowMs());
  if (optedOut === 'gone') return 'contact_not_found';
  if (optedOut === 'unknown') return 'unknown_consent';
  return optedOut ? 'opted_out' : null;
}

/** An answer that does not come in time is none. */
async function optedOutNow(ctx: ActionContext, contactId: string, ms: number): ReturnType<typeof consentNow> {
  const { ghl, rows, needs } = ctx;
  if (ghl === null) return 'unknown';
  const optedOut = await within(needs.store.clock, ms, ctx.signal, async (signal) => {
    const facts = await ctx.facts().catch((error: unknown) => {
      if (isApiError(error) && !ctx.signal.aborted) return null;
      throw error;
    });
    if (facts === null) return 'unknown';
    return consentNow({ ghl, fieldIds: facts.fieldIds, rows, words: needs.consentWords, signal }, contactId);
  });
  return optedOut === 'late' ? 'unknown' : optedOut;
}

/** Asks GHL before each attempt; what it said a moment ago is the answer to the first one. */
function askedBeforeEach(ctx: ActionContext, agreedAtMs: number | null) {
  let known = agreedAtMs;
  return (contactId: string): ReturnType<typeof consentNow> => {
    const holds = known !== null && ctx.needs.store.clock.nowMs() - known <= CONSENT_HOLDS_MS;
    known = null;
    return holds ? Promise.resolve(false) : optedOutNow(ctx, contactId, ASK_MS);
  };
}

/**
 * Through the engine of the ledger, as soon as it is this command's turn.
 * @param agreedAtMs when GHL said that a push may go to the person; null = it was not asked by this call
 */
async function perform(ctx: ActionContext, command: CommandRow, agreedAtMs: number | null): Promise<Outcome> {
  const { needs, connection, ghl, sticky, signal } = ctx;
  const { store, log } = needs;
  const startedAtMs = store.clock.nowMs();
  const facts = connection.location;
  const locale = {
    defaultCountry: connection.defaultCountry,
    timeZone: connection.timeZone ?? facts?.timeZone ?? 'UTC',
  };
  const pass = {
    store,
    log,
    connection,
    facts,
    locale,
    ghl,
    sticky,
    runId: null,
    signal,
    optedOut: askedBeforeEach(ctx, agreedAtMs),
    random: () => needs.random(),
  };
  let row = command;
  for (let stopped = false; !stopped;) {
    await performCommands(pass, { ids: [row.id] }).catch((error: unknown) => {
      // The side as a whole is away: the row stays for whoever comes next.
      if (!isApiError(error)) throw error;
      stopped = true;
    });
    row = (await getCommand(store, row.id)) ?? row;
    const nowMs = store.clock.nowMs();
    const mayGoOn =
      row.state === 'sending' || (row.state === 'pending' && (row.nextAttemptAt?.getTime() ?? 0) <= nowMs);
    if (!mayGoOn || nowMs - startedAtMs >= PATIENCE_MS) break;
    if (!stopped) await store.clock.sleep(LOOK_EVERY_MS, signal);
  }
  const { customerId, contactId } = row.params;
  const more = {
    ...(typeof contactId === 'string' ? { contact_id: contactId } : {}),
    ...(typeof customerId === 'string' ? { customer_id: customerId } : {}),
  };
  return { kind: 'done', answer: answerOfCommand(row, more), commandId: row.id };
}
