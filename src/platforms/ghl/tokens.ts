import type { Clock } from '../../clock.ts';
import type { Connection } from '../../domain/connection.ts';
import { dueOf, type GhlGrant } from '../../domain/ghlGrant.ts';
import type { Logger } from '../../log.ts';
import { ApiError } from '../apiError.ts';
import type { OAuthCalls } from './oauthCalls.ts';
import { type RenewalParts, renewGrant, RenewalRefused, TakenOver } from './renewGrant.ts';

type Failure = { code: string; message: string };

/** Where the grants are kept, and who may renew them; the store's vault is one. */
export interface TokenVault {
  read(connectionId: string): Promise<GhlGrant | null>;
  claim(
    connectionId: string,
    holder: string,
    refused: string | null,
  ): Promise<
    | { kind: 'none' | 'busy' }
    | { kind: 'fresh' | 'yours'; grant: GhlGrant }
    | { kind: 'resting'; untilMs: number; failure: Failure }
  >;
  keep(connectionId: string, holder: string): Promise<boolean>;
  put(connectionId: string, holder: string, used: GhlGrant, next: GhlGrant, done: boolean): Promise<GhlGrant>;
  release(connectionId: string, holder: string, failure?: Failure & { restMs: number }): Promise<void>;
}

export interface TokenKeeperNeeds {
  vault: TokenVault;
  /** null = the app has no credentials (GHL_CLIENT_ID): tokens are used up and not renewed. */
  calls: OAuthCalls | null;
  clock: Clock;
  log: Logger;
  random: () => number;
  newHolder: () => string;
  /** Where a person connects this connection anew. */
  reconnectUrl: (connectionId: string) => string;
  /** Of one request, to know how many fit into GHL's grace. */
  timeoutMs: number;
}

/** The bearer tokens of all connections. */
export interface TokenKeeper {
  /**
   * The token for the next request; renewed first when it is due. Throws ApiError: `auth` (`ghl_reconnect_needed`,
   * `ghl_client_rejected`) when only a person can help, `transient` (`ghl_token_renewal`) when GHL did not answer.
   */
  tokenOf(connection: Connection): Promise<string>;
  /** GHL did not take this token: has another one ready. False = there is none, its answer stands. Throws as `tokenOf`. */
  renew(connection: Connection, refused: string): Promise<boolean>;
}

const BUSY_LOOK_MS = 200;
/** Whoever renews is done, or given up for dead, before that. */
const BUSY_MAX_MS = 45_000;
/** A token that GHL refuses though it is this young is not refused for its age. */
const YOUNG_MS = 60_000;
const REST_LOST_MS = 15_000;
const REST_REFUSED_MS = 60_000;

interface Known {
  grant: GhlGrant | null;
  renewedAtMs: number;
  restingUntilMs: number;
  failure: ApiError | null;
  running: Promise<GhlGrant> | null;
}

/**
 * Knows the token that is to be sent (SPEC §5): one renewal at a time, here by sharing it, across processes by the
 * vault; everything that can go wrong ends in an error, nothing is tried in a loop.
 */
