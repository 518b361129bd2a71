import type { Direction, RunTrigger } from '../../../drizzle/tables/runs.ts';
import type { Connection } from '../../domain/connection.ts';
import type { FirstLinkReport } from '../../domain/firstLink.ts';
import type { Logger } from '../../log.ts';
import type { ConnectionStore } from '../../store/connections.ts';
import type { RunRow } from '../../store/runs.ts';
import type { Store } from '../../store/store.ts';

/** What the JSON API works with. */
export interface ApiNeeds {
  store: Store;
  connections: ConnectionStore;
  /** What the receivers go by; refreshed after a change, so that its answer means that it is in force. */
  registry: {
    get(id: string): Connection | undefined;
    all(): readonly Connection[];
    refresh(): Promise<void>;
  };
  schedule: {
    run(asked: { connectionId: string; direction: Direction | 'both'; trigger: RunTrigger }): Promise<RunRow | null>;
  };
  /** What going live would do; reads the location's contacts, writes nothing. */
  firstLink: (connection: Connection) => Promise<FirstLinkReport>;
  /** Names of the dialects that `config/` has a table for. */
  dialects: readonly string[];
  log: Pick<Logger, 'error'>;
}
