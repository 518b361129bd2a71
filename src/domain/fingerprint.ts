import type { Connection } from './connection.ts';

export interface Fingerprint {
  ghlLocationId: string | null;
  /** `workspace:<id>` where the account has an id of its own, else `host:<host> key:<mark of the key>`. */
  stickyAccount: string | null;
}

export type FingerprintVerdict =
  | { kind: 'same' }
  /** Nothing known is contradicted, and something was not known before: store `Fingerprint` as it is now. */
  | { kind: 'first' }
  | { kind: 'changed'; parts: (keyof Fingerprint)[] };

/**
 * Compares what a connection was tied to with what it points at now (SPEC §1). A part that is not set now says nothing:
 * taking a token out for a day is no change, and what was stored is kept (see `mergedFingerprint`).
 */
export function fingerprintVerdict(stored: Fingerprint | null, now: Fingerprint): FingerprintVerdict {
  const names = ['ghlLocationId', 'stickyAccount'] as const;
  const parts = names.filter((name) => {
    const before = stored?.[name] ?? null;
    return before !== null && now[name] !== null && before !== now[name];
  });
  if (parts.length > 0) return { kind: 'changed', parts };
  const learned = stored === null || names.some((name) => stored[name] === null && now[name] !== null);
  return { kind: learned ? 'first' : 'same' };
}

/** What to store once `now` was accepted: parts that are not set now stay as they were. */
export const mergedFingerprint = (stored: Fingerprint | null, now: Fingerprint): Fingerprint => ({
  ghlLocationId: now.ghlLocationId ?? stored?.ghlLocationId ?? null,
  stickyAccount: now.stickyAccount ?? stored?.stickyAccount ?? null,
});

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url);

/**
 * The fingerprint of a connection as it is configured. One host serves many accounts, so a host alone would not show
 * that the key now belongs to another account: `markOfKey` (a short one-way mark, never the key) stands beside it.
 */
export function fingerprintOf(
  connection: Pick<Connection, 'ghl' | 'stickyCards'>,
  markOfKey: (apiKey: string) => string,
): Fingerprint {
  const { workspace, apiBaseUrl, apiKey } = connection.stickyCards;
  const host = apiBaseUrl === null ? null : `host:${hostOf(apiBaseUrl)}`;
  const byHost = host !== null && apiKey !== null ? `${host} key:${markOfKey(apiKey)}` : null;
  return {
    ghlLocationId: connection.ghl.locationId,
    stickyAccount: workspace === null ? byHost : `workspace:${workspace}`,
  };
}

/** One line for the operator: which part changed, and the two ways on. */
export function fingerprintReason(connectionId: string, parts: readonly (keyof Fingerprint)[]): string {
  const what = parts.map((part) => (part === 'ghlLocationId' ? 'the GHL location' : 'the Sticky Cards account or key'));
  return (
    `${what.join(' and ')} changed since "${connectionId}" was linked, so its links may point at other people: ` +
    `put the old value back, run "sticky-ghl connections rebind ${connectionId}" (starts again; --keep-links when it is ` +
    'the same account under a new name), or connect it under a new name'
  );
}
