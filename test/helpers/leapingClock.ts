import type { Clock } from '../../src/clock.ts';

interface Sleeper {
  atMs: number;
  wake: () => void;
}

/** A clock that leaps to the next sleeper whenever nothing else is left to do: hours of waiting take milliseconds. */
export function createLeapingClock(startMs = Date.UTC(2026, 10, 21, 9)) {
  let nowMs = startMs;
  const sleepers: Sleeper[] = [];

  const clock: Clock = {
    now: () => new Date(nowMs),
    nowMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const sleeper = { atMs: nowMs + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          const index = sleepers.indexOf(sleeper);
          if (index >= 0) sleepers.splice(index, 1);
          reject(signal.reason as Error);
        });
      }),
  };

  const settle = async () => {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  return {
    clock,
    settle,
    /** Sets the time forward; sleepers due meanwhile wake in their order. */
    async advance(ms: number) {
      const untilMs = nowMs + ms;
      for (;;) {
        await settle();
        const next = sleepers.filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0];
        if (!next) break;
        sleepers.splice(sleepers.indexOf(next), 1);
        nowMs = Math.max(nowMs, next.atMs);
        next.wake();
      }
      nowMs = untilMs;
    },
    /** Leaps until `work` is done. */
    async until<T>(work: Promise<T>): Promise<T> {
      let done = false;
      const ended = work.finally(() => (done = true));
      ended.catch(() => undefined);
      for (;;) {
        await settle();
        if (done) return ended;
        const next = sleepers.toSorted((a, b) => a.atMs - b.atMs)[0];
        if (!next) continue;
        sleepers.splice(sleepers.indexOf(next), 1);
        nowMs = Math.max(nowMs, next.atMs);
        next.wake();
      }
    },
  };
}
