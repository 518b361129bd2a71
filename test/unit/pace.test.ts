import { describe, expect, it } from '@jest/globals';
import type { AnswerHeaders } from '../../src/platforms/answer.ts';
import { createPace, type Pace, type PaceOptions, type RunOptions } from '../../src/platforms/pace.ts';
import { silentLogger } from '../../src/log.ts';
import { createLeapingClock } from '../helpers/leapingClock.ts';

type Leaping = ReturnType<typeof createLeapingClock>;

/** A remote with a limit of its own; requests travel for some time before it counts them. */
function createRemote(time: Leaping, options: { max?: number; fixed?: boolean; travelMs?: () => number } = {}) {
  const { max = 100, fixed = false, travelMs = () => 10 } = options;
  const intervalMs = 10_000;
  const arrivals: number[] = [];
  let refused = 0;
  const used = (nowMs: number) => {
    const from = fixed ? Math.floor(nowMs / intervalMs) * intervalMs - 1 : nowMs - intervalMs;
    return arrivals.filter((at) => at > from).length;
  };
  const answer = (nowMs: number): { status: number; headers: AnswerHeaders } => {
    const allowed = used(nowMs) < max;
    if (allowed) arrivals.push(nowMs);
    else refused += 1;
    return {
      status: allowed ? 200 : 429,
      headers: {
        'x-ratelimit-max': String(max),
        'x-ratelimit-remaining': String(Math.max(0, max - used(nowMs))),
        'x-ratelimit-interval-milliseconds': String(intervalMs),
      },
    };
  };
  return {
    arrivals,
    refused: () => refused,
    stranger: () => answer(time.clock.nowMs()),
    call: (pace: Pace, run?: RunOptions) =>
      pace.run(async (_signal, slot) => {
        slot.leaves();
        await time.clock.sleep(travelMs());
        const got = answer(time.clock.nowMs());
        await time.clock.sleep(travelMs());
        pace.observe(got.headers, { status: got.status });
        return got.status;
      }, run),
  };
}

const paceOn = (time: Leaping, more: Partial<PaceOptions> = {}) =>
  createPace({ clock: time.clock, log: silentLogger, ...more });

/** Keeps `workers` calls in the air for `ms`, as a run does. */
async function work(time: Leaping, ms: number, workers: number, call: () => Promise<unknown>) {
  const endMs = time.clock.nowMs() + ms;
  const worker = async () => {
    while (time.clock.nowMs() < endMs) await call();
  };
  await time.until(Promise.all(Array.from({ length: workers }, worker)));
}

/** The least used of all windows of 10 s that begin after `first`. */
function leastWindow(arrivals: number[], first: number): number {
  const last = arrivals.at(-1) ?? 0;
  const counts: number[] = [];
  for (let from = first; from + 10_000 <= last; from += 100) {
    counts.push(arrivals.filter((at) => at >= from && at < from + 10_000).length);
  }
  return Math.min(...counts);
}

