import { type Clock, systemClock } from '../../src/clock.ts';

/** Real time, moved ahead by hand: what waits for its time is due at once. */
export function movableClock(): Clock & { ahead(ms: number): void } {
  let offset = 0;
  return {
    now: () => new Date(systemClock.nowMs() + offset),
    nowMs: () => systemClock.nowMs() + offset,
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    ahead: (ms) => {
      offset += ms;
    },
  };
}
