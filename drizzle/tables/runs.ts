import { sql } from 'drizzle-orm';
import type { Kit } from '../kit.ts';

export const RUN_STATUSES = ['running', 'completed', 'partial', 'failed', 'skipped-overlap', 'stale'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];
export const RUN_TRIGGERS = ['cron', 'manual', 'replay', 'backfill'] as const;
export type RunTrigger = (typeof RUN_TRIGGERS)[number];
export type Direction = 'stickycards_to_ghl' | 'ghl_to_stickycards';

export interface FieldChange {
  field: string;
  before: string | number | boolean | null;
  after: string | number | boolean | null;
}

/** One row per pass of the batch. `running` with a heartbeat older than the lease is closed as `stale` by the next holder. */
export const syncRunSummaries = (k: Kit) =>
  k.table(
    'sync_run_summaries',
    {
      id: k.text().primaryKey(),
      connectionId: k.text().notNull(),
      direction: k.text().$type<Direction | 'both'>().notNull(),
      trigger: k.text().$type<RunTrigger>().notNull(),
      status: k.text().$type<RunStatus>().notNull(),
      totalRecords: k.int().notNull().default(0),
      createdCount: k.int().notNull().default(0),
      updatedCount: k.int().notNull().default(0),
      unchangedCount: k.int().notNull().default(0),
      skippedCount: k.int().notNull().default(0),
      failedCount: k.int().notNull().default(0),
      apiCalls: k.int().notNull().default(0),
      rateLimitWaits: k.int().notNull().default(0),
      startedAt: k.at().notNull(),
      heartbeatAt: k.at().notNull(),
      completedAt: k.at(),
      durationMs: k.int(),
      lastError: k.text(),
    },
    (t) => [
      k.index('sync_run_summaries_list').on(t.connectionId, t.id),
      k.index('sync_run_summaries_status').on(t.status, t.id),
    ],
  );

/** What a run did to each record that it touched; unchanged records are counted, not logged. Pruned after RETENTION_DAYS. */
export const syncLogs = (k: Kit) =>
  k.table(
    'sync_logs',
    {
      id: k.text().primaryKey(),
      runId: k.text().notNull(),
      connectionId: k.text().notNull(),
      entityType: k.text().notNull(),
      entityId: k.text().notNull(),
      customerId: k.text(),
      contactId: k.text(),
      direction: k.text().$type<Direction>().notNull(),
      action: k.text().$type<'create' | 'update' | 'tag' | 'command' | 'skip' | 'delete'>().notNull(),
      status: k.text().$type<'success' | 'failed' | 'skipped'>().notNull(),
      errorClass: k.text(),
      errorCode: k.text(),
      errorMessage: k.text(),
      changes: k.json<FieldChange[]>().notNull(),
      tagsAdded: k.json<string[]>().notNull(),
      tagsRemoved: k.json<string[]>().notNull(),
      traceId: k.text(),
      attempt: k.int().notNull().default(1),
      nextAttemptAt: k.at(),
      durationMs: k.int(),
      createdAt: k.at().notNull(),
    },
    (t) => [
      k.index('sync_logs_run').on(t.runId, t.id),
      k.index('sync_logs_customer').on(t.connectionId, t.customerId, t.id),
      k.index('sync_logs_status').on(t.connectionId, t.status, t.id),
      // What went wrong anywhere: few, so that a write that succeeds does not touch it.
      k
        .index('sync_logs_odd')
        .on(t.status, t.id)
        .where(sql`${t.status} in ('failed', 'skipped')`),
    ],
  );

/** Who changed what by hand: connections, problems, commands, retries. Never pruned before the logs. */
export const syncAuditLogs = (k: Kit) =>
  k.table(
    'sync_audit_logs',
    {
      id: k.text().primaryKey(),
      connectionId: k.text(),
      actor: k.text().notNull(),
      action: k.text().notNull(),
      subject: k.text().notNull(),
      before: k.json<unknown>(),
      after: k.json<unknown>(),
      createdAt: k.at().notNull(),
    },
    (t) => [k.index('sync_audit_logs_list').on(t.connectionId, t.id)],
  );