/** Always the same "random" numbers. */
function numbers(seed: number) {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

describe('pace', () => {
  it('lets a handful of calls go at once', async () => {
    const time = createLeapingClock();
    const pace = paceOn(time);
    const startMs = time.clock.nowMs();
    await time.until(Promise.all(Array.from({ length: 40 }, () => pace.run(async () => undefined))));
    expect(time.clock.nowMs()).toBe(startMs);
    expect(pace.held).toBe(0);
  });

  it.each([
    ['a sliding window, near', false, 97, () => 8],
    ['a fixed window, near', true, 97, () => 8],
    ['a sliding window, far', false, 96, () => 110],
    ['a fixed window, far', true, 96, () => 110],
    ['a sliding window, unsteady', false, 96, numbers(10)],
  ])('uses 97 %% of the limit of %s without one 429', async (_name, fixed, least, travel) => {
    const time = createLeapingClock();
    const travelMs = () => {
      const way = travel();
      return way < 1 ? Math.ceil(way * 100) : way;
    };
    const remote = createRemote(time, { fixed, travelMs });
    const pace = paceOn(time);
    const startMs = time.clock.nowMs();
    await work(time, 400_000, 5, () => remote.call(pace));
    expect(remote.refused()).toBe(0);
    expect(pace.waits).toBe(0);
    for (const seconds of [20, 60, 400]) {
      const served = remote.arrivals.filter((at) => at < startMs + seconds * 1000).length;
      expect(served).toBeGreaterThanOrEqual(seconds * 10 * 0.97);
    }
    // the burst of the first moment is spread by now: no window is short and no live call would wait for long
    expect(leastWindow(remote.arrivals, startMs + 270_000)).toBeGreaterThanOrEqual(least);
    const late = remote.arrivals.slice(-500);
    const gaps = late.slice(1).map((at, index) => at - (late[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(500);
  });

  it('is not fast after a lower limit was announced', async () => {
    const time = createLeapingClock();
    const remote = createRemote(time, { max: 20 });
    const pace = paceOn(time);
    await work(time, 60_000, 5, () => remote.call(pace));
    expect(pace.waits).toBeLessThanOrEqual(5);
    expect(remote.arrivals.length).toBeGreaterThanOrEqual(110);
  });

  it('leaves room for another client on the same limit', async () => {
    const time = createLeapingClock();
    const remote = createRemote(time);
    const pace = paceOn(time);
    const endMs = time.clock.nowMs() + 120_000;
    // the first window goes to whoever is quick: nobody has shown yet
    const firstWindowMs = time.clock.nowMs() + 10_000;
    let strangersRefused = 0;
    const stranger = async () => {
      while (time.clock.nowMs() < endMs) {
        await time.clock.sleep(330);
        if (remote.stranger().status === 429 && time.clock.nowMs() > firstWindowMs) strangersRefused += 1;
      }
    };
    const other = stranger();
    await work(time, 120_000, 5, () => remote.call(pace));
    await time.until(other);
    expect(pace.waits).toBe(0);
    expect(strangersRefused).toBe(0);
    expect(remote.arrivals.length).toBeGreaterThan(1_050);
  });

  it('starts slowly when the window was used up before', async () => {
    const time = createLeapingClock();
    const remote = createRemote(time);
    for (let i = 0; i < 90; i++) remote.stranger();
    const pace = paceOn(time);
    await time.until(remote.call(pace));
    await work(time, 5_000, 5, () => remote.call(pace));
    expect(pace.waits).toBe(0);
  });

  it('holds everybody for Retry-After after a 429, else for the interval', async () => {
    const time = createLeapingClock();
    const pace = paceOn(time);
    const startMs = time.clock.nowMs();
    pace.observe({ 'retry-after': '3' }, { status: 429 });
    await time.until(pace.run(async () => undefined));
    expect(time.clock.nowMs() - startMs).toBe(3_000);
    pace.observe({}, { status: 429 });
    await time.until(Promise.all([pace.run(async () => undefined), pace.run(async () => undefined)]));
    expect(time.clock.nowMs() - startMs).toBeGreaterThanOrEqual(13_000);
    expect(pace.waits).toBe(2);
  });

  it('does not make a call wait for longer than a run lasts', async () => {
    const time = createLeapingClock();
    const pace = paceOn(time);
    pace.observe({ 'retry-after': '3600' }, { status: 429 });
    await expect(pace.run(async () => undefined)).rejects.toMatchObject({
      class: 'rate_limited',
      retryAfterMs: 3_600_000,
    });
  });

  it('parks until UTC midnight when the day is used up, and asks every 15 minutes', async () => {
    const time = createLeapingClock(Date.UTC(2026, 10, 21, 23));
    const pace = paceOn(time);
    const none = { 'x-ratelimit-daily-remaining': '0', 'x-ratelimit-limit-daily': '200000' };
    pace.observe(none, { status: 429 });
    const call = () => pace.run(async () => 'through');
    await expect(call()).rejects.toMatchObject({ class: 'daily_budget', retry: 'later', answered: false });
    await time.advance(15 * 60_000);
    expect(await time.until(call())).toBe('through');
    pace.observe(none, { status: 429 });
    await expect(call()).rejects.toMatchObject({ class: 'daily_budget', retryAfterMs: 15 * 60_000 });
    expect(pace.budget()).toMatchObject({ remaining: 0, parkedUntilMs: Date.UTC(2026, 10, 22) });
    await time.advance(45 * 60_000);
    expect(await time.until(Promise.all([call(), call()]))).toEqual(['through', 'through']);
    expect(pace.budget()).toMatchObject({ remaining: null, parkedUntilMs: null });
  });

  it('goes on at once when a probe shows a new budget', async () => {
    const time = createLeapingClock();
    const pace = paceOn(time);
    pace.observe({ 'x-ratelimit-daily-remaining': '0' }, { status: 429 });
    await time.advance(15 * 60_000);
    await pace.run(async () => pace.observe({ 'x-ratelimit-daily-remaining': '1000' }, { status: 200 }));
    await expect(pace.run(async () => 'through')).resolves.toBe('through');
  });

  it('keeps the last 5 % of the day for live events', async () => {
    const time = createLeapingClock();
    const pace = paceOn(time);
    pace.observe({ 'x-ratelimit-daily-remaining': '9000', 'x-ratelimit-limit-daily': '200000' }, { status: 200 });
    await expect(pace.run(async () => 1, { priority: 'background' })).rejects.toMatchObject({ class: 'daily_budget' });
    await expect(pace.run(async () => 1, { priority: 'live' })).resolves.toBe(1);
  });

  it('lets a live call overtake waiting ones', async () => {
    const time = createLeapingClock();
    const pace = paceOn(time, { concurrency: 1 });
    const order: string[] = [];
    const call = (name: string, priority: 'live' | 'background') =>
      pace.run(
        async () => {
          order.push(name);
          await time.clock.sleep(10);
        },
        { priority },
      );
    const all = [call('b1', 'background'), call('b2', 'background'), call('b3', 'background'), call('live', 'live')];
    await time.until(Promise.all(all));
    expect(order.indexOf('live')).toBeLessThan(order.indexOf('b3'));
  });

  it('never has more under way than its concurrency, which can be changed', async () => {
    const time = createLeapingClock();
    const pace = paceOn(time, { max: Infinity, concurrency: 3 });
    let now = 0;
    let most = 0;
    const call = () =>
      pace.run(async () => {
        most = Math.max(most, ++now);
        await time.clock.sleep(10);
        now -= 1;
      });
    await time.until(Promise.all(Array.from({ length: 20 }, call)));
    expect(most).toBe(3);
    pace.setConcurrency(50);
    expect(pace.concurrency).toBe(20);
    await time.until(Promise.all(Array.from({ length: 60 }, call)));
    expect(most).toBe(20);
  });

  it('stops waiting when told so, and the work never starts', async () => {
    const time = createLeapingClock();
    const pace = paceOn(time);
    pace.observe({ 'retry-after': '60' }, { status: 429 });
    const stop = new AbortController();
    let started = 0;
    const call = (signal?: AbortSignal) => pace.run(async () => (started += 1), { signal });
    const [inTheDoor, behind, later] = [call(stop.signal), call(stop.signal), call()];
    const outcomes = Promise.allSettled([inTheDoor, behind]);
    await time.settle();
    stop.abort(new Error('enough'));
    expect((await outcomes).map((one) => (one.status === 'rejected' ? (one.reason as Error).message : 'ran'))).toEqual([
      'enough',
      'enough',
    ]);
    expect(started).toBe(0);
    pace.stop();
    await expect(later).rejects.toMatchObject({ code: 'stopped' });
    await expect(call()).rejects.toMatchObject({ code: 'stopped' });
    expect(started).toBe(0);
  });

  it('frees the place of work that failed', async () => {
    const time = createLeapingClock();
    const pace = paceOn(time, { concurrency: 1 });
    const failing = pace.run(async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await expect(pace.run(async () => 'yes')).resolves.toBe('yes');
  });
});
