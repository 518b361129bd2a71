import type { Clock } from '../../clock.ts';
import {
  companyIsGood,
  type GhlGrant,
  graceWaitMs,
  grantOfPair,
  type TokenPair,
  withCompanyPair,
  withLocationToken,
} from '../../domain/ghlGrant.ts';
import { isOAuthError, type OAuthCalls } from './oauthCalls.ts';

/** Only a person can help: GHL refuses the grant, or the app itself. */
export class RenewalRefused extends Error {
  readonly kind: 'grant' | 'client';
  constructor(kind: RenewalRefused['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** It took too long and somebody else renews the grant now. */
export class TakenOver extends Error {}

export interface RenewalParts {
  calls: OAuthCalls;
  clock: Clock;
  random: () => number;
  timeoutMs: number;
  /** The grant as it is stored now. */
  read(): Promise<GhlGrant | null>;
  /** Keeps the right to renew it; false = it is somebody else's. */
  keep(): Promise<boolean>;
  /** Stores it; answers what is stored. */
  put(used: GhlGrant, next: GhlGrant, done: boolean): Promise<GhlGrant>;
}

/**
 * A new grant for one that is due or refused (SPEC §5), by whoever has the right to. Every new pair is stored before it is
 * used: refresh tokens work once, and a process may end between any two lines. Rejects with RenewalRefused, TakenOver or
 * OAuthError `lost`.
 */
export async function renewGrant(parts: RenewalParts, grant: GhlGrant): Promise<GhlGrant> {
  if (grant.userType === 'Location') return renewPair(parts, grant);
  if (companyIsGood(grant, parts.clock.nowMs())) {
    const exchanged = await exchangeForLocation(parts, grant);
    if (exchanged !== null) return exchanged;
  }
  const renewed = await renewPair(parts, grant);
  // Somebody else may have finished it, or a person connected the location by itself.
  if (renewed.userType === 'Location' || renewed.accessToken !== grant.accessToken) return renewed;
  const exchanged = await exchangeForLocation(parts, renewed);
  if (exchanged !== null) return exchanged;
  throw new RenewalRefused('grant', "GHL gives no token of this location for the agency's");
}

/** null = the agency's token is refused. */
async function exchangeForLocation(parts: RenewalParts, grant: GhlGrant): Promise<GhlGrant | null> {
  const { calls, clock, random } = parts;
  if (grant.company === null || grant.companyId === null) return null;
  await stillOurs(parts);
  try {
    const token = await calls.locationToken(grant.company.accessToken, grant.companyId, grant.locationId);
    return await parts.put(grant, withLocationToken(grant, token, { nowMs: clock.nowMs(), random: random() }), true);
  } catch (error) {
    if (isOAuthError(error, 'grant')) return null;
    throw refusedOr(error);
  }
}

/** The location's or the agency's pair: by its refresh token, else by asking GHL for a new code. */
async function renewPair(parts: RenewalParts, grant: GhlGrant): Promise<GhlGrant> {
  const pair = grant.refreshToken === null ? null : await refreshed(parts, grant, grant.refreshToken);
  if (pair !== null) return stored(parts, grant, pair);
  // The token was used: by another process, whose pair is stored then, or by a request of ours whose answer was lost.
  const now = await parts.read();
  if (now !== null && now.revision !== grant.revision) return now;
  return reconnected(parts, grant);
}

/** null = GHL does not know the refresh token (any more). */
async function refreshed(parts: RenewalParts, grant: GhlGrant, refreshToken: string): Promise<TokenPair | null> {
  const { calls, clock, timeoutMs } = parts;
  const firstMs = clock.nowMs();
  for (let tries = 1; ; tries += 1) {
    await stillOurs(parts);
    try {
      return await calls.refresh(refreshToken, grant.userType);
    } catch (error) {
      if (isOAuthError(error, 'grant')) return null;
      const waitMs = isOAuthError(error, 'lost') ? graceWaitMs(tries, clock.nowMs() - firstMs, timeoutMs) : null;
      if (waitMs === null) throw refusedOr(error);
      await clock.sleep(waitMs);
    }
  }
}

async function reconnected(parts: RenewalParts, grant: GhlGrant): Promise<GhlGrant> {
  const { calls } = parts;
  const { companyId, locationId } = grant;
  await stillOurs(parts);
  try {
    const code = await calls.reconnect(
      grant.userType === 'Company' && companyId !== null ? { companyId } : { locationId },
    );
    await stillOurs(parts);
    return await stored(parts, grant, await calls.exchangeCode(code, null, grant.userType));
  } catch (error) {
    throw refusedOr(error);
  }
}

async function stored(parts: RenewalParts, grant: GhlGrant, pair: TokenPair): Promise<GhlGrant> {
  const { clock, random } = parts;
  if (pair.userType === 'Company') return parts.put(grant, withCompanyPair(grant, pair, clock.nowMs()), false);
  if (pair.locationId !== null && pair.locationId !== grant.locationId)
    throw new RenewalRefused('grant', 'GHL answered with the token of another location');
  const next = grantOfPair(pair, grant.locationId, { nowMs: clock.nowMs(), random: random() });
  return parts.put(grant, { ...next, companyId: pair.companyId ?? grant.companyId }, true);
}

async function stillOurs(parts: RenewalParts): Promise<void> {
  if (!(await parts.keep())) throw new TakenOver();
}

const refusedOr = (error: unknown): unknown =>
  isOAuthError(error, 'grant', 'client') ? new RenewalRefused(error.kind as 'grant' | 'client', error.message) : error;
