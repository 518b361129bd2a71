import { describe, expect, test } from '@jest/globals';
import { type FieldRow, parseFieldMap } from '../../src/domain/fieldMap.ts';
import { planFields, type PlanFieldsInput, planTags } from '../../src/domain/plan.ts';

const rows: FieldRow[] = parseFieldMap([
  {
    key: 'card_id',
    label: 'Card Id',
    staging: 'cardId',
    ghl: 'custom',
    type: 'TEXT',
    direction: 'to_ghl',
    owner: 'stickycards',
    ofCard: true,
  },
  {
    key: 'card_installed_date',
    label: 'Card Installed Date',
    staging: 'cardInstalledDate',
    ghl: 'custom',
    type: 'DATE',
    direction: 'to_ghl',
    owner: 'stickycards',
    ofCard: true,
  },
  { key: 'first_name', staging: 'firstName', ghl: 'firstName', type: 'text', direction: 'both', owner: 'ghl' },
  { key: 'email', staging: 'email', ghl: 'email', type: 'email', direction: 'both', owner: 'ghl' },
  {
    key: 'card_status',
    label: 'Card Status',
    staging: 'cardStatus',
    ghl: 'custom',
    type: 'TEXT',
    direction: 'both',
    owner: 'stickycards',
    ofCard: true,
  },
  {
    key: 'loyalty_points',
    label: 'Loyalty Points',
    staging: 'loyaltyPoints',
    ghl: 'custom',
    type: 'NUMERICAL',
    direction: 'both',
    owner: 'stickycards',
    merge: 'counter',
    ofCard: true,
  },
  {
    key: 'bonus_points',
    label: 'Bonus Points',
    ghl: 'custom',
    type: 'NUMERICAL',
    direction: 'from_ghl',
    owner: 'ghl',
    merge: 'command',
  },
]);

const plan = (input: Partial<PlanFieldsInput>) =>
  planFields({
    rows,
    sticky: {},
    ghl: null,
    fields: {},
    cardSwitched: false,
    balanceBusy: false,
    unwritable: new Set(),
    ...input,
  });

const nothing = Object.fromEntries(rows.map((row) => [row.key, null]));

/** A link whose sides agree on these values, and that everything else is empty. */
const base = (values: Record<string, string | number | null>) =>
  Object.fromEntries(
    Object.entries({ ...nothing, ...values }).map(([key, value]) => [key, { base: value, revision: 1 }]),
  );

const full = (values: Record<string, string | number | null>) => ({ seen: 'full' as const, values });

