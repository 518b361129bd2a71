import type { Clock } from '../clock.ts';
import type { Connection } from '../domain/connection.ts';
import type { FieldRow } from '../domain/fieldMap.ts';
import type { ConnectionStore } from '../store/connections.ts';
import type { Store } from '../store/store.ts';

/** What the environment says that concerns every connection. */
export interface ServiceFacts {
  production: boolean;
  syncPaused: boolean;
  /** Names of the service's own secrets that are weak; never their values. */
  weakSecrets: readonly string[];
  isStrong: (secret: string) => boolean;
}

/** What every check sees. */
export interface Patient {
  store: Store;
  connections: Pick<ConnectionStore, 'get' | 'remembered'>;
  service: ServiceFacts;
  clock: Clock;
  connection: Connection;
  /** The connection's own field map. */
  rows: readonly FieldRow[];
  /** On the disk of the database; null = it is elsewhere. */
  freeBytes: () => Promise<number | null>;
}
