import type { Connection } from '../domain/connection.ts';
import { messageOf } from '../errors.ts';
import { connectionsWithUnfolded } from '../store/foldQueue.ts';
import { stageInbox, type StageInboxNeeds } from './stageInbox.ts';

export interface FoldInboxNeeds extends StageInboxNeeds {
  connectionOf(id: string): Connection | undefined;
  /** Whether this process speaks for the connection now. */
  holdsLease(connectionId: string): boolean;
  /** Deliveries wait for their commit, or did a moment ago: folding yields to them. */
  receivingIsBusy(): boolean;
}

export interface InboxFolder {
  /** Something was committed: fold it soon. Costs nothing when folding is under way already. */
  nudge(connectionId: string): void;
  /** Resolves when everything that was committed before the call is folded. */
  foldAll(connection: Connection): Promise<void>;
  /** Looks for what other processes committed. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** While deliveries wait, a batch is folded at most this often: receiving goes first, staging still moves on. */
const YIELD_MS = 100;
/** More would block the event loop for longer than a delivery should wait. */
const BATCH = 128;
const BATCH_UNDER_LOAD = 16;

/** Keeps staging up to date behind the receivers: right after each commit, never in a request (SPEC §2.1, 5). */
export function createInboxFolder(needs: FoldInboxNeeds): InboxFolder {
  const { log, store } = needs;
  const running = new Map<string, Promise<void>>();
  let closed = false;

  const drain = async (connection: Connection, urgent: boolean) => {
    while (!closed && needs.holdsLease(connection.id)) {
      // A run that waits for it goes before comfort.
      const busy = !urgent && needs.receivingIsBusy();
      if (busy) await store.clock.sleep(YIELD_MS);
      const limit = busy ? BATCH_UNDER_LOAD : BATCH;
      // Settings may change between two batches.
      const taken = await stageInbox(needs, needs.connectionOf(connection.id) ?? connection, limit);
      if (taken < limit) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  const start = (connection: Connection, urgent: boolean): Promise<void> => {
    const work = drain(connection, urgent).finally(() => {
      if (running.get(connection.id) === work) running.delete(connection.id);
    });
    running.set(connection.id, work);
    return work;
  };

  const foldAll = async (connection: Connection): Promise<void> => {
    // One at a time per connection; what is under way may have looked before the caller's rows were there.
    for (let current = running.get(connection.id); current; current = running.get(connection.id))
      await current.catch(() => undefined);
    await start(connection, true);
  };

  const again = new Set<string>();
  const nudge = (connectionId: string): void => {
    if (closed || !needs.holdsLease(connectionId)) return;
    if (running.has(connectionId)) {
      again.add(connectionId);
      return;
    }
    const connection = needs.connectionOf(connectionId);
    if (!connection) return;
    start(connection, false)
      .then(() => {
        if (again.delete(connectionId)) nudge(connectionId);
      })
      .catch((error: unknown) => {
        if (!closed)
          log.error('folding stopped; it starts again with the next delivery or sweep', {
            connection: connectionId,
            reason: messageOf(error),
          });
      });
  };

  return {
    nudge,
    foldAll,
    sweep: async () => {
      for (const id of await connectionsWithUnfolded(store)) nudge(id);
    },
    close: async () => {
      closed = true;
      await Promise.allSettled(running.values());
    },
  };
}
