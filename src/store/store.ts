import type { Clock } from '../clock.ts';
import { type IdKind, newId } from '../ids.ts';
import { type Database, openDatabase } from './database.ts';

/** The database together with the two things that every write needs: the time and ids. */
export interface Store extends Database {
  clock: Clock;
  newId(kind: IdKind): string;
}

export async function openStore(url: string, clock: Clock): Promise<Store> {
  const database = await openDatabase(url);
  return { ...database, clock, newId: (kind) => newId(kind, clock.nowMs()) };
}
