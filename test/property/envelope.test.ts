import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EVENT_TYPES } from '../../src/domain/event.ts';
import { parseEnvelope, parseTime, readHead } from '../../src/platforms/stickycards/envelope.ts';

const EARLIEST = Date.UTC(2015, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);
const anyBody = fc.oneof(
  fc.anything({ withNullPrototype: true }),
  fc.jsonValue(),
  fc.record(
    {
      event_type: fc.oneof(fc.constantFrom(...EVENT_TYPES), fc.anything()),
      event: fc.anything(),
      timestamp: fc.oneof(fc.double(), fc.string(), fc.anything()),
      data: fc.anything({ withNullPrototype: true }),
      card: fc.anything(),
      segments: fc.anything(),
      balance: fc.anything(),
      customer_id: fc.anything(),
    },
    { requiredKeys: [] },
  ),
);
const person = fc.record({
  id: fc.uuid(),
  email: fc.emailAddress(),
  digits: fc.integer({ min: 2_125_550_100, max: 2_125_550_199 }).map((number) => `1${number}`),
  firstName: fc.string({ minLength: 1, unit: 'grapheme-ascii' }).filter((name) => name.trim() !== ''),
  card: fc.stringMatching(/^\d{6}-\d{3}-\d{3}$/),
  balance: fc.integer({ min: 0, max: 1_000_000 }),
});

const leaves = (value: unknown): unknown[] =>
  typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [value];
const isUnusable = (value: unknown): boolean =>
  typeof value === 'string'
    ? value === '' || value.trim() !== value || value.includes('\0')
    : typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0));
const isUsableTime = (time: number | null | 'before_2015'): boolean =>
  typeof time === 'number' ? time >= EARLIEST && new Date(time).getUTCFullYear() < 10_000 : true;

describe('parseEnvelope', () => {
  it('never throws, and what readHead accepts it accepts with the same head', () => {
    fc.assert(
      fc.property(anyBody, (body) => {
        const head = readHead(body);
        const whole = parseEnvelope(body);
        expect(whole).toMatchObject(head.kind === 'invalid' ? head : { kind: 'event', event: head.head });
      }),
      { numRuns: 2_000 },
    );
    expect.hasAssertions();
  });

  it('never yields an empty or padded text, a NUL, or a number that is none', () => {
    fc.assert(
      fc.property(anyBody, (body) => {
        const whole = parseEnvelope(body);
        expect(leaves(whole.kind === 'event' ? { ...whole.event, extra: null } : null).filter(isUnusable)).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads one happening the same from both envelopes', () => {
    fc.assert(
      fc.property(person, fc.integer({ min: EARLIEST / 1000, max: LATEST / 1000 }), (who, seconds) => {
        const flat = parseEnvelope({
          event_type: 'CardBalanceUpdatedEvent',
          timestamp: new Date(seconds * 1000).toISOString(),
          customer_id: who.id,
          card_id: who.card,
          email: who.email,
          phone_number: `+${who.digits}`,
          first_name: who.firstName,
          card: { id: who.card, status: 'installed', balance: who.balance, card_type: 'reward', template_id: '7' },
        });
        const native = parseEnvelope({
          event: 'CardBalanceUpdatedEvent',
          timestamp: seconds,
          is_sandbox: false,
          data: {
            serial_number: who.card,
            card_type: 'reward',
            template_id: 7,
            status: 'installed',
            cardholder_id: who.id,
            cardholder_phone: who.digits,
            cardholder_email: who.email,
            cardholder_first_name: who.firstName,
            bonus_balance: who.balance,
            balance: null,
          },
        });
        expect(native).toEqual(flat);
      }),
    );
  });
});

describe('parseTime', () => {
  it('reads one instant the same in every spelling', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: EARLIEST, max: LATEST }),
        fc.integer({ min: -14 * 60, max: 14 * 60 }),
        (ms, zone) => {
          const iso = new Date(ms).toISOString();
          const local = new Date(ms + zone * 60_000).toISOString().slice(0, -1);
          const sign = zone < 0 ? '-' : '+';
          const clock = [Math.trunc(Math.abs(zone) / 60), Math.abs(zone) % 60].map((part) =>
            String(part).padStart(2, '0'),
          );
          for (const spelling of [
            ms,
            String(ms),
            iso,
            iso.slice(0, -1),
            iso.replace('T', ' '),
            `${local}${sign}${clock.join(':')}`,
            iso.replaceAll(/[-:]/g, ''),
            `${local.replaceAll(/[-:]/g, '')}${sign}${clock.join('')}`,
          ]) {
            expect(parseTime(spelling)).toBe(ms);
          }
          expect(parseTime(Math.trunc(ms / 1000))).toBe(Math.trunc(ms / 1000) * 1000);
        },
      ),
    );
  });

  it('reads no day that its month does not have', () => {
    for (const day of ['2026-02-29', '2026-02-31', '2026-04-31', '2026-00-10', '2026-13-01', '2026-01-00'])
      expect(parseTime(`${day}T10:00:00.000Z`)).toBeNull();
    expect(parseTime('2026-03-01T24:00:00.000Z')).toBeNull();
    expect(parseTime('2028-02-29T10:00:00.000Z')).toBe(Date.UTC(2028, 1, 29, 10));
  });

  it('gives null, before_2015 or a time that a date can hold, for anything', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.double(), fc.string(), fc.bigInt().map(String)), (value) => {
        expect(isUsableTime(parseTime(value))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
