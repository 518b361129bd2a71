import type { Kit } from '../kit.ts';

/**
 * One row per pair of Sticky Cards account and GHL location. Written by the start (environment), the API and the CLI.
 * `settings` holds what may be shown, `secrets` only ciphertext; `location` is what the GHL location told us about
 * itself at provisioning (field ids, time zone, duplicate settings) and may be dropped at any time: it is read again.
 */
export const connections = (k: Kit) =>
  k.table(
    'connections',
    {
      id: k.text().primaryKey(),
      mode: k.text().$type<'observe' | 'live'>().notNull(),
      dialect: k.text().notNull(),
      state: k.text().$type<'ready' | 'paused' | 'fingerprint'>().notNull().default('ready'),
      reason: k.text(),
      /** Why a person paused it; stays while `fingerprint` stands in its place, so that settling that resumes nothing. */
      pause: k.text(),
      pausedDirections: k.json<string[]>().notNull(),
      settings: k.json<Record<string, unknown>>().notNull(),
      secrets: k.json<Record<string, string>>().notNull(),
      fingerprint: k.json<{ ghlLocationId: string | null; stickyAccount: string | null }>(),
      location: k.json<Record<string, unknown>>(),
      /**
       * `ghlLocationId` of the settings, where the database keeps it from being connected twice at the same moment. Null too
       * where a location was connected twice before: the other connection has it.
       */
      ghlLocationId: k.text(),
      /** Cursors that survive restarts: the pages of the location's contacts, the last poll, the balance-mode proof. */
      cursors: k.json<Record<string, unknown>>().notNull(),
      activatedAt: k.at(),
      createdAt: k.at().notNull(),
      updatedAt: k.at().notNull(),
    },
    (t) => [k.unique('connections_location').on(t.ghlLocationId)],
  );
