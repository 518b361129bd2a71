import type { ActionResult } from '../../domain/actionAnswer.ts';
import type { Connection, LocationFacts } from '../../domain/connection.ts';
import type { FieldRow, TagMap } from '../../domain/fieldMap.ts';
import type { GhlClient } from '../../platforms/ghl/client.ts';
import type { Dialect } from '../../platforms/stickycards/dialect.ts';
import type { ReportClient } from '../../platforms/stickycards/report/client.ts';
import type { CameAt } from '../../store/idempotency.ts';
import type { NewLogRow } from '../../store/runs.ts';
import type { RunBatchNeeds } from '../runNeeds.ts';

/** What carrying out one call of an action needs; it happens outside of runs, on the holder of the lease. */
export interface ActionContext {
  needs: Pick<RunBatchNeeds, 'store' | 'log' | 'connections' | 'consentWords' | 'foldAll' | 'random'>;
  connection: Connection;
  /** The field map of the connection. */
  rows: readonly FieldRow[];
  tagMap: TagMap;
  /** null = the connection has no GHL location or token. */
  ghl: GhlClient | null;
  /** null = the connection has no address or key of Sticky Cards. */
  sticky: { client: ReportClient; dialect: Dialect } | null;
  /** Looked up in GHL where they are not known yet. Rejects with ApiError. */
  facts(): Promise<LocationFacts>;
  /** Until then an answer of GHL is waited for without which there can be no push: the caller is waiting too. */
  askUntilMs: number;
  /** A run that begins after this call, shared by all who ask meanwhile. */
  run(): Promise<void>;
  /** Of the lease. */
  signal: AbortSignal;
}

/** The call as it is known to the ledger and to the log. */
export interface Subject extends CameAt {
  /** `action:<key>`: of the commands that it makes. */
  sourceEvent: string;
}

export type Outcome =
  /** Nothing more is to be done by this call: either it happened, or it will not, or the ledger has it. */
  | ({ kind: 'done'; answer: ActionResult } & Traces)
  /** Not now: the call is tried again. */
  | {
      kind: 'later';
      answer: ActionResult;
      /** It waits for nothing else than that this customer is resumed. */
      pausedCustomerId?: string;
    };

/** What is stored together with the end of a call. */
export interface Traces {
  commandId?: string;
  /** The person is planned anew: what was written reaches GHL by the next run. */
  requeue?: string;
  /** A row of the log; calls that made a command have one by it. */
  log?: Pick<NewLogRow, 'action' | 'status'> & Partial<NewLogRow> & { customerId: string | null };
}
