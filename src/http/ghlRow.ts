import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type GhlHead, readGhlHead } from '../platforms/ghl/webhooks.ts';
import type { NewInboxRow } from '../store/inbox.ts';
import { pickHeaders, storable, textOf } from './rawText.ts';
import { NO_CONNECTION } from './rejections.ts';

/** Later than this after its receipt the time of a delivery is a wrong clock. */
const AHEAD_MAX_MS = 5 * 60_000;
const ID_LENGTH_MAX = 255;

export interface GhlDelivery {
  headers: IncomingHttpHeaders;
  rawBody: Buffer;
  /** The header whose signature proved it. */
  signature: string;
  receivedAtMs: number;
}

/**
 * A verified app webhook as its row of the inbox (SPEC §3.1). One for a location that is not connected, or that cannot be
 * read, is kept too: skipped, with the reason, under no connection. `webhookId` de-duplicates, without one the body does.
 */
export function ghlRow(delivery: GhlDelivery, connectionOf: (locationId: string) => string | null): NewInboxRow {
  const { rawBody, receivedAtMs } = delivery;
  const text = textOf(rawBody);
  const head = headOf(text);
  const bodyHash = hash('sha256', rawBody, 'base64url');
  const connectionId = head?.locationId == null ? null : connectionOf(head.locationId);
  // A new location may become a connection: that is decided behind the answer (sync/pendingInstalls.ts).
  const install = head?.type === 'INSTALL' && head.locationId !== null;
  const skipped = head === null ? 'unreadable' : connectionId === null && !install ? 'unknown_location' : null;
  const receivedAt = new Date(receivedAtMs);
  const { atMs, flags } = timeOf(head, receivedAtMs);
  return {
    connectionId: connectionId ?? NO_CONNECTION,
    source: 'ghl',
    dedupeKey: head?.webhookId == null ? `body ${bodyHash}` : `id ${shortId(head.webhookId)}`,
    deliveryId: head?.webhookId == null ? null : shortId(head.webhookId),
    type: head === null ? '(unreadable)' : shortId(head.type),
    occurredAt: new Date(atMs),
    receivedAt,
    customerId: null,
    cardId: null,
    contactId: head?.contactId == null ? null : shortId(head.contactId),
    verification: 'verified',
    flags,
    headers: { ...pickHeaders(delivery.headers, ['content-type', 'user-agent']), signature: delivery.signature },
    bodyHash,
    payload: storable(text),
    ...(skipped === null ? {} : { status: 'skipped', reason: skipped, foldedAt: receivedAt }),
  };
}

function headOf(text: string): GhlHead | null {
  try {
    return readGhlHead(JSON.parse(text));
  } catch {
    return null;
  }
}

function timeOf(head: GhlHead | null, receivedAtMs: number): { atMs: number; flags: string[] } {
  if (head?.sentAtMs == null) return { atMs: receivedAtMs, flags: head === null ? [] : ['time_missing'] };
  if (head.sentAtMs > receivedAtMs + AHEAD_MAX_MS) return { atMs: receivedAtMs, flags: ['time_in_future'] };
  return { atMs: head.sentAtMs, flags: [] };
}

/** As it is, or its hash where it is longer than any id of theirs. */
const shortId = (id: string): string =>
  id.length <= ID_LENGTH_MAX ? storable(id) : `hash ${hash('sha256', id, 'base64url')}`;
