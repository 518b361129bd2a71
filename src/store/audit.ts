import type { Db } from './db.ts';
import type { Store } from './store.ts';

export interface AuditEntry {
  /** A user's name, `cli`, `api` or `start`. */
  actor: string;
  /** What was done, as in `connection.patch`. */
  action: string;
  /** The id of what it was done to. */
  subject: string;
  connectionId: string | null;
  before?: unknown;
  after?: unknown;
}

/** Writes who changed what into `sync_audit_logs`, in the transaction of the change. Never put a secret in. */
export async function writeAudit(
  store: Pick<Store, 's' | 'newId' | 'clock'>,
  db: Db,
  entry: AuditEntry,
): Promise<void> {
  await db.insert(store.s.syncAuditLogs).values({
    id: store.newId('aud'),
    createdAt: store.clock.now(),
    before: null,
    after: null,
    ...entry,
  });
}
