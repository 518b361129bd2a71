import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LinkField } from '../../drizzle/tables/links.ts';
import type { FieldRow } from '../../src/domain/fieldMap.ts';
import {
  type GhlEventType,
  isEcho,
  isNewcomer,
  isStale,
  type KnownContact,
  type KnownLink,
  type ShownContact,
} from '../../src/domain/ghlDelivery.ts';

const row = (key: string, direction: FieldRow['direction'], rest: Partial<FieldRow> = {}): FieldRow => ({
  key,
  ghl: 'custom',
  type: 'TEXT',
  valueType: 'text',
  direction,
  owner: 'ghl',
  merge: 'value',
  ofCard: false,
  ...rest,
});
const rows = [
  row('email', 'both', { ghl: 'email', valueType: 'email' }),
  row('points', 'both', { merge: 'counter', valueType: 'number' }),
  row('bonus', 'from_ghl', { merge: 'command', valueType: 'number' }),
  row('card_id', 'to_ghl'),
];
const ownTags = new Set(['card holder']);
const AT = Date.UTC(2026, 2, 1, 10);

const base = (value: LinkField['base'], rest: Partial<LinkField> = {}): LinkField => ({
  base: value ?? null,
  revision: 1,
  ...rest,
});
const link: KnownLink = {
  fields: { email: base('a@example.com'), points: base(85), bonus: base(null), card_id: base('c1') },
  tags: { base: ['vip', 'card holder'], off: {} },
};
const values = { email: 'a@example.com', points: 85, bonus: null, card_id: 'c1' };
const known: KnownContact = {
  answered: true,
  values: { ...values, dnd: false },
  tags: ['card holder', 'hand made', 'vip'],
  open: false,
  observedAtMs: AT,
};
const shown: ShownContact = {
  values,
  tags: ['vip', 'hand made', 'card holder'],
  dnd: false,
  dateAddedMs: null,
};

interface Case {
  type?: GhlEventType;
  sentAtMs?: number;
  shown?: Partial<ShownContact>;
  link?: Partial<KnownLink>;
  known?: Partial<KnownContact> | null;
}
const echo = (c: Case = {}) =>
  isEcho(
    c.type ?? 'ContactUpdate',
    c.sentAtMs ?? AT + 3_600_000,
    { ...shown, ...c.shown },
    { ...link, ...c.link },
    c.known === null ? null : { ...known, ...c.known },
    rows,
    ownTags,
  );
const withPoints = (points: number | null, rest: Case = {}) =>
  echo({ ...rest, shown: { values: { ...values, points } } });

describe('values', () => {
  test('all as both sides know them: an echo', () => expect(echo()).toBe(true));

  test('one on its way, not yet answered: an echo, to either side', () => {
    for (const to of [{}, { to: 'stickycards' as const }]) {
      const fields = { ...link.fields, points: base(85, { pending: { value: 90, sentAtMs: AT, ...to } }) };
      expect(withPoints(90, { link: { fields } })).toBe(true);
      expect(withPoints(85, { link: { fields } })).toBe(true);
      expect(withPoints(91, { link: { fields } })).toBe(false);
    }
  });

  test('one on its way to Sticky Cards: the value before it may be taken back by somebody, so it is read', () => {
    const fields = { ...link.fields, points: base(85, { pending: { value: 90, sentAtMs: AT, to: 'stickycards' } }) };
    const known = { values: { ...values, points: 90 } };
    expect(withPoints(85, { link: { fields }, known })).toBe(false);
    expect(withPoints(90, { link: { fields }, known })).toBe(true);
  });

  test.each([
    ['another value', 100],
    ['an earlier value of ours', 40],
    ['a field that is missing', null],
  ])('%s: to be read', (_name, points) => expect(withPoints(points)).toBe(false));

  test('a bonus that was typed: to be read', () =>
    expect(echo({ shown: { values: { ...values, bonus: 50 } } })).toBe(false));

  test('a one-way field that differs is no reason', () =>
    expect(echo({ shown: { values: { ...values, card_id: null } } })).toBe(true));

  test('what the last answer showed is known, though no base was taken from it (held, or without a base)', () => {
    const answered = { known: { values: { ...values, points: 77 } } };
    expect(withPoints(77, answered)).toBe(true);
    expect(withPoints(77, { ...answered, link: { fields: { ...link.fields, points: { revision: 0 } } } })).toBe(true);
    expect(withPoints(85, answered)).toBe(true);
  });

  test('what an answer showed and nobody has worked yet is not settled', () =>
    expect(withPoints(77, { known: { values: { ...values, points: 77 }, open: true } })).toBe(false));

  test('what only a page of the search index showed counts for nothing', () =>
    expect(withPoints(77, { known: { values: { ...values, points: 77 }, answered: false } })).toBe(false));

  test('a workflow body that leaves out what is not empty, or the tags, only says that something happened', () => {
    const call = (v: ShownContact['values'], tags = shown.tags) =>
      echo({ type: 'workflow', shown: { values: v, tags, dnd: null } });
    expect(call({ email: 'a@example.com', points: 85 })).toBe(true);
    expect(call({ email: 'a@example.com' })).toBe(false);
    expect(call({})).toBe(false);
    expect(call(values, null)).toBe(false);
  });

  test('any value that is neither base nor pending nor last seen is to be read', () => {
    const value = fc.oneof(fc.integer(), fc.string(), fc.constant(null));
    fc.assert(
      fc.property(value, value, value, value, fc.boolean(), (was, sent, seen, now, pending) => {
        const points = base(was, pending ? { pending: { value: sent, sentAtMs: AT } } : {});
        const answer = echo({
          shown: { values: { ...values, points: now } },
          link: { fields: { ...link.fields, points } },
          known: { values: { ...values, points: seen } },
        });
        expect(answer).toBe(now === was || now === seen || (pending && now === sent));
      }),
    );
  });
});

