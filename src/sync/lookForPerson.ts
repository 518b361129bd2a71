import { identitiesOf, matchContact, type MatchedBy } from '../domain/match.ts';
import { toE164 } from '../domain/phone.ts';
import type { GhlContactSeen } from '../platforms/ghl/client.ts';
import { linkedCustomers } from '../store/links.ts';
import type { Pair } from '../store/pairs.ts';
import { contactRow, type JobContext } from './jobContext.ts';
import { noteSuccess } from './pushJob.ts';

export interface PersonFound {
  kind: 'found';
  contact: GhlContactSeen;
  /** The e-mail belongs to somebody else's contact: it must not be sent (SPEC §2.5). */
  conflictEmailContactId: string | null;
}

/** Several free contacts could be this person. */
export interface PersonAmbiguous {
  kind: 'ambiguous';
  by: MatchedBy;
  ghlContactIds: string[];
}

/** More contacts than that with one phone are as good as any number. */
const EQUALS_MAX = 20;

/**
 * By identity, through the search that does not lag (reference/ghl.md §5.2, §5.3). One call asks for both identities;
 * only when somebody has one of them, a second one asks whether the other is somebody else's. The phone goes first.
 */
export async function lookForPerson(ctx: JobContext, pair: Pair): Promise<PersonFound | PersonAmbiguous | null> {
  const { customer } = pair;
  const { e164, email } = identitiesOf(personOf(pair), ctx.connection.defaultCountry);
  if (e164 === null && email === null) return null;
  const first = await look(ctx, e164, email);
  if (!first) return null;
  const hasPhone = e164 !== null && toE164(first.phone ?? '', ctx.connection.defaultCountry) === e164;
  const hasEmail = email !== null && first.email?.toLowerCase() === email;
  const found = (contact: GhlContactSeen, conflictEmailContactId: string | null): PersonFound => ({
    kind: 'found',
    contact,
    conflictEmailContactId,
  });
  const other =
    e164 === null || email === null || hasPhone === hasEmail
      ? null
      : await (hasPhone ? look(ctx, null, email) : look(ctx, e164, null));
  const [contact, conflict] =
    !other || other.id === first.id ? [first, null] : hasPhone ? [first, other.id] : [other, first.id];
  if (!ctx.facts.allowDuplicateContact || customer.stickycardsId === ownerShown(ctx, contact))
    return found(contact, conflict);
  const by = contact === other || hasPhone ? { field: 'phone', value: e164 } : { field: 'email', value: email };
  return amongEquals(ctx, pair, found(contact, conflict), by);
}

/**
 * Where duplicates are allowed the answer names one of those that share an identity; the search by that identity tells
 * whether there are more. It lags, so it is not asked whether there is anybody.
 */
async function amongEquals(
  ctx: JobContext,
  pair: Pair,
  found: PersonFound,
  by: { field: string; value: string | null },
): Promise<PersonFound | PersonAmbiguous> {
  const { store, connection } = ctx;
  const ownerOf = (ids: string[]) => linkedCustomers(store, store.db, connection.id, ids);
  // Somebody else's already: no need to tell it from others.
  if ((await ownerOf([found.contact.id])).size > 0) return found;
  const { contacts } = await ctx.ghl.searchContacts(
    { pageLimit: EQUALS_MAX, filters: [{ field: by.field, operator: 'eq', value: by.value }] },
    { signal: ctx.signal },
  );
  noteSuccess(ctx);
  // The contact that was deleted may still be in the index.
  const others = contacts.filter(({ id }) => id !== found.contact.id && id !== pair.link?.ghlId);
  const owners = await ownerOf(others.map(({ id }) => id));
  const keys = [found.contact, ...others].map((contact) => {
    const row = contactRow(ctx, contact, null, null);
    return { ...row, addedAtMs: null, linkedTo: owners.get(contact.id) ?? null };
  });
  const match = matchContact(personOf(pair), keys, connection.defaultCountry);
  if (match.kind === 'ambiguous') return match;
  if (match.kind !== 'contact' || match.ghlContactId === found.contact.id) return found;
  const answer = await ctx.ghl.getContact(match.ghlContactId, { signal: ctx.signal });
  noteSuccess(ctx);
  return { ...found, contact: answer.contact };
}

/** The customer whose id a contact bears. */
const ownerShown = (ctx: JobContext, contact: GhlContactSeen) =>
  contactRow(ctx, contact, null, null).stickycardsCustomerId;

const personOf = ({ customer }: Pair) => ({
  customerId: customer.stickycardsId,
  phone: customer.mobile,
  email: customer.email,
});

async function look(ctx: JobContext, phone: string | null, email: string | null): Promise<GhlContactSeen | null> {
  const by = { ...(phone === null ? {} : { phone }), ...(email === null ? {} : { email }) };
  const answer = await ctx.ghl.searchDuplicate(by, { signal: ctx.signal });
  noteSuccess(ctx);
  return answer.contact;
}
