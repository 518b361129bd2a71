import {
  decideNewCustomer,
  NEW_CUSTOMERS_PER_DAY,
  type NewCustomerDecision,
  nextUtcDay,
} from '../domain/newCustomer.ts';
import { isApiError } from '../platforms/apiError.ts';
import type { CommandRow } from '../store/commands.ts';
import { type ContactRow, contactsById, writeContacts } from '../store/contacts.ts';
import { commandsOfTarget, holdersOf, isOpen, lookAgainFor, requeueCustomer } from '../store/creations.ts';
import type { Db } from '../store/db.ts';
import { insertDeliveries } from '../store/inbox.ts';
import { linkedCustomers } from '../store/links.ts';
import { clearMark, markContacts, type MarkRow } from '../store/marks.ts';
import { raiseProblems } from '../store/problems.ts';
import {
  contactOf,
  createdToday,
  type Creation,
  finish,
  NO_SIDE_WAIT_MS,
  openCreation,
  settleAlreadyLinked,
  settleDone,
  settleFailedCreation,
  type Step,
  wait,
} from './customerCreation.ts';
import { contactRow, type JobContext, observation } from './jobContext.ts';
import { afterLostAnswer } from './lostCustomer.ts';
import { noteSuccess } from './pushJob.ts';
import { sendCustomer } from './sendCustomer.ts';
import { adoptCustomer } from './settleCustomer.ts';

/** Another creation of the same person is under way, or will be over soon. */
const TAKEN_WAIT_MS = 60_000;
const LIMIT_REASON = "today's limit of new customers is reached: it waits for the next day (UTC)";

const settled: Step = { kind: 'settled' };

/**
 * A contact of GHL that was marked and belongs to nobody yet (SPEC §3.2, row 1): it is read, and either a customer that
 * we know is made due, so that its own job links it, or it becomes a customer, or nothing is to be done. Settles
 * everything itself; rejects only with what ends the run, a halt of GHL.
 */
export async function takeUnlinkedContact(ctx: JobContext, mark: MarkRow): Promise<void> {
  if (!ctx.halves.toSticky) return;
  try {
    const step = await readAndDecide(ctx, mark);
    if (step.kind === 'send') await sendCustomer(ctx, step.creation);
    else if (step.kind === 'adopt') await adoptCustomer(ctx, step.creation, step.customerId);
    else if (step.kind === 'check_owner') await settleOwned(ctx, mark, step);
  } catch (error) {
    await settleFailedCreation(ctx, mark, error);
  }
}

async function readAndDecide(ctx: JobContext, mark: MarkRow): Promise<Step> {
  const { store, connection } = ctx;
  const contactId = mark.ghlContactId;
  // Linked since it was marked: the pair's own job takes the mark.
  if ((await linkedCustomers(store, store.db, connection.id, [contactId])).size > 0) return settled;
  if (mark.reason === LIMIT_REASON && (await createdToday(ctx, store.db)) >= NEW_CUSTOMERS_PER_DAY) {
    // Nothing was heard of it since it began to wait: thousands of an import are not read again each night for nothing.
    await store.tx((db) => wait(ctx, db, mark, LIMIT_REASON, nextUtcDay(store.clock.nowMs())));
    return settled;
  }
  const known = (await contactsById(store, store.db, connection.id, [contactId])).get(contactId) ?? null;
  const startedAtMs = store.clock.nowMs();
  const answer = await ctx.ghl.getContact(contactId, { signal: ctx.signal }).catch((error: unknown) => {
    if (isApiError(error, 'gone')) return null;
    throw error;
  });
  noteSuccess(ctx);
  if (!answer) return settleGone(ctx, mark, known);
  const contact = contactRow(ctx, answer.contact, known, answer.dateMs);
  const isNews =
    known?.seenBy !== 'answer' || known.version !== contact.version || known.tags.join() !== contact.tags.join();
  return store.tx(async (db) => {
    await writeContacts(store, db, [contact]);
    // A read that shows nothing new adds no row: it moves observed_at (SPEC §1).
    if (isNews) await insertDeliveries(store, db, [observation(ctx, 'read', null, answer.contact, answer)]);
    return decide(ctx, db, mark, contact, startedAtMs);
  });
}

