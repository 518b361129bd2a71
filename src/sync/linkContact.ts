import { type ContactKeys, identitiesOf, type Match, matchContact } from '../domain/match.ts';
import { ApiError } from '../platforms/apiError.ts';
import { candidateContacts, contactsById } from '../store/contacts.ts';
import { newLink, type LinkRow } from '../store/links.ts';
import type { Pair } from '../store/pairs.ts';
import type { RaisedProblem } from '../store/problems.ts';
import { createContact } from './createContact.ts';
import { type JobContext } from './jobContext.ts';
import { type PushJob } from './pushContact.ts';
import { settleSkipped } from './settleFailure.ts';

export type LinkedJob = Omit<PushJob, 'ctx' | 'pair' | 'startedAtMs'>;
export type Linked = { kind: 'linked'; job: LinkedJob } | { kind: 'settled' };

/** The contacts that the unlinked people of one page could be, and which of them this run has given away already. */
export interface Candidates {
  contacts: ContactKeys[];
  taken: Map<string, string>;
}

export const linkedJob = (link: LinkRow, contact: LinkedJob['contact'], extra: Partial<LinkedJob> = {}): LinkedJob => ({
  link,
  contact,
  fresh: false,
  created: false,
  changes: [],
  problems: [],
  commands: [],
  traceId: null,
  ...extra,
});

/** Everything that a page's unlinked people could match, in a handful of queries. */
export async function candidatesFor(ctx: JobContext, pairs: readonly Pair[]): Promise<Candidates> {
  const people = pairs.filter((pair) => !pair.link).map((pair) => personOf(pair));
  const identities = people.map((person) => identitiesOf(person, ctx.connection.defaultCountry));
  const contacts = await candidateContacts(ctx.store, ctx.store.db, ctx.connection.id, {
    customerIds: people.map((p) => p.customerId),
    phones: identities.map((i) => i.e164).filter((v) => v !== null),
    digits: identities.map((i) => i.digits).filter((v) => v !== null),
    emails: identities.map((i) => i.email).filter((v) => v !== null),
  });
  return { contacts, taken: new Map() };
}

const personOf = ({ customer }: Pair) => ({ customerId: customer.stickycardsId, phone: customer.mobile, email: customer.email });

const excludedTexts = {
  no_contact_info: 'the customer has neither a phone nor an e-mail',
  invalid_phone: 'the only contact detail is a phone number that cannot exist',
} as const;

/** The pair's contact: the stored link, a match, or a new one (SPEC §2.5). */
export async function linkContact(ctx: JobContext, pair: Pair, candidates: Candidates): Promise<Linked> {
  if (pair.link?.state === 'gone') {
    await settleSkipped(ctx, pair, {
      code: 'deleted_in_ghl',
      message: 'the contact was deleted in GHL',
      contactId: pair.link.ghlId,
      sample: { contactId: pair.link.ghlId },
    });
    return { kind: 'settled' };
  }
  if (pair.link?.state === 'live') return { kind: 'linked', job: linkedJob(pair.link, pair.contact) };
  if (pair.link?.state === 'creating') return createContact(ctx, pair, candidates);
  const match = matchContact(personOf(pair), withTaken(candidates), ctx.connection.defaultCountry);
  return settleMatch(ctx, pair, match, candidates);
}

/** Contacts that another person of this run got a moment ago count as linked. */
const withTaken = ({ contacts, taken }: Candidates) =>
  contacts.map((contact) => (taken.has(contact.ghlContactId) ? { ...contact, linkedTo: taken.get(contact.ghlContactId) as string } : contact));

async function settleMatch(ctx: JobContext, pair: Pair, match: Match, candidates: Candidates): Promise<Linked> {
  switch (match.kind) {
    case 'excluded':
      await settleSkipped(ctx, pair, { code: match.reason, message: excludedTexts[match.reason] });
      return { kind: 'settled' };
    case 'already_linked':
      return alreadyLinked(ctx, pair, match.ghlContactId, match.linkedTo);
    case 'create':
      return createContact(ctx, pair, candidates);
    case 'contact':
      return takeContact(ctx, pair, candidates, match.ghlContactId, { by: match.by, conflictEmailContactId: match.conflictEmailContactId });
  }
}

/** A second claimant never takes a contact over (SPEC §1, link). */
export async function alreadyLinked(ctx: JobContext, pair: Pair, contactId: string, linkedTo: string): Promise<Linked> {
  await settleSkipped(ctx, pair, {
    code: 'already_linked',
    message: `the contact ${contactId} belongs to the customer ${linkedTo} already`,
    contactId,
    sample: { contactId, linkedTo },
  });
  return { kind: 'settled' };
}

/** Links to a contact that exists; what it shows decides what is written (SPEC §2.5, no base). */
export async function takeContact(
  ctx: JobContext,
  pair: Pair,
  candidates: Candidates,
  contactId: string,
  found: { by: string; conflictEmailContactId: string | null; link?: LinkRow },
): Promise<Linked> {
  const customerId = pair.customer.stickycardsId;
  const owner = candidates.taken.get(contactId);
  if (owner !== undefined && owner !== customerId) return alreadyLinked(ctx, pair, contactId, owner);
  candidates.taken.set(contactId, customerId);
  const known = (await contactsById(ctx.store, ctx.store.db, ctx.connection.id, [contactId])).get(contactId) ?? null;
  const base = found.link ?? newLink(ctx.store, ctx.connection.id, customerId, contactId, 'live');
  let link: LinkRow = { ...base, ghlId: contactId, state: 'live', metadata: { ...base.metadata, matchedBy: found.by } };
  const problems: RaisedProblem[] = [];
  if (found.conflictEmailContactId !== null) {
    const held = { reason: 'identity_conflict', value: pair.customer.email, atMs: ctx.store.clock.nowMs() };
    link = { ...link, fields: { ...link.fields, email: { revision: 0, held } } };
    problems.push({
      code: 'identity_conflict',
      recordId: customerId,
      sample: { customerId, phoneContactId: contactId, emailContactId: found.conflictEmailContactId },
    });
  }
  return { kind: 'linked', job: linkedJob(link, known, { problems }) };
}

/**
 * Waits for a creation of the same person that is under way; nobody's attempt. Without a time the record is taken
 * again at the end of this run.
 */
export async function waitForCreation(ctx: JobContext, pair: Pair, reason: string, untilMs: number | null): Promise<Linked> {
  const nextAttemptAt = untilMs === null ? null : new Date(untilMs);
  if (untilMs === null) ctx.waited.add(pair.customer.stickycardsId);
  await ctx.settler.settle({
    customer: {
      customerId: pair.customer.stickycardsId,
      claimedVersion: pair.customer.version,
      syncStatus: 'PENDING',
      syncError: { class: 'waiting', code: 'waiting', message: reason },
      attempts: pair.customer.attempts,
      nextAttemptAt,
    },
  });
  return { kind: 'settled' };
}

export const isConflict = (error: unknown): error is ApiError => error instanceof ApiError && error.class === 'conflict';
