import type { Clock } from '../clock.ts';
import { createIds, type IdKind } from '../ids.ts';
import { type Database, openDatabase } from './database.ts';

/** The database together with the two things that every write needs: the time and ids. */
export interface Store extends Database {
  clock: Clock;
  /** An id of this moment; many at once cost less with one time for all. */
  newId(kind: IdKind, atMs?: number): string;
}

export async function openStore(url: string, clock: Clock): Promise<Store> {
  const database = await openDatabase(url);
  const newId = createIds();
  return { ...database, clock, newId: (kind, atMs = clock.nowMs()) => newId(kind, atMs) };
}
