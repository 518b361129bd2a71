import { AppError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { purgeConnection } from '../store/connectionPurge.ts';
import type { ConnectionStore } from '../store/connections.ts';
import { type Holder, LEASE_MS, leaseOf, removedConnections, takeLease } from '../store/leases.ts';
import type { Store } from '../store/store.ts';

export interface Removals {
  /**
   * Removes a connection with everything that belongs to it (SPEC §1). Resolves when nothing works in its name any more
   * and its data is gone, also where another instance worked on it. Throws `unknown_connection` (404); `removal_under_way`
   * (503) when that instance takes long to come to an end.
   */
  remove(connectionId: string, actor: string): Promise<void>;
  /** Clears up what others removed, or what was interrupted, and keeps the leases meanwhile. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** Other instances may take in deliveries for this long: their list of connections is a second old at most. */
const OTHERS_KNOW_MS = 2000;
const LOOK_EVERY_MS = 250;
/** By then the lease of an instance that hangs has run out, and is taken over here. */
const PATIENCE_MS = LEASE_MS + 10_000;

const stillAtWork = (id: string) =>
  new AppError(
    'removal_under_way',
    `the connection "${id}" is removed; another instance still waits for a call in its name, and clears up its data right after: nothing more is to be done`,
    { httpStatus: 503, retry: 'later' },
  );

/**
 * A removed connection leaves the list at once; its lease stays until everything else of it is gone. Whoever has the
 * lease is the only one to work in its name, so that one ends the work, clears up, and drops the lease last: nothing is
 * settled afterwards, and an interruption is made good by whoever takes the lease next.
 */
export function createRemovals(needs: {
  store: Store;
  log: Logger;
  holder: Holder;
  connections: Pick<ConnectionStore, 'remove'>;
  /** The list of connections that everything here goes by. */
  refresh(): Promise<void>;
  /** Ends what this process does in the connection's name; resolves when nothing of it is under way. */
  endWork(connectionId: string): Promise<void>;
}): Removals {
  const { store, log } = needs;
  const clearing = new Map<string, Promise<void>>();
  const closing = new AbortController();

  const clear = async (connectionId: string): Promise<void> => {
    await needs.endWork(connectionId);
    if (store.dialect === 'postgres') await store.clock.sleep(OTHERS_KNOW_MS, closing.signal);
    await purgeConnection(store, connectionId, closing.signal);
  };

  /** Takes or renews the lease and begins to clear up, once; false = another instance has it. */
  const takeUp = async (connectionId: string): Promise<boolean> => {
    if (!(await takeLease(store, connectionId, needs.holder))) return false;
    if (clearing.has(connectionId)) return true;
    const work = clear(connectionId).finally(() => clearing.delete(connectionId));
    clearing.set(connectionId, work);
    work.catch((error: unknown) => {
      if (!closing.signal.aborted)
        log.error('a removed connection could not be cleared up; it is tried again', {
          connection: connectionId,
          reason: messageOf(error),
        });
    });
    return true;
  };

  const cleared = async (connectionId: string): Promise<void> => {
    const untilMs = store.clock.nowMs() + PATIENCE_MS;
    while (await leaseOf(store, connectionId)) {
      if (await takeUp(connectionId)) {
        await clearing.get(connectionId);
        return;
      }
      if (store.clock.nowMs() > untilMs) throw stillAtWork(connectionId);
      await store.clock.sleep(LOOK_EVERY_MS, closing.signal);
    }
  };

  return {
    remove: async (connectionId, actor) => {
      await needs.connections.remove(connectionId, actor);
      await needs.refresh();
      await cleared(connectionId);
    },

    sweep: async () => {
      for (const connectionId of await removedConnections(store)) {
        if (closing.signal.aborted) return;
        await takeUp(connectionId);
      }
    },

    close: async () => {
      closing.abort(new Error('the service is stopping'));
      await Promise.allSettled(clearing.values());
    },
  };
}
