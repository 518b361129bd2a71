import {
  readCount,
  readCurrency,
  readFlag,
  readId,
  readInstant,
  readNumber,
  readPhone,
  readSegment,
  readSegments,
  readText,
  readTextUpTo,
  type Reader,
} from './readers.ts';

/**
 * Where each field of an event may stand, in both envelopes (SPEC §2.1, reference §6 and §7.1), in order of trust: the
 * first usable value wins. `a` is read from the record (the flat body, or `data` of the native one), `card.a` from the
 * object `card` inside it. The API's camelCase names stand beside the webhooks' snake_case (reference §3: "one
 * normaliser for both"). A new spelling is a word in this table.
 */
const ID_LENGTH_MAX = 255;
/** No column or index takes such an id: its delivery is stored without it, and left out when it is folded. */
export const idTooLong = (id: string): boolean => id.length > ID_LENGTH_MAX;

const field = <T>(read: Reader<T>, names: string): FieldSpec<T> => ({ read, paths: names.split(' ').map(toPath) });

export interface FieldSpec<T> {
  read: Reader<T>;
  paths: readonly Path[];
}
export const NESTED = ['card', 'customer', 'payment', 'feedback'] as const;
export interface Path {
  from: 'record' | (typeof NESTED)[number];
  key: string;
  /** The value is in minor units. */
  minor: boolean;
}

function toPath(name: string): Path {
  const [first, second] = name.split('.') as [string, string | undefined];
  const key = second ?? first;
  return { from: second === undefined ? 'record' : (first as Path['from']), key, minor: key.endsWith('_cents') };
}

/** What the receiver needs to store and de-duplicate a delivery. */
export const HEAD_FIELDS = {
  customerId: field(readId, 'customer_id cardholder_id customer.customer_id customer.id customerId'),
  cardId: field(readId, 'card_id serial_number card.card_id card.id card.serial_number cardId serialNumber'),
} as const;

/** Read from the envelope itself first, then from the record. */
export const ENVELOPE_FIELDS = {
  eventId: field(readText, 'event_id'),
  isSandbox: field(readFlag, 'is_sandbox'),
} as const;
export const TIME_NAMES = ['timestamp', 'occurred_at', 'event_time'] as const;

export const FIELDS = {
  email: field(readTextUpTo(320), 'email cardholder_email customer.email'),
  phone: field(readPhone, 'phone_number cardholder_phone phone customer.phone_number customer.phone phoneNumber'),
  firstName: field(
    readTextUpTo(500),
    'first_name cardholder_first_name customer.first_name firstName customer.firstName',
  ),
  lastName: field(
    readTextUpTo(500),
    'last_name cardholder_last_name customer.last_name lastName surname customer.lastName customer.surname',
  ),
  cardStatus: field(readTextUpTo(100), 'card.status card_status cardStatus'),
  installedAtMs: field(readInstant, 'card.installed_date card.installed_at installed_date installed_at'),
  templateId: field(
    readTextUpTo(255),
    'card.template_id card.user_template_id template_id user_template_id card.templateId templateId',
  ),
  cardType: field(readTextUpTo(100), 'card.card_type card.type card_type cardType'),
  segments: field(readSegments, 'segments customer.segments'),
  segment: field(readSegment, 'segment segment_name segmentName'),
  referralCount: field(readCount, 'referral_count customer.referral_count referrals_count referralCount'),
  paymentId: field(
    readTextUpTo(255),
    'payment_id transaction_id payment.payment_id payment.id paymentId transactionId',
  ),
  amount: field(
    readNumber,
    'amount amount_cents payment.amount payment.amount_cents total total_cents refund_amount refund_amount_cents',
  ),
  currency: field(readCurrency, 'currency payment.currency currency_code'),
  rating: field(readNumber, 'rating feedback.rating score stars'),
  comment: field(
    readTextUpTo(10_000),
    'comment message text feedback.comment feedback.message feedback.text operationComment operation_comment',
  ),
} as const;

/** A bare `id`, `status` or `type` in native `data` belongs to what the event is about; the flat envelope has none. */
export const NATIVE_BY_PREFIX: readonly {
  prefix: string;
  field: 'customerId' | 'cardId' | 'paymentId' | 'cardStatus';
  key: string;
}[] = [
  { prefix: 'Customer', field: 'customerId', key: 'id' },
  { prefix: 'Card', field: 'cardId', key: 'id' },
  { prefix: 'Card', field: 'cardStatus', key: 'status' },
  { prefix: 'Payment', field: 'paymentId', key: 'id' },
  { prefix: 'RecurrentPayment', field: 'paymentId', key: 'id' },
];

/** Which number of a card is its balance, by card type (reference §3; only `reward` was observed). */
export const BALANCE_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['stamp', ['current_number_of_uses', 'currentNumberOfUses']],
  ['cashback', ['balance', 'bonus_balance', 'bonusBalance']],
  ['multipass', ['balance', 'current_number_of_uses', 'currentNumberOfUses']],
  ['coupon', []],
  ['discount', ['balance']],
  ['gift', ['balance']],
  ['certificate', ['balance']],
  ['membership', ['balance']],
  ['reward', ['bonus_balance', 'bonusBalance']],
]);
/** Of a card whose type is not told or not known. */
export const BALANCE_KEYS_UNKNOWN = ['bonus_balance', 'bonusBalance', 'balance'];
/** The flat envelope says `balance`, whatever the card (SPEC §2.1). */
export const BALANCE_KEYS_FLAT = ['balance', 'bonus_balance'];
