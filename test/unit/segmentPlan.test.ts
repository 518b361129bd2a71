import { describe, expect, test } from '@jest/globals';
import type { CustomerFoldState } from '../../drizzle/tables/staging.ts';
import { parseTagMap, type TagMap } from '../../src/domain/fieldMap.ts';
import { planTags } from '../../src/domain/plan.ts';
import {
  knownSegmentsOf,
  nextSet,
  planSegments,
  segmentStatedAtMs,
  type SegmentsInput,
} from '../../src/domain/segmentPlan.ts';

const tagMap = (segments: Partial<TagMap['segments']> = {}): TagMap =>
  parseTagMap({
    derived: {
      card_holder: 'Card Holder',
      card_expired: 'Card Expired',
      referrer: 'Referrer',
      inactive: 'Inactive 30d',
    },
    commands: { churned: 'churned', reactivated: 'reactivated' },
    segments: { prefix: '', include: ['*'], exclude: [], ...segments },
  });

const none = { add: [], remove: [], addTags: [], removeTags: [] };

interface Given extends Partial<Omit<SegmentsInput, 'ghlTags' | 'link' | 'statedAtMs'>> {
  ghl?: string[];
  base?: string[];
  off?: Record<string, number>;
  pending?: { add: string[]; remove: string[] };
  seen?: string[];
  statedAtMs?: number;
}
const plan = ({ ghl = [], base = [], off = {}, pending, seen = ['VIP', 'Gold'], statedAtMs = 0, ...rest }: Given) => {
  const map = rest.tagMap ?? tagMap();
  return planSegments({
    tagMap: map,
    knownSegments: knownSegmentsOf(map, seen),
    segments: [],
    statedAtMs: () => statedAtMs,
    link: { base, off, ...(pending ? { pending: { ...pending, sentAtMs: 1 } } : {}) },
    ghlTags: new Set(ghl),
    ghlSeenAtMs: 50,
    ...rest,
  });
};

describe('which tags may become segments (SPEC §3.2)', () => {
  test('what Sticky Cards was seen to use, in its spelling, and what the map names in full', () => {
    const map = tagMap({ include: ['*', 'Big Spender', 'vip'] });
    expect([...knownSegmentsOf(map, ['VIP'])]).toEqual([
      ['big spender', 'Big Spender'],
      ['vip', 'VIP'],
    ]);
  });
  test('never one of our own tags, nor what the map leaves out', () => {
    const map = tagMap({ exclude: ['test*'] });
    expect([...knownSegmentsOf(map, ['churned', 'Reactivated', 'card holder', 'Test 1', 'Gold']).keys()]).toEqual([
      'gold',
    ]);
  });
  test('a prefix stands in the tag, not in the name', () => {
    expect([...knownSegmentsOf(tagMap({ prefix: 'seg: ' }), ['VIP'])]).toEqual([['seg: vip', 'VIP']]);
  });
});

