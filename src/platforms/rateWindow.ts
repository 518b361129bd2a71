import { type AnswerHeaders, numberHeader } from './answer.ts';

/** One request in the window. `leaves()` is called when it really goes out, `landed()` when its answer is there. */
export interface RateSlot {
  leaves: () => void;
  landed: () => void;
}

export interface RateWindow {
  /** ms until one more request may leave; 0 = now. */
  waitMs: (nowMs: number) => number;
  take: (nowMs: number) => RateSlot;
  /** Reads X-RateLimit-Max, -Remaining, -Interval-Milliseconds of an answer. */
  observe: (headers: AnswerHeaders, nowMs: number) => void;
  /** Nobody leaves before `untilMs`, and then one by one. */
  holdUntil: (untilMs: number) => void;
  intervalMs: () => number;
}

interface Held {
  freeAtMs: number;
}

/**
 * The remote counts at arrival. Two requests that left an interval apart arrive closer by as much as the way of the
 * first was slower: at most what its round trip took above the quickest way there (taken as half the quickest trip).
 */
const SLOWER_MS_MAX = 250;
const SLACK_MS = 25;
/** Late timers would slow an even pace down for good without the right to catch up on two steps. */
const CATCH_UP = 2;
/** As long as the list is far from the limit it need not be exact: it is gone through when it has doubled, not per request. */
const FORGET_MIN = 256;

/**
 * The pace as arithmetic: no timers, no promises. Two rules: no more than `max` requests in any window of `intervalMs`
 * as the remote sees it (a request counts for a little longer than the interval), and even steps of intervalMs/max beyond a
 * burst of half the limit. After a burst the even part would leave the rest of the window empty; so the burst may repeat
 * and gives up 2 % of the limit per window: every window is used to 98 % or more while the load spreads out.
 * With `max` Infinity it lets everything through and believes no header (pace off).
 */
export function createRateWindow(options: { max: number; intervalMs: number; now: () => number }): RateWindow {
  let { max, intervalMs } = options;
  const off = max === Infinity;
  let held: Held[] = [];
  let forgetAt = FORGET_MIN;
  let nextEvenMs = 0;
  let burst = max / 2;
  let flattenedAtMs = -Infinity;
  let holdUntilMs = 0;
  let calmUntilMs = 0;
  let quickestMs = Infinity;
  // requests of others in the same window, as the last answer showed them
  let foreign = { count: 0, atMs: 0 };

  const limitAt = (nowMs: number) => {
    if (foreign.count === 0 || nowMs - foreign.atMs >= intervalMs) return max;
    // 5 % stay free for what the others send between two of our answers
    return Math.max(1, Math.floor(max - foreign.count - max * 0.05));
  };

  const calm = (fromMs: number) => {
    burst = CATCH_UP;
    calmUntilMs = fromMs + intervalMs;
  };

  const forget = (nowMs: number) => {
    held = held.filter((one) => one.freeAtMs > nowMs);
    forgetAt = Math.max(FORGET_MIN, 2 * held.length);
  };

  const waitMs = (nowMs: number): number => {
    if (off) return Math.max(0, holdUntilMs - nowMs);
    const limit = limitAt(nowMs);
    if (held.length >= Math.min(limit / 4, forgetAt)) forget(nowMs);
    if (held.length < limit / 4 && nowMs >= calmUntilMs) burst = Math.max(CATCH_UP, max / 2);
    const even = nextEvenMs - (burst * intervalMs) / limit;
    let full = 0;
    if (held.length >= limit) {
      const ends = held.map((one) => one.freeAtMs).toSorted((a, b) => a - b);
      full = ends[held.length - limit] ?? 0;
      if (nowMs - flattenedAtMs >= intervalMs) {
        burst = Math.max(CATCH_UP, burst - max / 50);
        flattenedAtMs = nowMs;
      }
    }
    return Math.max(0, Math.ceil(Math.max(even, full, holdUntilMs) - nowMs));
  };

  const take = (nowMs: number): RateSlot => {
    const one: Held = { freeAtMs: nowMs + intervalMs + SLOWER_MS_MAX };
    let leftMs = nowMs;
    if (!off) {
      held.push(one);
      nextEvenMs = Math.max(nextEvenMs, nowMs) + intervalMs / limitAt(nowMs);
    }
    return {
      leaves: () => {
        leftMs = options.now();
        // it waited so long for its connection that it counted no more
        if (!off && one.freeAtMs <= leftMs && !held.includes(one)) held.push(one);
        one.freeAtMs = leftMs + intervalMs + SLOWER_MS_MAX;
      },
      landed: () => {
        const tripMs = options.now() - leftMs;
        // forgets a quick one little by little, in case the way has become longer
        quickestMs = Math.min(tripMs, quickestMs + 0.1);
        one.freeAtMs = leftMs + intervalMs + Math.min(SLOWER_MS_MAX, tripMs - quickestMs / 2) + SLACK_MS;
      },
    };
  };

  const observe = (headers: AnswerHeaders, nowMs: number): void => {
    if (off) return;
    const interval = numberHeader(headers, 'x-ratelimit-interval-milliseconds');
    if (interval !== null && interval >= 1) intervalMs = interval;
    const allowed = numberHeader(headers, 'x-ratelimit-max');
    if (allowed !== null && allowed >= 1 && allowed !== max) {
      max = Math.floor(allowed);
      burst = Math.min(burst, Math.max(CATCH_UP, max / 2));
    }
    const remaining = numberHeader(headers, 'x-ratelimit-remaining');
    if (remaining === null) return;
    // all of ours that it can have counted by now, so that a request overtaking another is not taken for a stranger
    if (max - remaining >= 3) forget(nowMs);
    const others = Math.max(0, max - remaining - held.length);
    foreign = { count: others >= 3 ? others : 0, atMs: nowMs };
    if (others >= 3) calm(nowMs);
    // nearly nothing left although ours would fit: a fixed window shared with others; let a tenth of it pass
    if (remaining <= 3 && others >= 3) holdUntilMs = Math.max(holdUntilMs, nowMs + intervalMs / 10);
  };

  return {
    waitMs,
    take,
    observe,
    holdUntil: (untilMs) => {
      holdUntilMs = Math.max(holdUntilMs, untilMs);
      calm(untilMs);
      // no credit is earned by standing still
      nextEvenMs = Math.max(nextEvenMs, untilMs);
    },
    intervalMs: () => intervalMs,
  };
}
