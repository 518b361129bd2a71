import type { Direction, RunTrigger } from '../../drizzle/tables/runs.ts';
import type { Connection } from '../domain/connection.ts';
import type { ConsentWords } from '../domain/consent.ts';
import type { DoctorReport } from '../domain/doctor.ts';
import type { FirstLinkReport } from '../domain/firstLink.ts';
import type { ConnectionMaps } from '../domain/mapOverrides.ts';
import type { Setup } from '../domain/setup.ts';
import type { Logger } from '../log.ts';
import type { PasswordAttempts } from '../http/passwordAttempts.ts';
import type { CallBudget } from '../store/callBudget.ts';
import type { ConnectionStore } from '../store/connections.ts';
import type { RunRow } from '../store/runs.ts';
import type { Store } from '../store/store.ts';

/** What the dashboard works with: the same as the API, and how the start was configured. */
export interface DashboardNeeds {
  store: Store;
  connections: ConnectionStore;
  registry: {
    get(id: string): Connection | undefined;
    all(): readonly Connection[];
    refresh(): Promise<void>;
  };
  schedule: {
    run(asked: { connectionId: string; direction: Direction | 'both'; trigger: RunTrigger }): Promise<RunRow | null>;
  };
  /** Every check of a connection; asks both remote sides, never rejects. */
  doctor: (connection: Connection) => Promise<DoctorReport>;
  /** What is to be entered where for a connection. */
  setup: (connection: Connection) => Promise<Setup>;
  /** What going live would do; reads the location's contacts, writes nothing. */
  firstLink: (connection: Connection) => Promise<FirstLinkReport>;
  /** What GHL was asked today. */
  callBudget: Pick<CallBudget, 'today'>;
  /** Field map and tag map of a connection. */
  mapsOf: (connection: Connection) => ConnectionMaps;
  consentWords: ConsentWords;
  /** The password of the user `admin`, as this start was given it. */
  adminPassword: string;
  /** Counts wrong passwords, here and at the other doors that take one. */
  passwordAttempts: PasswordAttempts;
  /** As in PUBLIC_URL; null = whatever address the browser uses. */
  publicUrl: string | null;
  syncCron: string;
  sandbox: boolean;
  /** Why nothing is written anywhere, for the top of every page; null = it is. */
  stopped: string | null;
  /** Folder with style sheet and scripts; folder of the chart library. */
  assets: { own: string; chart: string };
  /** Aborted when the service stops: streams that browsers hold open end then. */
  closing: AbortSignal;
  log: Pick<Logger, 'error'>;
}
