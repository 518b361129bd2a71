import type { Direction, RunTrigger } from '../../../drizzle/tables/runs.ts';
import type { Connection } from '../../domain/connection.ts';
import type { DoctorReport } from '../../domain/doctor.ts';
import type { FirstLinkReport } from '../../domain/firstLink.ts';
import type { ConnectionMaps } from '../../domain/mapOverrides.ts';
import type { Setup } from '../../domain/setup.ts';
import type { Logger } from '../../log.ts';
import type { CallBudget } from '../../store/callBudget.ts';
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
  removals: {
    /** Resolves when nothing works in the connection's name any more and its data is gone. */
    remove(connectionId: string, actor: string): Promise<void>;
  };
  schedule: {
    run(asked: { connectionId: string; direction: Direction | 'both'; trigger: RunTrigger }): Promise<RunRow | null>;
  };
  /** What going live would do; reads the location's contacts, writes nothing. */
  firstLink: (connection: Connection) => Promise<FirstLinkReport>;
  /** Every check of a connection; asks both remote sides, never rejects. */
  doctor: (connection: Connection) => Promise<DoctorReport>;
  /** What is to be entered where for a connection. */
  setup: (connection: Connection) => Promise<Setup>;
  /** Resolves when Sticky Cards has sent the first delivery, or it was refused, or the time is over. */
  firstDelivery: (connection: Connection, patienceMs: number, signal: AbortSignal) => Promise<boolean>;
  /** What GHL was asked today. */
  callBudget: Pick<CallBudget, 'today'>;
  /** Names of the dialects that `config/` has a table for. */
  dialects: readonly string[];
  /** The maps of `config/`, which a connection may change for itself. */
  maps: ConnectionMaps;
  log: Pick<Logger, 'error'>;
}
