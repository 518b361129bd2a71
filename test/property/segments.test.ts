import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LinkTags } from '../../drizzle/tables/links.ts';
import { canonicalTag } from '../../src/domain/canonical.ts';
import { parseTagMap, tagOfSegment } from '../../src/domain/fieldMap.ts';
import { planTags } from '../../src/domain/plan.ts';
import { knownSegmentsOf, nextSet, planSegments } from '../../src/domain/segmentPlan.ts';

const tagMap = parseTagMap({
  derived: { card_holder: 'Card Holder', card_expired: 'Card Expired', referrer: 'Referrer', inactive: 'Inactive 30d' },
  commands: { churned: 'churned', reactivated: 'reactivated' },
  segments: { prefix: '', include: ['*'], exclude: ['Secret*'] },
});
const SEGMENTS = ['VIP', 'Gold', 'Ünder 30'];
/** On the Sticky side and never known here before; out of the map; on the GHL side only. */
const [UNSEEN, SECRET] = ['Fresh One', 'Secret Club'];
const BY_HAND = ['newsletter', 'churned', 'card expired'];
const HOLDER = 'card holder';

/** Both sides and what lies between them: what was staged, the link, and one clock. */
interface World {
  nowMs: number;
  /** Segments as Sticky Cards has them: when an event last said so. */
  sticky: Map<string, number>;
  staged: Map<string, number>;
  /** What was ever staged. */
  seen: Set<string>;
  ghl: Set<string>;
  holder: boolean;
  link: LinkTags;
}

type Step =
  | { kind: 'sticky'; name: string; on: boolean }
  | { kind: 'ghl'; tag: string; on: boolean }
  | { kind: 'holder'; on: boolean }
  | { kind: 'fold' }
  | { kind: 'job'; segmentsFirst: boolean; sticky: Fate; ghl: Fate };
/** What becomes of a write: done, refused, or done or not with the answer lost. */
type Fate = 'done' | 'refused' | 'landed, answer lost' | 'lost';

const fate: fc.Arbitrary<Fate> = fc.constantFrom<Fate[]>('done', 'done', 'refused', 'landed, answer lost', 'lost');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('sticky' as const),
    name: fc.constantFrom(...SEGMENTS, UNSEEN, SECRET),
    on: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('ghl' as const),
    tag: fc.constantFrom(...SEGMENTS.map(canonicalTag), ...BY_HAND, HOLDER),
    on: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('holder' as const), on: fc.boolean() }),
  fc.record({ kind: fc.constant('fold' as const) }),
  fc.record({ kind: fc.constant('job' as const), segmentsFirst: fc.boolean(), sticky: fate, ghl: fate }),
);

const newWorld = (): World => ({
  nowMs: 1,
  sticky: new Map(),
  staged: new Map(),
  seen: new Set(SEGMENTS),
  ghl: new Set(),
  holder: false,
  link: { base: [], off: {} },
});

function fold(world: World): void {
  world.staged = new Map(world.sticky);
  for (const name of world.staged.keys()) world.seen.add(name);
}

function plans(world: World) {
  const wanted = new Map<string, number>(world.holder ? [[HOLDER, 0]] : []);
  for (const [name, statedAtMs] of world.staged) {
    const tag = tagOfSegment(tagMap, name);
    if (tag !== null) wanted.set(tag, statedAtMs);
  }
  const segments = () =>
    planSegments({
      tagMap,
      knownSegments: knownSegmentsOf(tagMap, world.seen),
      segments: [...world.staged.keys()],
      statedAtMs: (name) => world.staged.get(name) ?? 0,
      link: world.link,
      ghlTags: world.ghl,
      ghlSeenAtMs: world.nowMs,
    });
  return { segments, tags: () => planTags(wanted, world.link, world.ghl, world.nowMs) };
}

/** Sticky Cards is read, and the whole set written; what it answers is staged. */
function writeSegments(world: World, fateOfIt: Fate): void {
  const plan = plans(world).segments();
  if (plan.add.length + plan.remove.length === 0 || fateOfIt === 'refused' || fateOfIt === 'lost') return;
  const before = world.sticky;
  world.sticky = new Map(
    nextSet([...before.keys()], plan.add, plan.remove).map((name) => [name, before.get(name) ?? 0]),
  );
  if (fateOfIt === 'done') fold(world);
}

/** Written ahead, then sent, then settled (sync/pushTags.ts). */
function writeTags(world: World, fateOfIt: Fate): void {
  const { add, remove, base, off } = plans(world).tags();
  if (fateOfIt === 'refused') {
    // Nothing of it is stored: the job failed before it sent anything.
    return;
  }
  world.link = { base, off };
  if (add.length + remove.length === 0) return;
  world.link.pending = { add, remove, sentAtMs: world.nowMs };
  if (fateOfIt !== 'lost') {
    for (const tag of remove) world.ghl.delete(tag);
    for (const tag of add) world.ghl.add(tag);
  }
  if (fateOfIt !== 'done') return;
  const settled = new Set([...base, ...add]);
  for (const tag of remove) settled.delete(tag);
  world.link = { base: [...settled].toSorted(), off };
}

