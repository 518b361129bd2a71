import type { Kit } from '../kit.ts';

export const USER_ROLES = ['viewer', 'operator'] as const;
export type UserRole = (typeof USER_ROLES)[number];

/** Who may sign in to the dashboard. Written by the start (`admin`, from ADMIN_PASSWORD) and the CLI. */
export const users = (k: Kit) =>
  k.table('users', {
    /** Lower case; stands in the audit log. */
    name: k.text().primaryKey(),
    role: k.text().$type<UserRole>().notNull(),
    /** `scrypt:<N>:<r>:<p>:<salt>:<hash>`, base64url parts. */
    passwordHash: k.text().notNull(),
    lastLoginAt: k.at(),
    createdAt: k.at().notNull(),
    updatedAt: k.at().notNull(),
  });

/** One row per signed-in browser; gone when its user signs out, changes the password or is removed. Swept at each login. */
export const sessions = (k: Kit) =>
  k.table(
    'sessions',
    {
      /** SHA-256 of the cookie: whoever reads the table cannot sign in with it. */
      id: k.text().primaryKey(),
      userName: k.text().notNull(),
      createdAt: k.at().notNull(),
      seenAt: k.at().notNull(),
      expiresAt: k.at().notNull(),
    },
    (t) => [k.index('sessions_user').on(t.userName), k.index('sessions_expires').on(t.expiresAt)],
  );
