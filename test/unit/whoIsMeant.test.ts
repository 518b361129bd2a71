import { describe, expect, test } from '@jest/globals';
import { cluesOf, type Meant, whoIsMeant } from '../../src/domain/whoIsMeant.ts';
import { event } from '../helpers/events.ts';

const holders: Record<string, string[]> = {
  'card:card_1': ['cus_1'],
  'payment:pay_2': ['cus_2'],
  'payment:pay_both': ['cus_1', 'cus_2'],
  'phone:+12125550143': ['cus_3'],
  'email:three@example.com': ['cus_3'],
  'email:four@example.com': ['cus_4'],
  'email:family@example.com': ['cus_4', 'cus_5'],
};
const meant = (rest: Parameters<typeof event>[1]): Meant =>
  whoIsMeant(
    cluesOf(event('PaymentRefundedEvent', { customerId: null, cardId: null, ...rest }), 'US'),
    (clue) => holders[clue] ?? [],
  );
const payment = (id: string) => ({ payment: { id, amount: null, currency: null } });

describe('whom a delivery without a customer id means', () => {
  test.each<[string, Parameters<typeof event>[1], string]>([
    ['the holder of its card', { cardId: 'card_1', email: 'three@example.com' }, 'cus_1'],
    ['the customer of its payment', { ...payment('pay_2'), email: 'three@example.com' }, 'cus_2'],
    ['the one with its phone', { phone: '+12125550143' }, 'cus_3'],
    [
      'the one with its e-mail, although the phone is new',
      { phone: '+12125550199', email: 'four@example.com' },
      'cus_4',
    ],
    ['the one with both', { phone: '+12125550143', email: 'three@example.com' }, 'cus_3'],
    ['by the details when the card is not known', { cardId: 'card_9', email: 'four@example.com' }, 'cus_4'],
    ['by the details when the payment is told of two', { ...payment('pay_both'), email: 'four@example.com' }, 'cus_4'],
  ])('%s', (_name, rest, customerId) => {
    expect(meant(rest)).toEqual({ kind: 'customer', customerId });
  });

  test.each<[string, Parameters<typeof event>[1], string]>([
    ['nobody is guessed of two', { email: 'family@example.com' }, 'several_customers'],
    ['nor when phone and e-mail disagree', { phone: '+12125550143', email: 'four@example.com' }, 'several_customers'],
    ['a card may still be told', { cardId: 'card_9', email: 'family@example.com' }, 'card_not_known_yet'],
    ['so may a payment', payment('pay_9'), 'customer_not_known_yet'],
    ['a phone that cannot exist is nobody’s', { phone: '0' }, 'no_customer'],
    ['neither is a word', { email: 'none' }, 'no_customer'],
    ['nothing is nobody', {}, 'no_customer'],
  ])('%s', (_name, rest, reason) => {
    expect(meant(rest)).toEqual({ kind: 'nobody', reason });
  });
});
