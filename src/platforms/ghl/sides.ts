import type { Clock } from '../../clock.ts';
import type { Connection } from '../../domain/connection.ts';
import { AppError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { type CallRecord, createApi } from '../callApi.ts';
import { createPace } from '../pace.ts';
import { classifyGhl } from './classify.ts';
import { createGhlClient, type GhlClient } from './client.ts';

/** GHL's side of one connection: its client and the pace that all its calls share. */
export interface GhlSide {
  client: GhlClient;
  concurrency: number;
  /** How often an answer was 429. */
  waits(): number;
  /** Told of every request that left, until the returned function is called. */
  onCall(listener: (call: CallRecord) => void): () => void;
}

export interface GhlSides {
  /** null = no location or no token is configured. */
  of(connection: Connection): GhlSide | null;
  close(): void;
}

/** SPEC §2.6: five calls at a time. */
const CONCURRENCY = 5;

/** One side per connection for as long as location and address stay; a new token is used by the next call. */
export function createGhlSides({ clock, log }: { clock: Clock; log: Logger }): GhlSides {
  const sides = new Map<string, { key: string; side: GhlSide; token: { value: string }; stop: () => void }>();

  const make = (connection: Connection, locationId: string, token: { value: string }) => {
    const listeners = new Set<(call: CallRecord) => void>();
    const pace = createPace({ clock, log, side: 'ghl', concurrency: CONCURRENCY });
    const api = createApi({
      side: 'ghl',
      baseUrl: connection.ghl.apiBaseUrl,
      headers: () => {
        if (token.value === '') throw new AppError('no_token', 'the connection has no GHL token', { retry: 'later' });
        return { authorization: `Bearer ${token.value}` };
      },
      pace,
      clock,
      log,
      classify: classifyGhl,
      onCall: (call) => {
        for (const listener of listeners) listener(call);
      },
    });
    const side: GhlSide = {
      client: createGhlClient({ api, locationId }),
      concurrency: CONCURRENCY,
      waits: () => pace.waits,
      onCall: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    return { side, stop: () => pace.stop() };
  };

  return {
    of: (connection) => {
      const { locationId, accessToken, apiBaseUrl } = connection.ghl;
      if (locationId === null || accessToken === null) return null;
      const key = `${apiBaseUrl} ${locationId}`;
      const known = sides.get(connection.id);
      if (known?.key === key) {
        known.token.value = accessToken;
        return known.side;
      }
      known?.stop();
      const token = { value: accessToken };
      const made = make(connection, locationId, token);
      sides.set(connection.id, { key, token, ...made });
      return made.side;
    },
    close: () => {
      for (const { stop } of sides.values()) stop();
      sides.clear();
    },
  };
}
