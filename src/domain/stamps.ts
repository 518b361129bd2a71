import type { Stamp } from '../../drizzle/tables/staging.ts';
import { OWN_WRITE_FROM_MS, READ_EFFECT } from './eventEffects.ts';

const secondOf = (atMs: number) => Math.floor(atMs / 1000);

/** Newer first by time, then rank, then the greater hash (SPEC §2.2). */
export function compareStamps(a: Stamp, b: Stamp): number {
  return a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : 0);
}

export type Stamped<T> = T & { fold: { stamps: Record<string, Stamp> } };

/**
 * An answer of ours and something else of one second: the answer's time names no more than the second, so which came
 * first is not known, unless the answer was asked for afterwards. Where they differ, a read has to tell (SPEC §2.2).
 */
export const isOneMoment = (a: Stamp | undefined, b: Stamp): boolean =>
  a !== undefined &&
  secondOf(a[0]) === secondOf(b[0]) &&
  (a[1] === READ_EFFECT.rank || b[1] === READ_EFFECT.rank) &&
  !(isOwnWrite(a) && isOwnWrite(b)) &&
  !isAskedAfter(a, b) &&
  !isAskedAfter(b, a);

/** A read by somebody who had heard of the event, or of a later one: `askedAfterMs`. */
export const isAskedAfter = (read: Stamp, event: Stamp): boolean =>
  read[1] === READ_EFFECT.rank &&
  event[1] !== READ_EFFECT.rank &&
  read[0] % 1000 !== 0 &&
  !isOwnWrite(read) &&
  compareStamps(event, read) < 0;

/**
 * The time of a read (ms) that was asked for when everything up to `heardMs` had been heard of: if that was in the second
 * that the answer names, it shows what became of it. Such a time is told from a whole second, and from a write of ours.
 * @param dateMs the answer's `Date`
 */
export const askedAfterMs = (dateMs: number, heardMs: number): number =>
  secondOf(heardMs) === secondOf(dateMs) ? Math.max(dateMs, Math.min(heardMs, dateMs + OWN_WRITE_FROM_MS - 1)) : dateMs;

/**
 * The newest time (ms, by the platform's clock; 0 = none) at which something was told of a record. Our own writes stand
 * at the end of their second, not in their moment, so they do not count.
 */
export const heardUpToMs = (stamps: Iterable<Stamp>): number =>
  [...stamps].reduce((newest, stamp) => (isOwnWrite(stamp) ? newest : Math.max(newest, stamp[0])), 0);

/** Of two writes of ours the order is known. */
export const isNextOwnWrite = (a: Stamp, b: Stamp): boolean =>
  isOwnWrite(a) && isOwnWrite(b) && secondOf(a[0]) === secondOf(b[0]);
const isOwnWrite = ([atMs, rank]: Stamp): boolean => rank === READ_EFFECT.rank && atMs % 1000 >= OWN_WRITE_FROM_MS;

/** A state field takes the value with the newest stamp; null says nothing. */
export function setState<T, K extends keyof T & string>(
  record: Stamped<T>,
  key: K,
  value: T[K] | null,
  stamp: Stamp,
): void {
  if (value === null) return;
  const known = record.fold.stamps[key];
  if (known && compareStamps(known, stamp) >= 0) return;
  record.fold.stamps[key] = stamp;
  record[key] = value as Stamped<T>[K];
}
