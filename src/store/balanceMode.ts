import { and, eq, ne } from 'drizzle-orm';
import type { BalanceModeFact } from '../domain/points.ts';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

/** Its name among the cursors of a connection: dropped with them when the connection is tied to another account. */
const CURSOR = 'balanceMode';

/** What is known of a connection's balance mode, and whether an operator still has to say that a wrong one was put right. */
export async function readBalanceMode(
  { s }: Store,
  db: Db,
  connectionId: string,
): Promise<{ fact: BalanceModeFact | null; problemOpen: boolean }> {
  const { connections: c, problems: p } = s;
  const [row] = await db.select({ cursors: c.cursors }).from(c).where(eq(c.id, connectionId));
  const fact = (row?.cursors[CURSOR] as BalanceModeFact | undefined) ?? null;
  if (fact?.state !== 'wrong') return { fact, problemOpen: false };
  const open = await db
    .select({ id: p.id })
    .from(p)
    .where(and(eq(p.connectionId, connectionId), eq(p.code, 'balance_mode_wrong'), ne(p.state, 'resolved')))
    .limit(1);
  return { fact, problemOpen: open.length > 0 };
}

/** null forgets it: the next booking proves the mode anew. */
export async function writeBalanceMode(
  store: Store,
  db: Db,
  connectionId: string,
  fact: BalanceModeFact | null,
): Promise<void> {
  const { connections: c } = store.s;
  const query = db.select({ cursors: c.cursors }).from(c).where(eq(c.id, connectionId));
  const [row] = await (store.dialect === 'postgres' ? query.for('update') : query);
  if (!row) return;
  const { [CURSOR]: _, ...others } = row.cursors;
  const cursors = fact === null ? others : { ...others, [CURSOR]: fact };
  await db.update(c).set({ cursors }).where(eq(c.id, connectionId));
}