describe('three-way merge of fields', () => {
  test('nothing differs from the base: nothing is written', () => {
    expect(
      plan({ sticky: { first_name: 'Ana' }, fields: base({ first_name: 'Ana' }), ghl: full({ first_name: 'Ana' }) }),
    ).toEqual({
      toGhl: [],
      rebase: [],
      edits: [],
      hold: [],
    });
  });

  test('only what Sticky Cards changed is written', () => {
    const p = plan({
      sticky: { first_name: 'Anna', email: 'a@example.com' },
      fields: base({ first_name: 'Ana', email: 'a@example.com' }),
      ghl: full({ first_name: 'Ana', email: 'a@example.com' }),
    });
    expect(p.toGhl).toEqual([{ key: 'first_name', before: 'Ana', after: 'Anna' }]);
  });

  test('a name changed on both sides: GHL wins, the edit is kept for the other half', () => {
    const p = plan({
      sticky: { first_name: 'Anna' },
      fields: base({ first_name: 'Ana' }),
      ghl: full({ first_name: 'Anne' }),
    });
    expect(p).toMatchObject({ toGhl: [], edits: [{ key: 'first_name', from: 'Ana', to: 'Anne' }] });
  });

  test('both sides came to the same value: only the base moves', () => {
    const p = plan({
      sticky: { first_name: 'Anna' },
      fields: base({ first_name: 'Ana' }),
      ghl: full({ first_name: 'Anna' }),
    });
    expect(p).toMatchObject({ toGhl: [], edits: [], rebase: [{ key: 'first_name', value: 'Anna' }] });
  });

  test('points edited in GHL while the till added some: the edit is a delta, nothing is overwritten', () => {
    const p = plan({
      sticky: { loyalty_points: 120 },
      fields: base({ loyalty_points: 100 }),
      ghl: full({ loyalty_points: 150 }),
    });
    expect(p).toMatchObject({ toGhl: [], edits: [{ key: 'loyalty_points', from: 100, to: 150 }] });
  });

  test('while points are on their way to the card, they are not written to GHL', () => {
    expect(
      plan({ sticky: { loyalty_points: 120 }, fields: base({ loyalty_points: 100 }), balanceBusy: true }).toGhl,
    ).toEqual([]);
  });

  describe('the contact is to show another card', () => {
    const values = { card_id: 'c1', card_status: 'issued', loyalty_points: 100, first_name: 'Ana' };
    const sticky = { card_id: 'c2', card_status: 'installed', loyalty_points: 7, first_name: 'Anna' };
    const switched = (typed: Record<string, string | number>, more: Partial<PlanFieldsInput> = {}) =>
      plan({ sticky, fields: base(values), ghl: full({ ...values, ...typed }), cardSwitched: true, ...more });
    const keys = (p: ReturnType<typeof plan>) => p.toGhl.map(({ key }) => key).toSorted();
    const field = (more: object) => ({ ...base(values), card_status: { base: 'issued', revision: 1, ...more } });

    test('nothing was typed: all of its fields are written', () => {
      expect(keys(switched({}))).toEqual(['card_id', 'card_status', 'first_name', 'loyalty_points']);
    });

    test('a status typed for the old card keeps it shown, and holds up nothing that is of no card', () => {
      const p = switched({ card_status: 'suspended' });
      expect(p.edits).toEqual([{ key: 'card_status', from: 'issued', to: 'suspended' }]);
      expect(keys(p)).toEqual(['first_name']);
    });

    test('so does one that is on its way there', () => {
      const pending = { value: 'suspended', sentAtMs: 1, to: 'stickycards' as const };
      expect(keys(switched({ card_status: 'suspended' }, { fields: field({ pending }) }))).toEqual(['first_name']);
    });

    test('one that the old card did not take does not', () => {
      const held = { reason: 'altered_by_sticky_cards', value: 'suspended', atMs: 1, of: 'ghl' as const };
      const p = switched({ card_status: 'suspended' }, { fields: field({ held }) });
      expect(p.edits).toEqual([]);
      expect(keys(p)).toContain('card_status');
    });

    test('points typed for the old card go to it, also while points of the new one are on their way', () => {
      const p = switched({ loyalty_points: 130 }, { balanceBusy: true });
      expect(p.edits).toEqual([{ key: 'loyalty_points', from: 100, to: 130 }]);
      expect(keys(p)).toEqual(['card_id', 'card_status', 'first_name']);
    });
  });

  test('a one-way field edited in GHL is put back by the next write, and is no reason for one', () => {
    const input = {
      fields: base({ card_id: 'c1', first_name: 'Ana' }),
      ghl: full({ card_id: 'typed over', first_name: 'Ana' }),
    };
    expect(plan({ ...input, sticky: { card_id: 'c1', first_name: 'Ana' } }).toGhl).toEqual([]);
    expect(plan({ ...input, sticky: { card_id: 'c1', first_name: 'Anna' } }).toGhl).toEqual([
      { key: 'first_name', before: 'Ana', after: 'Anna' },
      { key: 'card_id', before: 'typed over', after: 'c1' },
    ]);
  });

  test('a cleared e-mail is held, a cleared name is told, cleared points are refilled', () => {
    const values = { email: 'a@example.com', first_name: 'Ana', loyalty_points: 7 };
    const p = plan({ sticky: values, fields: base(values), ghl: full({}) });
    expect(p.hold).toEqual([{ key: 'email', reason: 'cleared_in_ghl', value: null }]);
    expect(p.edits).toEqual([{ key: 'first_name', from: 'Ana', to: null }]);
    expect(p.toGhl).toEqual([{ key: 'loyalty_points', before: null, after: 7 }]);
  });

  test('a pending field is planned by neither direction', () => {
    const fields = { first_name: { base: 'Ana', pending: { value: 'Anna', sentAtMs: 1 }, revision: 1 } };
    expect(plan({ sticky: { first_name: 'Annika' }, fields, ghl: full({ first_name: 'Anne' }) })).toMatchObject({
      toGhl: [],
      edits: [],
    });
  });

  test('a held value is left alone until its source changes', () => {
    const held = (value: string) => ({ email: { revision: 0, held: { reason: 'refused_by_ghl', value, atMs: 1 } } });
    expect(plan({ sticky: { email: 'bad@' }, fields: held('bad@') }).toGhl).toEqual([]);
    expect(plan({ sticky: { email: 'good@example.com' }, fields: held('bad@'), ghl: full({}) }).toGhl).toHaveLength(1);
  });
});

describe('without a base (SPEC §2.5)', () => {
  test('equal becomes the base, one side empty is filled, both differ goes to the owner', () => {
    const p = plan({
      sticky: { first_name: 'Ana', email: 'a@example.com', card_status: 'installed', loyalty_points: 5 },
      ghl: full({ first_name: 'Ana', email: 'other@example.com', card_status: 'removed' }),
    });
    expect(p.rebase).toContainEqual({ key: 'first_name', value: 'Ana' });
    expect(p.toGhl.map((w) => w.key)).toEqual(['card_status', 'loyalty_points']);
    expect(p.edits).toEqual([{ key: 'email', from: 'a@example.com', to: 'other@example.com' }]);
  });

  test('of a search page only the emptiness of a two-way field counts', () => {
    const p = plan({
      sticky: { first_name: 'Ana', email: 'a@example.com', card_id: 'c1' },
      ghl: { seen: 'page', values: { first_name: 'ana' } },
    });
    expect(p.toGhl.map((w) => w.key)).toEqual(['card_id', 'email']);
    expect(p.rebase).toEqual([]);
  });

  test("the card's balance is written, never a delta", () => {
    const p = plan({ sticky: { loyalty_points: 5 }, ghl: full({ loyalty_points: 900 }) });
    expect(p).toMatchObject({ toGhl: [{ key: 'loyalty_points', before: 900, after: 5 }], edits: [] });
  });

  test('a bonus found at that moment becomes the base without effect', () => {
    expect(plan({ ghl: full({ bonus_points: 50 }) })).toMatchObject({
      rebase: expect.arrayContaining([{ key: 'bonus_points', value: 50 }]),
      edits: [],
    });
  });
});

