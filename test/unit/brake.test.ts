import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BRAKE_LIMITS, brokenLimits, changesOfPair, type PairChanges } from '../../src/domain/brake.ts';
import { loadMaps } from '../../src/maps.ts';
import { projectRoot } from '../../src/paths.ts';

const { rows } = loadMaps(join(projectRoot, 'config'));
const counts = (set: Partial<Parameters<typeof brokenLimits>[0]>) => ({
  linked: 1000,
  contactChanges: 0,
  tagsOff: 0,
  pointsMoved: 0,
  ...set,
});

describe('which runs are stopped', () => {
  test.each([
    ['nothing to change', {}, []],
    ['a fifth of the records, exactly', { contactChanges: 200 }, []],
    ['more than a fifth', { contactChanges: 201 }, ['contactChanges']],
    ['more than a fifth, but fewer than fifty people', { linked: 60, contactChanges: 49 }, []],
    ['fifty of sixty', { linked: 60, contactChanges: 50 }, ['contactChanges']],
    ['fifty of a thousand', { contactChanges: 50 }, []],
    ['a hundred tags', { tagsOff: 100 }, []],
    ['a hundred and one tags', { tagsOff: 101 }, ['tagsOff']],
    ['five thousand points', { pointsMoved: 5000 }, []],
    ['a point more', { pointsMoved: 5001 }, ['pointsMoved']],
    ['two limits at once', { tagsOff: 101, pointsMoved: 9000 }, ['tagsOff', 'pointsMoved']],
  ])('%s', (_what, set, broken) => {
    expect(brokenLimits(counts(set), null)).toEqual(broken);
  });

  test('what a person confirmed goes, and what grew far beyond it does not', () => {
    const confirmed = counts({ tagsOff: 300 });
    expect(brokenLimits(counts({ tagsOff: 300 }), confirmed)).toEqual([]);
    expect(brokenLimits(counts({ tagsOff: 330 }), confirmed)).toEqual([]);
    expect(brokenLimits(counts({ tagsOff: 331 }), confirmed)).toEqual(['tagsOff']);
    // Letting tags go says nothing of points.
    expect(brokenLimits(counts({ tagsOff: 300, pointsMoved: 5001 }), confirmed)).toEqual(['pointsMoved']);
  });

  test('confirming exactly what was counted always lets it go', () => {
    const n = fc.nat({ max: 1_000_000 });
    fc.assert(
      fc.property(n, n, n, n, (linked, contactChanges, tagsOff, pointsMoved) => {
        const all = { linked, contactChanges, tagsOff, pointsMoved };
        expect(brokenLimits(all, all)).toEqual([]);
        // More of anything never lets a stopped run go.
        const more = { ...all, contactChanges: contactChanges + 1, tagsOff: tagsOff + 1, pointsMoved: pointsMoved + 1 };
        expect(brokenLimits(more, null)).toEqual(expect.arrayContaining(brokenLimits(all, null)));
      }),
    );
  });
});

describe('what one person adds', () => {
  const nothing: PairChanges = {
    rows,
    plan: { toGhl: [], rebase: [], edits: [], hold: [] },
    fields: {},
    ghl: null,
    tagsOff: 0,
    may: { toGhl: true, details: true, points: true },
  };
  const toGhl = (key: string, before: string | null, after: string | null) => ({
    ...nothing,
    plan: { ...nothing.plan, toGhl: [{ key, before, after }] },
  });
  const edit = (key: string, from: string | number | null, to: string | number | null) => ({
    ...nothing,
    plan: { ...nothing.plan, edits: [{ key, from, to }] },
  });

  test('a name, phone or e-mail counts once, whichever side it is written to', () => {
    for (const key of ['first_name', 'last_name', 'phone', 'email']) {
      expect(changesOfPair(toGhl(key, 'a', 'b')).contactChanges).toBe(1);
      expect(changesOfPair(edit(key, 'a', 'b')).contactChanges).toBe(1);
    }
    const both = { ...toGhl('phone', 'a', 'b') };
    both.plan = { ...both.plan, edits: [{ key: 'email', from: 'a', to: 'b' }] };
    expect(changesOfPair(both).contactChanges).toBe(1);
  });

  test('a custom field is no contact data', () => {
    expect(changesOfPair(toGhl('last_activity', null, '2026-11-21')).contactChanges).toBe(0);
    expect(changesOfPair(edit('card_status', 'installed', 'inactive')).contactChanges).toBe(0);
  });

  test('points count by their amount, up or down; those that wait for a person anyway do not', () => {
    expect(changesOfPair(edit('loyalty_points', 100, 350)).pointsMoved).toBe(250);
    expect(changesOfPair(edit('loyalty_points', 350, 100)).pointsMoved).toBe(250);
    expect(changesOfPair(edit('loyalty_points', 0, 1001)).pointsMoved).toBe(0);
  });

  test('a bonus counts when it would be paid: from empty to a number', () => {
    const bonus = (base: number | null | undefined, typed: number | null) =>
      changesOfPair({
        ...nothing,
        fields: { bonus_points: { revision: 1, ...(base === undefined ? {} : { base }) } },
        ghl: { bonus_points: typed },
      }).pointsMoved;
    expect(bonus(null, 50)).toBe(50);
    expect(bonus(50, 50)).toBe(0);
    expect(bonus(undefined, 50)).toBe(0);
    expect(bonus(null, null)).toBe(0);
    expect(bonus(null, 2000)).toBe(0);
  });

  test('a half that is not performed changes nothing', () => {
    const off = { toGhl: false, details: false, points: false };
    expect(changesOfPair({ ...toGhl('phone', 'a', 'b'), may: off }).contactChanges).toBe(0);
    expect(changesOfPair({ ...edit('loyalty_points', 100, 350), may: off }).pointsMoved).toBe(0);
  });

  test('the limits are those of the contract', () => {
    expect(BRAKE_LIMITS).toEqual({ contactShare: 0.2, contactsMin: 50, tagsOff: 100, pointsMoved: 5000 });
  });
});
