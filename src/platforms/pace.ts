import PQueue from 'p-queue';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type AnswerHeaders, dayToldBy, retryAfterMsOf } from './answer.ts';
import { ApiError, type Side } from './apiError.ts';
import { createRateWindow, type RateSlot } from './rateWindow.ts';

/**
 * `next` is for a call that has waited already, as one that the remote sent away with 429, or the second one of a job:
 * the longer it waits, the less what was read before it still holds.
 */
export type Priority = 'live' | 'background' | 'next';

export interface PaceOptions {
  clock: Clock;
  log: Logger;
  side?: Side;
  /** Requests per interval; Infinity = no pace at all (headers are not believed then either). */
  max?: number;
  intervalMs?: number;
  concurrency?: number;
}

export interface RunOptions {
  /** `live` when left out. `background` (backfill, audit) waits behind it and leaves the last 5 % of the day's budget alone. */
  priority?: Priority | undefined;
  /** Aborts waiting: rejects with its reason, the work never starts. */
  signal?: AbortSignal | undefined;
  /**
   * Done after the rate let the call through and before it is one of the `concurrency` under way, so that nobody's
   * connection stands idle meanwhile. Its rejection is the call's, the work never starts.
   */
  prepare?: ((signal: AbortSignal) => Promise<void>) | undefined;
}

export interface Pace {
  /**
   * Runs `work` when the pace and the concurrency allow it. `work` gets a signal (the caller's, and `stop`) and its slot.
   * Rejects with ApiError `daily_budget` without running it while the day's budget is spent.
   */
  run: <T>(work: (signal: AbortSignal, slot: RateSlot) => Promise<T>, options?: RunOptions) => Promise<T>;
  /** To be told of every answer: its headers, and its status where that is 429. */
  observe: (headers: AnswerHeaders, about?: { status?: number }) => void;
  setConcurrency: (concurrency: number) => void;
  /** How many 429 answers there were. */
  readonly waits: number;
  /** How many requests were held back by the pace: while it does not grow, more concurrency would be used. */
  readonly held: number;
  readonly concurrency: number;
  /** The day's budget as the remote last told it; null = it never did. */
  budget: () => { remaining: number | null; limit: number | null; parkedUntilMs: number | null };
  /** Ends all waiting with AppError `stopped`; what is under way goes on. */
  stop: () => void;
}

const CONCURRENCY_MAX = 20;
/** How many more may prepare while all connections are taken: a commit takes a fraction of what an answer takes. */
const AHEAD_SHARE = 0.5;
/** A longer hold is not sat out by a waiting call: it rejects with `rate_limited` and the run comes back later. */
export const RATE_WAIT_MS_MAX = 15 * 60_000;
const PROBE_EVERY_MS = 15 * 60_000;
const DAY_MS = 86_400_000;
/** Kept for live events (SPEC §2.6). */
const LIVE_SHARE = 0.05;
const rankOf: Record<Priority, number> = { background: 0, live: 1, next: 2 };

/**
 * The pace of one connection on one side (SPEC §2.6, ghl.md §3).
 *
 * p-queue orders who is next and counts what is under way; the rate itself is kept by a small window of our own
 * (rateWindow.ts), because p-queue's intervals run on Date.now and its own timers (a stepped clock cannot drive them),
 * cannot be changed while they run, and know nothing of what the headers say. The door lets one request through at a time and
 * waits there, so that a live call overtakes everything that still waits for the rate.
 */
