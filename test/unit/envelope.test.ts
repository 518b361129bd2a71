import { describe, expect, it } from '@jest/globals';
import type { StickyCardsEvent } from '../../src/domain/event.ts';
import { parseEnvelope, parseTime, readHead } from '../../src/platforms/stickycards/envelope.ts';

const parsed = (body: unknown): StickyCardsEvent => {
  const result = parseEnvelope(body);
  if (result.kind !== 'event') throw new Error(`${result.code} ${result.field}: ${result.message}`);
  return result.event;
};
const native = (event: string, data: Record<string, unknown>) =>
  parsed({ event, timestamp: 1763632800, is_sandbox: false, data });
const flat = (fields: Record<string, unknown>) =>
  parsed({ event_type: 'CardBalanceUpdatedEvent', timestamp: 1763632800, ...fields });

describe('parseTime', () => {
  const noon = Date.UTC(2025, 10, 20, 12, 0, 0);
  it.each<[string, unknown, number | null | 'before_2015']>([
    ['Unix seconds', noon / 1000, noon],
    ['Unix seconds with a fraction', noon / 1000 + 0.25, noon + 250],
    ['milliseconds', noon, noon],
    ['seconds as a string', String(noon / 1000), noon],
    ['milliseconds as a string', ` ${noon} `, noon],
    ['ISO 8601 in UTC', '2025-11-20T12:00:00Z', noon],
    ['ISO 8601 with milliseconds', '2025-11-20T12:00:00.123Z', noon + 123],
    ['ISO 8601 with microseconds', '2025-11-20T12:00:00.123456+00:00', noon + 123],
    ['ISO 8601 with an offset', '2025-11-20T07:00:00-05:00', noon],
    ['ISO 8601 with a short offset', '2025-11-20T17:30:00+0530', noon],
    ['ISO 8601 without a zone: UTC', '2025-11-20T12:00:00', noon],
    ['a blank instead of T', '2025-11-20 12:00:00', noon],
    ['no seconds', '2025-11-20T12:00Z', noon],
    ['a day alone', '2025-11-20', Date.UTC(2025, 10, 20)],
    ['29 February of a leap year', '2024-02-29', Date.UTC(2024, 1, 29)],
    ['29 February of another year', '2025-02-29', null],
    ['the first instant of 2015', 1420070400, Date.UTC(2015, 0, 1)],
    ['the second before it', 1420070399, 'before_2015'],
    ['2014 as ISO', '2014-12-31', 'before_2015'],
    ['zero', 0, 'before_2015'],
    ['a negative number', -5, 'before_2015'],
    ['the smallest number', -Number.MAX_VALUE, null],
    ['a huge number', 1e300, null],
    ['the basic form', '20251120T120000Z', noon],
    ['the basic form with an offset and milliseconds', '20251120T173000.123+0530', noon + 123],
    ['the basic form without seconds or zone', '20251120T1200', noon],
    ['the basic form of a day that is none', '20250231T120000Z', null],
    ['digits without end', '9'.repeat(400), null],
    ['NaN', Number.NaN, null],
    ['Infinity', Number.POSITIVE_INFINITY, null],
    ['month 13', '2025-13-01', null],
    ['hour 25', '2025-11-20T25:00:00Z', null],
    ['words', 'yesterday', null],
    ['an empty string', '', null],
    ['null', null, null],
    ['nothing', undefined, null],
    ['true', true, null],
    ['an object', { seconds: 1 }, null],
    ['a list', [1763632800], null],
  ])('%s', (_what, value, expected) => {
    expect(parseTime(value)).toBe(expected);
  });
});

