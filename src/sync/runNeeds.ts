import type { Connection } from '../domain/connection.ts';
import type { ConsentWords } from '../domain/consent.ts';
import type { FieldRow, TagMap } from '../domain/fieldMap.ts';
import type { Logger } from '../log.ts';
import type { GhlSide } from '../platforms/ghl/sides.ts';
import type { Dialect } from '../platforms/stickycards/dialect.ts';
import type { StickySide } from '../platforms/stickycards/sides.ts';
import type { ConnectionStore } from '../store/connections.ts';
import type { Store } from '../store/store.ts';

/** What runs need of the rest of the program. */
export interface RunBatchNeeds {
  store: Store;
  log: Logger;
  connections: ConnectionStore;
  rows: readonly FieldRow[];
  tagMap: TagMap;
  consentWords: ConsentWords;
  dialectOf(connection: Connection): Dialect;
  /** null = the connection has no GHL location or token yet. */
  ghlSideOf(connection: Connection): GhlSide | null;
  /** null = no address or key, or a dialect that cannot be read. */
  stickySideOf(connection: Connection): StickySide | null;
  /** Runs that would change too much at once are stopped (SPEC §6, Brake). */
  massChangeBrake: boolean;
  /** Folds everything that was committed before. */
  foldAll(connection: Connection): Promise<void>;
  random(): number;
}
