import { createHash } from 'node:crypto';
import type { StickyCardsEvent } from '../domain/event.ts';
import { ownWriteMs } from '../domain/eventEffects.ts';
import { askedAfterMs } from '../domain/stamps.ts';
import type { CardSeen, CustomerSeen } from '../platforms/stickycards/report/client.ts';
import type { NewInboxRow } from '../store/inbox.ts';
import type { Store } from '../store/store.ts';

const silent: Omit<StickyCardsEvent, 'type' | 'customerId' | 'cardId'> = {
  eventId: null,
  occurredAtMs: null,
  isSandbox: false,
  email: null,
  phone: null,
  firstName: null,
  lastName: null,
  card: { status: null, installedAtMs: null, templateId: null, cardType: null },
  balance: null,
  segments: null,
  segment: null,
  referralCount: null,
  payment: { id: null, amount: null, currency: null },
  rating: null,
  comment: null,
  extra: {},
};

const customerEvent = (type: string, seen: Omit<CustomerSeen, 'raw' | 'cards'>): StickyCardsEvent => ({
  ...silent,
  type,
  customerId: seen.customerId,
  cardId: null,
  email: seen.email || null,
  phone: seen.phone || null,
  firstName: seen.firstName || null,
  lastName: seen.lastName || null,
  segments: seen.segments ?? null,
});

const cardEvent = (type: string, seen: Omit<CardSeen, 'raw'>): StickyCardsEvent => ({
  ...silent,
  type,
  customerId: seen.customerId ?? null,
  cardId: seen.cardId,
  balance: seen.balance ?? null,
  card: {
    status: seen.status || null,
    installedAtMs: null,
    templateId: seen.templateId || null,
    cardType: seen.cardType || null,
  },
});

function row(store: Store, connectionId: string, source: 'self' | 'read', event: StickyCardsEvent, atMs: number) {
  const now = store.clock.now();
  const payload = JSON.stringify(event);
  return {
    connectionId,
    source,
    dedupeKey: store.newId('evt'),
    deliveryId: null,
    type: event.type,
    occurredAt: new Date(atMs),
    receivedAt: now,
    customerId: event.customerId,
    cardId: event.cardId,
    contactId: null,
    verification: 'self',
    flags: [],
    headers: null,
    bodyHash: createHash('sha256').update(payload).digest('hex'),
    payload,
  } satisfies NewInboxRow;
}

/** An answer without a `Date` is known to our second only: another clock's milliseconds say nothing of theirs. */
const secondOf = (store: Store, dateMs: number | null): number =>
  dateMs ?? Math.floor(store.clock.nowMs() / 1000) * 1000;

const readAtMs = (store: Store, dateMs: number | null, heardMs: number) =>
  askedAfterMs(secondOf(store, dateMs), heardMs);

function writtenAtMs(store: Store, dateMs: number | null, about: string): number {
  const secondMs = secondOf(store, dateMs);
  const last = lastWrites.get(store);
  const counts = last?.dateMs === secondMs ? last.counts : new Map<string, number>();
  lastWrites.set(store, { dateMs: secondMs, counts });
  const earlier = counts.get(about) ?? 0;
  counts.set(about, earlier + 1);
  return secondMs + ownWriteMs(earlier);
}

/** How often a record was written in the last second: of two writes in one second the later one counts. */
const lastWrites = new WeakMap<Store, { dateMs: number; counts: Map<string, number> }>();

/**
 * A person as a read of Sticky Cards showed them, for the inbox (SPEC §1, observations): folded from there like an event
 * of that moment.
 * @param dateMs the answer's `Date`
 * @param heardMs what had been heard of the record when it was asked for (`heardUpToMs`): the read shows what became of it
 */
export const customerRead = (
  store: Store,
  connectionId: string,
  seen: Omit<CustomerSeen, 'raw' | 'cards'>,
  dateMs: number | null,
  heardMs = 0,
): NewInboxRow =>
  row(store, connectionId, 'read', customerEvent('CustomerRead', seen), readAtMs(store, dateMs, heardMs));

/**
 * A card as a read showed it; `customerId`: whom we take for its holder, null when nobody knows. Only an answer that names
 * the holder says anew whose it is.
 */
export const cardRead = (
  store: Store,
  connectionId: string,
  seen: Omit<CardSeen, 'raw'>,
  customerId: string | null,
  dateMs: number | null,
  heardMs = 0,
): NewInboxRow => {
  const read = row(store, connectionId, 'read', cardEvent('CardRead', seen), readAtMs(store, dateMs, heardMs));
  return { ...read, customerId: read.customerId ?? customerId };
};

/** A card that came along in the answer about its holder. */
export const heldCardRead = (
  store: Store,
  connectionId: string,
  seen: Omit<CardSeen, 'raw'>,
  holderId: string,
  dateMs: number | null,
  heardMs = 0,
): NewInboxRow => {
  const card = { ...seen, customerId: seen.customerId ?? holderId };
  return cardRead(store, connectionId, card, holderId, dateMs, heardMs);
};

export interface CustomerChange {
  customerId: string;
  firstName?: string | null;
  lastName?: string | null;
  email?: string | null;
  /** E.164. */
  phone?: string | null;
  /** The whole set as it was written. */
  segments?: string[];
  /** Staged columns that were emptied: in the fields above null says nothing, as in every event. */
  cleared?: readonly ('firstName' | 'lastName' | 'email' | 'mobile')[];
}

/**
 * What a write of ours made of a person in Sticky Cards, for the inbox: only what was written. Both sides share these
 * values by now, so folding it is no reason to write the person to GHL.
 */
export const customerWritten = (
  store: Store,
  connectionId: string,
  { cleared, ...change }: CustomerChange,
  dateMs: number | null,
): NewInboxRow => {
  const event = customerEvent('CustomerWritten', change);
  const told = cleared === undefined || cleared.length === 0 ? event : { ...event, cleared };
  const atMs = writtenAtMs(store, dateMs, `${connectionId} customer ${change.customerId}`);
  return row(store, connectionId, 'self', told, atMs);
};

export interface CardChange {
  cardId: string;
  /** null = not known; the card is known by its id then. */
  customerId: string | null;
  /** The new total. null = it was changed, but the answer did not tell the total: the card is read by the next run. */
  balance?: number | null;
  /** A status word of the platform. */
  status?: string | null;
  templateId?: string | null;
  cardType?: string | null;
}

/** What a write of ours made of a card (made, status set, points added), for the inbox: GHL gets it from staging. */
export const cardWritten = (
  store: Store,
  connectionId: string,
  change: CardChange,
  dateMs: number | null,
): NewInboxRow => {
  const type = change.balance === null ? 'BalanceWritten' : 'CardWritten';
  const event = cardEvent(type, change);
  const atMs = writtenAtMs(store, dateMs, `${connectionId} card ${change.cardId}`);
  return row(store, connectionId, 'self', event, atMs);
};
