import { and, eq } from 'drizzle-orm';
import { dueOf, type GhlGrant } from '../domain/ghlGrant.ts';
import { AppError } from '../errors.ts';
import { type ConnectionRow, grantOf, withGrant } from './connectionRow.ts';
import { connectionWrites } from './connectionWrites.ts';
import type { Db } from './db.ts';
import type { SecretBox } from './secrets.ts';
import type { Store } from './store.ts';

/** Why a renewal is not tried again for the moment. */
export interface RenewalFailure {
  code: string;
  message: string;
}

export type Claim =
  /** The connection has no grant (any more). */
  | { kind: 'none' }
  /** Somebody renewed it already. */
  | { kind: 'fresh'; grant: GhlGrant }
  /** Another worker or process is at it. */
  | { kind: 'busy' }
  /** It failed a moment ago. */
  | { kind: 'resting'; untilMs: number; failure: RenewalFailure }
  /** The caller is the one to renew it, for LOCK_MS or until `keep`, `put` or `rest`. */
  | { kind: 'yours'; grant: GhlGrant };

/** Where the tokens of OAuth live, and who may renew them: one at a time in all processes (SPEC §5). */
export interface GrantVault {
  read(connectionId: string): Promise<GhlGrant | null>;
  /** `refused` = the access token that GHL did not take; null = renew it if it is due. */
  claim(connectionId: string, holder: string, refused: string | null): Promise<Claim>;
  /** Before each request; false = it took too long and somebody else took over. */
  keep(connectionId: string, holder: string): Promise<boolean>;
  /**
   * Stores a new grant in place of `used`, before anybody uses it. Where something else was stored meanwhile (a person
   * connected anew), that stays. Answers what is stored. `done` gives the claim back.
   */
  put(connectionId: string, holder: string, used: GhlGrant, next: GhlGrant, done: boolean): Promise<GhlGrant>;
  /** Gives the claim back; with a failure nobody tries again for `restMs`. */
  release(connectionId: string, holder: string, failure?: RenewalFailure & { restMs: number }): Promise<void>;
}

/**
 * Longer than one request may take, and short enough that whoever takes over from a dead process still is within the 30 s
 * in which GHL answers a used refresh token again (ghl.md §2.1).
 */
export const LOCK_MS = 15_000;

/** Both databases alike: the right to renew is a row that is taken for some seconds, never a transaction held open. */
export function createGrantVault(store: Store, box: SecretBox): GrantVault {
  const { connections: c, oauthRefreshes: t } = store.s;
  const { lockedRowOf, nextUpdatedAt } = connectionWrites(store);
  const mine = (connectionId: string, holder: string) => and(eq(t.connectionId, connectionId), eq(t.holder, holder));

  const rowOf = async (db: Db, id: string): Promise<ConnectionRow | undefined> =>
    (await db.select().from(c).where(eq(c.id, id)))[0];

  const lockRow = async (db: Db, connectionId: string) => {
    const empty = { connectionId, holder: null, lockedUntil: null, restUntil: null, failure: null };
    await db.insert(t).values(empty).onConflictDoNothing();
    const query = db.select().from(t).where(eq(t.connectionId, connectionId));
    const [row] = await (store.dialect === 'postgres' ? query.for('update') : query);
    return row ?? empty;
  };

  return {
    read: async (connectionId) => {
      const row = await rowOf(store.db, connectionId);
      return row ? grantOf(row, box) : null;
    },

    claim: (connectionId, holder, refused) =>
      store.tx(async (db): Promise<Claim> => {
        const row = await rowOf(db, connectionId);
        if (!row || row.secrets['ghlOAuth'] === undefined) return { kind: 'none' };
        const lock = await lockRow(db, connectionId);
        // Read again: on Postgres whoever held the lock a moment ago may have stored a new one.
        const grant = grantOf((await rowOf(db, connectionId)) ?? row, box);
        if (grant === null) return { kind: 'none' };
        const now = store.clock.now();
        const still = refused === null ? dueOf(grant, now.getTime()) !== 'no' : grant.accessToken === refused;
        if (!still) return { kind: 'fresh', grant };
        if (lock.holder !== null && lock.lockedUntil !== null && lock.lockedUntil > now) return { kind: 'busy' };
        if (lock.restUntil !== null && lock.failure !== null && lock.restUntil > now)
          return { kind: 'resting', untilMs: lock.restUntil.getTime(), failure: lock.failure };
        const lockedUntil = new Date(now.getTime() + LOCK_MS);
        await db
          .update(t)
          .set({ holder, lockedUntil, restUntil: null, failure: null })
          .where(eq(t.connectionId, connectionId));
        return { kind: 'yours', grant };
      }),

    keep: (connectionId, holder) =>
      store.tx(async (db) => {
        const lockedUntil = new Date(store.clock.nowMs() + LOCK_MS);
        const kept = await db
          .update(t)
          .set({ lockedUntil })
          .where(mine(connectionId, holder))
          .returning({ id: t.connectionId });
        return kept.length > 0;
      }),

    put: (connectionId, holder, used, next, done) =>
      store.tx(async (db) => {
        const row = await lockedRowOf(db, connectionId);
        const stored = grantOf(row, box);
        if (done) await db.update(t).set({ holder: null, lockedUntil: null }).where(mine(connectionId, holder));
        if (stored === null)
          throw new AppError('no_grant', `the connection "${connectionId}" is no longer connected by OAuth`);
        if (stored.revision !== used.revision) return stored;
        const grant = { ...next, revision: Math.max(store.clock.nowMs(), stored.revision + 1) };
        const set = { secrets: withGrant(row, grant, box), updatedAt: await nextUpdatedAt(db) };
        await db.update(c).set(set).where(eq(c.id, connectionId));
        return grant;
      }),

    release: (connectionId, holder, failure) =>
      store.tx(async (db) => {
        const rest = failure && {
          restUntil: new Date(store.clock.nowMs() + failure.restMs),
          failure: { code: failure.code, message: failure.message },
        };
        await db
          .update(t)
          .set({ holder: null, lockedUntil: null, ...rest })
          .where(mine(connectionId, holder));
      }),
  };
}

/** A person connected anew: whatever stood in the way of a renewal is over. */
export const forgetRenewalFailure = (store: Store, connectionId: string): Promise<void> =>
  store.tx(async (db) => {
    const { oauthRefreshes: t } = store.s;
    await db.update(t).set({ restUntil: null, failure: null }).where(eq(t.connectionId, connectionId));
  });
