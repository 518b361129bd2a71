const FIRST_MS = 5000;
const MOST_MS = 15 * 60_000;

/** One call, by its connection and its key. */
interface Named {
  connectionId: string;
  key: string;
}

export interface Retries {
  failed(call: Named): void;
  /** It waits for nothing else than that this customer is resumed. */
  paused(call: Named, customerId: string): void;
  done(call: Named): void;
  /** Whether it is too early to try this one again. */
  waits(call: Named): boolean;
  /** The customers that calls of a connection wait for. */
  pausedCustomers(connectionId: string): string[];
  resumed(connectionId: string, customerIds: readonly string[]): void;
  /** Everything of a connection is tried again at once. */
  forget(connectionId: string): void;
  /** The same, when the connection was changed since it was told last: what was in the way may be gone. */
  asOf(connectionId: string, changedAt: Date): void;
}

interface Waiting {
  times: number;
  againAtMs: number;
  customerId: string | null;
}

/**
 * When a call that could not be carried out is tried again: after 5 s, then twice as long each time, up to a quarter of an
 * hour. In memory: a new process tries at once.
 */
export function createRetries(nowMs: () => number): Retries {
  const known = new Map<string, Map<string, Waiting>>();
  const seen = new Map<string, number>();
  const of = (connectionId: string): Map<string, Waiting> => {
    const calls = known.get(connectionId) ?? new Map<string, Waiting>();
    known.set(connectionId, calls);
    return calls;
  };
  return {
    failed: ({ connectionId, key }) => {
      const times = of(connectionId).get(key)?.times ?? 0;
      const againAtMs = nowMs() + Math.min(FIRST_MS * 2 ** times, MOST_MS);
      of(connectionId).set(key, { times: times + 1, againAtMs, customerId: null });
    },
    paused: ({ connectionId, key }, customerId) =>
      void of(connectionId).set(key, { times: 0, againAtMs: Infinity, customerId }),
    done: ({ connectionId, key }) => void of(connectionId).delete(key),
    waits: ({ connectionId, key }) => nowMs() < (of(connectionId).get(key)?.againAtMs ?? 0),
    pausedCustomers: (connectionId) => [
      ...new Set([...of(connectionId).values()].flatMap(({ customerId }) => customerId ?? [])),
    ],
    resumed: (connectionId, customerIds) => {
      const calls = of(connectionId);
      for (const [key, { customerId }] of calls)
        if (customerId !== null && customerIds.includes(customerId)) calls.delete(key);
    },
    forget: (connectionId) => void known.delete(connectionId),
    asOf: (connectionId, changedAt) => {
      if (seen.get(connectionId) !== changedAt.getTime()) known.delete(connectionId);
      seen.set(connectionId, changedAt.getTime());
    },
  };
}
