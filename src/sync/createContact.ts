import { identitiesOf } from '../domain/match.ts';
import type { FieldWrite } from '../domain/plan.ts';
import { ApiError } from '../platforms/apiError.ts';
import type { GhlContactSeen } from '../platforms/ghl/client.ts';
import { type CommandRow, openCommandOf } from '../store/commands.ts';
import { claimIdentities, freeIdentities, linkedCustomers, type LinkRow, newLink } from '../store/links.ts';
import type { Pair } from '../store/pairs.ts';
import { contactBodyOf, keyOfRemoteField } from './contactBody.ts';
import { contactRow, type JobContext, observation } from './jobContext.ts';
import {
  alreadyLinked,
  ambiguous,
  type Candidates,
  isConflict,
  type Linked,
  takeContact,
  waitForCreation,
} from './linkOutcomes.ts';
import { lookForPerson, type PersonAmbiguous, type PersonFound } from './lookForPerson.ts';
import { planOf } from './pairValues.ts';
import {
  holdRefused,
  isUnknownField,
  linkedJob,
  noteSuccess,
  type PushJob,
  settleAnswer,
  takeSideEffects,
} from './pushJob.ts';

/** A look through an index that may lag is trusted only the second time, this long after the send (SPEC §3.5). */
const SECOND_LOOK_MS = 120_000;
const REFUSALS_MAX = 8;

interface Creation {
  command: CommandRow;
  link: LinkRow;
}

/**
 * Makes a contact, once (SPEC §2.5, 5 and §3.5): the command, the claimed identities and the link in state `creating`
 * are on disk before the request leaves; after a lost answer the person is looked for before anything is sent again.
 */
export async function createContact(ctx: JobContext, pair: Pair, candidates: Candidates): Promise<Linked> {
  const creation = await openCreation(ctx, pair);
  if (creation === 'taken') {
    return waitForCreation(ctx, pair, 'a contact with the same phone or e-mail is being made', null);
  }
  const lost = creation.command.state !== 'pending';
  if (lost || ctx.facts.allowDuplicateContact) {
    const found = await lookForPerson(ctx, pair);
    if (found) return adoptFound(ctx, pair, candidates, creation, found);
    if (lost && !(await mayResend(ctx, creation.command))) {
      const untilMs = (creation.command.sentAt?.getTime() ?? ctx.store.clock.nowMs()) + SECOND_LOOK_MS;
      return waitForCreation(
        ctx,
        pair,
        'the answer to the creation was lost: looking once more before it is sent again',
        untilMs,
      );
    }
  }
  return send(ctx, pair, candidates, creation);
}

/** The ledger's row for this person: the one that is open, or a new one with its claims and link, in one commit. */
async function openCreation(ctx: JobContext, pair: Pair): Promise<Creation | 'taken'> {
  const { store, connection } = ctx;
  const customerId = pair.customer.stickycardsId;
  const target = `customer:${customerId}`;
  const { e164, email } = identitiesOf(
    { customerId, phone: pair.customer.mobile, email: pair.customer.email },
    connection.defaultCountry,
  );
  const identities = [...(e164 === null ? [] : [`phone:${e164}`]), ...(email === null ? [] : [`email:${email}`])];
  return ctx.settler.commit(async (db) => {
    const open = await openCommandOf(store, db, connection.id, 'create_contact', target);
    const command: CommandRow = open ?? {
      id: store.newId('cmd'),
      connectionId: connection.id,
      kind: 'create_contact',
      target,
      sourceEvent: `state:${target}:${pair.customer.version}:${store.clock.nowMs()}`,
      identity: identities[0] ?? null,
      state: 'pending',
      params: { customerId },
      before: null,
      result: null,
      reason: null,
      decidedBy: null,
      attempts: 0,
      sentAt: null,
      looks: 0,
      nextAttemptAt: null,
      createdAt: store.clock.now(),
      updatedAt: store.clock.now(),
    };
    if ((await claimIdentities(store, db, connection.id, identities, command.id)) !== null) return 'taken';
    if (!open) {
      const inserted = await db
        .insert(store.s.commands)
        .values(command)
        .onConflictDoNothing()
        .returning({ id: store.s.commands.id });
      if (inserted.length === 0) {
        await freeIdentities(store, db, command.id);
        return 'taken';
      }
    }
    const link = pair.link ?? newLink(store, connection.id, customerId, null, 'creating');
    if (!pair.link) await db.insert(store.s.entityMappings).values(link);
    return { command, link };
  });
}

