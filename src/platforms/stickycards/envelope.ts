import type { StickyCardsEvent } from '../../domain/event.ts';
import { collectExtra } from './extra.ts';
import {
  BALANCE_KEYS,
  BALANCE_KEYS_FLAT,
  BALANCE_KEYS_UNKNOWN,
  ENVELOPE_FIELDS,
  FIELDS,
  HEAD_FIELDS,
  NATIVE_BY_PREFIX,
  NESTED,
  TIME_NAMES,
  type FieldSpec,
  type Path,
} from './fieldTable.ts';
import { minorToMajor, readId, readNativePhone, readNumber, readText } from './readers.ts';
import { parseTime } from './time.ts';

export { parseInstant, parseTime } from './time.ts';

type Json = Readonly<Record<string, unknown>>;

/** What the receiving path needs of a delivery; the names as in StickyCardsEvent. */
export type EventHead = Pick<
  StickyCardsEvent,
  'type' | 'eventId' | 'occurredAtMs' | 'customerId' | 'cardId' | 'isSandbox'
>;

export const INVALID_CODES = ['not_an_object', 'no_event_type', 'time_before_2015'] as const;
export type InvalidCode = (typeof INVALID_CODES)[number];
/** Answered 400; `message` names the field and what to send, never a value. */
export interface InvalidEnvelope {
  kind: 'invalid';
  code: InvalidCode;
  message: string;
  field: string;
}

/** The objects that the paths of the field table start from. */
interface Sources {
  envelope: Json;
  type: string;
  isNative: boolean;
  from: Record<Path['from'], Json>;
}

const NOTHING: Json = Object.freeze({});

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const objectOr = (value: unknown, otherwise: Json): Json => (isObject(value) ? value : otherwise);
const invalid = (code: InvalidCode, field: string, message: string): InvalidEnvelope => ({
  kind: 'invalid',
  code,
  field,
  message,
});

function openEnvelope(body: unknown): Sources | InvalidEnvelope {
  if (!isObject(body)) return invalid('not_an_object', '', 'The body has to be a JSON object.');
  const flatType = typeof body.event_type === 'string' ? readText(body.event_type) : null;
  const nativeType = flatType === null && typeof body.event === 'string' ? readText(body.event) : null;
  const type = flatType ?? nativeType;
  if (type === null) {
    return invalid(
      'no_event_type',
      'event_type',
      'The body names no event: "event_type" (or "event" beside "data") is missing.',
    );
  }
  // A flat envelope may still wrap its fields in `data`; then nothing of them stands beside it.
  const wrapped = flatType === null || (body.customer_id === undefined && body.card_id === undefined);
  const record = wrapped ? objectOr(body.data, body) : body;
  const from: Sources['from'] = { record, card: NOTHING, customer: NOTHING, payment: NOTHING, feedback: NOTHING };
  for (const name of NESTED) from[name] = objectOr(record[name], NOTHING);
  return { envelope: body, type, isNative: flatType === null, from };
}

function read<T>(sources: Sources, spec: FieldSpec<T>): T | null {
  for (const path of spec.paths) {
    const raw = sources.from[path.from][path.key];
    if (raw === undefined || raw === null || raw === '') continue;
    const value = spec.read(raw);
    if (value !== null) return value;
  }
  return null;
}

function readNativeKey(sources: Sources, field: (typeof NATIVE_BY_PREFIX)[number]['field']): string | null {
  if (!sources.isNative) return null;
  for (const row of NATIVE_BY_PREFIX) {
    if (row.field === field && sources.type.startsWith(row.prefix)) return readText(sources.from.record[row.key]);
  }
  return null;
}

function readEnvelopeField<T>(sources: Sources, spec: FieldSpec<T>): T | null {
  const key = spec.paths[0]?.key ?? '';
  return spec.read(sources.envelope[key]) ?? spec.read(sources.from.record[key]);
}

function readEventTime(sources: Sources): number | null | 'before_2015' {
  for (const holder of [sources.envelope, sources.from.record]) {
    for (const name of TIME_NAMES) {
      const time = parseTime(holder[name]);
      if (time !== null) return time;
    }
  }
  return null;
}

