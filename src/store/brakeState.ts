import { eq } from 'drizzle-orm';
import type { BrakeState } from '../domain/brake.ts';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

/** Its name among the cursors of a connection. */
const CURSOR = 'brake';

/** Where the brake of a connection stands; null = nothing was stopped. */
export async function readBrake({ s }: Store, db: Db, connectionId: string): Promise<BrakeState | null> {
  const { connections: t } = s;
  const [row] = await db.select({ cursors: t.cursors }).from(t).where(eq(t.id, connectionId));
  return (row?.cursors[CURSOR] as BrakeState | undefined) ?? null;
}

/** null forgets it. In the caller's transaction. */
export async function writeBrake(store: Store, db: Db, connectionId: string, brake: BrakeState | null): Promise<void> {
  const { connections: t } = store.s;
  const query = db.select({ cursors: t.cursors }).from(t).where(eq(t.id, connectionId));
  const [row] = await (store.dialect === 'postgres' ? query.for('update') : query);
  if (!row) return;
  const { [CURSOR]: _, ...others } = row.cursors;
  const cursors = brake === null ? others : { ...others, [CURSOR]: brake };
  await db.update(t).set({ cursors }).where(eq(t.id, connectionId));
}

/** A person lets go what the brake stopped. Answers whether it had stopped anything. */
export async function confirmBrake(store: Store, db: Db, connectionId: string, actor: string): Promise<boolean> {
  const brake = await readBrake(store, db, connectionId);
  if (brake?.state !== 'stopped') return false;
  const atMs = store.clock.nowMs();
  await writeBrake(store, db, connectionId, { state: 'confirmed', counts: brake.counts, atMs, by: actor });
  return true;
}