export function createTokenKeeper(needs: TokenKeeperNeeds): TokenKeeper {
  const { vault, clock, log } = needs;
  const known = new Map<string, Known>();
  const entryOf = (id: string): Known => {
    let entry = known.get(id);
    if (!entry)
      known.set(id, (entry = { grant: null, renewedAtMs: 0, restingUntilMs: 0, failure: null, running: null }));
    return entry;
  };

  /** The later one of what the connection came with and what was renewed since. */
  const latest = (id: string, given: GhlGrant): GhlGrant => {
    const { grant } = entryOf(id);
    return grant !== null && grant.revision > given.revision ? grant : given;
  };

  async function claimed(id: string, refused: string | null): Promise<GhlGrant> {
    const holder = needs.newHolder();
    const untilMs = clock.nowMs() + BUSY_MAX_MS;
    for (;;) {
      const claim = await vault.claim(id, holder, refused);
      if (claim.kind === 'fresh') return claim.grant;
      if (claim.kind === 'none') throw reconnect(id, 'it is not connected by OAuth any more');
      if (claim.kind === 'resting') throw asError(claim.failure, claim.untilMs - clock.nowMs());
      if (claim.kind === 'yours') {
        const renewed = await performed(id, holder, claim.grant);
        if (renewed !== null) return renewed;
      }
      if (clock.nowMs() >= untilMs) throw lost('another process has been at it for too long');
      await clock.sleep(BUSY_LOOK_MS);
    }
  }

  /** null = somebody else took over. */
  async function performed(id: string, holder: string, grant: GhlGrant): Promise<GhlGrant | null> {
    const { calls, random, timeoutMs } = needs;
    try {
      if (calls === null) throw new RenewalRefused('client', 'GHL_CLIENT_ID and GHL_CLIENT_SECRET are not set');
      const parts: RenewalParts = {
        calls,
        clock,
        random,
        timeoutMs,
        read: () => vault.read(id),
        keep: () => vault.keep(id, holder),
        put: (used, next, done) => vault.put(id, holder, used, next, done),
      };
      const renewed = await renewGrant(parts, grant);
      await vault.release(id, holder);
      log.info('the GHL token was renewed', { connection: id });
      return renewed;
    } catch (error) {
      if (error instanceof TakenOver) return null;
      const failure = explained(id, error);
      const restMs = failure.class === 'auth' ? REST_REFUSED_MS : REST_LOST_MS;
      await vault.release(id, holder, { code: failure.code, message: failure.message, restMs });
      throw failure;
    }
  }

  function renewal(id: string, refused: string | null): Promise<GhlGrant> {
    const entry = entryOf(id);
    entry.running ??= claimed(id, refused)
      .then(
        (grant) => {
          Object.assign(entry, { grant, renewedAtMs: clock.nowMs(), restingUntilMs: 0, failure: null });
          return grant;
        },
        (error: unknown) => {
          if (error instanceof ApiError) {
            entry.failure = error;
            entry.restingUntilMs = clock.nowMs() + (error.retryAfterMs ?? REST_LOST_MS);
          }
          throw error;
        },
      )
      .finally(() => {
        entry.running = null;
      });
    return entry.running;
  }

  const tokenOf: TokenKeeper['tokenOf'] = async ({ id, ghl }) => {
    if (ghl.oauth === null) return ghl.accessToken ?? '';
    const grant = latest(id, ghl.oauth);
    const due = dueOf(grant, clock.nowMs());
    if (due === 'no') return grant.accessToken;
    const entry = entryOf(id);
    if (clock.nowMs() < entry.restingUntilMs && entry.failure !== null) {
      if (due === 'soon') return grant.accessToken;
      // A person may have connected it anew a moment ago.
      const stored = await vault.read(id);
      if (stored === null || stored.revision <= grant.revision) throw entry.failure;
      entry.grant = stored;
      return stored.accessToken;
    }
    try {
      return (await renewal(id, null)).accessToken;
    } catch (error) {
      if (dueOf(grant, clock.nowMs()) === 'now') throw error;
      log.warn('the GHL token could not be renewed yet; the present one is good for some minutes', {
        connection: id,
        reason: error instanceof Error ? error.message : '',
      });
      return grant.accessToken;
    }
  };

  const renew: TokenKeeper['renew'] = async ({ id, ghl }, refused) => {
    if (ghl.oauth === null) return false;
    const grant = latest(id, ghl.oauth);
    if (grant.accessToken !== refused) return true;
    const entry = entryOf(id);
    if (entry.grant === grant && clock.nowMs() - entry.renewedAtMs < YOUNG_MS) return false;
    // The renewal under way may be about an earlier token.
    await entry.running?.catch(() => undefined);
    if (latest(id, ghl.oauth).accessToken !== refused) return true;
    if (clock.nowMs() < entry.restingUntilMs && entry.failure !== null) throw entry.failure;
    await renewal(id, refused);
    return true;
  };

  const reconnect = (id: string, why: string) =>
    authError(
      'ghl_reconnect_needed',
      `GHL no longer accepts what it granted the app (${why}): connect it anew at ${needs.reconnectUrl(id)}`,
    );

  function explained(id: string, error: unknown): ApiError {
    if (error instanceof RenewalRefused)
      return error.kind === 'client'
        ? authError('ghl_client_rejected', `GHL does not accept the app itself (${error.message})`)
        : reconnect(id, error.message);
    return lost(error instanceof Error ? error.message : 'for an unknown reason');
  }

  return { tokenOf, renew };
}

const asError = ({ code, message }: Failure, retryAfterMs: number): ApiError =>
  code === LOST ? lostError(message, retryAfterMs) : authError(code, message, retryAfterMs);

const LOST = 'ghl_token_renewal';
const lost = (why: string) => lostError(`the GHL token could not be renewed: ${why}`, REST_LOST_MS);

const lostError = (message: string, retryAfterMs: number) =>
  new ApiError(message, {
    side: 'ghl',
    class: 'transient',
    code: LOST,
    answered: false,
    mayHaveLanded: false,
    retryAfterMs,
  });

const authError = (code: string, message: string, retryAfterMs = REST_REFUSED_MS) =>
  new ApiError(message, { side: 'ghl', class: 'auth', code, answered: true, mayHaveLanded: false, retryAfterMs });
