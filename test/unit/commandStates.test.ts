import { describe, expect, test } from '@jest/globals';
import { COMMAND_STATES } from '../../drizzle/tables/commands.ts';
import {
  COMMAND_DECISIONS,
  decided,
  possibleDecisions,
  SENDING_STALE_MS,
  TRANSITIONS,
} from '../../src/domain/commandStates.ts';

const nowMs = Date.UTC(2026, 2, 20, 15);

describe('the states of a command', () => {
  test('every state is in the table, and what is over stays over', () => {
    expect(Object.keys(TRANSITIONS).toSorted()).toEqual([...COMMAND_STATES].toSorted());
    for (const state of ['applied', 'failed', 'discarded'] as const) expect(TRANSITIONS[state]).toEqual([]);
  });

  test('every decision of a person is a legal transition', () => {
    const illegal = COMMAND_STATES.flatMap((state) =>
      COMMAND_DECISIONS.map((decision) => ({
        state,
        to: decided(decision, { state, sentAtMs: nowMs - SENDING_STALE_MS }, nowMs),
      })).filter(({ to }) => to !== null && !TRANSITIONS[state].includes(to)),
    );
    expect(illegal).toEqual([]);
  });

  test.each([
    ['pending', ['discard']],
    ['held', ['resend', 'discard']],
    ['sending', []],
    ['unknown', ['confirm', 'resend', 'discard']],
    ['applied', []],
    ['failed', []],
    ['discarded', []],
  ] as const)('%s leaves a person %j', (state, decisions) => {
    expect(possibleDecisions({ state, sentAtMs: nowMs - 1000 }, nowMs)).toEqual(decisions);
  });

  test('a request on its way is nobody’s to decide about, one that hangs for half an hour is', () => {
    expect(decided('confirm', { state: 'sending', sentAtMs: nowMs - SENDING_STALE_MS + 1 }, nowMs)).toBeNull();
    expect(decided('confirm', { state: 'sending', sentAtMs: nowMs - SENDING_STALE_MS }, nowMs)).toBe('applied');
    expect(decided('confirm', { state: 'sending', sentAtMs: null }, nowMs)).toBeNull();
  });
});
