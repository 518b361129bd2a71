import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type BalanceMode,
  decideBonusPoints,
  decidePointsEdit,
  judgeBalanceLook,
  judgeBalanceWrite,
  needsReadBack,
  numberToSend,
  POINTS_LIMIT,
  SECOND_LOOK_MS,
} from '../../src/domain/points.ts';

const mode = fc.constantFrom<BalanceMode>('delta', 'absolute');
const other = (of: BalanceMode): BalanceMode => (of === 'delta' ? 'absolute' : 'delta');
const points = fc.integer({ min: -1000, max: 1000 }).filter((n) => n !== 0);
const balance = fc.integer({ min: 0, max: 5000 });
const movement = fc.integer({ min: -500, max: 500 });

/** A platform that means `meant` by the number, with the till busy before and after the write. */
function bookOn(
  meant: BalanceMode,
  configured: BalanceMode,
  before: number,
  n: number,
  till: [number, number] = [0, 0],
) {
  const sent = numberToSend(configured, before, n);
  const answered = meant === 'delta' ? before + till[0] + sent : sent;
  return { sent, answered, read: answered + till[1] };
}

describe('what a balance write did', () => {
  test('a platform that does what is configured is never accused, and proved only by a balance that was not 0', () => {
    fc.assert(
      fc.property(mode, fc.boolean(), balance, points, (configured, proved, before, n) => {
        const { answered, read } = bookOn(configured, configured, before, n);
        const write = { mode: configured, proved, before, points: n, answered };
        const verdict = judgeBalanceWrite({ ...write, read: needsReadBack(write) ? read : null });
        expect(verdict).toBe(before !== 0 && !proved ? 'applied_and_proved' : 'applied');
      }),
    );
  });

  test('a platform that takes the number the other way is found out by the first write on a balance that is not 0', () => {
    fc.assert(
      fc.property(mode, balance, points, fc.boolean(), (configured, before, n, answerRepeats) => {
        const { sent, answered, read } = bookOn(other(configured), configured, before, n);
        // Some platforms answer with the number that they got instead of the total.
        const told = answerRepeats ? sent : answered;
        const write = { mode: configured, proved: false, before, points: n, answered: told };
        expect(needsReadBack(write)).toBe(true);
        const verdict = judgeBalanceWrite({ ...write, read });
        expect(verdict).toBe(before === 0 ? 'applied' : 'mode_wrong');
      }),
    );
  });

  test('somebody at the till stops nothing, unless the total is exactly what the other mode would make of it', () => {
    fc.assert(
      fc.property(mode, fc.boolean(), balance, points, movement, movement, (configured, proved, before, n, t1, t2) => {
        const { answered, read } = bookOn(configured, configured, before, n, [configured === 'delta' ? t1 : 0, t2]);
        const write = { mode: configured, proved, before, points: n, answered };
        const shown = needsReadBack(write) ? read : null;
        fc.pre(before === 0 || (shown ?? answered) !== (configured === 'delta' ? n : 2 * before + n));
        expect(judgeBalanceWrite({ ...write, read: shown })).not.toBe('mode_wrong');
      }),
    );
  });

  test('a movement of somebody else never proves the mode', () => {
    fc.assert(
      fc.property(mode, balance, points, movement, (configured, before, n, moved) => {
        fc.pre(moved !== 0);
        const { answered, read } = bookOn(configured, configured, before, n, [0, moved]);
        const verdict = judgeBalanceWrite({ mode: configured, proved: false, before, points: n, answered, read });
        expect(verdict).not.toBe('applied_and_proved');
      }),
    );
  });

  test.each([
    ['the answer tells before + n, the read after it somebody else’s movement', 'delta', 100, 50, 150, 130, 'applied'],
    ['the total is n', 'delta', 100, 50, 50, 50, 'mode_wrong'],
    ['the total is before + the sent total', 'absolute', 100, 50, 250, 250, 'mode_wrong'],
    ['the answer repeats the number, the card shows the sum', 'delta', 100, 50, 50, 150, 'applied_and_proved'],
    ['the answer repeats the total, the card shows more', 'absolute', 100, 50, 150, 250, 'mode_wrong'],
    ['the balance was 0', 'delta', 0, 50, 50, 50, 'applied'],
    ['nothing is told at all', 'delta', 100, 50, null, null, 'other_movement'],
    ['any other difference', 'delta', 100, 50, 170, 170, 'other_movement'],
  ] as const)('%s', (_what, configured, before, n, answered, read, verdict) => {
    expect(judgeBalanceWrite({ mode: configured, proved: false, before, points: n, answered, read })).toBe(verdict);
  });
});

