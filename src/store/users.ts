import { asc, eq } from 'drizzle-orm';
import type { Schema } from '../../drizzle/schema.ts';
import { USER_ROLES, type UserRole } from '../../drizzle/tables/users.ts';
import { isStorable } from '../domain/storableText.ts';
import { AppError } from '../errors.ts';
import { writeAudit } from './audit.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import type { Store } from './store.ts';

export type UserRow = Schema['users']['$inferSelect'];
/** What may be shown of a user. */
export type User = Omit<UserRow, 'passwordHash'>;
export { USER_ROLES, type UserRole };

/** The user that ADMIN_PASSWORD makes. */
export const ADMIN = 'admin';
const PASSWORD_MIN = 10;
const PASSWORD_MAX = 200;
/** Names that the audit log uses for doers that are nobody. */
const TAKEN = ['api', 'cli', 'start', 'sandbox'];

const shown = (row: UserRow): User => {
  const { passwordHash: _, ...user } = row;
  return user;
};

const refusal = (code: string, message: string, httpStatus: number) => new AppError(code, message, { httpStatus });

/** Lower case, as it is stored. Throws `invalid_name` (400). */
function checkedName(text: string): string {
  const name = text.trim().toLowerCase();
  if (!/^[a-z0-9][a-z0-9._-]{0,31}$/.test(name)) {
    throw refusal('invalid_name', 'name: use up to 32 letters, digits, dots, dashes and underscores', 400);
  }
  if (TAKEN.includes(name)) throw refusal('invalid_name', `name: "${name}" means something else in the audit log`, 400);
  return name;
}

function checkPassword(password: string): void {
  if (password.length >= PASSWORD_MIN && password.length <= PASSWORD_MAX) return;
  throw refusal('weak_password', `password: use at least ${PASSWORD_MIN} characters, ${PASSWORD_MAX} at most`, 400);
}

const notTheAdmin = (name: string): void => {
  if (name !== ADMIN) return;
  throw refusal('admin_of_the_start', 'the user admin comes from ADMIN_PASSWORD: change that and start again', 409);
};

const unknownUser = (name: string) => refusal('unknown_user', `there is no user "${name}"`, 404);

export const listUsers = async ({ db, s }: Store): Promise<User[]> =>
  (await db.select().from(s.users).orderBy(asc(s.users.name))).map(shown);

/** Throws `invalid_name`, `weak_password` (400), `user_exists` (409). */
export async function addUser(
  store: Store,
  { name: wanted, role, password }: { name: string; role: UserRole; password: string },
  actor: string,
): Promise<User> {
  const name = checkedName(wanted);
  checkPassword(password);
  const now = store.clock.now();
  const row = {
    name,
    role,
    passwordHash: await hashPassword(password),
    lastLoginAt: null,
    createdAt: now,
    updatedAt: now,
  };
  await store.tx(async (db) => {
    const made = await db
      .insert(store.s.users)
      .values(row)
      .onConflictDoNothing()
      .returning({ name: store.s.users.name });
    if (made.length === 0) throw refusal('user_exists', `there is a user "${name}" already`, 409);
    await writeAudit(store, db, { actor, action: 'user.add', subject: name, connectionId: null, after: { role } });
  });
  return shown(row);
}

/** A new password ends all sessions of the user. Throws `weak_password` (400), `unknown_user` (404), `admin_of_the_start` (409). */
export async function setPassword(store: Store, text: string, password: string, actor: string): Promise<void> {
  const name = text.trim().toLowerCase();
  notTheAdmin(name);
  checkPassword(password);
  await writePassword(store, name, await hashPassword(password), actor);
}

async function writePassword(store: Store, name: string, passwordHash: string, actor: string): Promise<void> {
  const { users, sessions } = store.s;
  await store.tx(async (db) => {
    const changed = await db
      .update(users)
      .set({ passwordHash, updatedAt: store.clock.now() })
      .where(eq(users.name, name))
      .returning({ name: users.name });
    if (changed.length === 0) throw unknownUser(name);
    await db.delete(sessions).where(eq(sessions.userName, name));
    await writeAudit(store, db, { actor, action: 'user.password', subject: name, connectionId: null });
  });
}

/** Throws `unknown_user` (404), `admin_of_the_start` (409). */
export async function removeUser(store: Store, text: string, actor: string): Promise<void> {
  const name = text.trim().toLowerCase();
  notTheAdmin(name);
  const { users, sessions } = store.s;
  await store.tx(async (db) => {
    const [gone] = await db.delete(users).where(eq(users.name, name)).returning();
    if (!gone) throw unknownUser(name);
    await db.delete(sessions).where(eq(sessions.userName, name));
    const before = { role: gone.role };
    await writeAudit(store, db, { actor, action: 'user.remove', subject: name, connectionId: null, before });
  });
}

/** Makes the user `admin`, or gives it the password of this start; a changed one ends its sessions. */
export async function ensureAdmin(store: Store, password: string): Promise<void> {
  const { users } = store.s;
  const [row] = await store.db.select().from(users).where(eq(users.name, ADMIN));
  if (row && (await verifyPassword(password, row.passwordHash))) return;
  const passwordHash = await hashPassword(password);
  if (row) {
    await writePassword(store, ADMIN, passwordHash, 'start');
    return;
  }
  const now = store.clock.now();
  await store.tx(async (db) => {
    const admin = { name: ADMIN, role: 'operator' as const, passwordHash, createdAt: now, updatedAt: now };
    await db.insert(users).values(admin).onConflictDoNothing();
  });
}

/** The user whose name and password these are; null when they are nobody's, after the same time. */
export async function userBy(store: Store, name: string, password: string): Promise<User | null> {
  const { users } = store.s;
  const wanted = name.trim().toLowerCase().slice(0, 64);
  const [row] = isStorable(wanted) ? await store.db.select().from(users).where(eq(users.name, wanted)) : [];
  const right = await verifyPassword(password.slice(0, PASSWORD_MAX), row?.passwordHash ?? null);
  return right && row ? shown(row) : null;
}
