import type { Clock } from '../clock.ts';
import { addressGroup } from './clientAddress.ts';

/** Counts failed verifications per client; what verifies is never counted. */
export interface FailureLimit {
  /** Counts one failure. Null = within the limit, else the seconds until the client may fail again. */
  count(address: string): number | null;
}

const WINDOW_MS = 60_000;
/** Bounds the memory that a flood from many addresses can take; beyond it the newcomers share one count. */
const ADDRESSES_MAX = 20_000;

/** `perMinute` failures of one client in each minute of the clock. */
export function createFailureLimit(clock: Pick<Clock, 'nowMs'>, perMinute: number): FailureLimit {
  let window = 0;
  let counts = new Map<string, number>();
  return {
    count: (address) => {
      const now = clock.nowMs();
      const current = Math.floor(now / WINDOW_MS);
      if (current !== window) {
        window = current;
        counts = new Map();
      }
      const group = addressGroup(address);
      const key = counts.has(group) || counts.size < ADDRESSES_MAX ? group : 'others';
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return count <= perMinute ? null : Math.ceil(((current + 1) * WINDOW_MS - now) / 1000);
    },
  };
}
