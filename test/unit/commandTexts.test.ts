import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nextBusinessDay } from '../../src/domain/businessDay.ts';
import {
  type CommandFacts,
  factsOf,
  markerOf,
  moneyText,
  noteText,
  opportunityName,
  ratingText,
  refundedInFull,
  taskDueDate,
  taskText,
} from '../../src/domain/commandTexts.ts';

const NEW_YORK = 'America/New_York';
const facts = (about: string, rest: Partial<CommandFacts> = {}): CommandFacts => ({
  about,
  receiptId: 'evt_1',
  occurredAtMs: Date.parse('2026-03-20T15:07:00Z'),
  rating: null,
  comment: null,
  paymentId: null,
  amount: null,
  currency: null,
  ...rest,
});

describe('money', () => {
  test.each([
    [12.5, 'USD', '12.50 USD'],
    [0.1 + 0.2, 'USD', '0.30 USD'],
    [1200, 'JPY', '1,200 JPY'],
    [1200.5, 'JPY', '1,200.5 JPY'],
    [1.25, 'BHD', '1.250 BHD'],
    [-7, 'EUR', '7.00 EUR'],
    [7, '€', '7.00 €'],
    [7, null, '7.00'],
    [12.505, 'USD', '12.505 USD'],
  ])('%p %p is read as %p', (amount, currency, text) => {
    expect(moneyText(amount, currency)).toBe(text);
  });

  test('no amount is no money', () => {
    expect(moneyText(null, 'USD')).toBeNull();
  });
});

describe('what staff read', () => {
  test('a rating shows stars, and its number for those who cannot see them', () => {
    expect(ratingText(2)).toBe('★★☆☆☆ (2 of 5)');
    expect(ratingText(8)).toBe('8');
    expect(ratingText(4.5)).toBe('4.5');
  });

  test('feedback: rating, words, and when it was by the clock of the location', () => {
    expect(noteText(facts('feedback', { rating: 2, comment: ' Slow today ' }), NEW_YORK)).toBe(
      'Feedback: ★★☆☆☆ (2 of 5)\n“Slow today”\nSticky Cards, Mar 20, 2026, 11:07 AM',
    );
  });

  test.each([
    ['payment', { amount: 12.5, currency: 'USD', paymentId: 'pay_1' }, 'Payment of 12.50 USD received'],
    ['payment', {}, 'Payment received'],
    ['payment_failed', { amount: 3, currency: 'USD' }, 'Payment of 3.00 USD failed'],
    ['refund', { amount: 1200, currency: 'JPY' }, 'Refund of 1,200 JPY'],
    ['refund', {}, 'Payment refunded in full (no amount was named)'],
    ['something_new', {}, 'Sticky Cards event'],
    ['toString', {}, 'Sticky Cards event'],
  ])('a note about %s %p begins with %p', (about, rest, line) => {
    expect(noteText(facts(about, rest), NEW_YORK).split('\n')[0]).toBe(line);
  });

  test('tasks say what to do', () => {
    expect(taskText(facts('payment_failed', { amount: 3, currency: 'USD', paymentId: 'pay_2' }), NEW_YORK)).toEqual({
      title: 'Follow up: payment of 3.00 USD failed',
      body: 'Payment id: pay_2\nSticky Cards, Mar 20, 2026, 11:07 AM',
    });
    expect(taskText(facts('feedback', { rating: 1 }), NEW_YORK).title).toMatch(/^Follow up: unhappy customer, ★/);
    expect(taskText(facts('subscription_failed'), NEW_YORK).title).toBe('Subscription payment failed');
    expect(taskText(facts('subscription_failed', { amount: 12.5, currency: 'USD' }), NEW_YORK).title).toBe(
      'Subscription payment failed: 12.50 USD',
    );
  });

  test('the name of an opportunity tells payments apart', () => {
    expect(opportunityName(facts('payment', { amount: 12.5, currency: 'USD', paymentId: 'pay_1' }))).toBe(
      'Payment of 12.50 USD, pay_1',
    );
    expect(markerOf('cmd_1')).toBe('[ref:cmd_1]');
  });

  test('a very long comment is cut between letters', () => {
    const text = noteText(facts('feedback', { comment: '😀'.repeat(9000) }), NEW_YORK);
    expect(text.length).toBeLessThan(9000);
    expect(text.isWellFormed()).toBe(true);
  });

  test('an unknown zone and a row that lacks things give a text all the same', () => {
    expect(noteText(facts('payment'), 'Mars/Olympus')).toContain('3:07 PM UTC');
    expect(noteText(factsOf({}), NEW_YORK)).toBe('Sticky Cards event\nSticky Cards');
    expect(factsOf({ about: 'payment', amount: 'x', rating: Number.NaN })).toMatchObject({
      amount: null,
      rating: null,
    });
  });
});

