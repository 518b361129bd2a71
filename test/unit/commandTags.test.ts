import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CommandTagsInput, decideCommandTags } from '../../src/domain/commandTags.ts';

const [C, R] = ['churned', 'reactivated'];
const decide = (input: Partial<CommandTagsInput>) =>
  decideCommandTags({ churned: C, reactivated: R, base: [], now: [], sightings: [], ...input });

describe('churned and reactivated (SPEC §3.2)', () => {
  test('churned added makes the cards inactive', () => {
    expect(decide({ now: ['x', C] })).toEqual({ status: 'inactive', removeTags: [], base: [C] });
  });
  test('reactivated added makes them active and takes churned off', () => {
    expect(decide({ base: [C], now: [R, C] })).toEqual({ status: 'active', removeTags: [C], base: [C, R] });
  });
  test('churned added takes reactivated off', () => {
    expect(decide({ base: [R], now: [R, C] })).toEqual({ status: 'inactive', removeTags: [R], base: [C, R] });
  });
  test('while the opposite is still on its way out it does not turn the card back', () => {
    const { base } = decide({ base: [R], now: [R, C] });
    expect(decide({ base, now: [R, C] }).status).toBeNull();
    expect(decide({ base, now: [C] })).toEqual({ status: null, removeTags: [], base: [C] });
  });
  test('a tag that stands there orders nothing again; taken off and put on it does', () => {
    expect(decide({ base: [C], now: [C] }).status).toBeNull();
    const { base } = decide({ base: [C], now: [] });
    expect(base).toEqual([]);
    expect(decide({ base, now: [C] }).status).toBe('inactive');
  });
  test('what is found at the first link becomes the base without effect', () => {
    expect(decide({ base: undefined, now: [C, R] })).toEqual({ status: null, removeTags: [], base: [C, R] });
  });
});

describe('both are new', () => {
  const both = (sightings: [number, string[]][], sinceMs?: number) =>
    decide({
      now: [C, R],
      sightings: sightings.map(([atMs, tags]) => ({ atMs, tags })),
      ...(sinceMs === undefined ? {} : { sinceMs }),
    });

  test('the one that a delivery showed later wins, whatever the order of arrival', () => {
    expect(
      both([
        [2, [C, R]],
        [1, [C]],
      ]),
    ).toEqual({ status: 'active', removeTags: [C], base: [C, R] });
    expect(
      both([
        [1, [R]],
        [2, [C, R]],
      ]),
    ).toEqual({ status: 'inactive', removeTags: [R], base: [C, R] });
  });
  test('the one that only the read shows came after the one that a delivery showed', () => {
    expect(both([[1, [C]]]).status).toBe('active');
  });
  test('a tag that was gone in between counts from its return', () => {
    expect(
      both([
        [1, [C]],
        [2, []],
        [3, [R]],
        [4, [C, R]],
      ]).status,
    ).toBe('inactive');
  });
  test.each([
    ['one delivery', [[1, [C, R]]]],
    ['the read', []],
    [
      'two deliveries of one moment',
      [
        [1, [C]],
        [1, [R, C]],
        [2, [C, R]],
      ],
    ],
  ] as [string, [number, string[]][]][])(
    '%s brought both: neither acts, both stay outside the base',
    (_name, sightings) => {
      const conflict = both(sightings);
      expect(conflict).toEqual({ status: null, removeTags: [], base: [], problem: 'churn_conflict' });
      // As soon as one is gone the other one is followed.
      expect(decide({ base: conflict.base, now: [R] })).toMatchObject({ status: 'active', base: [R] });
      expect(decide({ base: conflict.base, now: [C] })).toMatchObject({ status: 'inactive', base: [C] });
    },
  );
  test('what was sent before the second of the read of the base tells nothing; within it, it is news', () => {
    expect(
      both(
        [
          [900, [C]],
          [5000, [C, R]],
        ],
        1000,
      ).problem,
    ).toBe('churn_conflict');
    expect(
      both(
        [
          [1900, [C]],
          [1950, [C, R]],
        ],
        1000,
      ).status,
    ).toBe('active');
    expect(
      both(
        [
          [2000, [C]],
          [5000, [C, R]],
        ],
        1000,
      ).status,
    ).toBe('active');
  });
});

describe('an order that is not carried out on every card yet', () => {
  test('is repeated, also when its tag is off again; the opposite still goes', () => {
    expect(decide({ base: [C], now: [C], ordered: 'inactive' }).status).toBe('inactive');
    expect(decide({ base: [C], now: [], ordered: 'inactive' })).toEqual({
      status: 'inactive',
      removeTags: [],
      base: [],
    });
    expect(decide({ base: [C, R], now: [C, R], ordered: 'active' })).toMatchObject({
      status: 'active',
      removeTags: [C],
    });
  });
  test('gives way to the tag that is put on after it', () => {
    expect(decide({ base: [R], now: [C, R], ordered: 'active' })).toMatchObject({
      status: 'inactive',
      removeTags: [R],
    });
  });
  test('is not carried out while both tags came at once', () => {
    expect(decide({ now: [C, R], ordered: 'active' })).toMatchObject({ status: null, problem: 'churn_conflict' });
  });
});

test('a tag that the read before showed alone came before the other one', () => {
  expect(decide({ now: [C, R], before: [C] }).status).toBe('active');
  expect(decide({ now: [C, R], before: [R] }).status).toBe('inactive');
  expect(decide({ now: [C, R], before: [C, R] }).problem).toBe('churn_conflict');
});

test('a decision stored is never made again, and the order of deliveries does not matter', () => {
  const tags = fc.subarray([C, R]);
  const sightings = fc.array(fc.record({ atMs: fc.integer({ min: 1, max: 4 }), tags }), { maxLength: 5 });
  fc.assert(
    fc.property(fc.option(tags, { nil: undefined }), tags, sightings, (base, now, seen) => {
      const decision = decide({ base, now, sightings: seen });
      expect(decide({ base, now, sightings: seen.toReversed() })).toEqual(decision);
      expect(decision.removeTags.every((tag) => now.includes(tag))).toBe(true);
      const again = decide({ base: decision.base, now });
      // A conflict is the one that stays open; without deliveries it is one again.
      expect([again.status, again.problem]).toEqual([null, decision.problem]);
    }),
  );
});
