import { describe, expect, test } from '@jest/globals';
import { createContactIndex, type IndexedContact } from '../../src/domain/contactIndex.ts';
import { addExcluded, addMatch, addWrites, ambiguity, emptyReport } from '../../src/domain/firstLink.ts';
import { type ContactKeys, matchContact, type PersonKeys } from '../../src/domain/match.ts';

const contact = (id: string, rest: Partial<ContactKeys> = {}): ContactKeys => ({
  ghlContactId: id,
  phone: null,
  phoneDigits: null,
  email: null,
  stickycardsCustomerId: null,
  addedAtMs: null,
  linkedTo: null,
  ...rest,
});
const somebody = (rest: Partial<PersonKeys>): PersonKeys => ({
  customerId: 'cus_1',
  phone: null,
  email: null,
  ...rest,
});

describe('several contacts could be meant', () => {
  const why = (person: PersonKeys, contacts: ContactKeys[]) =>
    ambiguity(person, contacts, matchContact(person, contacts, 'US'), 'US');

  test.each([
    [{ phone: '212 555 0142' }, { phone: '+12125550142' }, /2 contacts have this phone \(a, b\): none is taken/],
    [{ email: 'A@example.com' }, { email: 'a@example.com' }, /this e-mail \(a, b\): none is taken/],
    [{ phone: '+1-555-1234' }, { phoneDigits: '5551234' }, /these digits \(a, b\): none is taken/],
    [{ email: 'a@example.com' }, { stickycardsCustomerId: 'cus_1' }, /this customer id \(a, b\): none is taken/],
  ])('%j', (details, keys, text) => {
    const person = somebody(details);
    expect(why(person, [contact('b', keys), contact('a', keys)])).toMatch(text);
    expect(why(person, [contact('a', keys)])).toBeNull();
  });

  test('also where another detail tells them apart', () => {
    const keys = { phone: '+12125550142' };
    const contacts = [contact('a', keys), contact('b', { ...keys, email: 'a@example.com' })];
    expect(why(somebody({ phone: '212 555 0142', email: 'a@example.com' }), contacts)).toMatch(
      /this phone \(a, b\): the one that shares more is taken/,
    );
  });

  test('not where only one of them is free', () => {
    const keys = { phone: '+12125550142' };
    expect(
      why(somebody({ phone: '212 555 0142' }), [contact('a', { ...keys, linkedTo: 'cus_9' }), contact('b', keys)]),
    ).toBeNull();
  });
});

test('a class shows fifty people and counts all', () => {
  const report = emptyReport('north', 'observe', new Date(0));
  for (let n = 0; n < 60; n++) {
    addMatch(report, `cus_${n}`, { kind: 'create' });
    addExcluded(report, `cus_${n}`, 'no_contact_info');
  }
  expect(report).toMatchObject({ creates: 60, excluded: { no_contact_info: 60 } });
  expect(report.samples.creates).toHaveLength(50);
});

describe('the index of contacts', () => {
  const indexed = (id: string, rest: Partial<IndexedContact> = {}): IndexedContact => {
    const { linkedTo: _, ...keys } = contact(id);
    return { ...keys, values: {}, tags: [], ...rest };
  };
  const lookup = { customerId: 'cus_1', e164: null, digits: null, email: null };

  test('finds by each identity, once', () => {
    const index = createContactIndex();
    const a = indexed('a', { phone: '+12125550142', phoneDigits: '2125550142', email: 'a@example.com' });
    const b = indexed('b', { email: 'a@example.com', stickycardsCustomerId: 'cus_1' });
    for (const each of [a, b]) index.put(each);
    const found = index.find({ ...lookup, e164: '+12125550142', email: 'a@example.com' });
    expect(found.map((c) => c.ghlContactId).toSorted()).toEqual(['a', 'b']);
    expect(index.find({ ...lookup, customerId: 'cus_2', digits: '2125550142' })).toEqual([a]);
    expect(index.find({ ...lookup, customerId: 'cus_2' })).toEqual([]);
  });

  test('an identity that a contact got later is found too', () => {
    const index = createContactIndex();
    const a = indexed('a', { phone: '+12125550142' });
    index.put(a);
    a.email = 'a@example.com';
    index.put(a);
    index.put(a);
    expect(index.find({ ...lookup, e164: '+12125550142', email: 'a@example.com' })).toEqual([a]);
  });

  test('what many contacts show alike is held once', () => {
    const index = createContactIndex();
    const first = index.shownAs({ email: 'a@example.com', phone: null });
    expect(first).toEqual({ email: true, phone: null });
    expect(index.shownAs({ email: 'b@example.com', phone: null })).toBe(first);
    expect(index.tagsOf([])).toBe(index.tagsOf([]));
  });
});

test('a tag called constructor is counted like any other', () => {
  const report = emptyReport('default', 'observe', new Date(0));
  for (let person = 0; person < 2; person += 1)
    addWrites(report, [], { add: ['constructor', '__proto__'], remove: [] });
  expect(Object.entries(report.tagsToAdd)).toEqual([
    ['constructor', 2],
    ['__proto__', 2],
  ]);
});
