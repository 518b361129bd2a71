import { customerId } from '../../domain/customerId.ts';
import type { ReportClient } from '../../platforms/stickycards/report/client.ts';
import type { CommandRow } from '../../store/commands.ts';
import type { CommandContext, Performed, Performer } from './performer.ts';

/** Consent that was asked for longer ago than this is asked for again. */
const CONSENT_HOLDS_MS = 60_000;
const CONSENT_WAIT_MS = 15 * 60_000;

/**
 * A push to one customer (SPEC §3.4). Its caller has asked for their consent; one that had to wait since asks again. Sticky
 * Cards keeps no list of pushes that could be asked, so one whose answer was lost waits for an operator: nobody is told
 * the same thing twice on a guess.
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
    return stillAgrees(ctx, command);
  },

  send: async (ctx, command, options) => {
    const { client } = ctx.sticky as { client: ReportClient };
    const { message, title } = command.params;
    const push = {
      customerId: customerId(command.target.startsWith('customer:') ? command.target.slice('customer:'.length) : null),
      message: message as string,
      ...(typeof title === 'string' && title !== '' ? { title } : {}),
    };
    const answer = await client.pushToCustomer(push, options);
    return { kind: 'applied', result: { pushId: answer.pushId }, traceId: answer.traceId };
  },

  look: () =>
    Promise.resolve({
      kind: 'cannot_tell',
      reason: 'the answer to the push was lost, and Sticky Cards cannot be asked whether it was sent',
    }),
};

/** The person may have opted out while the push waited. Without an answer nothing is sent. */
async function stillAgrees(ctx: CommandContext, { params }: CommandRow): Promise<{ kind: 'send' } | Performed> {
  const { contactId, consentAtMs } = params;
  if (typeof contactId !== 'string' || typeof consentAtMs !== 'number') return { kind: 'send' };
  const nowMs = ctx.store.clock.nowMs();
  if (nowMs - consentAtMs <= CONSENT_HOLDS_MS) return { kind: 'send' };
  const optedOut = (await ctx.optedOut?.(contactId)) ?? 'unknown';
  if (optedOut === false) return { kind: 'send' };
  if (optedOut === 'unknown')
    return {
      kind: 'wait',
      reason: 'whether the person still wants messages cannot be found out',
      untilMs: nowMs + CONSENT_WAIT_MS,
    };
  return { kind: 'failed', reason: optedOut === 'gone' ? 'gone' : 'opted_out' };
}
