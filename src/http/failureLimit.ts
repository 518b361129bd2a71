import type { Clock } from '../clock.ts';
import { addressGroup } from './clientAddress.ts';

/** Counted before it was made, or refused: then `waitS` seconds are left until the client may try again. */
export type Attempt = { waitS: null; takeBack: () => void } | { waitS: number };

/** Counts failed verifications per client; what verifies is never counted. */
export interface FailureLimit {
  /** Counts one failure. Null = within the limit, else the seconds until the client may fail again. */
  count(address: string): number | null;
  /** Null = the client may try, else the seconds until it may; counts nothing. */
  wait(address: string): number | null;
  /** Counts as a failure beforehand what takes its time to verify, unless the client has to wait. */
  attempt(address: string): Attempt;
}

const WINDOW_MS = 60_000;
/** Bounds the memory that a flood from many addresses can take; beyond it the newcomers share one count. */
const ADDRESSES_MAX = 20_000;

/** `failures` of one client in each window of the clock, a minute by default. */
export function createFailureLimit(
  clock: Pick<Clock, 'nowMs'>,
  failures: number,
  windowMs: number = WINDOW_MS,
  groupOf: (address: string) => string = addressGroup,
): FailureLimit {
  let window = 0;
  let counts = new Map<string, number>();

  const look = (address: string) => {
    const now = clock.nowMs();
    const current = Math.floor(now / windowMs);
    if (current !== window) {
      window = current;
      counts = new Map();
    }
    const group = groupOf(address);
    const key = counts.has(group) || counts.size < ADDRESSES_MAX ? group : 'others';
    return { key, count: counts.get(key) ?? 0, leftS: Math.ceil(((current + 1) * windowMs - now) / 1000) };
  };

  return {
    count: (address) => {
      const { key, count, leftS } = look(address);
      counts.set(key, count + 1);
      return count < failures ? null : leftS;
    },
    wait: (address) => {
      const { count, leftS } = look(address);
      return count < failures ? null : leftS;
    },
    attempt: (address) => {
      const { key, count, leftS } = look(address);
      if (count >= failures) return { waitS: leftS };
      counts.set(key, count + 1);
      // Of its own window: one that ends in the next must not take back what others failed there.
      const counted = counts;
      return { waitS: null, takeBack: () => lower(counted, key) };
    },
  };
}

function lower(counts: Map<string, number>, key: string): void {
  const count = counts.get(key) ?? 0;
  if (count > 1) counts.set(key, count - 1);
  else counts.delete(key);
}
