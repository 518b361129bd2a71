/**
 * What GHL granted the app for one location (ghl.md §2.1): in the clear in memory only, sealed at rest with the
 * connection's other secrets. Times are ms since 1970.
 */
export interface GhlGrant {
  /** `Company`: an agency gave it, and the location's token is exchanged for the agency's. */
  userType: 'Location' | 'Company';
  locationId: string;
  companyId: string | null;
  /** The location's bearer token. */
  accessToken: string;
  expiresAtMs: number;
  /** From here on it is renewed by whoever needs it. */
  refreshAtMs: number;
  /** Works once; the location's or the agency's, by `userType`. null = GHL gave none. */
  refreshToken: string | null;
  /** The agency's own bearer token; null for `Location`. */
  company: { accessToken: string; expiresAtMs: number } | null;
  scopes: string[];
  /** Rises with everything that is stored: of two grants of a connection the higher one is the later one. */
  revision: number;
}

/** A pair of tokens as GHL answers it (ghl.md §2.1). */
export interface TokenPair {
  userType: 'Location' | 'Company';
  locationId: string | null;
  companyId: string | null;
  accessToken: string;
  refreshToken: string | null;
  expiresInMs: number;
  scopes: string[];
  /** Of an agency's installation: the locations that it is for. */
  approvedLocations: string[];
}

/** A location's token for an agency's. */
export interface LocationToken {
  accessToken: string;
  expiresInMs: number;
  scopes: string[];
}

const MINUTE_MS = 60_000;
/** Renewed 10 to 20 minutes before the end, so that many connections do not ask in one second. */
const EARLY_MS = 10 * MINUTE_MS;
/** Less than this is as good as expired: a request takes its time, and clocks differ. */
const TOO_SHORT_MS = 30_000;

/** When a token obtained now is to be renewed; `random` from 0 to 1. Never before half of its life is over. */
export const refreshAtMs = (nowMs: number, expiresInMs: number, random: number): number =>
  nowMs + Math.round(Math.max(expiresInMs / 2, expiresInMs - EARLY_MS * (1 + random)));

/** `soon`: to be renewed, and good until that is done; `now`: there is nothing to send before it is renewed. */
export function dueOf(grant: Pick<GhlGrant, 'expiresAtMs' | 'refreshAtMs'>, nowMs: number): 'no' | 'soon' | 'now' {
  if (nowMs >= grant.expiresAtMs - TOO_SHORT_MS) return 'now';
  return nowMs >= grant.refreshAtMs ? 'soon' : 'no';
}

/** Whether the agency's token still opens the exchange for a location's. */
export const companyIsGood = (grant: Pick<GhlGrant, 'company'>, nowMs: number): boolean =>
  grant.company !== null && nowMs < grant.company.expiresAtMs - TOO_SHORT_MS;

type Made = { nowMs: number; random: number };

/** The grant of a location's own pair. `revision` is set by whoever stores it. */
export const grantOfPair = (pair: TokenPair, locationId: string, { nowMs, random }: Made): GhlGrant => ({
  userType: 'Location',
  locationId,
  companyId: pair.companyId,
  accessToken: pair.accessToken,
  expiresAtMs: nowMs + pair.expiresInMs,
  refreshAtMs: refreshAtMs(nowMs, pair.expiresInMs, random),
  refreshToken: pair.refreshToken,
  company: null,
  scopes: pair.scopes,
  revision: 0,
});

/** An agency's new pair in place of the old one; the location's token stays until it is exchanged. */
export const withCompanyPair = (grant: GhlGrant, pair: TokenPair, nowMs: number): GhlGrant => ({
  ...grant,
  userType: 'Company',
  companyId: pair.companyId ?? grant.companyId,
  refreshToken: pair.refreshToken,
  company: { accessToken: pair.accessToken, expiresAtMs: nowMs + pair.expiresInMs },
});

/** The location's token that was got for the agency's. */
export const withLocationToken = (grant: GhlGrant, token: LocationToken, { nowMs, random }: Made): GhlGrant => ({
  ...grant,
  accessToken: token.accessToken,
  expiresAtMs: nowMs + token.expiresInMs,
  refreshAtMs: refreshAtMs(nowMs, token.expiresInMs, random),
  scopes: token.scopes.length > 0 ? token.scopes : grant.scopes,
});

/** What the service does needs these (ghl.md §2.3); the last two only for an agency's installation. */
export const SCOPES_NEEDED = [
  'contacts.readonly',
  'contacts.write',
  'locations.readonly',
  'locations/customFields.readonly',
  'locations/customFields.write',
  'locations/tags.readonly',
  'locations/tags.write',
  'opportunities.readonly',
  'opportunities.write',
] as const;
export const SCOPES_OF_AN_AGENCY = ['oauth.readonly', 'oauth.write'] as const;

/** The needed scopes that a grant lacks; none when GHL did not say which it holds. */
export const missingScopes = (granted: readonly string[]): string[] =>
  granted.length === 0 ? [] : SCOPES_NEEDED.filter((scope) => !granted.includes(scope));

/**
 * The location that a pair is for, or why it cannot be told: `wanted` is the location of the connection, null while it
 * has none (then an agency's pair must be for one location only).
 */
export function locationOfPair(
  pair: Pick<TokenPair, 'userType' | 'locationId' | 'approvedLocations'>,
  wanted: string | null,
): { locationId: string } | { wrong: 'other_location' | 'choose_location'; got: string | null } {
  const only = pair.approvedLocations.length === 1 ? (pair.approvedLocations[0] ?? null) : null;
  const got = pair.locationId ?? (pair.userType === 'Company' ? (wanted ?? only) : null);
  if (got === null) return { wrong: 'choose_location', got };
  return wanted === null || got === wanted ? { locationId: got } : { wrong: 'other_location', got };
}

/** A renewal whose answer was lost may be repeated with the same token within 30 s (ghl.md §2.1). */
const GRACE_MS = 30_000;
const TRIES_MAX = 4;

/** How long to wait before the same refresh token is tried again after a lost answer; null = not again now. */
export function graceWaitMs(tries: number, sinceFirstMs: number, timeoutMs: number): number | null {
  const waitMs = Math.min(500 * 2 ** (tries - 1), 4_000);
  return tries < TRIES_MAX && sinceFirstMs + waitMs + timeoutMs <= GRACE_MS ? waitMs : null;
}
