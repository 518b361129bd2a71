import { applied, queued, rejected } from '../../domain/actionAnswer.ts';
import { isApiError } from '../../platforms/apiError.ts';
import { requeue } from '../../store/commandSteps.ts';
import { linksOfContacts } from '../../store/ghlInbox.ts';
import { insertDeliveries, type NewInboxRow } from '../../store/inbox.ts';
import { markContacts } from '../../store/marks.ts';
import { pairsOfCustomers } from '../../store/pairs.ts';
import { cardRead, customerRead, heldCardRead } from '../stickyRows.ts';
import type { ActionContext, Outcome } from './context.ts';
import { outcomeOfFailure } from './writeState.ts';

/**
 * Reads both sides anew (SPEC §3.4): the customer at once, the contact in the run that follows, which plans the pair like
 * any other. A contact that belongs to nobody is matched or becomes a customer by the same rules.
 */
export async function syncContact(ctx: ActionContext, contactId: string, customerId: string | null): Promise<Outcome> {
  const { needs, connection } = ctx;
  const { store } = needs;
  if (ctx.ghl === null) return { kind: 'done', answer: rejected('not_connected', { contact_id: contactId }) };
  try {
    const seen = customerId === null ? [] : await readCustomer(ctx, customerId);
    if (seen.length > 0) {
      await store.tx((db) => insertDeliveries(store, db, seen));
      await needs.foldAll(connection);
    }
  } catch (error) {
    return outcomeOfFailure(ctx, error, { contact_id: contactId });
  }
  await store.tx(async (db) => {
    await markContacts(store, db, connection.id, [{ contactId, eventId: null }]);
    if (customerId !== null) await requeue(store, db, connection.id, customerId);
  });
  await ctx.run();
  return cameTo(ctx, contactId);
}

async function readCustomer(
  { needs, connection, sticky, signal }: ActionContext,
  customerId: string,
): Promise<NewInboxRow[]> {
  const { store } = needs;
  if (!sticky?.dialect.capabilities.read) return [];
  const { customer, dateMs } = await sticky.client.getCustomer(customerId, { signal });
  const cards = customer.cards ?? [];
  const rows = cards.map((card) => heldCardRead(store, connection.id, card, customerId, dateMs));
  for (const { cardId, balance } of cards) {
    if (typeof balance === 'number') continue;
    // Not every account tells the balances along with the customer.
    const read = await sticky.client.getCard(cardId, { signal }).catch((error: unknown) => {
      if (isApiError(error, 'gone')) return null;
      throw error;
    });
    if (read) rows.push(cardRead(store, connection.id, read.card, customerId, read.dateMs));
  }
  return [customerRead(store, connection.id, customer, dateMs), ...rows];
}

/** What the run has left. */
async function cameTo(ctx: ActionContext, contactId: string): Promise<Outcome> {
  const { store } = ctx.needs;
  const link = (await linksOfContacts(store, store.db, ctx.connection.id, [contactId])).get(contactId);
  const ids = { contact_id: contactId };
  if (link?.state === 'gone') return { kind: 'done', answer: rejected('contact_not_found', ids) };
  if (link?.state !== 'live') {
    const message = 'The contact matches no customer, and by the settings of the connection it becomes none now.';
    return { kind: 'done', answer: rejected('not_linked', ids, message) };
  }
  const [pair] = await pairsOfCustomers(store, ctx.connection.id, [link.stickycardsId]);
  const customer = pair?.customer;
  const known = { ...ids, customer_id: link.stickycardsId };
  if (customer?.syncStatus === 'SYNCED') {
    const shown = { ...known, ...(customer.cardId === null ? {} : { card_id: customer.cardId }) };
    return { kind: 'done', answer: applied('ok', 'Both sides were read and agree.', shown) };
  }
  const error = customer?.syncError ?? null;
  if (customer?.syncStatus === 'PENDING' || error === null)
    return { kind: 'done', answer: queued(customer?.paused === true ? 'record_paused' : 'will_retry', known) };
  return {
    kind: 'done',
    answer: { result: 'rejected', reasonCode: error.code, message: error.message, more: known },
  };
}
