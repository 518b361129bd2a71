import type { Direction } from '../../drizzle/tables/runs.ts';
import { writeAudit } from './audit.ts';
import type { Store } from './store.ts';

/**
 * Writes down that a person asked for runs (SPEC §6): before they begin, so that one that fails or is still waited for was
 * asked for by somebody all the same.
 */
export const writeRunsAsked = (
  store: Store,
  connectionIds: readonly string[],
  direction: Direction | 'both',
  actor: string,
): Promise<void> =>
  connectionIds.length === 0
    ? Promise.resolve()
    : store.tx(async (db) => {
        for (const connectionId of connectionIds) {
          const after = { direction, trigger: 'manual' };
          await writeAudit(store, db, { actor, action: 'run.start', subject: connectionId, connectionId, after });
        }
      });