function take(world: World, each: Step): void {
  world.nowMs += 1;
  if (each.kind === 'sticky') {
    if (each.on) world.sticky.set(each.name, world.nowMs);
    else world.sticky.delete(each.name);
  } else if (each.kind === 'ghl') {
    if (each.on) world.ghl.add(each.tag);
    else world.ghl.delete(each.tag);
  } else if (each.kind === 'holder') world.holder = each.on;
  else if (each.kind === 'fold') fold(world);
  else if (each.segmentsFirst) {
    writeSegments(world, each.sticky);
    writeTags(world, each.ghl);
  } else {
    writeTags(world, each.ghl);
    writeSegments(world, each.sticky);
  }
}

const settle = (world: World, segmentsFirst = true): void => {
  for (let i = 0; i < 2; i++) {
    take(world, { kind: 'fold' });
    take(world, { kind: 'job', segmentsFirst, sticky: 'done', ghl: 'done' });
  }
  take(world, { kind: 'fold' });
};

const segmentTags = (tags: Iterable<string>) =>
  [...tags].filter((tag) => tag !== HOLDER && !BY_HAND.includes(tag)).toSorted();

const history = fc.array(step, { maxLength: 40 });

describe('segments and tags (SPEC §3.2, §3.3)', () => {
  test('both plans applied converge: both sides agree, and nothing is left to write', () => {
    fc.assert(
      fc.property(history, fc.boolean(), (steps, segmentsFirst) => {
        const world = newWorld();
        for (const each of steps) take(world, each);
        settle(world, segmentsFirst);
        const shown = [...world.sticky.keys()].flatMap((name) => tagOfSegment(tagMap, name) ?? []);
        expect(segmentTags(world.ghl)).toEqual(shown.toSorted());
        expect(plans(world).segments()).toEqual({ add: [], remove: [], addTags: [], removeTags: [] });
        expect(plans(world).tags()).toMatchObject({ add: [], remove: [] });
      }),
      { numRuns: 500 },
    );
  });

  test("people's own tags, and segments that the map leaves out, are left alone", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const world = newWorld();
        const byHand = new Set<string>();
        let secret = false;
        for (const each of steps) {
          take(world, each);
          if (each.kind === 'sticky' && each.name === SECRET) secret = each.on;
          if (each.kind !== 'ghl' || !BY_HAND.includes(each.tag)) continue;
          if (each.on) byHand.add(each.tag);
          else byHand.delete(each.tag);
        }
        settle(world);
        expect([...world.ghl].filter((tag) => BY_HAND.includes(tag)).toSorted()).toEqual([...byHand].toSorted());
        expect([...world.sticky.keys()].filter((name) => BY_HAND.includes(canonicalTag(name)))).toEqual([]);
        expect(world.sticky.has(SECRET)).toBe(secret);
        expect(world.ghl.has(canonicalTag(SECRET))).toBe(false);
      }),
    );
  });

  test('one edit on agreed sides reaches the other side and touches nothing else', () => {
    const edit = fc.oneof(
      fc.record({ kind: fc.constant('sticky' as const), name: fc.constantFrom(...SEGMENTS, UNSEEN), on: fc.boolean() }),
      fc.record({
        kind: fc.constant('ghl' as const),
        tag: fc.constantFrom(...SEGMENTS.map(canonicalTag)),
        on: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(history, edit, fc.boolean(), (steps, last, segmentsFirst) => {
        const world = newWorld();
        for (const each of steps) take(world, each);
        settle(world);
        const before = segmentTags(world.ghl);
        take(world, last);
        settle(world, segmentsFirst);
        const tag = last.kind === 'ghl' ? last.tag : canonicalTag(last.name);
        const others = before.filter((each) => each !== tag);
        const expected = (last.on ? [...others, tag] : others).toSorted();
        expect(segmentTags(world.ghl)).toEqual(expected);
        expect(
          [...world.sticky.keys()]
            .map(canonicalTag)
            .filter((name) => name !== canonicalTag(SECRET))
            .toSorted(),
        ).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  test("what our own writes did, answered or not, is never taken for a person's edit", () => {
    // One segment that comes and goes with a job after each change: answers are often lost at the wrong moment.
    const comeAndGo = fc
      .array(fc.record({ on: fc.boolean(), segmentsFirst: fc.boolean(), ghl: fate }), { minLength: 3, maxLength: 8 })
      .map((rounds) =>
        rounds.flatMap(({ on, segmentsFirst, ghl }): Step[] => [
          { kind: 'sticky', name: 'VIP', on },
          { kind: 'fold' },
          { kind: 'job', segmentsFirst, sticky: 'done', ghl },
        ]),
      );
    fc.assert(
      fc.property(fc.oneof(history, comeAndGo), (steps) => {
        const world = newWorld();
        const told = new Map<string, boolean>();
        for (const each of steps.filter(({ kind }) => kind !== 'ghl')) {
          take(world, each);
          if (each.kind === 'sticky') told.set(each.name, each.on);
        }
        settle(world);
        const expected = [...told].flatMap(([name, on]) => (on ? [name] : []));
        expect([...world.sticky.keys()].toSorted()).toEqual(expected.toSorted());
      }),
      { numRuns: 500 },
    );
  });
});
