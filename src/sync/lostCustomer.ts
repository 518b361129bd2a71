import { detailsOfIdentities, preferredHolder } from '../domain/newCustomer.ts';
import { claimsOf, holdersOf, linkedCreations } from '../store/creations.ts';
import type { Db } from '../store/db.ts';
import {
  type Creation,
  finish,
  namesOf,
  NO_SIDE_WAIT_MS,
  settleAlreadyLinked,
  settleDone,
  type Step,
  wait,
} from './customerCreation.ts';
import type { JobContext } from './jobContext.ts';
import { cardCommand } from './settleCustomer.ts';
import { insertCommands } from '../store/commands.ts';

/**
 * Nobody knows whether the customer was made (SPEC §3.5). It is looked for in staging, where its webhook may have
 * brought it, by the phone and e-mail that were sent. Nobody there: the call is made again with just those. That is
 * safe, because the platform matches by e-mail or phone (SPEC §4, POST /v1/customers): whoever was made the first time
 * is answered, and nobody is made twice.
 */
export async function afterLostAnswer(
  ctx: JobContext,
  db: Db,
  begun: Pick<Creation, 'mark' | 'contact' | 'command' | 'startedAtMs'>,
): Promise<Step> {
  const { store, connection } = ctx;
  const { mark, contact, command } = begun;
  // What the contact shows by now may be another phone: sent with that one, a second customer would be made.
  const sent = detailsOfIdentities(await claimsOf(store, db, command.id));
  const lookup = { contactId: contact.ghlContactId, customerId: null, ...sent };
  const holders = (await holdersOf(store, db, connection.id, lookup)).filter(({ by }) => by !== 'gone_link');
  const holder = preferredHolder(holders);
  const creation: Creation = { ...begun, details: { ...namesOf(ctx, contact), ...sent }, lost: true };
  if (holder && holder.linkedTo === null) return { kind: 'adopt', creation, customerId: holder.customerId };
  if (holder) {
    const { customerId, linkedTo } = holder;
    await finish(ctx, db, command, { state: 'failed', reason: 'already_linked', result: { customerId } });
    return settleAlreadyLinked(ctx, db, mark, { customerId, linkedTo: linkedTo as string });
  }
  if (sent.phone === null && sent.email === null) {
    // Without its claims nobody knows what was sent, so it cannot be sent again; the contact is taken anew when it is marked.
    await finish(ctx, db, command, { state: 'failed', reason: 'what was sent is not known any more' });
    return settleDone(ctx, db, mark);
  }
  if (ctx.sticky) return { kind: 'send', creation };
  return wait(ctx, db, mark, 'Sticky Cards cannot be written to now', store.clock.nowMs() + NO_SIDE_WAIT_MS);
}

/**
 * Creations that are open although their contact has a customer: the answer was lost, the webhook of the new customer
 * came, and its own job linked the two. They are over, and phone and e-mail are free again. Once per run, before its
 * jobs: none of them is under way then.
 */
export async function settleLinkedCreations(ctx: Pick<JobContext, 'store' | 'connection'>): Promise<void> {
  const { store, connection } = ctx;
  const open = await linkedCreations(store, store.db, connection.id);
  if (open.length === 0) return;
  await store.tx(async (db) => {
    for (const { command, contactId, customerId } of open) {
      const sent = command.state === 'sending' || command.state === 'unknown';
      if (!sent) {
        await finish(ctx, db, command, { state: 'discarded', reason: 'the contact was linked meanwhile' });
        continue;
      }
      await finish(ctx, db, command, { state: 'applied', result: { customerId, contactId } });
      await insertCommands(store, db, [cardCommand(connection.id, customerId, contactId)]);
    }
  });
}
