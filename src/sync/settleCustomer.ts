import type { LinkField } from '../../drizzle/tables/links.ts';
import type { NewCustomerDetails } from '../domain/newCustomer.ts';
import type { ApiError } from '../platforms/apiError.ts';
import { insertCommands, type NewCommand } from '../store/commands.ts';
import { requeueCustomer } from '../store/creations.ts';
import type { Db } from '../store/db.ts';
import { insertDeliveries } from '../store/inbox.ts';
import { linkedCustomers, linksOfCustomers, newLink, writeLinks } from '../store/links.ts';
import { clearMark, markContacts } from '../store/marks.ts';
import { raiseProblems, type RaisedProblem } from '../store/problems.ts';
import { newCustomerRow } from '../store/staging.ts';
import { writeLogs } from '../store/runs.ts';
import { contactLog, type Creation, finish, keyOfDetail, settleAlreadyLinked, settleDone } from './customerCreation.ts';
import type { JobContext } from './jobContext.ts';
import { rebased } from './pushJob.ts';
import { customerWritten } from './stickyRows.ts';

export type Detail = keyof NewCustomerDetails;

/** What is known of a customer that was made, or found to be there. */
export interface Made {
  customerId: string;
  /** What the platform took; null when nobody asked it. */
  written: NewCustomerDetails | null;
  dateMs: number | null;
  traceId: string | null;
}

/** Details that the platform refused: they stay in GHL alone until they change there. */
export interface Refused {
  fields: Record<string, LinkField>;
  problems: RaisedProblem[];
}

/** The customer was found in staging: it is the one that the lost call was about (SPEC §3.5: look before resending). */
export const adoptCustomer = (ctx: JobContext, creation: Creation, customerId: string): Promise<void> => {
  const made = { customerId, written: null, dateMs: null, traceId: null };
  return settleMade(ctx, creation, made, { fields: {}, problems: [] });
};

/** What follows a new customer: its card, once (SPEC §3.2, row 1). */
export const cardCommand = (connectionId: string, customerId: string, contactId: string): NewCommand => ({
  connectionId,
  kind: 'create_card',
  target: `customer:${customerId}`,
  sourceEvent: `state:contact:${contactId}`,
  params: { customerId, contactId },
});

/** The platform has the customer: link, bases, its card and the end of the command in one transaction. */
export async function settleMade(ctx: JobContext, creation: Creation, made: Made, refused: Refused): Promise<void> {
  const { store, connection } = ctx;
  const { customerId } = made;
  const linked = await store.tx((db) => storeMade(ctx, db, creation, made, refused));
  if (linked) ctx.counts.createdCount += 1;
  // At once, so that the card's id goes to GHL with the customer's.
  await ctx.perform({ target: cardCommand(connection.id, customerId, creation.contact.ghlContactId).target });
}

async function storeMade(ctx: JobContext, db: Db, creation: Creation, made: Made, refused: Refused): Promise<boolean> {
  const { store, connection } = ctx;
  const { contact, command, mark } = creation;
  const { customerId, written } = made;
  const contactId = contact.ghlContactId;
  await finish(ctx, db, command, { state: 'applied', result: { customerId, contactId } });
  // Whosever customer it is: this is what it shows now.
  if (written) {
    await insertDeliveries(store, db, [customerWritten(store, connection.id, { customerId, ...written }, made.dateMs)]);
    // Known at once, not only once it is folded: the next contact of the same person must find it.
    const { phone: mobile, ...names } = written;
    const row = { ...newCustomerRow(connection.id, customerId, store.clock.now()), ...names, mobile };
    await store.bulk.write(db, store.s.stickyCardsCustomers, [row], {
      conflict: ['connectionId', 'stickycardsId'],
      update: 'none',
    });
  }
  const theirs = (await linksOfCustomers(store, db, connection.id, [customerId])).get(customerId);
  const linkedTo = theirs?.state === 'live' ? theirs.ghlId : null;
  if (linkedTo !== null && linkedTo !== contactId) {
    await settleAlreadyLinked(ctx, db, mark, { customerId, linkedTo });
    return false;
  }
  const owner = (await linkedCustomers(store, db, connection.id, [contactId])).get(contactId);
  if (owner !== undefined && owner !== customerId) {
    await settleAlreadyLinked(ctx, db, mark, { customerId, linkedTo: owner });
    return false;
  }
  // What was sent a while ago need not be what the contact shows now: the pair's own job compares.
  if (creation.lost) await markContacts(store, db, connection.id, [{ contactId, eventId: null }]);
  await settleDone(ctx, db, mark);
  await insertCommands(store, db, [cardCommand(connection.id, customerId, contactId)]);
  await requeueCustomer(store, db, connection.id, customerId);
  // Linked by its own job a moment ago, or about to be: a contact is being made for it, which will turn out to be this one.
  if (owner === customerId || theirs?.state === 'creating') return false;
  const link = newLink(store, connection.id, customerId, contactId, 'live');
  const fields = { ...refused.fields };
  for (const [detail, value] of Object.entries(written ?? {})) {
    const key = keyOfDetail(ctx, detail as Detail);
    if (key !== null && value !== null) fields[key] = rebased({ revision: 0 }, value);
  }
  await writeLinks(store, db, [{ ...link, fields, metadata: { matchedBy: 'created_from_ghl' } }]);
  await raiseProblems(
    store,
    db,
    connection.id,
    refused.problems.map((problem) => ({ ...problem, recordId: customerId })),
  );
  const changes = Object.entries(written ?? {}).flatMap(([detail, after]) =>
    after === null ? [] : [{ field: keyOfDetail(ctx, detail as Detail) ?? detail, before: null, after }],
  );
  const durationMs = store.clock.nowMs() - creation.startedAtMs;
  await writeLogs(store, db, [
    contactLog(ctx, contactId, customerId, {
      action: 'create',
      status: 'success',
      changes,
      traceId: made.traceId,
      durationMs,
    }),
  ]);
  return true;
}

/** Refused for certain: nothing was made, and nothing is sent again before the contact changes. */
export async function settleRefused(ctx: JobContext, creation: Creation, error: ApiError): Promise<void> {
  // The platform has the person under another identity and names it.
  const existing = error.class === 'conflict' ? error.meta?.existingId : undefined;
  if (existing !== undefined) return adoptCustomer(ctx, creation, existing);
  const { store, connection } = ctx;
  const { contact, command, mark } = creation;
  const contactId = contact.ghlContactId;
  ctx.counts.failedCount += 1;
  await store.tx(async (db) => {
    await finish(ctx, db, command, { state: 'failed', reason: error.message });
    await clearMark(store, db, mark);
    const sample = { contactId, message: error.message, traceId: error.traceId ?? null };
    await raiseProblems(store, db, connection.id, [
      { code: 'customer_not_created', cause: error.code, recordId: contactId, sample },
    ]);
    await writeLogs(store, db, [
      contactLog(ctx, contactId, null, {
        action: 'create',
        status: 'failed',
        errorClass: error.class,
        errorCode: error.code,
        errorMessage: error.message,
        traceId: error.traceId ?? null,
      }),
    ]);
  });
}