describe('segments, element by element', () => {
  test('a tag put on in GHL becomes the segment, in the spelling of Sticky Cards', () => {
    expect(plan({ ghl: ['vip', 'gold'], segments: ['Gold'] })).toEqual({ ...none, add: ['VIP'], addTags: ['vip'] });
  });
  test('a hand-made tag that is no segment never becomes one', () => {
    expect(plan({ ghl: ['newsletter', 'churned', 'card holder'], seen: ['VIP', 'churned', 'Card Holder'] })).toEqual(
      none,
    );
  });
  test('a segment that the map leaves out by now is neither added nor taken away', () => {
    const map = tagMap({ exclude: ['vip'] });
    const known = new Map([['vip', 'VIP']]);
    expect(plan({ tagMap: map, knownSegments: known, ghl: ['vip'] })).toEqual(none);
    expect(plan({ tagMap: map, knownSegments: known, base: ['vip'], segments: ['VIP'] })).toEqual(none);
  });
  test('a tag taken off in GHL takes the person out of the segment, under every spelling', () => {
    expect(plan({ base: ['vip'], segments: ['VIP', 'Gold', 'vip'] })).toEqual({
      ...none,
      remove: ['VIP', 'vip'],
      removeTags: ['vip'],
    });
  });
  test('a segment that GHL never had is not wiped', () => {
    expect(plan({ segments: ['VIP'] })).toEqual(none);
  });
  test('a segment that Sticky Cards stated anew after the removal stays', () => {
    expect(plan({ base: ['vip'], segments: ['VIP'], statedAtMs: 50 }).remove).toEqual(['VIP']);
    expect(plan({ base: ['vip'], segments: ['VIP'], statedAtMs: 51 })).toEqual(none);
    expect(plan({ off: { vip: 30 }, segments: ['VIP'], statedAtMs: 31 })).toEqual(none);
  });
  test('a removal that could not be told at once is told later', () => {
    const link = planTags(new Map([['vip', 0]]), { base: ['vip'], off: {} }, new Set(), 30);
    expect(link).toMatchObject({ base: [], off: { vip: 30 } });
    expect(plan({ base: link.base, off: link.off, segments: ['VIP'], statedAtMs: 20 }).remove).toEqual(['VIP']);
  });
  test('what Sticky Cards dropped is not put back because its tag still stands', () => {
    expect(plan({ base: ['vip'], ghl: ['vip'] })).toEqual(none);
  });
  test('a tag of ours that is on its way is no edit', () => {
    expect(plan({ ghl: ['vip'], pending: { add: ['vip'], remove: [] } })).toEqual(none);
    expect(plan({ ghl: ['vip'], pending: { add: [], remove: ['vip'] } })).toEqual(none);
    expect(plan({ base: ['vip'], segments: ['VIP'], pending: { add: [], remove: ['vip'] } })).toEqual(none);
  });
  test('the first link makes the union', () => {
    const given = { base: ['gold'], off: { vip: 9 }, ghl: ['vip', 'newsletter'], segments: ['Gold'], firstLink: true };
    expect(plan(given)).toEqual({ ...none, add: ['VIP'], addTags: ['vip'] });
  });
});

describe('a removal of ours whose answer was lost', () => {
  const pending = { add: [], remove: ['vip'], sentAtMs: 1 };
  test("is not taken for a person's: the tag comes back with its segment", () => {
    const p = planTags(new Map([['vip', 10]]), { base: ['vip'], off: {}, pending }, new Set(), 50);
    expect(p).toMatchObject({ add: ['vip'], off: {} });
  });
  test('is repeated even when the tag was never in the base', () => {
    expect(planTags(new Map(), { base: [], off: {}, pending }, new Set(['vip']), 50).remove).toEqual(['vip']);
  });
});

test('a read of ours states nothing: it does not bring back what a person took off', () => {
  const fold = (rank: number): Pick<CustomerFoldState, 'segments'> => ({
    segments: { vip: { name: 'VIP', stamp: [70, rank, ''] } },
  });
  expect(segmentStatedAtMs(fold(0), 'VIP')).toBe(70);
  expect(segmentStatedAtMs(fold(9), 'VIP')).toBe(0);
  expect(segmentStatedAtMs(fold(0), 'Gold')).toBe(0);
});

describe('the whole set that is written', () => {
  test('keeps what is in it besides, its spelling and its place', () => {
    expect(nextSet(['Unheard Of', 'VIP', 'gold'], ['Silver'], ['Gold'])).toEqual(['Unheard Of', 'VIP', 'Silver']);
  });
  test('is the set as read when the change is there already, whatever the spelling', () => {
    expect(nextSet(['vip'], ['VIP'], ['Gold'])).toEqual(['vip']);
  });
  test('names a segment once', () => {
    expect(nextSet([], ['VIP', 'vip'], [])).toEqual(['VIP']);
  });
});
