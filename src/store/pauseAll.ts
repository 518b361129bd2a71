import { asc } from 'drizzle-orm';
import type { ConnectionRow } from './connectionRow.ts';
import type { ConnectionWrites } from './connectionWrites.ts';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

const BOTH = ['ghl_to_stickycards', 'stickycards_to_ghl'];
/** Among the cursors: the directions that were paused before everything was. */
const CURSOR = 'pausedBeforeAll';

const isBoth = (directions: readonly string[]) => BOTH.every((direction) => directions.includes(direction));

/**
 * Pauses both directions of every connection, in one transaction, and remembers which were paused before (SPEC §6:
 * pause everything). Answers the ids of those that changed. A connection can still be resumed by itself.
 */
export const pauseAll = (store: Store, writes: ConnectionWrites, actor: string): Promise<string[]> =>
  eachRow(store, writes, 'pause all', actor, ({ pausedDirections, cursors }) =>
    isBoth(pausedDirections) || CURSOR in cursors
      ? null
      : { pausedDirections: BOTH, cursors: { ...cursors, [CURSOR]: pausedDirections } },
  );

/** Takes back what `pauseAll` did: what was paused before it stays paused. Answers the ids of those that changed. */
export const resumeAll = (store: Store, writes: ConnectionWrites, actor: string): Promise<string[]> =>
  eachRow(store, writes, 'resume all', actor, ({ pausedDirections, cursors }) => {
    if (!(CURSOR in cursors)) return null;
    const { [CURSOR]: before, ...others } = cursors;
    // One that somebody resumed or paused by itself since stays as that person wants it.
    return { pausedDirections: isBoth(pausedDirections) ? (before as string[]) : pausedDirections, cursors: others };
  });

async function eachRow(
  store: Store,
  { write, audited }: ConnectionWrites,
  action: string,
  actor: string,
  decide: (row: ConnectionRow) => Pick<ConnectionRow, 'pausedDirections' | 'cursors'> | null,
): Promise<string[]> {
  return store.tx(async (db: Db) => {
    const changed: string[] = [];
    const { connections: t } = store.s;
    // In one order: two of these would otherwise wait for each other's rows.
    const query = db.select().from(t).orderBy(asc(t.id));
    for (const row of await (store.dialect === 'postgres' ? query.for('update') : query)) {
      const set = decide(row);
      if (!set) continue;
      const { pausedDirections: before } = row;
      await audited(
        db,
        row.id,
        action,
        actor,
        { pausedDirections: before },
        { pausedDirections: set.pausedDirections },
      );
      await write(db, row, set);
      changed.push(row.id);
    }
    return changed;
  });
}
