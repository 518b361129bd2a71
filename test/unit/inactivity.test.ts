import { describe, expect, test } from '@jest/globals';
import type { LinkTags } from '../../drizzle/tables/links.ts';
import {
  inactiveDays,
  inactiveSince,
  isInactive,
  isKnownTag,
  lastSweepDueMs,
  planInactivity,
  settledTag,
  withPending,
} from '../../src/domain/inactivity.ts';

const DAY = 86_400_000;
const now = Date.UTC(2026, 5, 15, 12);
const ago = (ms: number) => new Date(now - ms);

describe('who is inactive', () => {
  test.each([
    [ago(30 * DAY), null, true],
    [ago(30 * DAY - 1), null, false],
    [null, ago(30 * DAY), true],
    [ago(DAY), ago(90 * DAY), false],
    [ago(90 * DAY), ago(DAY), true],
  ])('last active %p, linked %p: %p', (lastActivity, linkedAt, expected) => {
    expect(isInactive(lastActivity, linkedAt, now)).toBe(expected);
    // The query goes by the same rule.
    expect(((lastActivity ?? linkedAt) as Date) <= inactiveSince(now)).toBe(expected);
  });

  test('days are whole ones, and never negative', () => {
    expect(inactiveDays(ago(1.9 * DAY), null, now)).toBe(1);
    expect(inactiveDays(ago(-DAY), null, now)).toBe(0);
    expect(inactiveDays(null, null, now)).toBeNull();
    expect(isInactive(null, null, now)).toBe(false);
  });
});

test.each([
  ['2026-06-15T03:14:59.999Z', '2026-06-14T03:15:00.000Z'],
  ['2026-06-15T03:15:00.000Z', '2026-06-15T03:15:00.000Z'],
  ['2026-06-15T23:59:00.000Z', '2026-06-15T03:15:00.000Z'],
])('at %s the last sweep was due at %s', (at, due) => {
  expect(new Date(lastSweepDueMs(Date.parse(at))).toISOString()).toBe(due);
});

describe('what becomes of the tag', () => {
  const link = (rest: Partial<LinkTags> = {}): LinkTags => ({ base: [], off: {}, ...rest });
  const seen = (...tags: string[]) => ({ tags, seenAtMs: now });
  const other = { base: ['vip'], off: { gold: 7 } };

  test('goes on, and the other tags are as they were', () => {
    expect(planInactivity('idle', true, link(other), seen('vip'))).toEqual({ call: 'add', tags: link(other) });
    expect(settledTag(link(other), 'add', 'idle')).toEqual({ base: ['idle', 'vip'], off: { gold: 7 } });
  });

  test('goes off with its state, also when GHL was never seen in full', () => {
    const tags = link({ base: ['idle', 'vip'] });
    expect(planInactivity('idle', false, tags, null)).toEqual({ call: 'remove', tags });
    expect(settledTag(tags, 'remove', 'idle')).toEqual({ base: ['vip'], off: {} });
  });

  test('is not put on again where a person took it off, and may come back once the state has left', () => {
    const first = planInactivity('idle', true, link({ base: ['idle'] }), seen());
    expect(first).toEqual({ call: null, tags: { base: [], off: { idle: now } } });
    expect(planInactivity('idle', true, first.tags, seen())).toEqual({ call: null, tags: first.tags });
    expect(planInactivity('idle', false, first.tags, seen())).toEqual({ call: null, tags: link() });
  });

  test('of a person is not ours while the customer is active', () => {
    expect(planInactivity('idle', false, link(), seen('idle'))).toEqual({ call: null, tags: link() });
  });

  test('that stands there already needs no call', () => {
    expect(planInactivity('idle', true, link(), seen('idle'))).toEqual({ call: null, tags: link({ base: ['idle'] }) });
  });

  test('that was never answered for is sent again, or taken off; the others stay on their way', () => {
    const tags = withPending(link({ pending: { add: ['vip'], remove: [], sentAtMs: 1 } }), 'add', 'idle', 2);
    expect(tags.pending).toEqual({ add: ['vip', 'idle'], remove: [], sentAtMs: 2 });
    expect(isKnownTag(tags, 'idle')).toBe(true);
    const rest = { add: ['vip'], remove: [], sentAtMs: 2 };
    expect(planInactivity('idle', true, tags, seen())).toEqual({ call: 'add', tags: link({ pending: rest }) });
    expect(planInactivity('idle', false, tags, seen())).toEqual({ call: 'remove', tags: link({ pending: rest }) });
    expect(settledTag(withPending(link(), 'add', 'idle', 2), 'add', 'idle')).toEqual(link({ base: ['idle'] }));
  });
});
