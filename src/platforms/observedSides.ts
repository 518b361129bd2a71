import type { CallRecord } from './callApi.ts';
import type { Side, Sides } from './sides.ts';

/** Sides whose every call somebody is told of, whoever asked for it; `known` answers the side that a connection last used. */
export interface ObservedSides<Client> extends Sides<Client> {
  known(connectionId: string): Side<Client> | null;
}

/** @param heard told of every request that left; must not throw */
export function observedSides<Client>(
  sides: Sides<Client>,
  heard: (connectionId: string, call: CallRecord, side: Side<Client>) => void,
): ObservedSides<Client> {
  const listened = new WeakSet<Side<Client>>();
  const known = new Map<string, Side<Client>>();
  return {
    of: (connection) => {
      const side = sides.of(connection);
      if (side === null) return null;
      if (!listened.has(side)) {
        listened.add(side);
        known.set(connection.id, side);
        side.onCall((call) => heard(connection.id, call, side));
      }
      return side;
    },
    known: (connectionId) => known.get(connectionId) ?? null,
    close: () => {
      known.clear();
      sides.close();
    },
  };
}
