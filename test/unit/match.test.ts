import { describe, expect, test } from '@jest/globals';
import { type ContactKeys, matchContact } from '../../src/domain/match.ts';
import { comparableDigits, toE164 } from '../../src/domain/phone.ts';

describe('phone numbers', () => {
  test.each([
    ['+1 (212) 555-0142', '+12125550142'],
    ['212-555-0142', '+12125550142'],
    ['12125550142', '+12125550142'],
    ['0044 7700 900123', '+447700900123'],
    ['447700900123', '+447700900123'],
    ['+1-555-1234', null],
    ['12345', null],
    ['call me', null],
    ['', null],
  ])('%s is %s', (text, expected) => {
    expect(toE164(text, 'US')).toBe(expected);
  });
  test('the default country reads national numbers', () => {
    expect(toE164('030 901820', 'DE')).toBe('+4930901820');
  });
  test('impossible numbers are compared by their digits without the country', () => {
    expect(comparableDigits('+1-555-1234', 'US')).toBe('5551234');
    expect(comparableDigits('001 555 1234', 'US')).toBe('5551234');
    expect(comparableDigits('555-1234', 'US')).toBe('5551234');
    expect(comparableDigits('12', 'US')).toBeNull();
  });
});

const contact = (id: string, keys: Partial<ContactKeys>): ContactKeys => ({
  ghlContactId: id,
  phone: null,
  phoneDigits: null,
  email: null,
  stickycardsCustomerId: null,
  addedAtMs: null,
  linkedTo: null,
  ...keys,
});

describe('matching (SPEC §2.5)', () => {
  const person = { customerId: 'cus', phone: '+12125550142', email: 'Ana@Example.com' };

  test('a contact that carries our id goes before everything else', () => {
    const candidates = [contact('a', { phone: '+12125550142' }), contact('b', { stickycardsCustomerId: 'cus' })];
    expect(matchContact(person, candidates, 'US')).toMatchObject({
      kind: 'contact',
      ghlContactId: 'b',
      by: 'customer_id',
    });
  });
  test('phone goes before e-mail, and a contradiction is named', () => {
    const candidates = [contact('a', { phone: '+12125550142' }), contact('b', { email: 'ana@example.com' })];
    expect(matchContact(person, candidates, 'US')).toEqual({
      kind: 'contact',
      ghlContactId: 'a',
      by: 'phone',
      conflictEmailContactId: 'b',
    });
  });
  test('e-mail matches whatever its case', () => {
    expect(matchContact(person, [contact('b', { email: 'ana@example.com' })], 'US')).toMatchObject({
      ghlContactId: 'b',
      by: 'email',
    });
  });
  test('nobody: a new contact', () => {
    expect(matchContact(person, [contact('b', { email: 'bob@example.com' })], 'US')).toEqual({ kind: 'create' });
  });
  test('somebody else has the contact: it is not taken over', () => {
    expect(matchContact(person, [contact('a', { phone: '+12125550142', linkedTo: 'other' })], 'US')).toEqual({
      kind: 'already_linked',
      ghlContactId: 'a',
      linkedTo: 'other',
    });
  });
  describe('several free contacts share what the person is found by', () => {
    const phone = '+12125550142';
    const email = 'ana@example.com';

    test.each([
      ['phone', [contact('b', { phone }), contact('a', { phone })]],
      ['phone', [contact('a', { phone, email }), contact('b', { phone, email }), contact('c', { email })]],
      ['email', [contact('a', { email }), contact('b', { email })]],
      ['customer_id', [contact('a', { stickycardsCustomerId: 'cus' }), contact('b', { stickycardsCustomerId: 'cus' })]],
    ] as const)('nobody guesses which one it is: %s', (by, candidates) => {
      expect(matchContact(person, candidates, 'US')).toEqual({
        kind: 'ambiguous',
        by,
        ghlContactIds: ['a', 'b'],
      });
    });
    test('the one that has the e-mail too is the person', () => {
      expect(matchContact(person, [contact('a', { phone }), contact('b', { phone, email })], 'US')).toMatchObject({
        kind: 'contact',
        ghlContactId: 'b',
        by: 'phone',
        conflictEmailContactId: null,
      });
    });
    test('of two that bear the id, the one with the phone is the person', () => {
      const id = { stickycardsCustomerId: 'cus' };
      expect(matchContact(person, [contact('a', id), contact('b', { ...id, phone })], 'US')).toMatchObject({
        kind: 'contact',
        ghlContactId: 'b',
        by: 'customer_id',
      });
    });
    test('a contact that somebody has does not count', () => {
      const candidates = [contact('a', { phone, linkedTo: 'other' }), contact('b', { phone })];
      expect(matchContact(person, candidates, 'US')).toMatchObject({ kind: 'contact', ghlContactId: 'b' });
    });
  });
  test('an impossible number counts only where exactly one contact has its digits', () => {
    const odd = { customerId: 'cus', phone: '+1-555-1234', email: null };
    const one = contact('a', { phone: '555-1234', phoneDigits: '5551234' });
    expect(matchContact(odd, [one], 'US')).toMatchObject({ kind: 'contact', ghlContactId: 'a' });
    expect(matchContact(odd, [one, contact('b', { phoneDigits: '5551234' })], 'US')).toEqual({
      kind: 'excluded',
      reason: 'invalid_phone',
    });
  });
  test('without a phone and an e-mail nobody is made', () => {
    expect(matchContact({ customerId: 'cus', phone: null, email: null }, [], 'US')).toEqual({
      kind: 'excluded',
      reason: 'no_contact_info',
    });
    expect(matchContact({ customerId: 'cus', phone: '12', email: null }, [], 'US')).toEqual({
      kind: 'excluded',
      reason: 'invalid_phone',
    });
  });
});