describe('the flat envelope', () => {
  it('is read field by field', () => {
    const event = parsed({
      event_type: 'CardInstalledEvent',
      event_id: 'evt-1',
      timestamp: '2026-03-02T10:00:00Z',
      customer_id: 'cus_1',
      card_id: 'card_1',
      email: ' Ada@Example.com ',
      phone_number: '+1 212 555 0142',
      first_name: 'Ada',
      last_name: 'Byron',
      card: {
        id: 'card_1',
        status: 'installed',
        balance: 120,
        installed_date: '2026-03-02',
        template_id: 7,
        card_type: 'reward',
      },
      segments: ['VIP', { name: 'Regulars' }, ' VIP '],
      segment: 'VIP',
      referral_count: '3',
      amount: '12.50',
      currency: 'usd',
      payment_id: 991,
      rating: 5,
      message: 'Lovely',
      loyalty_tier: 'gold',
    });
    expect(event).toEqual({
      type: 'CardInstalledEvent',
      eventId: 'evt-1',
      occurredAtMs: Date.UTC(2026, 2, 2, 10),
      isSandbox: false,
      customerId: 'cus_1',
      cardId: 'card_1',
      email: 'Ada@Example.com',
      phone: '+1 212 555 0142',
      firstName: 'Ada',
      lastName: 'Byron',
      card: { status: 'installed', installedAtMs: Date.UTC(2026, 2, 2, 10, 30), templateId: '7', cardType: 'reward' },
      balance: 120,
      segments: ['VIP', 'Regulars'],
      segment: 'VIP',
      referralCount: 3,
      payment: { id: '991', amount: 12.5, currency: 'USD' },
      rating: 5,
      comment: 'Lovely',
      extra: { loyalty_tier: 'gold' },
    });
  });

  it('knows nothing of absent, null, empty and blank fields', () => {
    const nothing = flat({});
    expect(
      flat({ email: '', phone_number: null, first_name: '   ', balance: '', segments: null, comment: '' }),
    ).toEqual(nothing);
    expect(nothing).toMatchObject({
      email: null,
      phone: null,
      balance: null,
      segments: null,
      comment: null,
      occurredAtMs: 1763632800000,
    });
  });

  it.each(['', '.', '..', ' .. '])('takes the id "%s" for none', (id) => {
    expect(flat({ customer_id: id, card_id: id })).toMatchObject({ customerId: null, cardId: null });
    expect(flat({ customer_id: '...', card_id: '.a' })).toMatchObject({ customerId: '...', cardId: '.a' });
  });

  it('takes the next spelling when the first says nothing', () => {
    expect(flat({ balance: null, card: { id: 5, balance: '7.5' } })).toMatchObject({ balance: 7.5, cardId: '5' });
    expect(flat({ comment: ' ', message: 'hello' }).comment).toBe('hello');
  });

  it('keeps a national phone as it is: only the connection knows its country', () => {
    expect(flat({ phone_number: 2125550142 }).phone).toBe('2125550142');
  });

  it.each<[unknown, string[] | null]>([
    ['VIP, Regulars ,,', ['VIP', 'Regulars']],
    [[], []],
    [[{ id: 1 }, 7, null], ['7']],
    [[null, ''], null],
    [' , ', null],
    [{ name: 'VIP' }, null],
  ])('segments %j', (segments, expected) => {
    expect(flat({ segments }).segments).toEqual(expected);
  });

  it('keeps a balance of zero and refuses what is no number', () => {
    expect(flat({ balance: 0 }).balance).toBe(0);
    expect(flat({ balance: '-3' }).balance).toBe(-3);
    for (const balance of [true, '12 points', '1e3', {}, [], '9'.repeat(30)])
      expect(flat({ balance }).balance).toBeNull();
  });

  it('may wrap its fields in data', () => {
    expect(parsed({ event_type: 'CardScannedEvent', data: { customer_id: 'c', timestamp: 1763632800 } })).toMatchObject(
      {
        customerId: 'c',
        occurredAtMs: 1763632800000,
      },
    );
  });
});

describe('the native envelope', () => {
  const card = {
    serial_number: '123456-789-012',
    card_type: 'reward',
    user_template_id: 1001,
    status: 'not_installed',
    cardholder_id: '00000000-0000-7000-8000-000000000001',
    cardholder_phone: '12125550142',
    cardholder_email: 'ada@example.com',
    cardholder_first_name: 'Ada',
    cardholder_last_name: 'Byron',
    bonus_balance: 120,
    balance: 3.5,
    current_number_of_uses: 4,
    number_stamps_total: 10,
    custom_fields: { Birthday: '1990-01-01' },
    operationComment: '[ref:cmd_1]',
    timestamp: 1763632800,
  };

  it('is read by the names of reference §6', () => {
    expect(native('CardBalanceUpdatedEvent', card)).toEqual({
      type: 'CardBalanceUpdatedEvent',
      eventId: null,
      occurredAtMs: 1763632800000,
      isSandbox: false,
      customerId: '00000000-0000-7000-8000-000000000001',
      cardId: '123456-789-012',
      email: 'ada@example.com',
      phone: '+12125550142',
      firstName: 'Ada',
      lastName: 'Byron',
      card: { status: 'not_installed', installedAtMs: null, templateId: '1001', cardType: 'reward' },
      balance: 120,
      segments: null,
      segment: null,
      referralCount: null,
      payment: { id: null, amount: null, currency: null },
      rating: null,
      comment: '[ref:cmd_1]',
      extra: { number_stamps_total: 10, 'custom_fields.Birthday': '1990-01-01' },
    });
  });

  it.each([
    ['reward', 120],
    ['stamp', 4],
    ['cashback', 3.5],
    ['multipass', 3.5],
    ['gift', 3.5],
    ['certificate', 3.5],
    ['coupon', null],
    ['Reward', 120],
    [null, 120],
    ['something new', 120],
  ])('takes the balance of a %s card from its own field', (card_type, balance) => {
    expect(native('CardBalanceUpdatedEvent', { ...card, card_type }).balance).toBe(balance);
  });

  it('knows whose bare id it is from the event', () => {
    expect(native('CustomerCreatedEvent', { id: 17, email: 'a@example.com' })).toMatchObject({
      customerId: '17',
      cardId: null,
    });
    expect(native('PaymentCompletedSuccessfulEvent', { id: 17, status: 'paid' })).toMatchObject({
      customerId: null,
      payment: { id: '17' },
      card: { status: null },
    });
    expect(native('CardScannedEvent', { id: 17, customer: { id: 'c' } })).toMatchObject({
      cardId: '17',
      customerId: 'c',
    });
    expect(
      native('FeedbackCreatedEvent', { id: 17, customer_id: 'c', feedback: { rating: '2', text: 'Cold' } }),
    ).toMatchObject({
      customerId: 'c',
      rating: 2,
      comment: 'Cold',
    });
  });

  it('reads a linked segment by any of its names', () => {
    const link = (data: Record<string, unknown>) => native('CustomerSegmentLinkedEvent', { id: 'c', ...data }).segment;
    expect(link({ segment: 'VIP' })).toBe('VIP');
    expect(link({ segment: { id: 1, name: 'VIP' } })).toBe('VIP');
    expect(link({ segment_name: 'VIP' })).toBe('VIP');
    expect(link({ segments: [{ id: 1, type: 2, name: 'VIP' }] })).toBe('VIP');
    expect(link({ segments: ['VIP', 'Regulars'] })).toBeNull();
  });

  it('marks test deliveries', () => {
    for (const is_sandbox of [true, 'true', 1])
      expect(parsed({ event: 'CardScannedEvent', is_sandbox, data: {} }).isSandbox).toBe(true);
    for (const is_sandbox of [false, null, 'false', 0, undefined]) {
      expect(parsed({ event: 'CardScannedEvent', is_sandbox, data: {} }).isSandbox).toBe(false);
    }
  });

  it('reads a dozen odd shapes of data without a word', () => {
    for (const data of [undefined, null, [], 'text', 5, {}])
      expect(parsed({ event: 'CardScannedEvent', data }).customerId).toBeNull();
  });
});

