import { isApiError } from '../../platforms/apiError.ts';
import type { GhlClient } from '../../platforms/ghl/client.ts';
import type { CommandRow } from '../../store/commands.ts';
import { linksOfCustomers } from '../../store/links.ts';
import type { CommandContext, Performed } from './performer.ts';

/** What performing on a contact shares: the client, which the engine has made sure of. */
export const ghlOf = (ctx: CommandContext): GhlClient => ctx.ghl as GhlClient;

/** A contact that GHL does not know any more is read before the command is tried again. */
const GONE_WAIT_MS = 5 * 60_000;

const customerIdOf = (command: CommandRow): string => command.target.slice('customer:'.length);

/** The contact that the customer of a command is linked to; else what becomes of the command without one. */
export async function linkedContact(
  { store, connection }: CommandContext,
  command: CommandRow,
): Promise<{ kind: 'contact'; contactId: string } | Performed> {
  const customerId = customerIdOf(command);
  const link = (await linksOfCustomers(store, store.db, connection.id, [customerId])).get(customerId);
  if (link?.state === 'gone') return { kind: 'failed', reason: 'gone' };
  if (link?.state !== 'live' || link.ghlId === null) return { kind: 'wait', reason: 'the customer has no contact yet' };
  return { kind: 'contact', contactId: link.ghlId };
}

/**
 * A write to the contact, which may turn out to be gone: then it is read, so that the pair's own job finds out whether it
 * was deleted (the command fails) or merged (it goes to the survivor).
 */
export async function onContact(
  ctx: CommandContext,
  contactId: string,
  write: () => Promise<Performed>,
): Promise<Performed> {
  try {
    return await write();
  } catch (error) {
    if (!isApiError(error, 'gone') || error.mayHaveLanded) throw error;
    return {
      kind: 'wait',
      reason: 'GHL does not know the contact: it is read first',
      untilMs: ctx.store.clock.nowMs() + GONE_WAIT_MS,
      marks: [contactId],
      contactId,
      traceId: error.traceId ?? null,
    };
  }
}

/** The contact that a command was sent to. */
export const sentTo = (command: CommandRow): string | null => {
  const contactId = command.before?.['contactId'];
  return typeof contactId === 'string' ? contactId : null;
};

/**
 * Where what was sent can be now: at the contact it was sent to, and, should the customer be linked to another one since
 * (a merge takes notes and tasks along), at that one.
 */
export async function placesToLook(ctx: CommandContext, command: CommandRow): Promise<string[]> {
  const linked = await linkedContact(ctx, command);
  const places = [sentTo(command), linked.kind === 'contact' ? linked.contactId : null];
  return [...new Set(places)].filter((id) => id !== null);
}

/** What `list` answers about a contact; nothing when the contact is gone. */
export async function unlessGone<T>(list: () => Promise<T[]>): Promise<T[]> {
  try {
    return await list();
  } catch (error) {
    if (isApiError(error, 'gone')) return [];
    throw error;
  }
}
