import { createHash } from 'node:crypto';
import type { NewInboxRow } from '../src/store/inbox.ts';

/** A delivery as the receiver stores it. */
export function inboxRow(body: Readonly<Record<string, unknown>>): NewInboxRow {
  const payload = JSON.stringify(body);
  const bodyHash = createHash('sha256').update(payload).digest('hex');
  const at = new Date(Number(body['timestamp']) * 1000);
  return {
    connectionId: 'default',
    source: 'stickycards',
    dedupeKey: bodyHash,
    deliveryId: null,
    type: String(body['event_type']),
    occurredAt: at,
    receivedAt: at,
    customerId: String(body['customer_id']),
    cardId: (body['card_id'] as string | undefined) ?? null,
    contactId: null,
    verification: 'verified',
    flags: [],
    headers: null,
    bodyHash,
    payload,
  };
}
