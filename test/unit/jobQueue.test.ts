import { describe, expect, test } from '@jest/globals';
import { createJobQueue } from '../../src/sync/jobQueue.ts';

/** Jobs that stay under way until they are let go. */
function openJobs() {
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const job = (n: number) => () => {
    started.push(n);
    return new Promise<void>((resolve) => ends.push(resolve));
  };
  return { started, job, endAll: () => ends.splice(0).forEach((end) => end()) };
}

describe('the jobs of a run', () => {
  test('are more at once than the calls, and grow with the pace', async () => {
    const pace = { concurrency: 1 };
    const jobs = createJobQueue(pace, new AbortController().signal);
    const { started, job, endAll } = openJobs();
    const all = Array.from({ length: 9 }, (_, n) => jobs.perform(job(n)));
    expect(started).toEqual([0, 1, 2]);
    pace.concurrency = 2;
    jobs.resize();
    expect(started).toEqual([0, 1, 2, 3, 4, 5]);
    const over = Promise.all(all);
    for (let round = 0; round < 3; round++) {
      endAll();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await over;
    expect(started).toHaveLength(9);
  });

  test('an error that nobody settled ends them: what is under way goes on, nothing more is started', async () => {
    const jobs = createJobQueue({ concurrency: 1 }, new AbortController().signal);
    const { started, job, endAll } = openJobs();
    const bad = new Error('the side is down');
    const first = jobs.perform(job(0));
    const second = jobs.perform(() => Promise.reject(bad));
    const third = jobs.perform(job(2));
    const waiting = jobs.perform(job(3));
    await expect(second).rejects.toBe(bad);
    await expect(waiting).rejects.toBe(bad);
    expect(jobs.signal.reason).toBe(bad);
    endAll();
    await Promise.all([first, third, jobs.idle()]);
    expect(started).toEqual([0, 2]);
  });

  test('the end of the run is the end of what waits, and never looks like success', async () => {
    const run = new AbortController();
    const jobs = createJobQueue({ concurrency: 1 }, run.signal);
    const lost = new Error('the lease is lost');
    run.abort(lost);
    const { started, job } = openJobs();
    await expect(jobs.perform(job(0))).rejects.toBe(lost);
    expect(started).toEqual([]);
  });
});
