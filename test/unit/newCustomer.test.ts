import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decideNewCustomer,
  detailsOfIdentities,
  type Holder,
  identitiesOfDetails,
  nextUtcDay,
  preferredHolder,
  type NewCustomerRules,
  type UnlinkedContact,
  utcDayOf,
} from '../../src/domain/newCustomer.ts';

const ACTIVATED = Date.UTC(2026, 2, 1);

const contact = (change: Partial<UnlinkedContact> = {}): UnlinkedContact => ({
  firstName: 'Ana',
  lastName: null,
  email: 'ana@example.com',
  phone: '+12125550142',
  stickycardsCustomerId: null,
  tags: [],
  addedAtMs: ACTIVATED + 1,
  ...change,
});

const rules = (change: Partial<NewCustomerRules> = {}): NewCustomerRules => ({
  createCustomers: 'all',
  activatedAtMs: ACTIVATED,
  defaultCountry: 'US',
  createdToday: 0,
  perDayMax: 200,
  ...change,
});

const holder = (customerId: string, by: Holder['by'], linkedTo: string | null = null): Holder => ({
  customerId,
  by,
  linkedTo,
});

describe('a contact that nobody in Sticky Cards can be', () => {
  test('becomes a customer, with what GHL shows of it', () => {
    expect(decideNewCustomer(contact(), [], rules())).toEqual({
      kind: 'create',
      details: { firstName: 'Ana', lastName: null, email: 'ana@example.com', phone: '+12125550142' },
      identities: ['phone:+12125550142', 'email:ana@example.com'],
    });
  });

  test('is made from its e-mail alone when its phone cannot exist: that number is never sent', () => {
    expect(decideNewCustomer(contact({ phone: '555-1234' }), [], rules())).toEqual({
      kind: 'create',
      details: { firstName: 'Ana', lastName: null, email: 'ana@example.com', phone: null },
      identities: ['email:ana@example.com'],
    });
  });

  test('added in the very moment of the activation counts as new', () => {
    expect(decideNewCustomer(contact({ addedAtMs: ACTIVATED }), [], rules()).kind).toBe('create');
  });

  test.each<[string, Partial<UnlinkedContact>, Partial<NewCustomerRules>, string]>([
    ['was there before the activation', { addedAtMs: ACTIVATED - 1 }, {}, 'made_before_activation'],
    ['has no date', { addedAtMs: null }, {}, 'made_before_activation'],
    ['belongs to a connection that was never activated', {}, { activatedAtMs: null }, 'made_before_activation'],
    ['has neither phone nor e-mail', { phone: null, email: null }, {}, 'no_contact_info'],
    ['has only an impossible phone', { phone: '555-1234', email: null }, {}, 'invalid_phone'],
    ['carries an id that we do not know', { stickycardsCustomerId: 'cus_9' }, {}, 'unknown_customer_id'],
    ['came while creation is off', {}, { createCustomers: 'off' }, 'creation_off'],
    ['lacks the tag', { tags: ['vip'] }, { createCustomers: 'tag:Loyalty' }, 'tag_missing'],
    ['came under a setting that nobody knows', {}, { createCustomers: 'some' }, 'creation_off'],
  ])('is left alone when it %s', (_, change, setting, reason) => {
    expect(decideNewCustomer(contact(change), [], rules(setting))).toEqual({ kind: 'nothing', reason });
  });

  test('is made when it bears the tag, however that is spelled', () => {
    const tagged = contact({ tags: ['loyalty', 'vip'] });
    expect(decideNewCustomer(tagged, [], rules({ createCustomers: 'tag: Loyalty' })).kind).toBe('create');
  });

  test('waits when the day has had its customers', () => {
    expect(decideNewCustomer(contact(), [], rules({ createdToday: 199 })).kind).toBe('create');
    expect(decideNewCustomer(contact(), [], rules({ createdToday: 200 }))).toEqual({ kind: 'limit' });
  });

  test('that nothing is made of does not wait for the next day', () => {
    const decision = decideNewCustomer(contact(), [], rules({ createdToday: 200, createCustomers: 'off' }));
    expect(decision.kind).toBe('nothing');
  });
});

describe('a contact that a known customer could be', () => {
  test('is linked to the free one, whatever the settings say', () => {
    const decision = decideNewCustomer(
      contact({ addedAtMs: 0, stickycardsCustomerId: 'cus_1' }),
      [holder('cus_1', 'customer_id')],
      rules({ createCustomers: 'off', createdToday: 500 }),
    );
    expect(decision).toEqual({ kind: 'link', customerId: 'cus_1', by: 'customer_id' });
  });

  test('goes with the phone before the e-mail', () => {
    const decision = decideNewCustomer(contact(), [holder('cus_1', 'email'), holder('cus_2', 'phone')], rules());
    expect(decision).toMatchObject({ kind: 'link', customerId: 'cus_2' });
  });

  test('is nobody new when the only one is linked elsewhere', () => {
    expect(decideNewCustomer(contact(), [holder('cus_1', 'email', 'con_7')], rules())).toEqual({
      kind: 'already_linked',
      customerId: 'cus_1',
      linkedTo: 'con_7',
    });
  });

  test('never makes a customer, whatever else is true of it', () => {
    const by = fc.constantFrom<Holder['by'][]>('gone_link', 'customer_id', 'phone', 'email');
    const holders = fc.array(
      fc.record({ customerId: fc.string({ minLength: 1 }), by, linkedTo: fc.option(fc.string({ minLength: 1 })) }),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(
        holders,
        fc.nat(400),
        fc.constantFrom('all', 'off', 'tag:x'),
        (some, createdToday, createCustomers) => {
          const decision = decideNewCustomer(contact(), some, rules({ createdToday, createCustomers }));
          const free = some.some(({ linkedTo }) => linkedTo === null);
          expect(decision.kind).toBe(free ? 'link' : 'already_linked');
          // The same whoever was found first.
          expect(decideNewCustomer(contact(), some.toReversed(), rules({ createdToday, createCustomers })).kind).toBe(
            decision.kind,
          );
        },
      ),
    );
  });

  test('whose link was cut by a deletion comes first when GHL shows it again', () => {
    expect(preferredHolder([holder('cus_1', 'phone'), holder('cus_2', 'gone_link')])?.customerId).toBe('cus_2');
  });
});

test('what is claimed says what was sent', () => {
  for (const details of [
    { phone: '+12125550142', email: 'a:b@example.com' },
    { phone: null, email: 'a@example.com' },
    { phone: '+12125550142', email: null },
  ])
    expect(detailsOfIdentities(identitiesOfDetails(details))).toEqual(details);
});

test('a day is a day in UTC', () => {
  const noon = Date.UTC(2026, 2, 20, 12);
  expect(utcDayOf(noon)).toBe(Date.UTC(2026, 2, 20));
  expect(nextUtcDay(noon)).toBe(Date.UTC(2026, 2, 21));
  expect(nextUtcDay(Date.UTC(2026, 2, 20))).toBe(Date.UTC(2026, 2, 21));
});
