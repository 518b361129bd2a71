import type { Connection } from './connection.ts';

/** What GHL cannot be asked without and the connection lacks, by the names of its settings. */
export const missingForGhl = ({ ghl }: Pick<Connection, 'ghl'>): string[] => [
  ...(ghl.locationId === null ? ['ghlLocationId'] : []),
  ...(ghl.accessToken === null && ghl.oauth === null ? ['ghlAccessToken'] : []),
];

const VARIABLES: Readonly<Record<string, string>> = {
  ghlLocationId: 'GHL_LOCATION_ID',
  ghlAccessToken: 'GHL_ACCESS_TOKEN',
};

/**
 * Why a live connection that nobody paused writes nothing: what it lacks, and how it gets it. null when it is connected,
 * or has no need to be: one in observe is still being set up.
 */
export function notConnected(connection: Pick<Connection, 'id' | 'mode' | 'state' | 'ghl'>): string | null {
  const { id, mode, state } = connection;
  const missing = missingForGhl(connection);
  if (mode !== 'live' || state !== 'ready' || missing.length === 0) return null;
  const lacks = `GHL is not connected: ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing`;
  const name = encodeURIComponent(id);
  const ways = `sticky-ghl connections set ${id}, PATCH /api/connections/${name} or /oauth/install?connection=${name}`;
  // The environment sets no other connection.
  if (id !== 'default') return `${lacks}; set it with ${ways}`;
  return `${lacks}; set ${missing.map((each) => VARIABLES[each]).join(' and ')} and start again, or use ${ways}`;
}

/** Why the connection does nothing as it stands, for people; null when nothing is in its way. */
export const stoppedBecause = (connection: Connection): string | null => connection.reason ?? notConnected(connection);
