import { asc } from 'drizzle-orm';
import { newestOf, type Windowed } from './listWindow.ts';
import type { Store } from './store.ts';

/** The names of all connections, in the order in which lists go through them. */
export const connectionNames = async ({ db, s }: Store): Promise<string[]> => {
  const rows = await db.select({ id: s.connections.id }).from(s.connections).orderBy(asc(s.connections.id));
  // Once more here: a PostgreSQL collation may order otherwise than `<` does.
  return rows.map((row) => row.id).toSorted((a, b) => (a < b ? -1 : 1));
};

/**
 * The newest rows of several connections, newest first. Indexes lead with the connection, so each is asked by itself:
 * one question over all of them would read the whole table to find a rare row.
 */
export async function newestAcross<Row extends { id: string }>(
  connectionIds: readonly string[],
  limit: number,
  read: (connectionId: string) => Promise<Windowed<Row>>,
): Promise<Windowed<Row>> {
  let newest: Windowed<Row> = [];
  for (const connectionId of connectionIds) {
    const rows = await read(connectionId);
    if (rows.length > 0 || rows.scannedTo !== undefined) newest = newestOf([newest, rows], limit);
  }
  return newest;
}
