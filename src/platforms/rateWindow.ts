import { type AnswerHeaders, numberHeader } from './answer.ts';

/** One request in the window. `leaves()` is called when it really goes out, `landed()` when its answer is there. */
export interface RateSlot {
  leaves(): void;
  landed(): void;
  /** How many requests of ours the remote could have counted when this one left, itself included. */
  rank(): number;
}

export interface RateWindow {
  /** ms until one more request may leave; 0 = now. */
  waitMs(nowMs: number): number;
  take(nowMs: number): RateSlot;
  /** Reads X-RateLimit-Max, -Remaining, -Interval-Milliseconds of an answer. */
  observe(headers: AnswerHeaders, nowMs: number, slot?: RateSlot): void;
  /** Nobody leaves before `untilMs`, and then one by one. */
  holdUntil(untilMs: number): void;
  intervalMs(): number;
}

interface Held {
  freeAtMs: number;
  answered: boolean;
}

/** The remote counts at arrival, which lies between departure and answer: at most this much of the way is waited for. */
const TRAVEL_MS_MAX = 250;
const TRAVEL_MS_MIN = 20;
/** Late timers would slow an even pace down for good without the right to catch up on two steps. */
const CATCH_UP = 2;

/**
 * The pace as arithmetic: no timers, no promises. Two rules: no more than `max` requests in any window of `intervalMs`
 * as the remote sees it (a request counts until its answer plus the interval), and even steps of intervalMs/max beyond a
 * burst of half the limit. After a burst the even part would leave the rest of the window empty; so the burst may repeat
 * and gives up 2 % of the limit per window: every window is used to 98 % or more while the load spreads out.
 * With `max` Infinity it lets everything through and believes no header (pace off).
 */
export function createRateWindow(options: { max: number; intervalMs: number; now: () => number }): RateWindow {
  let { max, intervalMs } = options;
  const off = max === Infinity;
  let held: Held[] = [];
  let nextEvenMs = 0;
  let burst = max / 2;
  let flattenedAtMs = -Infinity;
  let holdUntilMs = 0;
  // requests of others on the same limit, as last seen; they leave the window bit by bit
  let foreign = { count: 0, atMs: 0 };

  const limitAt = (nowMs: number) => {
    const left = foreign.count * Math.max(0, 1 - (nowMs - foreign.atMs) / intervalMs);
    // somebody else is active: keep 5 % free for what they send between two of our answers
    return left < 1 ? max : Math.max(1, Math.floor(max - left - max * 0.05));
  };

  const waitMs = (nowMs: number): number => {
    if (off) return Math.max(0, holdUntilMs - nowMs);
    held = held.filter((one) => one.freeAtMs > nowMs);
    const limit = limitAt(nowMs);
    if (held.length < limit / 4) burst = Math.max(CATCH_UP, max / 2);
    const even = nextEvenMs - (burst * intervalMs) / limit;
    let full = 0;
    if (held.length >= limit) {
      const ends = held.map((one) => one.freeAtMs).toSorted((a, b) => a - b);
      full = ends[held.length - limit] ?? 0;
      // while others are about, the room grows by itself: look again soon
      if (limit < max) full = Math.min(full, nowMs + intervalMs / 20);
      if (nowMs - flattenedAtMs >= intervalMs) {
        burst = Math.max(CATCH_UP, burst - max / 50);
        flattenedAtMs = nowMs;
      }
    }
    return Math.max(0, Math.ceil(Math.max(even, full, holdUntilMs) - nowMs));
  };

  const take = (nowMs: number): RateSlot => {
    const one: Held = { freeAtMs: nowMs + intervalMs + TRAVEL_MS_MAX, answered: false };
    if (!off) {
      held.push(one);
      nextEvenMs = Math.max(nextEvenMs, nowMs) + intervalMs / limitAt(nowMs);
    }
    let rank = held.length;
    return {
      leaves: () => {
        one.freeAtMs = options.now() + intervalMs + TRAVEL_MS_MAX;
        rank = held.length;
      },
      landed: () => {
        one.freeAtMs = Math.min(one.freeAtMs, options.now() + intervalMs + TRAVEL_MS_MIN);
      },
      rank: () => rank,
    };
  };

  const observe = (headers: AnswerHeaders, nowMs: number, slot?: RateSlot): void => {
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
    const ours = slot?.rank() ?? held.length;
    const others = Math.max(0, max - remaining - ours);
    foreign = { count: others >= 3 ? others : 0, atMs: nowMs };
    // nearly nothing left although ours would fit: a fixed window shared with others; let a tenth of it pass
    if (remaining <= 3 && others >= 3) holdUntilMs = Math.max(holdUntilMs, nowMs + intervalMs / 10);
  };

  return {
    waitMs,
    take,
    observe,
    holdUntil: (untilMs) => {
      holdUntilMs = Math.max(holdUntilMs, untilMs);
      burst = CATCH_UP;
      // no credit is earned by standing still
      nextEvenMs = Math.max(nextEvenMs, untilMs);
    },
    intervalMs: () => intervalMs,
  };
}
