import { and, eq, gte, inArray, ne } from 'drizzle-orm';
import type { CommandRow } from './commands.ts';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

const inDoubt = ['sending', 'unknown'] as const;

/**
 * Another booking of points that is on its way or whose answer was lost: of this target (`card:<id>`), or of the whole
 * connection when `target` is null.
 */
export async function pointsUnderWay(
  { s }: Store,
  db: Db,
  connectionId: string,
  exceptId: string,
  target: string | null,
): Promise<Pick<CommandRow, 'id' | 'target'> | null> {
  const { commands: t } = s;
  const [row] = await db
    .select({ id: t.id, target: t.target })
    .from(t)
    .where(
      and(
        eq(t.connectionId, connectionId),
        target === null ? undefined : eq(t.target, target),
        eq(t.kind, 'add_points'),
        inArray(t.state, [...inDoubt]),
        ne(t.id, exceptId),
      ),
    )
    .limit(1);
  return row ?? null;
}

/** Another booking of this card that left at that time or later: what was read of the card then may be old. */
export async function pointsSentSince(
  { s }: Store,
  db: Db,
  connectionId: string,
  target: string,
  exceptId: string,
  since: Date,
): Promise<string | null> {
  const { commands: t } = s;
  const [row] = await db
    .select({ id: t.id })
    .from(t)
    .where(
      and(
        eq(t.connectionId, connectionId),
        eq(t.target, target),
        eq(t.kind, 'add_points'),
        gte(t.sentAt, since),
        ne(t.id, exceptId),
      ),
    )
    .limit(1);
  return row?.id ?? null;
}