describe('DND', () => {
  test('as last seen: an echo; otherwise to be read', () => {
    expect(echo({ shown: { dnd: true } })).toBe(false);
    expect(echo({ shown: { dnd: true }, known: { values: { ...values, dnd: true } } })).toBe(true);
    expect(echo({ known: { values: { ...values, dnd: true } } })).toBe(false);
    expect(echo({ shown: { dnd: null }, known: { values: { ...values, dnd: true } } })).toBe(true);
  });

  test('an event of its own is never ours', () => expect(echo({ type: 'ContactDndUpdate' })).toBe(false));
});

describe('tags', () => {
  const tagged = (tags: string[], rest: Case = {}) => echo({ type: 'ContactTagUpdate', ...rest, shown: { tags } });

  test('one more or one less: to be read', () => {
    expect(tagged(['vip', 'hand made', 'card holder', 'churned'])).toBe(false);
    expect(tagged(['hand made', 'card holder'])).toBe(false);
    expect(tagged(['vip', 'card holder'])).toBe(false);
  });

  test('those on their way: an echo, before and after', () => {
    const tags = { base: ['vip'], pending: { add: ['card holder'], remove: ['gold'], sentAtMs: AT }, off: {} };
    const before = { link: { tags }, known: { tags: ['vip', 'gold'] } };
    expect(tagged(['vip', 'gold'], before)).toBe(true);
    expect(tagged(['vip'], before)).toBe(true);
    expect(tagged(['vip', 'card holder'], before)).toBe(true);
    expect(tagged(['card holder'], before)).toBe(false);
  });

  test('a ContactUpdate of our own PUT does not show the tags that we put on right after it', () => {
    expect(echo({ sentAtMs: AT + 2000, shown: { tags: ['hand made'] } })).toBe(true);
    expect(echo({ sentAtMs: AT + 2000, shown: { tags: [] } })).toBe(false);
    expect(echo({ sentAtMs: AT + 61_000, shown: { tags: ['hand made'] } })).toBe(false);
    expect(tagged(['hand made'], { sentAtMs: AT + 2000 })).toBe(false);
  });

  test('a body without tags says nothing of them', () => expect(echo({ shown: { tags: null } })).toBe(true));
});

describe('newcomers', () => {
  const rules = { activatedAtMs: AT, createCustomers: 'all', phoneKey: 'phone', emailKey: 'email' };
  const newcomer: ShownContact = {
    ...shown,
    values: { email: 'n@example.com' },
    tags: ['Wallet'.toLowerCase()],
    dateAddedMs: AT,
  };

  test('made since the activation, with a phone or an e-mail', () => {
    expect(isNewcomer(newcomer, rules)).toBe(true);
    expect(isNewcomer({ ...newcomer, values: { phone: '+12125550142' } }, rules)).toBe(true);
    expect(isNewcomer({ ...newcomer, values: {} }, rules)).toBe(false);
    expect(isNewcomer({ ...newcomer, dateAddedMs: AT - 1 }, rules)).toBe(false);
    expect(isNewcomer({ ...newcomer, dateAddedMs: null }, rules)).toBe(false);
    expect(isNewcomer(newcomer, { ...rules, activatedAtMs: null })).toBe(false);
  });

  test('as the connection wants it', () => {
    expect(isNewcomer(newcomer, { ...rules, createCustomers: 'off' })).toBe(false);
    expect(isNewcomer(newcomer, { ...rules, createCustomers: 'tag:WALLET' })).toBe(true);
    expect(isNewcomer(newcomer, { ...rules, createCustomers: 'tag:other' })).toBe(false);
    expect(isNewcomer({ ...newcomer, tags: null }, { ...rules, createCustomers: 'tag:other' })).toBe(true);
  });
});

test('what is more than 48 hours old is stale', () => {
  expect(isStale(AT, AT + 48 * 3_600_000)).toBe(false);
  expect(isStale(AT, AT + 48 * 3_600_000 + 1)).toBe(true);
});
