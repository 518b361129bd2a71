import type { Connection } from '../domain/connection.ts';
import { resetStaging, writeCheckpoint } from '../store/checkpoints.ts';
import type { Store } from '../store/store.ts';

/**
 * Makes a connection's staging again from its last checkpoint and the inbox after it (SPEC §2.2). Plans again, but
 * never makes a command whose key exists. The caller keeps runs away while it happens.
 */
export async function rebuild(
  store: Store,
  connection: Connection,
  foldAll: (connection: Connection) => Promise<void>,
): Promise<void> {
  await foldAll(connection);
  await store.tx((db) => resetStaging(store, db, connection.id));
  await foldAll(connection);
}

/** Keeps staging as it stands now; answers the last delivery that it stands for, null when there is none. */
export async function checkpoint(
  store: Store,
  connection: Connection,
  foldAll: (connection: Connection) => Promise<void>,
): Promise<string | null> {
  await foldAll(connection);
  return store.tx((db) => writeCheckpoint(store, db, connection.id));
}
