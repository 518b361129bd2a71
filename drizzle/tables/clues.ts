import { isNotNull } from 'drizzle-orm';
import type { Kit } from '../kit.ts';

/**
 * Deliveries that name no customer and wait until something makes clear who is meant (SPEC §2.3): a row per clue (a card, a
 * payment, a phone, an e-mail). Written by the fold, drained by it as soon as a clue belongs to one customer. Rows that stay
 * are deliveries of a sender that leaves customer_id out: a problem tells of them.
 */
export const waitingDeliveries = (k: Kit) =>
  k.table(
    'waiting_deliveries',
    {
      connectionId: k.text().notNull(),
      eventId: k.text().notNull(),
      clue: k.text().notNull(),
      /** When a problem is to tell of the delivery: in one of its rows, until it was told. */
      tellAt: k.at(),
    },
    (t) => [
      k.primaryKey({ columns: [t.connectionId, t.eventId, t.clue] }),
      // Whom the news of a batch concern.
      k.index('waiting_deliveries_clue').on(t.connectionId, t.clue),
      // What is still to be told: nothing, most of the time.
      k.index('waiting_deliveries_tell').on(t.connectionId, t.tellAt).where(isNotNull(t.tellAt)),
    ],
  );

/**
 * Phones and e-mails that events named of a customer and that staging does not show: replaced by a newer one, or older than
 * it when they came. With what staging shows they are all that a customer ever had, so that a delivery which names no
 * customer finds the same one before and after a change. Written by the fold; few, and they stay.
 */
export const formerDetails = (k: Kit) =>
  k.table(
    'former_details',
    {
      connectionId: k.text().notNull(),
      clue: k.text().notNull(),
      stickycardsId: k.text().notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.connectionId, t.clue, t.stickycardsId] })],
  );
