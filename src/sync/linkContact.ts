import { identitiesOf, type Match, matchContact } from '../domain/match.ts';
import { candidateContacts } from '../store/contacts.ts';
import { linkedCustomers, type LinkRow } from '../store/links.ts';
import type { Pair } from '../store/pairs.ts';
import { createContact } from './createContact.ts';
import type { JobContext } from './jobContext.ts';
import { lookForPerson } from './lookForPerson.ts';
import { alreadyLinked, ambiguous, type Candidates, type Linked, takeContact } from './linkOutcomes.ts';
import { linkedJob } from './pushJob.ts';
import { settleSkipped } from './settleFailure.ts';

/** Everything that a page's unlinked people could match, in a handful of queries. */
export async function candidatesFor(
  ctx: JobContext,
  pairs: readonly Pair[],
  taken: Candidates['taken'],
): Promise<Candidates> {
  const people = pairs.filter((pair) => !pair.link || pair.link.state === 'gone').map((pair) => personOf(pair));
  const identities = people.map((person) => identitiesOf(person, ctx.connection.defaultCountry));
  const contacts = await candidateContacts(ctx.store, ctx.store.db, ctx.connection.id, {
    customerIds: people.map((p) => p.customerId),
    phones: identities.map((i) => i.e164).filter((v) => v !== null),
    digits: identities.map((i) => i.digits).filter((v) => v !== null),
    emails: identities.map((i) => i.email).filter((v) => v !== null),
  });
  return { contacts, taken };
}

const personOf = ({ customer }: Pair) => ({
  customerId: customer.stickycardsId,
  phone: customer.mobile,
  email: customer.email,
});

const excludedTexts = {
  no_contact_info: 'the customer has neither a phone nor an e-mail',
  invalid_phone: 'the only contact detail is a phone number that cannot exist',
} as const;

/** The pair's contact: the stored link, a match, or a new one (SPEC §2.5). */
export async function linkContact(ctx: JobContext, pair: Pair, candidates: Candidates): Promise<Linked> {
  if (pair.link?.state === 'gone') return linkAgain(ctx, pair, pair.link, candidates);
  if (pair.link?.state === 'live') return { kind: 'linked', job: linkedJob(pair.link, pair.contact) };
  if (pair.link?.state === 'creating') return createContact(ctx, pair, candidates);
  const match = matchContact(personOf(pair), withTaken(candidates), ctx.connection.defaultCountry);
  return settleMatch(ctx, pair, match, candidates);
}

/** Deleted in GHL: only a contact that was made since and is the same person brings the link back (SPEC §2.5, 0). */
async function linkAgain(ctx: JobContext, pair: Pair, gone: LinkRow, candidates: Candidates): Promise<Linked> {
  const goneAtMs = typeof gone.metadata['goneAtMs'] === 'number' ? gone.metadata['goneAtMs'] : Infinity;
  const since = withTaken(candidates).filter((c) => c.ghlContactId !== gone.ghlId && (c.addedAtMs ?? 0) > goneAtMs);
  const match = matchContact(personOf(pair), since, ctx.connection.defaultCountry);
  if (match.kind === 'contact' || match.kind === 'ambiguous') return settleMatch(ctx, pair, match, candidates);
  if (gone.metadata['lookAgain'] === true) {
    // Asked for by a person: one look by identity, which also finds the contact itself when it was restored.
    await ctx.settler.settle({ link: { ...gone, metadata: { ...gone.metadata, lookAgain: false } } });
    const found = await lookForPerson(ctx, pair);
    if (found?.kind === 'ambiguous') return ambiguous(ctx, pair, found);
    const owner = found && (await linkedCustomers(ctx.store, ctx.store.db, ctx.connection.id, [found.contact.id]));
    if (found && !owner?.has(found.contact.id)) {
      const { conflictEmailContactId } = found;
      return takeContact(ctx, pair, candidates, found.contact.id, { by: 'person', conflictEmailContactId });
    }
  }
  await settleSkipped(ctx, pair, {
    code: 'deleted_in_ghl',
    message: 'the contact was deleted in GHL',
    contactId: gone.ghlId,
    sample: { contactId: gone.ghlId },
  });
  return { kind: 'settled' };
}

/** Contacts that another person of this run got a moment ago count as linked. */
const withTaken = ({ contacts, taken }: Candidates) =>
  contacts.map((contact) =>
    taken.has(contact.ghlContactId) ? { ...contact, linkedTo: taken.get(contact.ghlContactId) as string } : contact,
  );

async function settleMatch(ctx: JobContext, pair: Pair, match: Match, candidates: Candidates): Promise<Linked> {
  switch (match.kind) {
    case 'excluded':
      await settleSkipped(ctx, pair, { code: match.reason, message: excludedTexts[match.reason] });
      return { kind: 'settled' };
    case 'already_linked':
      return alreadyLinked(ctx, pair, match.ghlContactId, match.linkedTo);
    case 'ambiguous':
      return ambiguous(ctx, pair, match);
    case 'create':
      return createContact(ctx, pair, candidates);
    case 'contact':
      return takeContact(ctx, pair, candidates, match.ghlContactId, {
        by: match.by,
        conflictEmailContactId: match.conflictEmailContactId,
      });
  }
}
