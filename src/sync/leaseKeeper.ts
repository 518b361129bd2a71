import { every } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { HEARTBEAT_MS, type Holder, LEASE_MS, releaseLeases, takeLease } from '../store/leases.ts';
import type { Store } from '../store/store.ts';

export interface LeaseKeeper {
  holds(connectionId: string): boolean;
  /** Aborted when the lease of the connection is lost. */
  signal(connectionId: string): AbortSignal;
  /** Takes and renews all leases now. */
  beat(): Promise<void>;
  /** Ends the work under the lease of a removed connection; in the database the lease stays. */
  drop(connectionId: string): Promise<void>;
  /** Tells everything that works under a lease to come to an end; the leases stay until `close`. */
  abort(): void;
  close(): Promise<void>;
}

/**
 * Keeps the leases of all connections, as far as no other instance has them (SPEC §2.6): one process at a time speaks
 * for a connection. `onTaken` clears up what a dead holder left, before anything else happens in its name.
 */
export function createLeaseKeeper(options: {
  store: Store;
  log: Logger;
  holder: Holder;
  connectionIds(): string[];
  onTaken(connectionId: string): Promise<void>;
}): LeaseKeeper {
  const { store, log, holder } = options;
  const held = new Map<string, { controller: AbortController; renewedAtMs: number }>();
  let closed = false;
  let beating: Promise<void> | null = null;

  const lose = (id: string, why: string) => {
    const lease = held.get(id);
    if (!lease) return;
    held.delete(id);
    lease.controller.abort(new Error(why));
    log.warn('the lease of a connection is lost', { connection: id, reason: why });
  };

  const renew = async (id: string) => {
    const startedAtMs = store.clock.nowMs();
    try {
      if (!(await takeLease(store, id, holder))) return lose(id, 'another instance speaks for it');
      const known = held.get(id);
      if (known) {
        known.renewedAtMs = startedAtMs;
        return;
      }
      await options.onTaken(id);
      held.set(id, { controller: new AbortController(), renewedAtMs: startedAtMs });
    } catch (error) {
      log.error('a lease could not be renewed', { connection: id, reason: messageOf(error) });
      const known = held.get(id);
      // Until it runs out nobody else can have it.
      if (known && store.clock.nowMs() - known.renewedAtMs > LEASE_MS - HEARTBEAT_MS)
        lose(id, 'it could not be renewed in time');
    }
  };

  const beat = (): Promise<void> => {
    beating ??= (async () => {
      const ids = options.connectionIds();
      for (const id of held.keys()) if (!ids.includes(id)) lose(id, 'the connection was removed');
      for (const id of ids) if (!closed) await renew(id);
    })().finally(() => {
      beating = null;
    });
    return beating;
  };

  const stop = every(HEARTBEAT_MS, () => void beat());
  return {
    holds: (id) => held.has(id),
    signal: (id) => held.get(id)?.controller.signal ?? AbortSignal.abort(new Error('the lease is not held')),
    beat,
    drop: async (id) => {
      const why = 'the connection was removed';
      lose(id, why);
      // One that is under way may take it once more.
      await beating;
      lose(id, why);
    },
    abort: () => {
      for (const { controller } of held.values()) controller.abort(new Error('the service is stopping'));
    },
    close: async () => {
      closed = true;
      stop();
      await beating;
      held.clear();
      await releaseLeases(store, holder);
    },
  };
}