describe('due on the next business day', () => {
  const due = (timeZone: string, at: string) => new Date(nextBusinessDay(timeZone, Date.parse(at))).toISOString();

  test.each([
    // A Friday in New York, a day after the clocks went ahead there: EDT, UTC-4.
    [NEW_YORK, '2026-03-20T15:07:00Z', '2026-03-23T21:00:00.000Z'],
    // Still Thursday there.
    [NEW_YORK, '2026-03-20T03:59:00Z', '2026-03-20T21:00:00.000Z'],
    // Saturday and Sunday lead to Monday.
    [NEW_YORK, '2026-03-21T15:00:00Z', '2026-03-23T21:00:00.000Z'],
    [NEW_YORK, '2026-03-22T15:00:00Z', '2026-03-23T21:00:00.000Z'],
    [NEW_YORK, '2026-03-23T15:00:00Z', '2026-03-24T21:00:00.000Z'],
    // Over the weekend on which the clocks change: five o'clock stays five o'clock.
    [NEW_YORK, '2026-03-06T20:00:00Z', '2026-03-09T21:00:00.000Z'],
    [NEW_YORK, '2026-10-30T20:00:00Z', '2026-11-02T22:00:00.000Z'],
    ['Europe/Berlin', '2026-03-27T10:00:00Z', '2026-03-30T15:00:00.000Z'],
    // Friday in UTC, Saturday already in Auckland and in Kathmandu by their odd offsets.
    ['Pacific/Auckland', '2026-06-05T13:00:00Z', '2026-06-08T05:00:00.000Z'],
    ['Asia/Kathmandu', '2026-06-05T18:30:00Z', '2026-06-08T11:15:00.000Z'],
    ['Mars/Olympus', '2026-03-20T15:00:00Z', '2026-03-23T17:00:00.000Z'],
  ])('%s, %s → %s', (timeZone, at, expected) => {
    expect(due(timeZone, at)).toBe(expected);
  });

  test('always five in the afternoon of a weekday there, one to three days ahead', () => {
    const zones = fc.constantFrom(NEW_YORK, 'Europe/London', 'Australia/Lord_Howe', 'Asia/Tokyo', 'America/St_Johns');
    const instants = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2035, 0, 1) });
    fc.assert(
      fc.property(zones, instants, (timeZone, atMs) => {
        const dueMs = nextBusinessDay(timeZone, atMs);
        const shown = new Intl.DateTimeFormat('en-US', {
          timeZone,
          weekday: 'short',
          hour: 'numeric',
          minute: 'numeric',
          hourCycle: 'h23',
        }).format(dueMs);
        expect(shown).toMatch(/^(Mon|Tue|Wed|Thu|Fri)[, ]+17:00$/);
        expect(dueMs).toBeGreaterThan(atMs);
        expect(dueMs - atMs).toBeLessThan(4 * 86_400_000);
      }),
    );
  });

  test('an event that comes late is due the next business day from now', () => {
    const friday = facts('payment_failed');
    expect(taskDueDate(friday, NEW_YORK, Date.parse('2026-03-20T15:08:00Z'))).toBe('2026-03-23T21:00:00.000Z');
    expect(taskDueDate(friday, NEW_YORK, Date.parse('2026-03-25T12:00:00Z'))).toBe('2026-03-26T21:00:00.000Z');
  });
});

describe('refunded in full', () => {
  const payment = { amount: 12.5, currency: 'USD' };
  const refund = (amount: number | null, receiptId: string | null = 'evt_1', currency: string | null = 'USD') => ({
    amount,
    receiptId,
    occurredAtMs: 1,
    currency,
  });

  test.each([
    ['all of it', [refund(12.5)], true],
    ['told as a negative number', [refund(-12.5)], true],
    ['a part', [refund(12.49)], false],
    ['in two parts', [refund(4.2, 'evt_1'), refund(8.3, 'evt_2')], true],
    ['one part told twice', [refund(6.25, 'evt_1'), refund(6.25, 'evt_1')], false],
    ['two equal parts of one second', [refund(6.25, 'evt_1'), refund(6.25, 'evt_2')], true],
    ['one part told twice, in rows that name no receipt', [refund(6.25, null), refund(6.25, null)], false],
    ['in another currency', [refund(12.5, 'evt_1', 'EUR')], false],
    ['without a currency', [refund(12.5, 'evt_1', null)], true],
    ['without an amount', [refund(null)], true],
    ['a part, then the rest without an amount', [refund(5, 'evt_1'), refund(null, 'evt_2')], true],
    ['not at all', [], false],
  ])('%s', (_name, refunds, full) => {
    expect(refundedInFull(payment, refunds)).toBe(full);
  });

  test('a payment without an amount is refunded in full only by a refund without one', () => {
    expect(refundedInFull({ amount: null, currency: null }, [refund(5)])).toBe(false);
    expect(refundedInFull({ amount: 0, currency: null }, [refund(0)])).toBe(false);
    expect(refundedInFull({ amount: null, currency: null }, [refund(null)])).toBe(true);
  });
});
