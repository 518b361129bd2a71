import { expect, test } from '@jest/globals';
import type { LinkField, Value } from '../../drizzle/tables/links.ts';
import { fieldStates } from '../../src/dashboard/fieldStates.ts';
import type { FieldRow } from '../../src/domain/fieldMap.ts';

const points = {
  key: 'loyalty_points',
  label: 'Loyalty Points',
  staging: 'loyaltyPoints',
  ghl: 'custom',
  type: 'NUMERICAL',
  direction: 'both',
  owner: 'stickycards',
  merge: 'counter',
  ofCard: true,
  valueType: 'number',
} satisfies FieldRow;

interface Case {
  sticky?: number | null;
  ghl?: Value;
  field?: Partial<LinkField>;
  row?: Partial<FieldRow>;
  unlinked?: true;
  unread?: true;
  missing?: true;
}

const state = ({ sticky = 120, ghl = 120, field = { base: 120 }, row, unlinked, unread, missing }: Case = {}) => {
  const [shown] = fieldStates({
    rows: [{ ...points, ...row }],
    customer: { loyaltyPoints: sticky, extra: {} },
    locale: { defaultCountry: 'US', timeZone: 'UTC' },
    fields: unlinked ? null : { loyalty_points: { revision: 1, ...field } },
    ghl: unread ? null : { loyalty_points: ghl },
    fieldIds: missing ? {} : { loyalty_points: 'cf_1' },
  });
  return `${shown?.tone}: ${shown?.state}`;
};

test.each<[string, Case, string]>([
  ['agreed', {}, 'ok: same on both sides'],
  ['empty', { sticky: null, ghl: null, field: {} }, 'ok: empty on both sides'],
  ['no contact', { unlinked: true }, 'mute: no contact yet'],
  ['never read', { unread: true }, 'mute: GHL was not read yet'],
  ['changed at the till', { sticky: 190 }, 'info: goes to GHL with the next run'],
  ['no base yet', { sticky: 190, field: {} }, 'info: goes to GHL with the next run'],
  ['edited in GHL', { ghl: 130 }, 'info: edited in GHL; goes to Sticky Cards'],
  ['edited, one way', { ghl: 130, row: { direction: 'to_ghl' } }, 'mute: edited in GHL; put back with the next change'],
  ['both', { sticky: 190, ghl: 130 }, 'info: changed on both sides; the next run settles it'],
  ['under way', { field: { base: 120, pending: { value: 190, sentAtMs: 1 } } }, 'info: on its way to GHL'],
  [
    'under way back',
    { field: { base: 120, pending: { value: 190, sentAtMs: 1, to: 'stickycards' } } },
    'info: on its way to Sticky Cards',
  ],
  ['no field in GHL', { missing: true }, 'bad: GHL has no usable field for it'],
  ['no word of Sticky Cards', { sticky: null, field: {} }, 'mute: Sticky Cards says nothing'],
  ['from GHL only', { sticky: null, ghl: 1, row: { direction: 'from_ghl' } }, 'info: goes to Sticky Cards'],
])('%s', (_name, given, expected) => expect(state(given)).toBe(expected));

test('a held value says why in words', () => {
  const held = { reason: 'refused_by_ghl', value: 190, atMs: 1 };
  expect(state({ sticky: 190, field: { base: 120, held } })).toMatch(/^warn: GHL refused the value/);
  expect(state({ sticky: 190, field: { base: 120, held: { ...held, reason: 'points_ambiguous' } } })).toBe(
    'warn: The points of a card cannot be told for certain',
  );
  // A reason that nobody wrote words for is still readable.
  expect(state({ sticky: 190, field: { base: 120, held: { ...held, reason: 'some_new_reason' } } })).toBe(
    'warn: some new reason',
  );
});
