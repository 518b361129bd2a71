import { every } from '../clock.ts';
import type { Connection } from '../domain/connection.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ConnectionStore } from './connections.ts';

/** All connections in memory, for the receivers: no I/O per request. At most a second behind other instances. */
export interface ConnectionRegistry {
  get(id: string): Connection | undefined;
  all(): readonly Connection[];
  byLocation(ghlLocationId: string): Connection | undefined;
  /** Resolves when a change that was committed before the call is seen. */
  refresh(): Promise<void>;
  close(): void;
}

const CHECK_EVERY_MS = 1000;
/** The mark is cheap but not perfect (two instances can write in one millisecond): everything is read anew this often. */
const CHECKS_PER_RELOAD = 60;

/** Reads all connections, then again whenever one changed. A refresh that fails is logged and keeps what is known. */
export async function createConnectionRegistry(
  connections: ConnectionStore,
  log: Pick<Logger, 'error'>,
): Promise<ConnectionRegistry> {
  let byId = new Map<string, Connection>();
  let byLocation = new Map<string, Connection>();
  let seen = '';
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  let checks = 0;
  let failing = false;

  const load = async (force: boolean) => {
    // The mark first: a change between the two reads is then read once too often, never too seldom.
    const mark = await connections.changeMark();
    if (!force && mark === seen) return;
    const all = await connections.all();
    byId = new Map(all.map((c) => [c.id, c]));
    byLocation = new Map(all.flatMap((c) => (c.ghl.locationId === null ? [] : [[c.ghl.locationId, c] as const])));
    seen = mark;
  };

  const refresh = (force: boolean): Promise<void> => {
    if (!running) {
      running = load(force).finally(() => {
        running = null;
      });
      return running;
    }
    if (!force) return running;
    // The one under way may have read before the change that this call is about; all who ask meanwhile share the next.
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = null;
        return refresh(true);
      });
    return next;
  };

  const quietly = (force: boolean) =>
    void refresh(force).then(
      () => {
        failing = false;
      },
      (error: unknown) => {
        if (!failing)
          log.error('connections cannot be read again; the last known ones are used', { reason: messageOf(error) });
        failing = true;
      },
    );

  await load(true);
  connections.onChange(() => quietly(true));
  const stop = every(CHECK_EVERY_MS, () => {
    checks += 1;
    quietly(checks % CHECKS_PER_RELOAD === 0);
  });

  return {
    get: (id) => byId.get(id),
    all: () => [...byId.values()],
    byLocation: (id) => byLocation.get(id),
    refresh: () => refresh(true),
    close: stop,
  };
}