test('another card: all its fields are rewritten, what it does not have is emptied, and nothing is a delta', () => {
  const p = plan({
    sticky: { card_id: 'c2', loyalty_points: 3 },
    fields: base({ card_id: 'c1', card_installed_date: '2026-01-02', loyalty_points: 90 }),
    ghl: full({ card_id: 'c1', card_installed_date: '2026-01-02', loyalty_points: 90 }),
    cardSwitched: true,
  });
  expect(p.edits).toEqual([]);
  expect(p.toGhl).toEqual([
    { key: 'card_id', before: 'c1', after: 'c2' },
    { key: 'card_installed_date', before: '2026-01-02', after: null },
    { key: 'loyalty_points', before: 90, after: 3 },
  ]);
});

test('points typed under the old card are an edit of that card, before the new one is shown', () => {
  const p = plan({
    sticky: { card_id: 'c2', loyalty_points: 3 },
    fields: base({ card_id: 'c1', loyalty_points: 90 }),
    ghl: full({ card_id: 'c1', loyalty_points: 95 }),
    cardSwitched: true,
  });
  expect(p.edits).toEqual([{ key: 'loyalty_points', from: 90, to: 95 }]);
  expect(p.toGhl.map((write) => write.key)).toEqual(['card_id']);
});

describe('tags, element by element', () => {
  const none = { base: [], off: {} };
  test('a tag that a person put on is never taken off', () => {
    expect(planTags(new Map(), none, new Set(['hand made', 'card holder']), 1)).toMatchObject({ add: [], remove: [] });
  });
  test('what is wanted and there already only becomes the base', () => {
    expect(planTags(new Map([['vip', 0]]), none, new Set(['vip']), 1)).toMatchObject({ add: [], base: ['vip'] });
  });
  test('what is not wanted any more leaves, if it was ours', () => {
    expect(planTags(new Map(), { base: ['card holder'], off: {} }, new Set(['card holder', 'x']), 1).remove).toEqual([
      'card holder',
    ]);
  });
  test('a derived tag that a person took off stays off until its state has left and come again', () => {
    const taken = planTags(new Map([['card holder', 0]]), { base: ['card holder'], off: {} }, new Set(), 50);
    expect(taken).toMatchObject({ add: [], remove: [], base: [], off: { 'card holder': 50 } });
    const left = planTags(new Map(), taken, new Set(), 60);
    expect(left.off).toEqual({});
    expect(planTags(new Map([['card holder', 0]]), left, new Set(), 70).add).toEqual(['card holder']);
  });
  test.each(['constructor', '__proto__', 'tostring', 'hasownproperty'])(
    'a tag called %s is a tag like any other: put on, kept off, never kept off unasked',
    (tag) => {
      const wanted = new Map([[tag, 0]]);
      expect(planTags(wanted, none, new Set(), 1)).toMatchObject({ add: [tag], base: [] });
      const taken = planTags(wanted, { base: [tag], off: {} }, new Set(), 50);
      expect(Object.entries(taken.off)).toEqual([[tag, 50]]);
      expect(planTags(wanted, JSON.parse(JSON.stringify(taken)) as typeof taken, new Set(), 60).add).toEqual([]);
    },
  );
  test("a segment's tag that a person took off comes back with a newer statement", () => {
    const taken = planTags(new Map([['vip', 40]]), { base: ['vip'], off: {} }, new Set(), 50);
    expect(taken.add).toEqual([]);
    expect(planTags(new Map([['vip', 60]]), taken, new Set(), 55).add).toEqual(['vip']);
  });
  test('what was told to Sticky Cards without an answer is moved by neither side before that is known', () => {
    const told = { base: ['lunch'], off: { vip: 5 }, segments: { add: ['dinner'], remove: ['lunch', 'vip'] } };
    const wanted = new Map([
      ['dinner', 90],
      ['vip', 90],
    ]);
    const kept = { add: [], remove: [], base: ['lunch'], off: { vip: 5 } };
    expect(planTags(wanted, told, new Set(), 50)).toEqual(kept);
    expect(planTags(wanted, told, new Set(['dinner', 'vip']), 50)).toEqual(kept);
    expect(planTags(new Map(), told, new Set(['lunch']), 50)).toEqual(kept);
  });
});
