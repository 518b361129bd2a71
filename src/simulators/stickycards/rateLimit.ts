import type { RateLimitOptions } from './types.ts';

/** Fixed windows from the first call on. Answers the milliseconds to wait, 0 = go on. */
export function createRateLimit(options: RateLimitOptions | undefined, now: () => number): () => number {
  let windowStart = Number.NEGATIVE_INFINITY;
  let used = 0;
  return () => {
    if (!options) return 0;
    if (now() - windowStart >= options.intervalMs) {
      windowStart = now();
      used = 0;
    }
    used += 1;
    return used > options.max ? windowStart + options.intervalMs - now() : 0;
  };
}
