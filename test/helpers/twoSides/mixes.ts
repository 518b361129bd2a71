/** Shares are of calls or of rounds, from 0 to 1. */
export interface Mix {
  name: string;
  /** The answer is lost after the change was made. */
  lostAnswers: number;
  /** The request is lost before it arrives. */
  lostRequests: number;
  /** 5xx, and 429. */
  refusals: number;
  /** Webhooks that never leave, of GHL and of Sticky Cards. */
  lostOfGhl: number;
  lostOfSticky: number;
  duplicates: number;
  shuffled: boolean;
  /** Webhooks leave up to so much later than their change (ms). */
  lagMs: number;
  /** Runs in which the process dies, and those in which it is restarted in an orderly way. */
  crashes: number;
  restarts: number;
  /** Edits while a run is under way: per call of the run. */
  editsInRun: number;
  /** Between edits and runs so much time passes (ms): 0 = all of it within the same seconds. */
  pauseMs: number;
}

const still: Mix = {
  name: 'nothing goes wrong',
  lostAnswers: 0,
  lostRequests: 0,
  refusals: 0,
  lostOfGhl: 0,
  lostOfSticky: 0,
  duplicates: 0,
  shuffled: false,
  lagMs: 0,
  crashes: 0,
  restarts: 0,
  editsInRun: 0,
  pauseMs: 5000,
};

/** What a world is plagued by. */
export const MIXES: readonly Mix[] = [
  still,
  {
    ...still,
    name: 'edits in the middle of runs, webhooks twice, late and out of order, no time between',
    duplicates: 0.2,
    shuffled: true,
    lagMs: 20_000,
    editsInRun: 0.08,
    pauseMs: 0,
  },
  {
    ...still,
    name: 'lost answers and requests, refusals, edits in the middle of runs',
    lostAnswers: 0.06,
    lostRequests: 0.05,
    refusals: 0.05,
    duplicates: 0.1,
    shuffled: true,
    lagMs: 60_000,
    editsInRun: 0.05,
    pauseMs: 1500,
  },
  {
    ...still,
    name: 'lost webhooks, lost answers and requests',
    lostAnswers: 0.04,
    lostRequests: 0.05,
    refusals: 0.03,
    lostOfGhl: 0.4,
    lostOfSticky: 0.3,
    restarts: 0.15,
  },
  {
    ...still,
    name: 'the process dies and is restarted in the middle of runs, answers are lost',
    lostAnswers: 0.04,
    lostRequests: 0.02,
    duplicates: 0.1,
    shuffled: true,
    lagMs: 60_000,
    crashes: 0.4,
    restarts: 0.2,
    editsInRun: 0.03,
    pauseMs: 700,
  },
];
