const FIRST_MS = 5000;
const MOST_MS = 15 * 60_000;

export interface Retries {
  failed(name: string): void;
  done(name: string): void;
  /** Whether it is too early to try this one again. */
  waits(name: string): boolean;
}

/**
 * When a call that could not be carried out is tried again: after 5 s, then twice as long each time, up to a quarter of an
 * hour. In memory: a new process tries at once.
 */
export function createRetries(nowMs: () => number): Retries {
  const known = new Map<string, { times: number; againAtMs: number }>();
  return {
    failed: (name) => {
      const times = known.get(name)?.times ?? 0;
      known.set(name, { times: times + 1, againAtMs: nowMs() + Math.min(FIRST_MS * 2 ** times, MOST_MS) });
    },
    done: (name) => void known.delete(name),
    waits: (name) => nowMs() < (known.get(name)?.againAtMs ?? 0),
  };
}
