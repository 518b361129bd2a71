import { queued, rejected } from '../../domain/actionAnswer.ts';
import type { ActionContact } from '../../domain/actionCall.ts';
import { comparableDigits, toE164 } from '../../domain/phone.ts';
import { type ApiError, isApiError } from '../../platforms/apiError.ts';
import type { GhlClient } from '../../platforms/ghl/client.ts';
import { candidateContacts } from '../../store/contacts.ts';
import { linksOfContacts } from '../../store/ghlInbox.ts';
import type { LinkRow } from '../../store/links.ts';
import { type CustomerRow } from '../../store/staging.ts';
import { pairsOfCustomers } from '../../store/pairs.ts';
import type { ActionContext, Outcome } from './context.ts';

export type Found =
  | { kind: 'linked'; contactId: string; link: LinkRow; customer: CustomerRow }
  | { kind: 'unlinked'; contactId: string }
  | Outcome;

const reject = (code: Parameters<typeof rejected>[0], contactId: string | null = null): Outcome => ({
  kind: 'done',
  answer: rejected(code, contactId === null ? {} : { contact_id: contactId }),
});

/** GHL cannot be asked now. What a person has to mend is told as such: it is no bad moment that passes by itself. */
const GHL_REFUSES: Readonly<Record<string, string>> = {
  auth: 'GHL does not accept the token of the connection: it is done when that is mended (see the problems).',
  scope: 'The token of the connection may not read contacts in GHL: it is done when it has the scope.',
};
export const ghlAway = (error: ApiError | null, more: Parameters<typeof queued>[1] = {}): Outcome => ({
  kind: 'later',
  answer: queued('ghl_unavailable', more, GHL_REFUSES[error?.class ?? '']),
});

/**
 * Whom a call is about (SPEC §3.4): the contact by id, else the one that GHL knows by the phone or the e-mail. Never a
 * guess: where the two lead to different contacts, or one to several, nobody is found.
 */
export async function findContact(ctx: ActionContext, asked: ActionContact): Promise<Found> {
  try {
    const contactId = asked.contactId ?? (await byIdentity(ctx, asked));
    if (typeof contactId !== 'string') return contactId;
    return await standing(ctx, contactId, asked.contactId === null);
  } catch (error) {
    if (isApiError(error) && error.side === 'ghl' && !ctx.signal.aborted) return ghlAway(error);
    throw error;
  }
}

async function standing(ctx: ActionContext, contactId: string, seenJustNow: boolean): Promise<Found> {
  const { store } = ctx.needs;
  const link = (await linksOfContacts(store, store.db, ctx.connection.id, [contactId])).get(contactId);
  if (link?.state === 'live') {
    const [pair] = await pairsOfCustomers(store, ctx.connection.id, [link.stickycardsId]);
    if (pair) return { kind: 'linked', contactId, link, customer: pair.customer };
  }
  if (seenJustNow || ctx.ghl === null) return { kind: 'unlinked', contactId };
  try {
    await ctx.ghl.getContact(contactId, { priority: 'next', signal: ctx.signal });
    return { kind: 'unlinked', contactId };
  } catch (error) {
    if (isApiError(error, 'gone', 'validation', 'field') || (await isOfAnotherLocation(ctx.ghl, ctx.signal, error)))
      return reject('contact_not_found', contactId);
    throw error;
  }
}

/** GHL says the same of a contact that is somebody else's and of a token that is: the location itself tells which. */
async function isOfAnotherLocation(ghl: GhlClient, signal: AbortSignal, error: unknown): Promise<boolean> {
  if (!isApiError(error) || error.code !== 'wrong_location') return false;
  await ghl.getLocation({ priority: 'next', signal });
  return true;
}

/** GHL is asked, not what we know of it: points and pushes must not go to whoever had the number before. */
async function byIdentity(ctx: ActionContext, { phone, email }: ActionContact): Promise<string | Outcome> {
  const { connection, ghl } = ctx;
  if (ghl === null) return reject('not_connected');
  const number = phone === null ? null : toE164(phone, connection.defaultCountry);
  const digits = phone === null ? null : comparableDigits(phone, connection.defaultCountry);
  const address = email?.toLowerCase() ?? null;
  const { store } = ctx.needs;
  const known = await candidateContacts(store, store.db, connection.id, {
    customerIds: [],
    phones: number === null ? [] : [number],
    digits: number === null && digits !== null ? [digits] : [],
    emails: address === null ? [] : [address],
  });
  const ask = async (by: { phone: string } | { email: string }) =>
    (await ghl.searchDuplicate(by, { priority: 'next', signal: ctx.signal })).contact?.id ?? null;
  const said = [
    number === null ? null : await ask({ phone: number }),
    address === null ? null : await ask({ email: address }),
  ].filter((id) => id !== null);
  const [contactId] = said;
  if (contactId === undefined) return reject('contact_not_found');
  // Where a location allows duplicates GHL names one of them, which need not be the one that holds the card.
  const linked = known.filter((contact) => contact.linkedTo !== null).map((contact) => contact.ghlContactId);
  return new Set([...said, ...linked]).size > 1 ? reject('contact_ambiguous') : contactId;
}