/** Nobody has the identity: where the location refuses duplicates one look is proof enough, else two. */
async function mayResend(ctx: JobContext, command: CommandRow): Promise<boolean> {
  const looks = command.looks + 1;
  await ctx.settler.settle({
    moved: { id: command.id, from: ['unknown', 'sending'], set: { state: 'unknown', looks } },
  });
  if (!ctx.facts.allowDuplicateContact) return true;
  return looks >= 2 && ctx.store.clock.nowMs() - (command.sentAt?.getTime() ?? 0) >= SECOND_LOOK_MS;
}

async function send(ctx: JobContext, pair: Pair, candidates: Candidates, creation: Creation): Promise<Linked> {
  const job: PushJob = { ...linkedJob(creation.link, null), ctx, pair, startedAtMs: ctx.store.clock.nowMs() };
  let { command } = creation;
  for (let refusals = 0; ; refusals++) {
    const writes = planOf(ctx, pair, job.link, 'new').toGhl;
    try {
      const answer = await ctx.ghl.createContact(
        { ...contactBodyOf(writes, ctx.rows, ctx.facts.fieldIds), source: 'Sticky Cards' },
        {
          priority: 'next',
          signal: ctx.signal,
          beforeSend: async () => {
            const sending = {
              state: 'sending' as const,
              sentAt: ctx.store.clock.now(),
              attempts: command.attempts + 1,
              looks: 0,
            };
            await ctx.settler.settle({
              link: job.link,
              moved: { id: command.id, from: ['pending', 'unknown', 'sending'], set: sending },
              ...takeSideEffects(job),
            });
            command = { ...command, ...sending };
          },
        },
      );
      noteSuccess(ctx);
      return await settleCreated(job, command, writes, answer.contact, answer);
    } catch (error) {
      if (isConflict(error) && error.meta?.contactId === undefined) {
        // It is there, but the answer does not say which one it is.
        const found = await lookForPerson(ctx, pair);
        if (found) return adoptFound(ctx, pair, candidates, { command, link: job.link }, found, job);
      }
      if (isConflict(error) && error.meta?.contactId !== undefined) {
        return adopt(ctx, pair, candidates, { command, link: job.link }, error.meta.contactId, null, job);
      }
      if (isUnknownField(error) && !job.refreshed) {
        job.refreshed = true;
        await ctx.refreshFacts();
        continue;
      }
      const again = await settleRefusal(job, command, writes, error, refusals);
      command = { ...command, state: 'pending' };
      if (!again) throw error;
    }
  }
}

async function settleCreated(
  job: PushJob,
  command: CommandRow,
  writes: FieldWrite[],
  shown: GhlContactSeen,
  answer: { traceId: string | null; dateMs: number | null },
): Promise<Linked> {
  const { ctx } = job;
  const link: LinkRow = {
    ...job.link,
    ghlId: shown.id,
    state: 'live',
    metadata: { ...job.link.metadata, matchedBy: 'created' },
  };
  // An answer that shows too little proves nothing about the fields: the contact is there, the fields are read.
  let seen = shown;
  if (!shown.hasCustomFields) {
    await ctx.settler.settle({ link, ...applied(command, shown.id) });
    seen = (await ctx.ghl.getContact(shown.id, { signal: ctx.signal })).contact;
  }
  settleAnswer(job, link, writes, seen, answer);
  await ctx.settler.settle({ link: job.link, ...takeSideEffects(job), ...applied(command, shown.id) });
  const { ctx: _, pair: __, startedAtMs: ___, ...rest } = job;
  return { kind: 'linked', job: { ...rest, created: true } };
}

/** A finished creation frees the person's identities; the ledger's own key goes too, the contact itself is the proof now. */
const applied = (command: CommandRow, contactId: string) => ({
  moved: {
    id: command.id,
    from: ['pending', 'sending', 'unknown'] as const,
    set: { state: 'applied' as const, identity: null, result: { contactId } },
  },
  freed: command.id,
});

