import { and, eq, ne } from 'drizzle-orm';
import { writeAudit } from './audit.ts';
import { requeue } from './commandSteps.ts';
import type { CustomerKey } from './customerQueries.ts';
import type { Db } from './db.ts';
import { markContacts } from './marks.ts';
import type { Store } from './store.ts';
import { wantCardRead } from './wantedReads.ts';

/** More cards than a person holds: a mistake in the data must not cost a day's calls. */
const CARDS_MAX = 20;

/** What a resync changes of the person's row. */
interface Standing {
  syncStatus: string;
  attempts: number;
  readWanted: boolean;
}

/**
 * Has both sides of a person read anew by the next run, then planned (SPEC §6): the customer and the cards in Sticky Cards,
 * the linked contact in GHL. In the caller's transaction. Answers how the person stood before; null when not known.
 */
async function wantBothSides(
  store: Store,
  db: Db,
  { connectionId, customerId }: CustomerKey,
): Promise<Standing | null> {
  const { stickyCardsCustomers: c, stickyCardsCards: k, entityMappings: m } = store.s;
  const mine = and(eq(c.connectionId, connectionId), eq(c.stickycardsId, customerId));
  const query = db
    .select({ foldState: c.foldState, syncStatus: c.syncStatus, attempts: c.attempts, readWanted: c.readWanted })
    .from(c)
    .where(mine);
  const [person] = await (store.dialect === 'postgres' ? query.for('update') : query);
  if (!person) return null;
  const { foldState, ...before } = person;
  const thinAtMs = Math.max(store.clock.nowMs(), foldState.readAtMs + 1);
  await db
    .update(c)
    .set({ foldState: { ...foldState, thinAtMs }, readWanted: true })
    .where(mine);
  const cards = await db
    .select({ id: k.cardId })
    .from(k)
    .where(and(eq(k.connectionId, connectionId), eq(k.stickycardsId, customerId)))
    .limit(CARDS_MAX);
  for (const { id } of cards) await wantCardRead(store, db, connectionId, id);
  const links = await db
    .select({ ghlId: m.ghlId })
    .from(m)
    .where(
      and(
        eq(m.connectionId, connectionId),
        eq(m.entityType, 'customer'),
        eq(m.stickycardsId, customerId),
        ne(m.state, 'gone'),
      ),
    );
  const contacts = links.flatMap(({ ghlId }) => (ghlId === null ? [] : [{ contactId: ghlId, eventId: null }]));
  await markContacts(store, db, connectionId, contacts);
  await requeue(store, db, connectionId, customerId);
  return before;
}

/** The same by a person's word, written down. */
export const resyncCustomer = (store: Store, key: CustomerKey, actor: string): Promise<boolean> =>
  store.tx(async (db) => {
    const before = await wantBothSides(store, db, key);
    if (!before) return false;
    const { connectionId, customerId } = key;
    await writeAudit(store, db, {
      actor,
      action: 'customer.resync',
      subject: customerId,
      connectionId,
      before,
      after: { syncStatus: 'PENDING', attempts: 0, readWanted: true } satisfies Standing,
    });
    return true;
  });
