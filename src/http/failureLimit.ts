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

interface Count {
  failures: number;
  sinceMs: number;
}

/** `failures` of one client from its first one on, for a minute by default; then it begins anew. */
export function createFailureLimit(
  clock: Pick<Clock, 'nowMs'>,
  failures: number,
  windowMs: number = WINDOW_MS,
  groupOf: (address: string) => string = addressGroup,
): FailureLimit {
  const counts = new Map<string, Count>();
  let sweptMs = -Infinity;

  const isOver = ({ sinceMs }: Count, now: number) => now - sinceMs >= windowMs || now < sinceMs;

  /** Once in a window at most: a flood must not have the whole table walked for each of its requests. */
  const sweep = (now: number) => {
    if (now - sweptMs < windowMs && now >= sweptMs) return;
    sweptMs = now;
    for (const [key, count] of counts) if (isOver(count, now)) counts.delete(key);
  };

  const look = (address: string) => {
    const now = clock.nowMs();
    if (counts.size >= ADDRESSES_MAX) sweep(now);
    const group = groupOf(address);
    const key = counts.has(group) || counts.size < ADDRESSES_MAX ? group : 'others';
    const known = counts.get(key);
    const count = known && !isOver(known, now) ? known : { failures: 0, sinceMs: now };
    const fail = (): Count => {
      count.failures += 1;
      counts.set(key, count);
      return count;
    };
    return { key, count, fail, leftS: Math.max(1, Math.ceil((count.sinceMs + windowMs - now) / 1000)) };
  };

  return {
    count: (address) => {
      const { count, fail, leftS } = look(address);
      const within = count.failures < failures;
      fail();
      return within ? null : leftS;
    },
    wait: (address) => {
      const { count, leftS } = look(address);
      return count.failures < failures ? null : leftS;
    },
    attempt: (address) => {
      const { key, count, fail, leftS } = look(address);
      if (count.failures >= failures) return { waitS: leftS };
      const counted = fail();
      return {
        waitS: null,
        takeBack: () => {
          counted.failures -= 1;
          // Only its own count: one that began anew meanwhile is somebody's later failure.
          if (counted.failures <= 0 && counts.get(key) === counted) counts.delete(key);
        },
      };
    },
  };
}
