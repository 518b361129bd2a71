import type { Connection } from './connection.ts';
import { type ConnectionPatch, type ConnectionSettings, NO_SECRETS, settingsOf } from './connectionSettings.ts';

/** One connection in a connections file: its name, its settings by the names of the API, its pause switches. */
export interface ConnectionEntry {
  name: string;
  /** Left out: as it is, or as it comes. */
  settings: Partial<ConnectionSettings> & { dialect?: string };
  /** Directions that are paused; left out: as they are. */
  paused?: string[];
}

/** Raised when the meaning of the file changes. */
export const FILE_VERSION = 1;

/** What `connections export` writes: everything that may be shown, no secret. */
export const exported = (connections: readonly Connection[]) => ({
  version: FILE_VERSION,
  connections: connections.map((connection) => ({
    name: connection.id,
    ...settingsOf(connection),
    paused: connection.pausedDirections,
  })),
});

/** Names under which a secret would stand: a file that is mailed around is no place for one. */
export const isSecretName = (name: string): boolean => Object.hasOwn(NO_SECRETS, name);

export interface ImportStep {
  name: string;
  kind: 'create' | 'change' | 'same';
  /** What is to be written; only what differs. */
  patch: ConnectionPatch;
  pause: string[];
  resume: string[];
  changes: { setting: string; before: unknown; after: unknown }[];
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/**
 * What importing these entries would do, in their order: a connection of that name is changed, else it is made (in
 * observe). What an entry leaves out stays; connections that no entry names are left alone. Pure.
 */
export function planImport(entries: readonly ConnectionEntry[], connections: readonly Connection[]): ImportStep[] {
  const known = new Map(connections.map((connection) => [connection.id, connection]));
  return entries.map(({ name, settings, paused }): ImportStep => {
    const connection = known.get(name);
    const before: Record<string, unknown> = connection ? { ...settingsOf(connection) } : {};
    const wanted = Object.entries(settings).filter(([, value]) => value !== undefined);
    const differing = wanted.filter(([key, value]) => !connection || !same(before[key], value));
    const pausedNow = connection?.pausedDirections ?? [];
    const pause = (paused ?? pausedNow).filter((direction) => !pausedNow.includes(direction));
    const resume = pausedNow.filter((direction) => !(paused ?? pausedNow).includes(direction));
    const changes: ImportStep['changes'] = differing.map(([setting, after]) => ({
      setting,
      before: before[setting] ?? null,
      after,
    }));
    if (pause.length + resume.length > 0) changes.push({ setting: 'paused', before: pausedNow, after: paused ?? [] });
    const kind = connection ? (changes.length === 0 ? 'same' : 'change') : 'create';
    return { name, kind, patch: Object.fromEntries(differing), pause, resume, changes };
  });
}