/** What a contact that was read leads to, with all that is stored for it: a crash leaves the mark as it was. */
async function decide(ctx: JobContext, db: Db, mark: MarkRow, contact: ContactRow, startedAtMs: number): Promise<Step> {
  const { store, connection } = ctx;
  const target = `contact:${contact.ghlContactId}`;
  const earlier = await commandsOfTarget(store, db, connection.id, 'create_customer', target);
  const open = earlier.find((command) => isOpen(command)) ?? null;
  const begun = { mark, contact, startedAtMs };
  if (open?.state === 'unknown' || open?.state === 'sending')
    return afterLostAnswer(ctx, db, { ...begun, command: open });
  if (open?.state === 'held')
    return wait(ctx, db, mark, 'its creation waits for a person', store.clock.nowMs() + NO_SIDE_WAIT_MS);
  const last = earlier.at(-1);
  // A person said that no customer is to be made of it.
  if (last?.state === 'discarded' && last.decidedBy !== null) return settleDone(ctx, db, mark);
  const { details, lookup } = contactOf(ctx, contact);
  const rules = {
    createCustomers: connection.createCustomers,
    activatedAtMs: connection.activatedAt?.getTime() ?? null,
    defaultCountry: connection.defaultCountry,
    // One that was begun already is counted.
    createdToday: open ? 0 : await createdToday(ctx, db),
    perDayMax: NEW_CUSTOMERS_PER_DAY,
  };
  const decideNow = async () => decideNewCustomer(details, await holdersOf(store, db, connection.id, lookup), rules);
  const decision = await decideNow();
  if (open && decision.kind !== 'create')
    await finish(ctx, db, open, { state: 'discarded', reason: 'not needed any more' });
  if (decision.kind === 'create') {
    const step = await create(ctx, db, { ...begun, ...decision }, earlier);
    if (step.kind !== 'send') return step;
    // Whoever made this person meanwhile let go of the identities, and stored the customer, in one transaction: now that
    // they are ours, it would be seen.
    const now = await decideNow();
    if (now.kind === 'create') return step;
    await finish(ctx, db, step.creation.command, { state: 'discarded', reason: 'not needed any more' });
    return settleDecision(ctx, db, mark, now);
  }
  return settleDecision(ctx, db, mark, decision);
}

async function create(
  ctx: JobContext,
  db: Db,
  begun: Omit<Creation, 'command' | 'lost'> & { identities: string[] },
  earlier: readonly CommandRow[],
): Promise<Step> {
  const { store, connection, sticky } = ctx;
  const { mark, contact } = begun;
  const nowMs = store.clock.nowMs();
  if (!sticky) return wait(ctx, db, mark, 'Sticky Cards cannot be written to now', nowMs + NO_SIDE_WAIT_MS);
  if (!sticky.dialect.capabilities.createCustomer) {
    const sample = { contactId: contact.ghlContactId, dialect: sticky.dialect.name };
    const recordId = contact.ghlContactId;
    await raiseProblems(store, db, connection.id, [
      { code: 'not_writable_by_api', cause: 'create_customer', recordId, sample },
    ]);
    await clearMark(store, db, mark);
    return settled;
  }
  const command = await openCreation(ctx, db, contact.ghlContactId, begun.identities, earlier);
  if (command) return { kind: 'send', creation: { ...begun, command, lost: false } };
  return wait(ctx, db, mark, 'the same person is being created just now', nowMs + TAKEN_WAIT_MS);
}

async function settleDecision(
  ctx: JobContext,
  db: Db,
  mark: MarkRow,
  decision: Exclude<NewCustomerDecision, { kind: 'create' }>,
): Promise<Step> {
  const { store, connection } = ctx;
  const contactId = mark.ghlContactId;
  switch (decision.kind) {
    case 'nothing':
      return settleDone(ctx, db, mark);
    case 'already_linked':
      return { ...decision, kind: 'check_owner' };
    case 'link':
      if (decision.by === 'gone_link') await lookAgainFor(store, db, connection.id, decision.customerId);
      await requeueCustomer(store, db, connection.id, decision.customerId);
      return settleDone(ctx, db, mark);
    case 'limit': {
      const untilMs = nextUtcDay(store.clock.nowMs());
      const sample = { contactId, limit: NEW_CUSTOMERS_PER_DAY, waitsUntil: new Date(untilMs).toISOString() };
      await raiseProblems(store, db, connection.id, [{ code: 'create_limit', recordId: contactId, sample }]);
      return wait(ctx, db, mark, LIMIT_REASON, untilMs);
    }
  }
}

/**
 * The customer has another contact. That one may be gone by now, merged into this one for instance (SPEC §3.2, last row):
 * then the customer's own job unlinks it and finds this one. No webhook need have told of it.
 */
async function settleOwned(
  ctx: JobContext,
  mark: MarkRow,
  owner: { customerId: string; linkedTo: string },
): Promise<void> {
  const { store, connection } = ctx;
  const gone = await ctx.ghl.getContact(owner.linkedTo, { signal: ctx.signal }).then(
    () => false,
    (error: unknown) => {
      if (isApiError(error, 'gone')) return true;
      throw error;
    },
  );
  noteSuccess(ctx);
  await store.tx(async (db) => {
    if (!gone) return settleAlreadyLinked(ctx, db, mark, owner);
    // Read, because a job that has nothing to write would not notice.
    await markContacts(store, db, connection.id, [{ contactId: owner.linkedTo, eventId: null }]);
    const untilMs = store.clock.nowMs() + TAKEN_WAIT_MS;
    return wait(ctx, db, mark, 'the contact that its customer was linked to is gone', untilMs);
  });
}

/** Deleted in GHL before anything became of it. */
async function settleGone(ctx: JobContext, mark: MarkRow, known: ContactRow | null): Promise<Step> {
  const { store, connection } = ctx;
  return store.tx(async (db) => {
    if (known) await writeContacts(store, db, [{ ...known, deleted: true, updatedAt: store.clock.now() }]);
    const target = `contact:${mark.ghlContactId}`;
    for (const command of await commandsOfTarget(store, db, connection.id, 'create_customer', target))
      if (isOpen(command)) await finish(ctx, db, command, { state: 'failed', reason: 'gone' });
    return settleDone(ctx, db, mark);
  });
}
