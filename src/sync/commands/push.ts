import { customerId } from '../../domain/customerId.ts';
import { isApiError } from '../../platforms/apiError.ts';
import type { ReportClient } from '../../platforms/stickycards/report/client.ts';
import type { CommandRow } from '../../store/commands.ts';
import { optInOf } from '../../store/pairs.ts';
import type { CommandContext, Performed, Performer } from './performer.ts';

/** What has not left so long after the person was asked for, because Sticky Cards puts it off, does not leave: it asks again. */
const CONSENT_HOLDS_MS = 15_000;
const CONSENT_WAIT_MS = 15 * 60_000;

/** Stops a push that is about to leave; `performed` says why. Nothing was sent. */
class NotSent extends Error {
  readonly performed: Performed;
  constructor(performed: Performed) {
    super('the push is not sent');
    this.performed = performed;
  }
}

/**
 * A push to one customer (SPEC §3.4). Whether the person wants it is asked right before it leaves, by every attempt, also
 * one that an operator ordered. Sticky Cards keeps no list of pushes that could be asked, so one whose answer was lost
 * waits for an operator: nobody is told the same thing twice on a guess.
 */
export const pushCommand: Performer = {
  kinds: ['push'],
  side: 'stickycards',
  sendsOnce: true,

  prepare: (ctx, command) => {
    if (!ctx.sticky?.dialect.capabilities.push) {
      const sample = { commandId: command.id, kind: command.kind, field: 'push' };
      const problems = [{ code: 'not_writable_by_api', cause: 'push', recordId: ctx.connection.id, sample }];
      return Promise.resolve({ kind: 'failed', reason: 'not_writable_by_api', problems });
    }
    const { message } = command.params;
    if (typeof message !== 'string' || message.trim() === '')
      return Promise.resolve({ kind: 'failed', reason: 'a push needs a message' });
    return Promise.resolve({ kind: 'send' });
  },

  send: async (ctx, command, options) => {
    const { client } = ctx.sticky as { client: ReportClient };
    const { message, title } = command.params;
    const push = {
      customerId: customerId(customerIdOf(command)),
      message: message as string,
      ...(typeof title === 'string' && title !== '' ? { title } : {}),
    };
    const putOff = new AbortController();
    const over = new AbortController();
    // After queue and pace: what was asked before them may be a minute old.
    const beforeSend = async () => {
      const refused = await refusal(ctx, command);
      if (refused) throw new NotSent(refused);
      ctx.store.clock.sleep(CONSENT_HOLDS_MS, over.signal).then(
        () => putOff.abort(new NotSent({ kind: 'wait', reason: 'it could not leave in time', untilMs: 0 })),
        () => undefined,
      );
      await options.beforeSend();
    };
    try {
      const signal = AbortSignal.any([options.signal, putOff.signal]);
      const answer = await client.pushToCustomer(push, { signal, beforeSend });
      return { kind: 'applied', result: { pushId: answer.pushId }, traceId: answer.traceId };
    } catch (error) {
      if (error instanceof NotSent) return error.performed;
      if (!isApiError(error, 'gone') || error.mayHaveLanded) throw error;
      return { kind: 'failed', reason: 'gone_in_sticky_cards', traceId: error.traceId ?? null };
    } finally {
      over.abort();
    }
  },

  look: () =>
    Promise.resolve({
      kind: 'cannot_tell',
      reason: 'the answer to the push was lost, and Sticky Cards cannot be asked whether it was sent',
    }),
};

const customerIdOf = ({ target }: CommandRow): string | null =>
  target.startsWith('customer:') ? target.slice('customer:'.length) : null;

/** Why the push may not leave now; null = it may. The person may have opted out meanwhile; without an answer nothing is sent. */
async function refusal(ctx: CommandContext, command: CommandRow): Promise<Performed | null> {
  const { contactId } = command.params;
  if (typeof contactId !== 'string') return null;
  // What Sticky Cards was told last counts too: DND that was switched off again is no new consent (SPEC §3.2).
  const told = await optInOf(ctx.store, ctx.connection.id, customerIdOf(command) ?? '');
  if (told === 'opted_out') return { kind: 'failed', reason: 'opted_out' };
  const optedOut = (await ctx.optedOut?.(contactId)) ?? 'unknown';
  if (optedOut === false) return null;
  if (optedOut === 'unknown')
    return {
      kind: 'wait',
      reason: 'whether the person still wants messages cannot be found out',
      untilMs: ctx.store.clock.nowMs() + CONSENT_WAIT_MS,
    };
  return { kind: 'failed', reason: optedOut === 'gone' ? 'gone' : 'opted_out' };
}
