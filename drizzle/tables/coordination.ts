import { isNotNull, isNull } from 'drizzle-orm';
import type { Kit } from '../kit.ts';

/** Who speaks for a connection. 30 s, heartbeat 5 s (SPEC §2.6); void at once on SQLite when its process is dead. */
export const leases = (k: Kit) =>
  k.table('leases', {
    connectionId: k.text().primaryKey(),
    holder: k.text().notNull(),
    /** Process id and start time of the holder, to tell a dead process from a slow one on the same machine. */
    pid: k.int().notNull(),
    processStartedAt: k.text().notNull(),
    heartbeatAt: k.at().notNull(),
    expiresAt: k.at().notNull(),
  });

/**
 * Runs (and rebuilds) asked for by an instance or a command line that does not hold the lease; the holder takes them within a second.
 * Rows with `run_id` null and no living holder wait for the next start.
 */
export const runRequests = (k: Kit) =>
  k.table(
    'run_requests',
    {
      id: k.text().primaryKey(),
      connectionId: k.text().notNull(),
      kind: k.text().$type<'run' | 'rebuild'>().notNull().default('run'),
      direction: k.text().$type<'stickycards_to_ghl' | 'ghl_to_stickycards' | 'both'>().notNull(),
      trigger: k.text().$type<'cron' | 'manual' | 'replay' | 'backfill'>().notNull(),
      runId: k.text(),
      requestedAt: k.at().notNull(),
      completedAt: k.at(),
    },
    (t) => [k.index('run_requests_open').on(t.completedAt, t.connectionId, t.id)],
  );

/**
 * Calls of workflow actions and their answers, replayed byte for byte for the same key (SPEC §3.4). `key` is the dedupe
 * key of the call's inbox row. A row without a `status` was not carried out yet: the holder of the lease takes it within
 * a second, or when what stops it (`body` says what) is over. Pruned after RETENTION_DAYS.
 */
export const idempotencyKeys = (k: Kit) =>
  k.table(
    'idempotency_keys',
    {
      connectionId: k.text().notNull(),
      key: k.text().notNull(),
      paramsHash: k.text().notNull(),
      commandId: k.text(),
      status: k.int(),
      body: k.text(),
      /** Whose values a call has set, and which: an older call that had to wait leaves them alone. Null = it set none. */
      customerId: k.text(),
      sets: k.json<string[]>(),
      createdAt: k.at().notNull(),
    },
    (t) => [
      k.primaryKey({ columns: [t.connectionId, t.key] }),
      // What is still to be carried out; asked every second, and as small as that.
      k.index('idempotency_keys_open').on(t.connectionId, t.status, t.createdAt).where(isNull(t.status)),
      // What was set for a customer since an older call came: asked before each value is set.
      k.index('idempotency_keys_set').on(t.connectionId, t.customerId, t.createdAt).where(isNotNull(t.customerId)),
    ],
  );
