import PQueue from 'p-queue';
import type { Pace } from '../platforms/pace.ts';

/**
 * Jobs per call that may be under way: while one waits for its answer, another's pending values and a third one's
 * outcome are on their way to the disk, in shared commits. The pace alone limits the calls.
 */
const JOBS_PER_CALL = 3;

/** The jobs of one run. */
export interface JobQueue {
  /** Aborts with the run, and with the first error that a job does not settle itself. */
  readonly signal: AbortSignal;
  /** Rejects with the job's own error; with the signal's reason when it was not started, which is nobody's attempt. */
  perform: (job: () => Promise<void>) => Promise<void>;
  /** Ends the run early: what is under way is settled, nothing more is started. */
  halt: (error: unknown) => void;
  /** Resolves when nothing is under way and nothing waits. */
  idle: () => Promise<void>;
  /** To be told when the pace allows more (or less) at once. */
  resize: () => void;
}

export function createJobQueue(pace: Pick<Pace, 'concurrency'>, stop: AbortSignal): JobQueue {
  const halting = new AbortController();
  const signal = AbortSignal.any([stop, halting.signal]);
  const width = () => pace.concurrency * JOBS_PER_CALL;
  const queue = new PQueue({ concurrency: width() });
  return {
    signal,
    perform: (job) =>
      queue.add(async () => {
        signal.throwIfAborted();
        try {
          await job();
        } catch (error) {
          halting.abort(error);
          throw error;
        }
      }),
    halt: (error) => halting.abort(error),
    idle: () => queue.onIdle(),
    resize: () => {
      queue.concurrency = width();
    },
  };
}
