import { backoffMs } from '../domain/backoff.ts';
import {
  NEW_CUSTOMERS_PER_DAY,
  type NewCustomerDetails,
  type UnlinkedContact,
  utcDayOf,
} from '../domain/newCustomer.ts';
import { toE164 } from '../domain/phone.ts';
import { AppError } from '../errors.ts';
import { ApiError } from '../platforms/apiError.ts';
import { type CommandRow, moveCommand } from '../store/commands.ts';
import type { ContactRow } from '../store/contacts.ts';
import { claimsOf, countCommandsSince, type HolderLookup, OPEN_STATES } from '../store/creations.ts';
import type { Db } from '../store/db.ts';
import { claimIdentities, freeIdentities } from '../store/links.ts';
import { clearMark, type MarkRow, postponeMark } from '../store/marks.ts';
import { clearProblems, raiseProblems } from '../store/problems.ts';
import { type NewLogRow, writeLogs } from '../store/runs.ts';
import { customerLog, type JobContext } from './jobContext.ts';
import { DOWN_AFTER_FAILURES, haltOf, proveUp } from './settleFailure.ts';

/** One creation of a customer while its job runs. */
export interface Creation {
  mark: MarkRow;
  contact: ContactRow;
  command: CommandRow;
  /** What is sent. */
  details: NewCustomerDetails;
  /** An earlier call may have landed. */
  lost: boolean;
  startedAtMs: number;
}

/** What the transaction that decided leaves to be done outside of it. */
export type Step =
  | { kind: 'send'; creation: Creation }
  | { kind: 'adopt'; creation: Creation; customerId: string }
  | { kind: 'check_owner'; customerId: string; linkedTo: string }
  | Settled;
export interface Settled {
  kind: 'settled';
}

/** Nothing can be written to Sticky Cards at all: asked again as often as a paused side is. */
export const NO_SIDE_WAIT_MS = 15 * 60_000;

/** Problems of a contact that are over once it has a customer, or needs none. */
const CONTACT_PROBLEMS = ['already_linked', 'create_limit', 'customer_not_created', 'not_writable_by_api'];

/** Thrown by the write-ahead: a person decided about the command a moment ago. */
export const DECIDED_MEANWHILE = 'command_decided_meanwhile';

/** The contact as the decision needs it, and what the customers that it could be are looked up by. */
export function contactOf(ctx: JobContext, contact: ContactRow): { details: UnlinkedContact; lookup: HolderLookup } {
  const { phone, email, stickycardsCustomerId, tags, dateAdded } = contact;
  const e164 = phone === null ? null : toE164(phone, ctx.connection.defaultCountry);
  return {
    details: {
      ...namesOf(ctx, contact),
      phone,
      email,
      stickycardsCustomerId,
      tags,
      addedAtMs: dateAdded?.getTime() ?? null,
    },
    lookup: { contactId: contact.ghlContactId, customerId: stickycardsCustomerId, phone: e164 ?? phone, email },
  };
}

/** The field-map key of a contact detail; null when the map leaves it out. */
export const keyOfDetail = ({ rows }: Pick<JobContext, 'rows'>, detail: keyof NewCustomerDetails): string | null =>
  rows.find((row) => row.ghl === detail)?.key ?? null;

export function namesOf(ctx: JobContext, contact: ContactRow): Pick<NewCustomerDetails, 'firstName' | 'lastName'> {
  const text = (detail: 'firstName' | 'lastName') => {
    const value = contact.values[keyOfDetail(ctx, detail) ?? ''];
    return typeof value === 'string' ? value : null;
  };
  return { firstName: text('firstName'), lastName: text('lastName') };
}

/** New customers that this connection began to make on this UTC day. */
export const createdToday = ({ store, connection }: JobContext, db: Db): Promise<number> =>
  countCommandsSince(store, db, connection.id, 'create_customer', utcDayOf(store.clock.nowMs()), NEW_CUSTOMERS_PER_DAY);

/**
 * The ledger's row of a creation with every identity of the person claimed (SPEC §2.5): the one that is pending, or a new
 * one. null = one of the identities belongs to a creation under way, in either direction.
 */
export async function openCreation(
  { store, connection }: JobContext,
  db: Db,
  contactId: string,
  identities: string[],
  earlier: readonly CommandRow[],
): Promise<CommandRow | null> {
  const { commands: t } = store.s;
  const pending = earlier.find((command) => command.state === 'pending');
  const identity = identities[0] ?? null;
  if (pending) {
    // Never sent, for certain: it may be about what the contact shows by now.
    if ((await claimsOf(store, db, pending.id)).toSorted().join() !== identities.toSorted().join())
      await freeIdentities(store, db, pending.id);
    const taken = (await claimIdentities(store, db, connection.id, identities, pending.id)) !== null;
    await moveCommand(store, db, pending.id, ['pending'], { state: 'pending', identity: taken ? null : identity });
    return taken ? null : { ...pending, identity };
  }
  const target = `contact:${contactId}`;
  const command = {
    id: store.newId('cmd'),
    connectionId: connection.id,
    kind: 'create_customer' as const,
    target,
    // The state that asks for it is "has no customer": it can come up again when an earlier one came to nothing.
    sourceEvent: `state:${target}${earlier.length === 0 ? '' : `:${earlier.length}`}`,
    identity,
    state: 'pending' as const,
    params: { contactId },
    createdAt: store.clock.now(),
    updatedAt: store.clock.now(),
  };
  if ((await claimIdentities(store, db, connection.id, identities, command.id)) !== null) return null;
  const [inserted] = await db.insert(t).values(command).onConflictDoNothing().returning();
  if (!inserted) await freeIdentities(store, db, command.id);
  return inserted ?? null;
}