export function createPace(options: PaceOptions): Pace {
  const { clock, log, side = 'ghl', max = 100, intervalMs = 10_000, concurrency = 5 } = options;
  const rate = createRateWindow({ max, intervalMs, now: () => clock.nowMs() });
  const door = new PQueue({ concurrency: 1 });
  const underWay = new PQueue({ concurrency });
  /** Let through, not landed yet. */
  let through = 0;
  let wakeDoor: () => void = () => undefined;
  const stopping = new AbortController();
  let waits = 0;
  let heldCount = 0;
  let parked: { untilMs: number; nextProbeMs: number } | null = null;
  let day = { number: -1, remaining: null as number | null, limit: null as number | null };

  const dayNumber = () => Math.floor(clock.nowMs() / DAY_MS);
  const midnightMs = () => (dayNumber() + 1) * DAY_MS;
  const spent = (message: string, untilMs: number) =>
    new ApiError(message, {
      side,
      class: 'daily_budget',
      answered: false,
      mayHaveLanded: false,
      retryAfterMs: Math.max(0, untilMs - clock.nowMs()),
    });

  /** True for the one call that may ask whether the budget is back. */
  const refuseWhenSpent = (priority: Priority): boolean => {
    const nowMs = clock.nowMs();
    if (day.number !== dayNumber()) day = { number: dayNumber(), remaining: null, limit: day.limit };
    if (parked && nowMs >= parked.untilMs) parked = null;
    if (parked) {
      if (nowMs < parked.nextProbeMs) throw spent('the requests of this day are used up', parked.nextProbeMs);
      parked.nextProbeMs = nowMs + PROBE_EVERY_MS;
      return true;
    }
    if (
      priority === 'background' &&
      day.remaining !== null &&
      day.limit !== null &&
      day.remaining <= day.limit * LIVE_SHARE
    ) {
      throw spent('the rest of the day’s requests is kept for live events', midnightMs());
    }
    return false;
  };

  const somethingLanded = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const giveUp = () => reject(signal.reason as Error);
      if (signal.aborted) return giveUp();
      signal.addEventListener('abort', giveUp, { once: true });
      wakeDoor = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
    });

  // The one that stands in the door waits for room, then for its moment; whoever comes later with a higher priority is next.
  const pass = async (priority: Priority, prepares: boolean, signal: AbortSignal): Promise<RateSlot> => {
    let probe = refuseWhenSpent(priority);
    const ahead = prepares ? Math.ceil(underWay.concurrency * AHEAD_SHARE) : 0;
    while (through >= underWay.concurrency + ahead) await somethingLanded(signal);
    let waited = false;
    for (;;) {
      signal.throwIfAborted();
      probe ||= refuseWhenSpent(priority);
      const ms = rate.waitMs(clock.nowMs());
      if (ms === 0) break;
      if (ms > RATE_WAIT_MS_MAX) {
        throw new ApiError('the remote wants no requests for longer than a run waits', {
          side,
          class: 'rate_limited',
          answered: false,
          mayHaveLanded: false,
          retryAfterMs: ms,
        });
      }
      waited = true;
      await clock.sleep(ms, signal);
    }
    if (waited) heldCount += 1;
    return rate.take(clock.nowMs());
  };

  const leave = async <T>(
    work: (signal: AbortSignal, slot: RateSlot) => Promise<T>,
    prepare: RunOptions['prepare'],
    signal: AbortSignal,
    slot: RateSlot,
  ): Promise<T> => {
    try {
      await prepare?.(signal);
      return await underWay.add(() => work(signal, slot));
    } finally {
      slot.landed();
      through -= 1;
      wakeDoor();
    }
  };

  const run: Pace['run'] = async (work, { priority = 'live', signal, prepare } = {}) => {
    const both = signal ? AbortSignal.any([signal, stopping.signal]) : stopping.signal;
    both.throwIfAborted();
    // p-queue lets go of a running task whose signal aborts, but the task goes on: so it sees the signal only while it waits
    const waiting = new AbortController();
    const giveUp = () => waiting.abort(both.reason);
    both.addEventListener('abort', giveUp, { once: true });
    const started = await door.add(
      async () => {
        both.removeEventListener('abort', giveUp);
        const slot = await pass(priority, prepare !== undefined, both);
        through += 1;
        // The door hands on the started call, not its end: the next one comes while this one is under way.
        return { end: leave(work, prepare, both, slot) };
      },
      { priority: rankOf[priority], signal: waiting.signal },
    );
    return started.end;
  };

  const park = () => {
    if (!parked) log.warn('the day’s requests are used up', { side, untilMs: midnightMs() });
    const nextProbeMs = Math.max(parked?.nextProbeMs ?? 0, clock.nowMs() + PROBE_EVERY_MS);
    parked = { untilMs: midnightMs(), nextProbeMs };
  };

  const observe: Pace['observe'] = (headers, { status } = {}) => {
    const nowMs = clock.nowMs();
    rate.observe(headers, nowMs);
    const told = dayToldBy(headers);
    const remaining = told?.left ?? null;
    day = { number: dayNumber(), remaining: remaining ?? day.remaining, limit: told?.limit ?? day.limit };
    if (remaining === 0) park();
    else if (parked && status !== 429) parked = null;
    if (status !== 429) return;
    waits += 1;
    if (remaining !== 0) rate.holdUntil(nowMs + (retryAfterMsOf(headers, nowMs) ?? rate.intervalMs()));
  };

  return {
    run,
    observe,
    setConcurrency: (wanted) => {
      underWay.concurrency = Math.max(1, Math.min(CONCURRENCY_MAX, Math.floor(wanted)));
    },
    get waits() {
      return waits;
    },
    get held() {
      return heldCount;
    },
    get concurrency() {
      return underWay.concurrency;
    },
    budget: () => ({
      remaining: day.number === dayNumber() ? day.remaining : null,
      limit: day.limit,
      parkedUntilMs: parked && clock.nowMs() < parked.untilMs ? parked.untilMs : null,
    }),
    stop: () => stopping.abort(new AppError('stopped', 'the service is stopping', { retry: 'later' })),
  };
}
