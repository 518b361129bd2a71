import { and, eq, gt } from 'drizzle-orm';
import type { Connection } from '../domain/connection.ts';
import { missingForGhl, notConnected } from '../domain/notConnected.ts';
import { clearProblems, raiseProblems } from '../store/problems.ts';
import type { Store } from '../store/store.ts';

const CODE = 'not_connected';

/**
 * Says once, as a problem, that a live connection cannot reach GHL at all, and that it is over when it can or is taken back
 * to observe. Without it such a connection would look well: it fails no record, because it tries none. While somebody has
 * paused it, it stays as it was said. Costs one read where nothing is to be said.
 */
export async function tellWhetherConnected(store: Store, connection: Connection): Promise<void> {
  const { id, mode } = connection;
  const reason = notConnected(connection);
  if (reason !== null) {
    const sample = { connection: id, missing: missingForGhl(connection), message: reason };
    await store.tx((db) => raiseProblems(store, db, id, [{ code: CODE, recordId: id, sample }]));
    return;
  }
  if (mode !== 'observe' && missingForGhl(connection).length > 0) return;
  if (await isTold(store, id)) await store.tx((db) => clearProblems(store, db, id, id, [CODE]));
}

async function isTold({ db, s }: Store, connectionId: string): Promise<boolean> {
  const { problems: t } = s;
  const which = and(eq(t.connectionId, connectionId), eq(t.code, CODE), eq(t.cause, ''), gt(t.affected, 0));
  return (await db.select({ id: t.id }).from(t).where(which).limit(1)).length > 0;
}
