import type { Connection } from '../domain/connection.ts';
import type { CallRecord } from './callApi.ts';
import type { Pace } from './pace.ts';

/** One side of one connection: its client and the pace that all its calls share. */
export interface Side<Client> {
  client: Client;
  pace: Pace;
  /** Told of every request that left, until the returned function is called. */
  onCall(listener: (call: CallRecord) => void): () => void;
}

export interface Sides<Client> {
  /** null = the connection does not say where that side is, or has no key for it. */
  of(connection: Connection): Side<Client> | null;
  close(): void;
}

export interface SideMaker<Client> {
  /** What makes it another side: address and account. null = not configured. */
  keyOf(connection: Connection): string | null;
  /** `current` answers with the connection as it is now: a new token is used by the next call. */
  make(current: () => Connection, onCall: (call: CallRecord) => void): { client: Client; pace: Pace };
}

/** Keeps one side per connection for as long as address and account stay, so that its pace knows what was sent. */
export function createSides<Client>(maker: SideMaker<Client>): Sides<Client> {
  const known = new Map<string, { key: string; side: Side<Client>; current: Connection }>();
  return {
    of: (connection) => {
      const key = maker.keyOf(connection);
      if (key === null) return null;
      const entry = known.get(connection.id);
      if (entry?.key === key) {
        entry.current = connection;
        return entry.side;
      }
      entry?.side.pace.stop();
      const listeners = new Set<(call: CallRecord) => void>();
      const made = { key, current: connection } as { key: string; side: Side<Client>; current: Connection };
      made.side = {
        ...maker.make(
          () => made.current,
          (call) => {
            for (const listener of listeners) listener(call);
          },
        ),
        onCall: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      };
      known.set(connection.id, made);
      return made.side;
    },
    close: () => {
      for (const { side } of known.values()) side.pace.stop();
      known.clear();
    },
  };
}