function headOf(sources: Sources): EventHead | InvalidEnvelope {
  const occurredAtMs = readEventTime(sources);
  if (occurredAtMs === 'before_2015') {
    return invalid(
      'time_before_2015',
      'timestamp',
      '"timestamp" is before 2015: send Unix seconds, milliseconds or ISO 8601.',
    );
  }
  return {
    type: sources.type,
    eventId: readEnvelopeField(sources, ENVELOPE_FIELDS.eventId),
    occurredAtMs,
    customerId: read(sources, HEAD_FIELDS.customerId) ?? readId(readNativeKey(sources, 'customerId')),
    cardId: read(sources, HEAD_FIELDS.cardId) ?? readId(readNativeKey(sources, 'cardId')),
    isSandbox: readEnvelopeField(sources, ENVELOPE_FIELDS.isSandbox) ?? false,
  };
}

/** By what else a delivery without a customer and a card says whom it is about; null = by nothing. */
const contactOf = (sources: Sources): string | null => read(sources, FIELDS.email) ?? read(sources, FIELDS.phone);

function readBalance(sources: Sources, cardType: string | null): number | null {
  const { record, card } = sources.from;
  const keys = sources.isNative
    ? (BALANCE_KEYS.get(cardType?.toLowerCase() ?? '') ?? BALANCE_KEYS_UNKNOWN)
    : BALANCE_KEYS_FLAT;
  // `balance` of an API card is itself an object (reference §3).
  for (const holder of [record, card, objectOr(record.balance, NOTHING), objectOr(card.balance, NOTHING)]) {
    for (const key of keys) {
      const balance = readNumber(holder[key]);
      if (balance !== null) return balance;
    }
  }
  return null;
}

function readAmount(sources: Sources, currency: string | null): number | null {
  for (const path of FIELDS.amount.paths) {
    const amount = readNumber(sources.from[path.from][path.key]);
    if (amount !== null) return path.minor ? minorToMajor(amount, currency) : amount;
  }
  return null;
}

/** The segment that the event is about; a linking event that lists exactly one is about that one. */
function readSegmentOf(sources: Sources, segments: string[] | null): string | null {
  const named = read(sources, FIELDS.segment);
  if (named !== null || sources.type !== 'CustomerSegmentLinkedEvent' || segments?.length !== 1) return named;
  return segments[0] ?? null;
}

/**
 * Only what the receiving path needs: who, what and when of a delivery, from the same tables as `parseEnvelope`. What
 * this accepts, `parseEnvelope` accepts too (SPEC §2.1, steps 3 and 4). `contact`: the e-mail or phone of a delivery
 * that names neither customer nor card. Ids and type are whole, however long. Never throws on parsed JSON.
 */
export function readHead(body: unknown): { kind: 'head'; head: EventHead; contact: string | null } | InvalidEnvelope {
  const sources = openEnvelope(body);
  if ('kind' in sources) return sources;
  const head = headOf(sources);
  if ('kind' in head) return head;
  const isNamed = head.customerId !== null || head.cardId !== null;
  return { kind: 'head', head, contact: isNamed ? null : contactOf(sources) };
}

/** Either envelope of SPEC §2.1 (flat, or native as in reference §6) as one event. Never throws on parsed JSON. */
export function parseEnvelope(body: unknown): { kind: 'event'; event: StickyCardsEvent } | InvalidEnvelope {
  const sources = openEnvelope(body);
  if ('kind' in sources) return sources;
  const head = headOf(sources);
  if ('kind' in head) return head;
  const cardType = read(sources, FIELDS.cardType);
  const segments = read(sources, FIELDS.segments);
  const currency = read(sources, FIELDS.currency);
  const phone = read(sources, FIELDS.phone);
  return {
    kind: 'event',
    event: {
      ...head,
      email: read(sources, FIELDS.email),
      phone: sources.isNative ? readNativePhone(phone) : phone,
      firstName: read(sources, FIELDS.firstName),
      lastName: read(sources, FIELDS.lastName),
      card: {
        status: read(sources, FIELDS.cardStatus) ?? readNativeKey(sources, 'cardStatus'),
        installedAtMs: read(sources, FIELDS.installedAtMs),
        templateId: read(sources, FIELDS.templateId),
        cardType,
      },
      balance: readBalance(sources, cardType),
      segments,
      segment: readSegmentOf(sources, segments),
      referralCount: read(sources, FIELDS.referralCount),
      payment: {
        id: read(sources, FIELDS.paymentId) ?? readNativeKey(sources, 'paymentId'),
        amount: readAmount(sources, currency),
        currency,
      },
      rating: read(sources, FIELDS.rating),
      comment: read(sources, FIELDS.comment),
      extra: collectExtra(sources.from.record),
    },
  };
}
