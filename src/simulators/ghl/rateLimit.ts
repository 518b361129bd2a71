import type { RateLimitOptions } from './types.ts';

export interface RateLimit {
  /** Counts one call of this location or company, unless it is over a limit; the headers are for its answer. */
  take(resource: string): { allowed: boolean; headers: Record<string, string> };
}

/** ghl.md §3: per resource, a sliding window and a UTC day (the time of the daily reset is not known). */
export function createRateLimit(options: RateLimitOptions | false | undefined, now: () => number): RateLimit {
  if (options === false) return { take: () => ({ allowed: true, headers: {} }) };
  const { max, intervalMs, daily, retryAfter } = options ?? { max: 100, intervalMs: 10_000, daily: 200_000 };
  const windows = new Map<string, { calls: number[]; day: number; today: number }>();

  return {
    take(resource) {
      const at = now();
      const day = Math.floor(at / 86_400_000);
      let window = windows.get(resource);
      if (!window) windows.set(resource, (window = { calls: [], day, today: 0 }));
      if (window.day !== day) Object.assign(window, { day, today: 0 });
      const live = window.calls.findIndex((calledAt) => calledAt > at - intervalMs);
      window.calls.splice(0, live === -1 ? window.calls.length : live);

      const allowed = window.calls.length < max && window.today < daily;
      if (allowed) {
        window.calls.push(at);
        window.today += 1;
      }
      const headers: Record<string, string> = {
        'X-RateLimit-Max': String(max),
        'X-RateLimit-Remaining': String(Math.max(0, max - window.calls.length)),
        'X-RateLimit-Interval-Milliseconds': String(intervalMs),
        'X-RateLimit-Limit-Daily': String(daily),
        'X-RateLimit-Daily-Remaining': String(Math.max(0, daily - window.today)),
      };
      if (!allowed && retryAfter === true) {
        const waitMs = window.today >= daily ? (day + 1) * 86_400_000 - at : (window.calls[0] ?? at) + intervalMs - at;
        headers['Retry-After'] = String(Math.ceil(waitMs / 1000));
      }
      return { allowed, headers };
    },
  };
}
