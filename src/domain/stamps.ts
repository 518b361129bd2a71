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
 * first is not known. Where they differ, a read has to tell (SPEC §2.2).
 */
export const isOneMoment = (a: Stamp | undefined, b: Stamp): boolean =>
  a !== undefined &&
  secondOf(a[0]) === secondOf(b[0]) &&
  (a[1] === READ_EFFECT.rank || b[1] === READ_EFFECT.rank) &&
  !(isOwnWrite(a) && isOwnWrite(b));

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
