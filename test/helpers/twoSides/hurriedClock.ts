import { type Clock, systemClock } from '../../../src/clock.ts';

/** Shorter sleeps are slept. */
const REAL_MS = 20;

export type HurriedClock = Clock & { ahead(ms: number): void };

/** Real time, moved ahead by hand, and by whoever sleeps: what waits does not wait, but its time passes. */
export function hurriedClock(): HurriedClock {
  let offset = 0;
  const nowMs = () => systemClock.nowMs() + offset;
  return {
    now: () => new Date(nowMs()),
    nowMs,
    sleep: async (ms, signal) => {
      const untilMs = nowMs() + ms;
      await systemClock.sleep(Math.min(ms, REAL_MS), signal);
      offset += Math.max(0, untilMs - nowMs());
    },
    ahead: (ms) => {
      offset += ms;
    },
  };
}
