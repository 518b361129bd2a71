import { asc } from 'drizzle-orm';
import { AppError } from '../errors.ts';
import { resealed } from './connectionRow.ts';
import { connectionWrites } from './connectionWrites.ts';
import type { SecretBox } from './secrets.ts';
import type { Store } from './store.ts';

/** Connections by what became of their secrets. */
export interface Resealed {
  changed: string[];
  unchanged: string[];
  failed: { id: string; reason: string }[];
}

/**
 * Seals every secret of every connection under the newest key again (SPEC §5), a connection at a time, beside a running
 * service that has both keys. A connection whose secrets cannot be opened is left as it is and named. Interrupted, it
 * goes on where it was when it is started again.
 */
export async function resealSecrets(store: Store, box: SecretBox, actor: string): Promise<Resealed> {
  const { connections: t } = store.s;
  const { lockedRowOf, write, audited } = connectionWrites(store);
  const done: Resealed = { changed: [], unchanged: [], failed: [] };

  const reseal = (id: string): Promise<boolean> =>
    store.tx(async (db) => {
      // Locked: a token that is renewed at this moment would be sealed over otherwise.
      const row = await lockedRowOf(db, id);
      const secrets = resealed(row, box);
      if (!secrets) return false;
      await audited(db, id, 'keys.rotate', actor, null, { secrets: Object.keys(secrets) });
      await write(db, row, { secrets });
      return true;
    });

  for (const { id } of await store.db.select({ id: t.id }).from(t).orderBy(asc(t.id))) {
    try {
      const into = (await reseal(id)) ? done.changed : done.unchanged;
      into.push(id);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // Removed a moment ago: there is nothing left to seal.
      if (error.code !== 'unknown_connection') done.failed.push({ id, reason: error.message });
    }
  }
  return done;
}

/** How many stored secrets each version of the key has sealed, by `v1`, `v2`, …. */
export async function keysInUse({ db, s }: Store): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { secrets } of await db.select({ secrets: s.connections.secrets }).from(s.connections)) {
    for (const sealed of Object.values(secrets)) {
      const version = sealed.slice(0, sealed.indexOf(':'));
      counts.set(version, (counts.get(version) ?? 0) + 1);
    }
  }
  return counts;
}
