import type { Connection } from '../domain/connection.ts';
import type { ConnectionMaps } from '../domain/mapOverrides.ts';
import { messageOf } from '../errors.ts';
import { connectionsWithUnfolded } from '../store/foldQueue.ts';
import { stageInbox, type StageInboxNeeds } from './stageInbox.ts';

export interface FoldInboxNeeds extends Omit<StageInboxNeeds, 'rows' | 'tagMap'> {
  mapsOf(connection: Connection): ConnectionMaps;
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
  /** Resolves when nothing of a connection whose lease is not held any more is being folded. */
  ended(connectionId: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * While deliveries come fast, a batch is folded at most this often: receiving goes first, staging still moves on. Each
 * makes the deliveries of that moment wait for some ms; once a second that stays outside of their p99.
 */
const REST_MS = 1000;
/** How soon the end of a rush, a run that waits, or the end of the service is noticed. */
const LOOK_EVERY_MS = 100;
/** More would block the event loop for longer than a delivery should wait. */
const BATCH = 128;
const BATCH_UNDER_LOAD = 32;

/** Keeps staging up to date behind the receivers: right after each commit, never in a request (SPEC §2.1, 5). */
export function createInboxFolder(needs: FoldInboxNeeds): InboxFolder {
  const { log, store } = needs;
  const running = new Map<string, Promise<void>>();
  let closed = false;

  /** Connections whose folding a run waits for: that goes before comfort. */
  const hurried = new Set<string>();
  const isResting = (connectionId: string) => !closed && !hurried.has(connectionId) && needs.receivingIsBusy();
  const rest = async (connectionId: string) => {
    for (let restedMs = 0; restedMs < REST_MS && isResting(connectionId); restedMs += LOOK_EVERY_MS)
      await store.clock.sleep(LOOK_EVERY_MS);
  };

  const drain = async (connection: Connection) => {
    while (!closed && needs.holdsLease(connection.id)) {
      await rest(connection.id);
      const limit = isResting(connection.id) ? BATCH_UNDER_LOAD : BATCH;
      // Settings may change between two batches.
      const current = needs.connectionOf(connection.id) ?? connection;
      const taken = await stageInbox({ ...needs, ...needs.mapsOf(current) }, current, limit);
      if (taken < limit) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  const start = (connection: Connection): Promise<void> => {
    const work = drain(connection).finally(() => {
      if (running.get(connection.id) === work) running.delete(connection.id);
    });
    running.set(connection.id, work);
    return work;
  };

  const foldAll = async (connection: Connection): Promise<void> => {
    hurried.add(connection.id);
    try {
      // One at a time per connection; what is under way may have looked before the caller's rows were there.
      for (let current = running.get(connection.id); current; current = running.get(connection.id))
        await current.catch(() => undefined);
      await start(connection);
    } finally {
      hurried.delete(connection.id);
    }
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
    start(connection)
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
    ended: async (connectionId) => {
      for (let work = running.get(connectionId); work; work = running.get(connectionId))
        await work.catch(() => undefined);
    },
    close: async () => {
      closed = true;
      await Promise.allSettled(running.values());
    },
  };
}