/** What a look for the person brought: that contact, or several of which none is taken; either way none is made. */
async function adoptFound(
  ctx: JobContext,
  pair: Pair,
  candidates: Candidates,
  creation: Creation,
  found: PersonFound | PersonAmbiguous,
  job?: PushJob,
): Promise<Linked> {
  if (found.kind === 'found') return adopt(ctx, pair, candidates, creation, found.contact.id, found, job);
  const { command, link } = creation;
  await ctx.settler.settle({
    moved: {
      id: command.id,
      from: ['pending', 'sending', 'unknown'],
      set: { state: 'failed', reason: 'ambiguous', identity: null },
    },
    freed: command.id,
    droppedLinkId: link.id,
  });
  return ambiguous(ctx, pair, found);
}

/** Somebody has the identity already: that contact is linked, none is made. */
async function adopt(
  ctx: JobContext,
  pair: Pair,
  candidates: Candidates,
  { command, link }: Creation,
  contactId: string,
  found: PersonFound | null,
  job?: PushJob,
): Promise<Linked> {
  const linked = await linkedCustomers(ctx.store, ctx.store.db, ctx.connection.id, [contactId]);
  const linkedTo = linked.get(contactId) ?? candidates.taken.get(contactId);
  if (linkedTo !== undefined && linkedTo !== pair.customer.stickycardsId) {
    await ctx.settler.settle({ ...applied(command, contactId), droppedLinkId: link.id });
    return alreadyLinked(ctx, pair, contactId, linkedTo);
  }
  const answer = found
    ? { contact: found.contact, dateMs: null, traceId: null }
    : await ctx.ghl.getContact(contactId, { signal: ctx.signal });
  const contact = contactRow(ctx, answer.contact, null, answer.dateMs);
  // The other identity of the person may belong to somebody else: whose, the PUT's refusal will say.
  const taken = await takeContact(ctx, pair, candidates, contactId, {
    by: 'duplicate',
    conflictEmailContactId: found?.conflictEmailContactId ?? null,
    link,
  });
  if (taken.kind === 'settled') return taken;
  await ctx.settler.settle({
    link: taken.job.link,
    contact,
    observations: [observation(ctx, 'read', pair.customer.stickycardsId, answer.contact, answer)],
    ...applied(command, contactId),
  });
  const problems = [...taken.job.problems, ...(job?.problems ?? [])];
  // Made by us, the answer was lost: the run that finds it tells of it.
  const made = command.state !== 'pending' && contact.values['stickycards_customer_id'] === pair.customer.stickycardsId;
  const changes = [{ field: 'stickycards_customer_id', before: null, after: pair.customer.stickycardsId }];
  return {
    kind: 'linked',
    job: { ...taken.job, contact, fresh: true, problems, ...(made && { created: true, changes }) },
  };
}

/** What a creation that failed leaves in the ledger; answers whether it may be sent again at once without one field. */
async function settleRefusal(
  job: PushJob,
  command: CommandRow,
  writes: FieldWrite[],
  error: unknown,
  refusals: number,
): Promise<boolean> {
  const { ctx } = job;
  const api = error instanceof ApiError ? error : null;
  if (api?.mayHaveLanded) {
    await ctx.settler.settle({
      moved: { id: command.id, from: ['sending'], set: { state: 'unknown', reason: api.message } },
    });
    return false;
  }
  await ctx.settler.settle({
    moved: { id: command.id, from: ['sending'], set: { state: 'pending', reason: api?.message ?? null } },
  });
  const key = api?.class === 'field' ? keyOfRemoteField(api.field, ctx.rows, ctx.facts.fieldIds) : null;
  if (!api || key === null || refusals >= REFUSALS_MAX || !writes.some((write) => write.key === key)) return false;
  // A contact without a phone and an e-mail could never be found again.
  if (!writes.some((write) => write.key !== key && (write.key === 'phone' || write.key === 'email'))) return false;
  holdRefused(job, key, { toGhl: writes }, api);
  return true;
}
