import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { and, eq, inArray, isNull } from 'drizzle-orm';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

/** SPEC §2.6: 30 s, heartbeat 5 s. */
export const LEASE_MS = 30_000;
export const HEARTBEAT_MS = 5_000;

/** Of a lease that nobody has. */
const LONG_AGO = new Date(0);

export interface Holder {
  id: string;
  pid: number;
  processStartedAt: string;
}

/** When a process was started, as the kernel counts; null when there is no such process (or no way to tell). */
export function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold blanks: the fields count from behind it. Field 22 is the start time.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

/** Where a process id means anything: another machine or container that shares the file has processes of its own. */
const startHere = (pid: number): string | null => {
  const start = processStart(pid);
  return start === null ? null : `${hostname()}/${start}`;
};

const canTellProcesses = processStart(process.pid) !== null;

export const thisProcess = (id: string): Holder => ({
  id,
  pid: process.pid,
  processStartedAt: startHere(process.pid) ?? 'unknown',
});

/**
 * Takes or renews the lease of a connection; answers whether this holder has it now. On SQLite the lease of a dead
 * process of this machine is void at once.
 */
export async function takeLease(store: Store, connectionId: string, holder: Holder): Promise<boolean> {
  const now = store.clock.now();
  const { leases: t } = store.s;
  const row = {
    connectionId,
    holder: holder.id,
    pid: holder.pid,
    processStartedAt: holder.processStartedAt,
    heartbeatAt: now,
    expiresAt: new Date(now.getTime() + LEASE_MS),
  };
  return store.tx(
    async (db) => {
      const inserted = await db.insert(t).values(row).onConflictDoNothing().returning({ id: t.connectionId });
      if (inserted.length > 0) return true;
      const query = db.select().from(t).where(eq(t.connectionId, connectionId));
      const [current] = await (store.dialect === 'postgres' ? query.for('update') : query);
      if (current && current.holder !== holder.id && current.expiresAt > now && !isDead(store, current)) return false;
      await db.update(t).set(row).where(eq(t.connectionId, connectionId));
      return true;
    },
    { priority: 5 },
  );
}

function isDead(store: Store, lease: { pid: number; processStartedAt: string }): boolean {
  if (store.dialect !== 'sqlite' || !canTellProcesses || !lease.processStartedAt.startsWith(`${hostname()}/`))
    return false;
  return startHere(lease.pid) !== lease.processStartedAt;
}

/**
 * Gives all leases of a holder back, so that another instance need not wait for them to run out. Those of removed
 * connections stay, free for anybody: they say that something is still to be cleared up.
 */
export const releaseLeases = (store: Store, holder: Holder): Promise<void> =>
  store.tx(async (db) => {
    const { leases: t, connections } = store.s;
    const existing = db.select({ id: connections.id }).from(connections);
    await db.delete(t).where(and(eq(t.holder, holder.id), inArray(t.connectionId, existing)));
    await db.update(t).set({ expiresAt: LONG_AGO }).where(eq(t.holder, holder.id));
  });

/** The lease of a connection that is removed now stays with whoever works on it; where nobody does, it is left for anybody. */
export async function leaveLease({ s }: Store, db: Db, connectionId: string): Promise<void> {
  const nobody = { holder: 'nobody', pid: 0, processStartedAt: '', heartbeatAt: LONG_AGO, expiresAt: LONG_AGO };
  await db
    .insert(s.leases)
    .values({ connectionId, ...nobody })
    .onConflictDoNothing();
}

/** Connections that were removed and whose data still lies there: their lease is what is dropped last. */
export async function removedConnections({ db, s }: Store): Promise<string[]> {
  const { leases: t, connections } = s;
  const rows = await db
    .select({ id: t.connectionId })
    .from(t)
    .leftJoin(connections, eq(connections.id, t.connectionId))
    .where(isNull(connections.id));
  return rows.map((row) => row.id);
}

export const leaseOf = async ({ db, s }: Store, connectionId: string) =>
  (await db.select().from(s.leases).where(eq(s.leases.connectionId, connectionId)))[0] ?? null;
