import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { STICKY_SIGNATURE_HEADERS } from '../platforms/signature.ts';
import type { EventHead } from '../platforms/stickycards/envelope.ts';
import { idTooLong } from '../platforms/stickycards/fieldTable.ts';
import type { NewInboxRow } from '../store/inbox.ts';
import { pickHeaders, storable } from './rawText.ts';
import type { Verified } from './verifyDelivery.ts';

/** Later than this after its receipt an event time is a wrong clock (SPEC §2.1, 3). */
const AHEAD_MAX_MS = 5 * 60_000;
const DELIVERY_ID_HEADERS = ['x-sticky-delivery-id', 'x-delivery-id', 'idempotency-key'] as const;
const KEPT_HEADERS = ['content-type', 'user-agent', ...DELIVERY_ID_HEADERS] as const;
const HEADER_LENGTH_MAX = 255;
/** Longer than any type there is: the column shows the beginning, the fold says that it does not know it. */
const TYPE_LENGTH_MAX = 120;

const storableOrNull = (text: string | null): string | null => (text === null ? null : storable(text));
const columnOfId = (id: string | null): string | null => (id === null || idTooLong(id) ? null : storable(id));

const headerValue = (headers: IncomingHttpHeaders, name: string): string | null => {
  const value = headers[name];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
};

function deliveryIdOf(headers: IncomingHttpHeaders, head: EventHead): string | null {
  for (const name of DELIVERY_ID_HEADERS) {
    const id = headerValue(headers, name);
    if (id !== null) return id;
  }
  return head.eventId;
}

type Kept = Readonly<Record<string, string>>;
let latest: { sent: readonly unknown[]; signature: string; kept: Kept } | null = null;

/**
 * What is kept of the headers: enough to see what sent it and how, nothing secret. A sender sends the same ones each
 * time: then it is the same object, whose text is made once for all its rows.
 */
function keptHeaders(headers: IncomingHttpHeaders): Kept {
  const signature = STICKY_SIGNATURE_HEADERS.find((name) => headers[name] !== undefined) ?? 'none';
  if (latest?.signature === signature && KEPT_HEADERS.every((name, i) => headers[name] === latest?.sent[i]))
    return latest.kept;
  const kept = { ...pickHeaders(headers, KEPT_HEADERS), signature };
  latest = { sent: KEPT_HEADERS.map((name) => headers[name]), signature, kept };
  return kept;
}

const timeKey = (ms: number) => ms.toString(36).padStart(9, '0');

/**
 * The key of SPEC §2.1, 4. With an id: the id, the type and the subject, so that an id used twice for different events
 * makes two rows; the subject of a delivery that names nobody by id is its e-mail or phone, else the body. Without: the
 * hash of the raw body, led by the event time, which the same bytes always carry: keys then grow with time, and the unique
 * index is written at its end instead of on a random page per row.
 */
export function dedupeKey(
  deliveryId: string | null,
  head: EventHead,
  contact: string | null,
  bodyHash: string,
): string {
  if (deliveryId === null) return `body ${head.occurredAtMs === null ? '' : timeKey(head.occurredAtMs)} ${bodyHash}`;
  const { type, customerId, cardId } = head;
  const isNamed = customerId !== null || cardId !== null;
  const subject = isNamed ? `${customerId ?? ''}\n${cardId ?? ''}` : `\n\n${contact ?? bodyHash}`;
  const key = `id ${deliveryId}\n${type}\n${subject}`;
  return key.length <= 400 ? storable(key) : `id ${hash('sha256', key, 'base64url')}`;
}

function flagsOf(verified: Verified, head: EventHead, isAhead: boolean): string[] {
  const flags: string[] = verified.flag === null ? [] : [verified.flag];
  if (head.occurredAtMs === null) flags.push('time_missing');
  else if (isAhead) flags.push('time_in_future');
  return flags;
}

export interface Delivery {
  connectionId: string;
  headers: IncomingHttpHeaders;
  head: EventHead;
  /** As `readHead` tells it. */
  contact: string | null;
  verified: Verified;
  rawBody: Buffer;
  /** `rawBody` as text. */
  text: string;
  receivedAtMs: number;
}

/** A verified Sticky Cards delivery as its row of the inbox. */
export function stickyCardsRow(delivery: Delivery): NewInboxRow {
  const { headers, head, verified, receivedAtMs } = delivery;
  const bodyHash = hash('sha256', delivery.rawBody, 'base64url');
  const deliveryId = deliveryIdOf(headers, head);
  const isAhead = head.occurredAtMs !== null && head.occurredAtMs > receivedAtMs + AHEAD_MAX_MS;
  const occurredAtMs = head.occurredAtMs === null || isAhead ? receivedAtMs : head.occurredAtMs;
  return {
    connectionId: delivery.connectionId,
    source: 'stickycards',
    dedupeKey: dedupeKey(deliveryId, head, delivery.contact, bodyHash),
    deliveryId: storableOrNull(deliveryId?.slice(0, HEADER_LENGTH_MAX) ?? null),
    type: storable(head.type.slice(0, TYPE_LENGTH_MAX)),
    occurredAt: new Date(occurredAtMs),
    receivedAt: new Date(receivedAtMs),
    customerId: columnOfId(head.customerId),
    cardId: columnOfId(head.cardId),
    contactId: null,
    verification: verified.verification,
    flags: flagsOf(verified, head, isAhead),
    headers: keptHeaders(headers),
    bodyHash,
    payload: delivery.text,
  };
}
