import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type BonusInput, decideBonus } from '../../src/domain/bonus.ts';

const decide = (input: Partial<BonusInput>) =>
  decideBonus({
    base: null,
    current: null,
    command: 'none',
    clearLost: false,
    seenEmptySinceClear: false,
    overlapped: false,
    hasCard: true,
    limit: 1000,
    ...input,
  });
const paid = { base: 50, command: 'applied' } as const;
const pay = (points: number, more = {}) => ({ kind: 'pay', points, held: false, again: false, ...more });

describe('a bonus is paid once (SPEC §3.3)', () => {
  test('empty → n pays n', () => {
    expect(decide({ current: 50 })).toEqual(pay(50));
  });
  test('while its command is under way nothing else happens', () => {
    for (const command of ['pending', 'sending', 'unknown', 'held'] as const)
      expect(decide({ base: 50, current: 50, command })).toEqual({ kind: 'nothing' });
  });
  test('paid, it is cleared; empty, the next number is a new bonus', () => {
    expect(decide({ ...paid, current: 50 })).toEqual({ kind: 'clear' });
    expect(decide({ ...paid, current: null })).toEqual({ kind: 'emptied' });
  });
  test('what stood there at the first link pays nothing and is not cleared', () => {
    expect(decide({ base: undefined, current: 50 })).toEqual({ kind: 'nothing' });
    expect(decide({ base: 50, current: 50 })).toEqual({ kind: 'nothing' });
  });
  test('only empty → n: another number over a bonus is not told from a correction', () => {
    for (const command of ['none', 'pending', 'unknown', 'applied', 'failed', 'discarded'] as const)
      expect(decide({ base: 50, current: 70, command })).toEqual({ kind: 'overlap' });
  });
  test('emptied by a person while it is under way: the command goes on', () => {
    expect(decide({ base: 50, current: null, command: 'sending' })).toEqual({ kind: 'emptied' });
  });
  test('one that failed stays to be seen, one that a person discarded is cleared', () => {
    expect(decide({ base: 50, current: 50, command: 'failed' })).toEqual({ kind: 'nothing' });
    expect(decide({ base: 50, current: 50, command: 'discarded' })).toEqual({ kind: 'clear' });
  });
  test('0 is no bonus, and as good as empty', () => {
    expect(decide({ current: 0 })).toEqual({ kind: 'nothing' });
    expect(decide({ base: 0, current: 50 })).toEqual(pay(50));
    expect(decide({ ...paid, current: 0 })).toEqual({ kind: 'emptied' });
  });
});

describe('a clear whose answer was lost', () => {
  test('landed when the field is empty', () => {
    expect(decide({ ...paid, current: null, clearLost: true })).toEqual({ kind: 'emptied' });
  });
  test('n again after a delivery that showed it empty is a new bonus, and needs a new revision', () => {
    expect(decide({ ...paid, current: 50, clearLost: true, seenEmptySinceClear: true })).toEqual(
      pay(50, { again: true }),
    );
    expect(decide({ ...paid, current: 70, clearLost: true, seenEmptySinceClear: true })).toEqual(
      pay(70, { again: true }),
    );
  });
  test('n without such a delivery, or another number, is left as it is', () => {
    expect(decide({ ...paid, current: 50, clearLost: true })).toEqual({ kind: 'overlap' });
    expect(decide({ ...paid, current: 70, clearLost: true })).toEqual({ kind: 'overlap' });
  });
  test('an overlap stays one until the field is seen empty: it is not cleared by the next run', () => {
    expect(decide({ ...paid, current: 50, overlapped: true })).toEqual({ kind: 'overlap' });
    expect(decide({ ...paid, current: null, overlapped: true })).toEqual({ kind: 'emptied' });
    // That a delivery showed it empty earlier proves nothing any more.
    expect(decide({ ...paid, current: 50, overlapped: true, seenEmptySinceClear: true })).toEqual({ kind: 'overlap' });
  });
  test('a delivery that showed it empty means nothing when no clear was sent', () => {
    expect(decide({ ...paid, current: 50, seenEmptySinceClear: true })).toEqual({ kind: 'clear' });
  });
});

describe('what cannot be paid at once', () => {
  test('no card: it waits, and is paid when there is one', () => {
    expect(decide({ current: 50, hasCard: false })).toEqual({ kind: 'hold', reason: 'no_card' });
    expect(decide({ current: 50 })).toEqual(pay(50));
  });
  test('beyond the limit a person lets it go', () => {
    expect(decide({ current: 1000 })).toEqual(pay(1000));
    expect(decide({ current: 1001 })).toEqual(pay(1001, { held: true }));
  });
  test('a held number that is corrected or taken back is withdrawn, not called an overlap', () => {
    expect(decide({ base: 5000, current: 500, command: 'held' })).toEqual({ kind: 'withdraw' });
    expect(decide({ base: 5000, current: null, command: 'held' })).toEqual({ kind: 'withdraw' });
  });
  test.each([-5, 2.5, 'fifty', 2 ** 60])('%p is no bonus that could be paid', (current) => {
    expect(decide({ current })).toEqual({ kind: 'hold', reason: 'points_limit' });
  });
});

/** GHL's field, the ledger and the job, with people typing and answers of our clears getting lost. */
test('whatever people type and however answers get lost, every payment has an emptiness before it', () => {
  type Step = { kind: 'type'; value: number | null } | { kind: 'job'; loseAnswer: boolean; landed: boolean };
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ kind: fc.constant('type' as const), value: fc.constantFrom(null, 20, 50) }),
    fc.record({ kind: fc.constant('job' as const), loseAnswer: fc.boolean(), landed: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let shown: number | null = null;
      let emptinesses = 1;
      let emptySinceClear = false;
      let payments = 0;
      let state: Pick<BonusInput, 'base' | 'command' | 'clearLost' | 'overlapped'> = {
        base: null,
        command: 'none',
        clearLost: false,
        overlapped: false,
      };
      const show = (value: number | null) => {
        if (shown !== null && value === null) emptinesses += 1;
        if (value === null) emptySinceClear = true;
        shown = value;
      };
      const job = (loseAnswer: boolean, landed: boolean) => {
        const decision = decide({ ...state, current: shown, seenEmptySinceClear: emptySinceClear });
        const settled = { clearLost: false, overlapped: false };
        if (decision.kind === 'pay') {
          payments += 1;
          state = { base: shown, command: 'applied', ...settled };
        } else if (decision.kind === 'emptied') state = { base: null, command: 'none', ...settled };
        else if (decision.kind === 'overlap') state = { ...state, clearLost: false, overlapped: true };
        else if (decision.kind === 'clear') {
          emptySinceClear = false;
          if (landed || !loseAnswer) show(null);
          state = loseAnswer ? { ...state, clearLost: true } : { base: null, command: 'none', ...settled };
        }
      };
      for (const each of steps) {
        if (each.kind === 'type') show(each.value);
        else job(each.loseAnswer, each.landed);
      }
      expect(payments).toBeLessThanOrEqual(emptinesses);
      // Nothing hangs: emptied by hand, the next number is paid.
      show(null);
      job(false, true);
      const before = payments;
      show(20);
      job(false, true);
      expect(payments).toBe(before + 1);
    }),
  );
});