describe('a look after a lost answer', () => {
  const look = { before: 100, points: 50, others: [], marked: false };
  const at = (afterSendMs: number, shown: number) => ({ balance: shown, afterSendMs });

  test('exactly before + n: it happened', () => {
    expect(judgeBalanceLook({ ...look, reads: [at(1000, 150)] })).toBe('there');
  });

  test('still before: believed on the second read, and not before two minutes', () => {
    expect(judgeBalanceLook({ ...look, reads: [at(SECOND_LOOK_MS, 100)] })).toBe('look_again');
    expect(judgeBalanceLook({ ...look, reads: [at(0, 100), at(SECOND_LOOK_MS - 1, 100)] })).toBe('look_again');
    expect(judgeBalanceLook({ ...look, reads: [at(0, 100), at(SECOND_LOOK_MS, 100)] })).toBe('absent');
  });

  test('a delivery since that showed another balance leaves it to a person', () => {
    const reads = [at(0, 100), at(SECOND_LOOK_MS, 100)];
    expect(judgeBalanceLook({ ...look, reads, others: [150] })).toBe('cannot_tell');
    expect(judgeBalanceLook({ ...look, reads, others: [100] })).toBe('absent');
  });

  test('any other balance leaves it to a person', () => {
    expect(judgeBalanceLook({ ...look, reads: [at(0, 130)] })).toBe('cannot_tell');
    expect(judgeBalanceLook({ ...look, reads: [at(0, 130), at(SECOND_LOOK_MS, 100)] })).toBe('cannot_tell');
  });

  test('a delivery that names the booking is proof, whatever happened since', () => {
    expect(judgeBalanceLook({ ...look, reads: [at(0, 130)], others: [150, 130], marked: true })).toBe('there');
  });

  test('points that arrived are never sent again while the till’s own movements are told', () => {
    fc.assert(
      fc.property(
        balance,
        points,
        fc.array(fc.record({ by: movement, atMs: fc.integer({ min: 1, max: 300_000 }) }), { maxLength: 4 }),
        fc.integer({ min: 0, max: 120_000 }),
        fc.integer({ min: 120_000, max: 400_000 }),
        (before, n, movements, firstMs, secondMs) => {
          const landedAt = 0;
          const shownAt = (ms: number) =>
            before + (ms >= landedAt ? n : 0) + movements.reduce((sum, m) => sum + (m.atMs <= ms ? m.by : 0), 0);
          const toldBy = (ms: number) => movements.filter((m) => m.atMs <= ms).map((m) => shownAt(m.atMs));
          const first = at(firstMs, shownAt(firstMs));
          const second = at(secondMs, shownAt(secondMs));
          const looks = [
            judgeBalanceLook({ before, points: n, reads: [first], others: toldBy(firstMs), marked: false }),
            judgeBalanceLook({ before, points: n, reads: [first, second], others: toldBy(secondMs), marked: false }),
          ];
          // Only movements that end exactly where it began, seen by nobody in between, could look like nothing: here every one is told.
          const cancelled = movements.some((m) => shownAt(m.atMs) === before);
          fc.pre(!cancelled || toldBy(secondMs).some((told) => told !== before));
          expect(looks).not.toContain('absent');
        },
      ),
    );
  });

  test('points that never left are never taken for booked while nobody else adds exactly as many', () => {
    fc.assert(
      fc.property(balance, points, movement, (before, n, moved) => {
        fc.pre(moved !== n);
        expect(
          judgeBalanceLook({ before, points: n, reads: [at(0, before + moved)], others: [], marked: false }),
        ).not.toBe('there');
      }),
    );
  });
});

describe('points that are typed', () => {
  test('an edit is its difference to the base, up to the limit without a person', () => {
    fc.assert(
      fc.property(balance, balance, (from, to) => {
        const points = to - from;
        const expected =
          points === 0
            ? { kind: 'nothing' }
            : Math.abs(points) <= POINTS_LIMIT
              ? { kind: 'ok', points }
              : { kind: 'held', reason: 'points_limit', points };
        expect(decidePointsEdit(from, to)).toEqual(expected);
      }),
    );
  });

  test.each([-1, 2.5, Number.NaN, Number.POSITIVE_INFINITY, 1e20, 'many', null, true])('%p is no balance', (typed) => {
    expect(decidePointsEdit(100, typed)).toEqual({ kind: 'refused', reason: 'points_limit' });
  });

  test('a base with a fraction makes no difference that could be booked', () => {
    expect(decidePointsEdit(12.5, 20).kind).toBe('refused');
  });

  test('the limit itself is allowed, one more is not', () => {
    expect(decidePointsEdit(0, POINTS_LIMIT)).toEqual({ kind: 'ok', points: POINTS_LIMIT });
    expect(decidePointsEdit(0, POINTS_LIMIT + 1).kind).toBe('held');
    expect(decidePointsEdit(POINTS_LIMIT + 1, 0).kind).toBe('held');
    expect(decidePointsEdit(0, 51, 50).kind).toBe('held');
  });

  test('a bonus is a positive whole number up to the limit', () => {
    expect(decideBonusPoints(50)).toEqual({ kind: 'ok', points: 50 });
    expect(decideBonusPoints(POINTS_LIMIT + 1)).toEqual({
      kind: 'held',
      reason: 'points_limit',
      points: POINTS_LIMIT + 1,
    });
    for (const typed of [0, -5, 1.5, Number.NaN]) expect(decideBonusPoints(typed).kind).toBe('refused');
  });
});
