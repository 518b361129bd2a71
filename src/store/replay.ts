import { eq } from 'drizzle-orm';
import { writeAudit } from './audit.ts';
import { requeue } from './commandSteps.ts';
import type { Db } from './db.ts';
import type { InboxRow } from './inboxRow.ts';
import { markContacts } from './marks.ts';
import type { Store } from './store.ts';

/** `not_possible`: a refused delivery left no body behind, a pruned one has none any more, one of no connection means nobody. */
export type Replayed =
  | { kind: 'replayed'; event: InboxRow }
  | { kind: 'not_possible'; event: InboxRow; why: 'rejected' | 'pruned' | 'no_connection' };

/** Reasons of GHL deliveries that were never judged: only for these the fold has something to say again. */
const NEVER_JUDGED = ['fold_failed', 'unreadable', 'event_without_effect'];

const isOfGhl = ({ source }: InboxRow) => source === 'ghl' || source === 'ghl_workflow';

/**
 * Takes a delivery or observation again, also one that was worked in without a fault (SPEC §6): it is folded once more, which
 * changes nothing that it changed already, its person is planned anew and its contact read. A command whose key exists is
 * not made again. null when there is no such event. Audited.
 */
export const replayEvent = (store: Store, id: string, actor: string): Promise<Replayed | null> =>
  store.tx(async (db) => {
    const { webhookEvents: t } = store.s;
    const query = db.select().from(t).where(eq(t.id, id));
    const [event] = await (store.dialect === 'postgres' ? query.for('update') : query);
    if (!event) return null;
    const why = obstacle(event);
    if (why) return { kind: 'not_possible', event, why };
    const next = await again(store, db, event);
    await writeAudit(store, db, {
      actor,
      action: 'event.replay',
      subject: id,
      connectionId: event.connectionId,
      before: { type: event.type, status: event.status, reason: event.reason },
      after: { status: next.status },
    });
    return { kind: 'replayed', event: next };
  });

function obstacle({ status, payload, connectionId }: InboxRow): 'rejected' | 'pruned' | 'no_connection' | null {
  if (status === 'rejected') return 'rejected';
  if (connectionId === '-') return 'no_connection';
  return payload === null ? 'pruned' : null;
}

async function again(store: Store, db: Db, event: InboxRow): Promise<InboxRow> {
  const { webhookEvents: t } = store.s;
  const { id, connectionId, customerId, contactId, reason } = event;
  if (customerId !== null) await requeue(store, db, connectionId, customerId);
  if (isOfGhl(event) && contactId !== null && !NEVER_JUDGED.includes(reason ?? '')) {
    // What it once showed is no news any more and must not count as an edit: only the contact as it is now does.
    await markContacts(store, db, connectionId, [{ contactId, eventId: null }]);
    return event;
  }
  const set = { status: 'received' as const, reason: null, foldedAt: null };
  await db.update(t).set(set).where(eq(t.id, id));
  return { ...event, ...set };
}
