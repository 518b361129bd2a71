import { eq } from 'drizzle-orm';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

/** Names that are known to be stored, by connection: what a busy fold need not ask again. */
const stored = new WeakMap<Store, Map<string, Set<string>>>();

const storedOf = (store: Store, connectionId: string): Set<string> => {
  const byConnection = stored.get(store) ?? new Map<string, Set<string>>();
  stored.set(store, byConnection);
  const names = byConnection.get(connectionId) ?? new Set<string>();
  byConnection.set(connectionId, names);
  return names;
};

/** Remembers that Sticky Cards uses these segments, in the fold's transaction (SPEC §3.2). */
export async function noteSegments(
  store: Store,
  db: Db,
  connectionId: string,
  names: ReadonlySet<string>,
): Promise<void> {
  const known = storedOf(store, connectionId);
  const byKey = new Map([...names].map((name) => [name.toLowerCase(), name]));
  const asked = [...byKey.keys()].filter((key) => !known.has(key));
  if (asked.length === 0) return;
  const { seenSegments: t } = store.s;
  const rows = await db.select({ segment: t.segment }).from(t).where(eq(t.connectionId, connectionId));
  // Only what an earlier transaction stored is certain: this one may still be rolled back.
  for (const { segment } of rows) known.add(segment);
  const missing = asked.filter((key) => !known.has(key)).toSorted();
  if (missing.length === 0) return;
  const seenAt = store.clock.now();
  await db
    .insert(t)
    .values(missing.map((segment) => ({ connectionId, segment, name: byKey.get(segment) as string, seenAt })))
    .onConflictDoNothing();
}

/** Every segment that Sticky Cards was seen to use, as it spells them. */
export const segmentNames = async ({ db, s }: Store, connectionId: string): Promise<string[]> => {
  const { seenSegments: t } = s;
  return (await db.select({ name: t.name }).from(t).where(eq(t.connectionId, connectionId))).map((row) => row.name);
};
