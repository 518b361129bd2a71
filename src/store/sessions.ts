import { createHash, randomBytes } from 'node:crypto';
import { and, eq, gt, lte } from 'drizzle-orm';
import type { Store } from './store.ts';
import type { UserRole } from './users.ts';

const HOUR_MS = 3_600_000;
/** Signed out after so long without a page, */
export const IDLE_MS = 12 * HOUR_MS;
/** and after so long in any case. */
export const SESSION_MS = 7 * 24 * HOUR_MS;
/** A page more often than this moves nothing: looking must not write all the time. */
const TOUCH_EVERY_MS = 5 * 60_000;

export interface Session {
  user: { name: string; role: UserRole };
}

const idOf = (token: string) => createHash('sha256').update(token).digest('base64url');

/** Signs a user in; answers the cookie's value, which is kept nowhere here. Sweeps what has ended. */
export async function openSession(store: Store, userName: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  const { users, sessions } = store.s;
  const now = store.clock.now();
  const expiresAt = new Date(now.getTime() + IDLE_MS);
  await store.tx(async (db) => {
    await db.delete(sessions).where(lte(sessions.expiresAt, now));
    await db.insert(sessions).values({ id: idOf(token), userName, createdAt: now, seenAt: now, expiresAt });
    await db.update(users).set({ lastLoginAt: now }).where(eq(users.name, userName));
  });
  return token;
}

/** Who bears this cookie; null when it has ended or its user is gone. */
export async function sessionOf(store: Store, token: string): Promise<Session | null> {
  const { users, sessions } = store.s;
  const now = store.clock.now();
  const id = idOf(token);
  const [row] = await store.db
    .select({ name: users.name, role: users.role, createdAt: sessions.createdAt, seenAt: sessions.seenAt })
    .from(sessions)
    .innerJoin(users, eq(users.name, sessions.userName))
    .where(and(eq(sessions.id, id), gt(sessions.expiresAt, now)));
  if (!row) return null;
  if (now.getTime() - row.seenAt.getTime() >= TOUCH_EVERY_MS) {
    const expiresAt = new Date(Math.min(now.getTime() + IDLE_MS, row.createdAt.getTime() + SESSION_MS));
    await store.tx(async (db) => {
      await db.update(sessions).set({ seenAt: now, expiresAt }).where(eq(sessions.id, id));
    });
  }
  return { user: { name: row.name, role: row.role } };
}

export const closeSession = (store: Store, token: string): Promise<void> =>
  store.tx(async (db) => {
    await db.delete(store.s.sessions).where(eq(store.s.sessions.id, idOf(token)));
  });