/** Ends a creation: its identities are free again. */
export async function finish(
  { store }: Pick<JobContext, 'store'>,
  db: Db,
  command: CommandRow,
  set: Pick<CommandRow, 'state'> & Partial<Pick<CommandRow, 'reason' | 'result'>>,
): Promise<void> {
  await moveCommand(store, db, command.id, OPEN_STATES, { reason: null, ...set, identity: null, nextAttemptAt: null });
  await freeIdentities(store, db, command.id);
}

/** Later again; nobody's attempt. */
export async function wait(
  { store }: JobContext,
  db: Db,
  mark: MarkRow,
  reason: string,
  untilMs: number,
): Promise<Settled> {
  await postponeMark(store, db, mark, { attempts: mark.attempts, nextAttemptAt: new Date(untilMs), reason });
  return { kind: 'settled' };
}

/** The mark is done with, and so is what was wrong with the contact. */
export async function settleDone({ store, connection }: JobContext, db: Db, mark: MarkRow): Promise<Settled> {
  await clearMark(store, db, mark);
  await clearProblems(store, db, connection.id, mark.ghlContactId, CONTACT_PROBLEMS);
  return { kind: 'settled' };
}

/**
 * Contact and customer belong together, but one of them has somebody else already (`linkedTo`): nothing is linked, and a
 * problem names all three (SPEC §1, link).
 */
export async function settleAlreadyLinked(
  ctx: JobContext,
  db: Db,
  mark: MarkRow,
  found: { customerId: string; linkedTo: string },
): Promise<Settled> {
  const { store, connection } = ctx;
  const contactId = mark.ghlContactId;
  ctx.counts.skippedCount += 1;
  await settleDone(ctx, db, mark);
  await raiseProblems(store, db, connection.id, [
    { code: 'already_linked', recordId: contactId, sample: { contactId, ...found } },
  ]);
  await writeLogs(store, db, [
    contactLog(ctx, contactId, found.customerId, {
      action: 'skip',
      status: 'skipped',
      errorCode: 'already_linked',
      errorMessage: `the contact ${contactId} and the customer ${found.customerId} cannot be linked: one of them is linked to ${found.linkedTo}`,
    }),
  ]);
  return { kind: 'settled' };
}

/** A log row of this run about one contact. */
export const contactLog = (
  ctx: JobContext,
  contactId: string,
  customerId: string | null,
  log: Pick<NewLogRow, 'action' | 'status'> & Partial<NewLogRow>,
): NewLogRow => ({
  ...customerLog(ctx, contactId, contactId, log),
  entityType: 'contact',
  customerId,
  direction: 'ghl_to_stickycards',
});

/**
 * A call that failed is made again later, with backoff. What says that Sticky Cards takes nothing from us now is nobody's
 * attempt: the run leaves that half, the mark stays due. A halt of GHL is passed on.
 */
export async function settleFailedCreation(ctx: JobContext, mark: MarkRow, error: unknown): Promise<void> {
  // Stopping, a halt or losing the lease is nobody's attempt either.
  if (ctx.signal.aborted) return;
  if (error instanceof AppError && (error.code === DECIDED_MEANWHILE || error.code === 'stopped')) return;
  const halt = haltOf(error);
  if (halt) throw halt;
  const api = error instanceof ApiError ? error : null;
  if (api?.side === 'stickycards') ctx.stickyFailed(api);
  if (api?.class === 'auth' || api?.class === 'scope') return;
  const { store, connection } = ctx;
  const contactId = mark.ghlContactId;
  if (!api) ctx.log.error('a contact failed for a reason of our own', { connection: connection.id, contactId, error });
  const attempts = mark.attempts + 1;
  const nextAttemptAt = new Date(store.clock.nowMs() + backoffMs(attempts, ctx.random()));
  const reason = api?.message ?? 'an error of our own; the log names it';
  ctx.counts.failedCount += 1;
  await store.tx(async (db) => {
    await postponeMark(store, db, mark, { attempts, nextAttemptAt, reason });
    await writeLogs(store, db, [
      contactLog(ctx, contactId, null, {
        action: 'create',
        status: 'failed',
        errorClass: api?.class ?? 'internal',
        errorCode: api?.code ?? 'internal',
        errorMessage: reason,
        traceId: api?.traceId ?? null,
        attempt: attempts,
        nextAttemptAt,
      }),
    ]);
  });
  if (api?.side !== 'ghl') return;
  ctx.health.failedInARow += 1;
  if (ctx.health.failedInARow >= DOWN_AFTER_FAILURES) await proveUp(ctx, api);
}