describe('money', () => {
  it.each<[Record<string, unknown>, number | null]>([
    [{ amount: 1250, currency: 'EUR' }, 1250],
    [{ amount_cents: 1250, currency: 'EUR' }, 12.5],
    [{ amount_cents: '1999' }, 19.99],
    [{ amount_cents: 1250, currency: 'jpy' }, 1250],
    [{ amount_cents: 1250, currency: 'KWD' }, 1.25],
    [{ payment: { id: 'p', amount_cents: 500, currency: 'USD' } }, 5],
    [{ amount: null, total_cents: 100 }, 1],
    [{ amount: 'free' }, null],
    [{ amount_cents: 1250, currency: 'constructor' }, 12.5],
  ])('%j', (fields, amount) => {
    expect(flat(fields).payment.amount).toBe(amount);
  });
});

describe('refusals', () => {
  it.each<[string, unknown, string, string]>([
    ['null', null, 'not_an_object', ''],
    ['a list', [{ event_type: 'CardScannedEvent' }], 'not_an_object', ''],
    ['text', 'CardScannedEvent', 'not_an_object', ''],
    ['no event type', { timestamp: 1 }, 'no_event_type', 'event_type'],
    ['a blank event type', { event_type: '  ' }, 'no_event_type', 'event_type'],
    ['an event type that is an object', { event_type: {} }, 'no_event_type', 'event_type'],
    ['a time before 2015', { event_type: 'E', timestamp: 86_400 }, 'time_before_2015', 'timestamp'],
  ])('%s', (_what, body, code, field) => {
    expect(parseEnvelope(body)).toMatchObject({ kind: 'invalid', code, field, message: expect.any(String) });
    expect(readHead(body)).toMatchObject({ kind: 'invalid', code, field });
  });
});

describe('hostile bodies', () => {
  it('cannot reach a prototype', () => {
    const event = parsed(
      JSON.parse(
        '{"event_type":"E","__proto__":{"email":"x@example.com","isAdmin":true},"constructor":{"prototype":{"polluted":1}},"custom_fields":{"__proto__":"x","ok":1}}',
      ),
    );
    expect(event.email).toBeNull();
    expect(event.extra).toEqual({ 'custom_fields.ok': 1 });
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
    expect(Object.getPrototypeOf(event.extra)).toBe(Object.prototype);
  });

  it('may nest as deep as they like', () => {
    const deep = JSON.parse(`${'{"card":'.repeat(2000)}1${'}'.repeat(2000)}`) as Record<string, unknown>;
    expect(parsed({ ...deep, event_type: 'E', extra: deep }).type).toBe('E');
  });

  it('cannot make the extra grow without end, nor hide a NUL in it', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`field_${index}`, index]));
    expect(Object.keys(flat(many).extra)).toHaveLength(100);
    expect(flat({ first_name: 'A\0da', 'odd\0key': 'x\0y' })).toMatchObject({
      firstName: 'Ada',
      extra: { oddkey: 'xy' },
    });
  });
});
