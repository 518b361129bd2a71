import type { Schema } from '../../drizzle/schema.ts';
import type { Connection, LocationFacts } from '../domain/connection.ts';
import {
  type ConnectionPatch,
  connectionParts,
  type ConnectionSecrets,
  type ConnectionSettings,
  DEFAULT_SETTINGS,
  NO_SECRETS,
} from '../domain/connectionSettings.ts';
import type { GhlGrant } from '../domain/ghlGrant.ts';
import type { SecretBox } from './secrets.ts';

const GRANT = 'ghlOAuth' satisfies keyof ConnectionSecrets;

export type ConnectionRow = Schema['connections']['$inferSelect'];
/** The columns that a patch decides. */
export type PatchedColumns = Pick<ConnectionRow, 'dialect' | 'settings' | 'secrets'>;

const secretNames = Object.keys(NO_SECRETS) as (keyof ConnectionSecrets)[];
const settingNames = Object.keys(DEFAULT_SETTINGS) as (keyof ConnectionSettings)[];

const settingsOf = (row: PatchedColumns): ConnectionSettings => ({
  ...DEFAULT_SETTINGS,
  ...(row.settings as Partial<ConnectionSettings>),
});

function secretsOf(id: string, row: PatchedColumns, box: SecretBox): ConnectionSecrets {
  const secrets: Record<string, unknown> = { ...NO_SECRETS };
  for (const name of secretNames) {
    const sealed = row.secrets[name];
    if (sealed !== undefined) secrets[name] = JSON.parse(box.open(id, name, sealed));
  }
  return secrets as unknown as ConnectionSecrets;
}

/** Both of what stops it, so that settling the one surprises nobody with the other. */
const reasonOf = ({ state, reason, pause }: ConnectionRow): string | null =>
  state === 'fingerprint' && pause !== null ? `${reason ?? ''} (${pause}: it stays so after that)` : reason;

/** A row as the program uses it. Throws AppError `encryption_key` when a secret cannot be opened. */
export const toConnection = (row: ConnectionRow, box: SecretBox): Connection => ({
  id: row.id,
  mode: row.mode,
  state: row.state,
  reason: reasonOf(row),
  pausedDirections: row.pausedDirections,
  ...connectionParts(row.dialect, settingsOf(row), secretsOf(row.id, row, box)),
  fingerprint: row.fingerprint,
  location: row.location as LocationFacts | null,
  cursors: row.cursors,
  activatedAt: row.activatedAt,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
});

export interface Patched {
  /** `ghlLocationId` only where the location is another one. */
  columns: PatchedColumns & Partial<Pick<ConnectionRow, 'ghlLocationId'>>;
  /** What changed, for the audit log: settings with their values, secrets only as `(set)` or `(empty)`. */
  before: Record<string, unknown>;
  after: Record<string, unknown>;
}

const isEmpty = (value: unknown) =>
  value === null || value === undefined || (Array.isArray(value) && value.length === 0);
const shown = (value: unknown) => (isEmpty(value) ? '(empty)' : '(set)');
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/**
 * A Private Integration Token and an OAuth grant exclude each other: the one that is set drops the other. A grant is for
 * one location: with another location it is of no use.
 */
function withoutRivals(patch: ConnectionPatch, secrets: ConnectionSecrets): ConnectionPatch {
  if (patch.ghlOAuth) return { ...patch, ghlAccessToken: null };
  const { ghlOAuth } = secrets;
  if (ghlOAuth === null) return patch;
  const newToken = Boolean(patch.ghlAccessToken);
  const moved = patch.ghlLocationId !== undefined && patch.ghlLocationId !== ghlOAuth.locationId;
  return newToken || moved ? { ...patch, ghlOAuth: null } : patch;
}

/** Applies a patch to the columns of a row; null when it changes nothing. */
export function applyPatch(id: string, row: PatchedColumns, wanted: ConnectionPatch, box: SecretBox): Patched | null {
  const settings = settingsOf(row);
  const secrets = secretsOf(id, row, box);
  const patch = withoutRivals(wanted, secrets);
  const columns: Patched['columns'] = {
    dialect: patch.dialect ?? row.dialect,
    settings: { ...row.settings },
    secrets: { ...row.secrets },
  };
  const before: Record<string, unknown> = {};
  const after: Record<string, unknown> = {};
  if (columns.dialect !== row.dialect) [before.dialect, after.dialect] = [row.dialect, columns.dialect];
  for (const name of settingNames) {
    const value = patch[name];
    if (value === undefined || same(value, settings[name])) continue;
    columns.settings[name] = value;
    [before[name], after[name]] = [settings[name], value];
  }
  for (const name of secretNames) {
    const value = patch[name];
    if (value === undefined || same(value, secrets[name])) continue;
    if (isEmpty(value)) delete columns.secrets[name];
    else columns.secrets[name] = box.seal(id, name, JSON.stringify(value));
    [before[name], after[name]] = [shown(secrets[name]), shown(value)];
  }
  if ('ghlLocationId' in after) columns.ghlLocationId = patch.ghlLocationId || null;
  return Object.keys(after).length === 0 ? null : { columns, before, after };
}

/** The OAuth grant of a row; null when it has none. Throws AppError `encryption_key` when it cannot be opened. */
export const grantOf = (row: Pick<ConnectionRow, 'id' | 'secrets'>, box: SecretBox): GhlGrant | null =>
  row.secrets[GRANT] === undefined ? null : (JSON.parse(box.open(row.id, GRANT, row.secrets[GRANT])) as GhlGrant);

/** The sealed secrets of a row with this grant. */
export const withGrant = (
  row: Pick<ConnectionRow, 'id' | 'secrets'>,
  grant: GhlGrant,
  box: SecretBox,
): Record<string, string> => ({ ...row.secrets, [GRANT]: box.seal(row.id, GRANT, JSON.stringify(grant)) });

/** The sealed secrets with every one under the current key; null when they are already. */
export function resealed(row: ConnectionRow, box: SecretBox): Record<string, string> | null {
  const old = Object.entries(row.secrets).filter(([, sealed]) => !box.isCurrent(sealed));
  if (old.length === 0) return null;
  const fresh = old.map(([name, sealed]) => [name, box.seal(row.id, name, box.open(row.id, name, sealed))]);
  return { ...row.secrets, ...Object.fromEntries(fresh) };
}
