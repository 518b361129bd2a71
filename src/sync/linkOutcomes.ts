import type { ContactKeys, MatchedBy } from '../domain/match.ts';
import { ApiError } from '../platforms/apiError.ts';
import { contactsById } from '../store/contacts.ts';
import { type LinkRow, newLink } from '../store/links.ts';
import type { Pair } from '../store/pairs.ts';
import type { RaisedProblem } from '../store/problems.ts';
import type { JobContext } from './jobContext.ts';
import { type LinkedJob, linkedJob } from './pushJob.ts';
import { settleSkipped } from './settleFailure.ts';

export type Linked = { kind: 'linked'; job: LinkedJob } | { kind: 'settled' };

/** The contacts that the unlinked people of one page could be, and which ones this run has given away already. */
export interface Candidates {
  contacts: ContactKeys[];
  taken: Map<string, string>;
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

const BY_WORDS: Record<MatchedBy, string> = { customer_id: 'customer id', phone: 'phone', email: 'e-mail' };

/** Nobody guesses which of several contacts a person is: all are named, none is touched. */
export async function ambiguous(
  ctx: JobContext,
  pair: Pair,
  { by, ghlContactIds }: { by: MatchedBy; ghlContactIds: readonly string[] },
): Promise<Linked> {
  await settleSkipped(ctx, pair, {
    code: 'ambiguous',
    message: `${ghlContactIds.length} contacts have the same ${BY_WORDS[by]}: ${ghlContactIds.join(', ')}`,
    sample: { by, contactIds: ghlContactIds },
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
export async function waitForCreation(
  ctx: JobContext,
  pair: Pair,
  reason: string,
  untilMs: number | null,
): Promise<Linked> {
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

export const isConflict = (error: unknown): error is ApiError =>
  error instanceof ApiError && error.class === 'conflict';
