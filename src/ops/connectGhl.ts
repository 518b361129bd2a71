import type { Clock } from '../clock.ts';
import type { Connection } from '../domain/connection.ts';
import {
  type GhlGrant,
  grantOfPair,
  locationOfPair,
  missingScopes,
  SCOPES_NEEDED,
  SCOPES_OF_AN_AGENCY,
  type TokenPair,
  withCompanyPair,
  withLocationToken,
} from '../domain/ghlGrant.ts';
import { AppError } from '../errors.ts';
import { isOAuthError, type OAuthCalls } from '../platforms/ghl/oauthCalls.ts';
import type { ConnectionStore } from '../store/connections.ts';
import { forgetRenewalFailure } from '../store/oauthGrants.ts';
import { makeOAuthState, takeOAuthState } from '../store/oauthStates.ts';
import type { Store } from '../store/store.ts';
import { resumeSide } from '../sync/sidePause.ts';

export interface ConnectGhlNeeds {
  store: Store;
  connections: ConnectionStore;
  /** null = the app has no credentials. */
  calls: OAuthCalls | null;
  clientId: string | null;
  /** The choose-location page of GHL or of a white label. */
  installUrl: string;
  /** The environment gives this connection a token of its own, which every start puts back in place of what OAuth gave. */
  tokenInEnvironment: (connectionId: string) => boolean;
  random: () => number;
}

export interface Connected {
  connection: Connection;
  missingScopes: string[];
}

/** Connecting a location by OAuth (SPEC §5, ghl.md §2.1). All reject with AppError; its message is for the person at the browser. */
export interface ConnectGhl {
  /** The address to send the browser to. `unknown_connection` (404), `oauth_not_configured`, `oauth_token_in_environment` (409). */
  begin(connectionId: string, redirectUri: string): Promise<string>;
  /** What the browser came back with. `oauth_state_…` (400), `oauth_refused`, `oauth_other_location`, … (409), `oauth_lost` (502). */
  complete(returned: { code: string; state: string }, actor: string): Promise<Connected>;
}

const NOT_CONFIGURED =
  'GHL_CLIENT_ID and GHL_CLIENT_SECRET are not set: copy them from your app at the GHL marketplace, set both and start again';

const IN_ENVIRONMENT =
  'GHL_ACCESS_TOKEN is set, and every start puts that token in place of what OAuth gave: take it out of the environment, start again, then connect';

/** What a choice of location at GHL gives is stored only when it is the location of the connection. */
export function createConnectGhl(needs: ConnectGhlNeeds): ConnectGhl {
  const { store, connections, calls, clientId } = needs;

  const meant = async (id: string): Promise<Connection> => {
    const connection = await connections.get(id);
    if (connection) return connection;
    throw new AppError('unknown_connection', `there is no connection "${id}"`, { httpStatus: 404 });
  };

  const begin: ConnectGhl['begin'] = async (connectionId, redirectUri) => {
    await meant(connectionId);
    if (clientId === null || calls === null)
      throw new AppError('oauth_not_configured', NOT_CONFIGURED, { httpStatus: 409 });
    if (needs.tokenInEnvironment(connectionId))
      throw new AppError('oauth_token_in_environment', IN_ENVIRONMENT, { httpStatus: 409 });
    const url = new URL(needs.installUrl);
    const query = {
      response_type: 'code',
      redirect_uri: redirectUri,
      client_id: clientId,
      scope: [...SCOPES_NEEDED, ...SCOPES_OF_AN_AGENCY].join(' '),
      state: await makeOAuthState(store, { connectionId, redirectUri }),
      // Without it GHL answers "noAppVersionIdFound" (ghl.md §2.1).
      version_id: clientId.split('-')[0] ?? clientId,
      loginWindowOpenMode: 'self',
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url.href;
  };

  const complete: ConnectGhl['complete'] = async ({ code, state }, actor) => {
    const { connectionId, redirectUri } = await takeOAuthState(store, state);
    const before = await meant(connectionId);
    if (calls === null) throw new AppError('oauth_not_configured', NOT_CONFIGURED, { httpStatus: 409 });
    const told = asTold(connectionId);
    const pair = await calls.exchangeCode(code, redirectUri, 'Location').catch(told);
    const grant = await grantFor(pair, before, calls).catch(told);
    const connection = await stored(before.id, grant, actor);
    await forgetRenewalFailure(store, connectionId);
    // Whatever it was that GHL did not accept: the next run asks it again.
    await resumeSide(store, connections, connectionId, 'ghl');
    return { connection, missingScopes: missingScopes(grant.scopes) };
  };

  async function grantFor(pair: TokenPair, { id, ghl }: Connection, oauth: OAuthCalls): Promise<GhlGrant> {
    const found = locationOfPair(pair, ghl.locationId);
    if ('wrong' in found) {
      const text =
        found.wrong === 'choose_location'
          ? `the whole agency was chosen, and connection "${id}" does not say which of its locations is meant: choose one location, or set ghlLocationId first`
          : `location ${found.got ?? ''} was chosen, but connection "${id}" belongs to location ${ghl.locationId ?? ''}: choose that one, or make another connection for the other`;
      throw refusal(`oauth_${found.wrong}`, text, id);
    }
    const made = { nowMs: store.clock.nowMs(), random: needs.random() };
    const grant = grantOfPair(pair, found.locationId, made);
    if (pair.userType === 'Location') return grant;
    if (pair.companyId === null)
      throw refusal('oauth_no_location', 'GHL answered with the token of an agency and did not name the agency', id);
    const token = await oauth.locationToken(pair.accessToken, pair.companyId, found.locationId);
    return withLocationToken(withCompanyPair(grant, pair, made.nowMs), token, made);
  }

  /** A code works once: what it gave is not lost to somebody who changes a setting in the same moment. */
  async function stored(id: string, grant: GhlGrant, actor: string): Promise<Connection> {
    for (let tries = 1; ; tries += 1) {
      const revision = revisionAfter((await meant(id)).ghl.oauth, store.clock);
      const patch = { ghlOAuth: { ...grant, revision }, ghlLocationId: grant.locationId };
      try {
        return await connections.patch(id, patch, actor);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'changed_meanwhile' || tries === 5) throw error;
      }
    }
  }

  return { begin, complete };
}

const revisionAfter = (known: GhlGrant | null, clock: Clock): number =>
  Math.max(clock.nowMs(), (known?.revision ?? 0) + 1);

const refusal = (code: string, message: string, connectionId: string, httpStatus = 409) =>
  new AppError(code, message, { httpStatus, details: { connectionId } });

/** What GHL said of the code, in words for the person who waits. */
const asTold =
  (connectionId: string) =>
  (error: unknown): never => {
    if (!isOAuthError(error)) throw error;
    if (error.kind === 'lost')
      throw refusal('oauth_lost', `GHL did not answer (${error.message}): start again in a moment`, connectionId, 502);
    if (error.kind === 'client')
      throw refusal(
        'oauth_client_rejected',
        `GHL does not accept the app (${error.message}): compare GHL_CLIENT_ID and GHL_CLIENT_SECRET with the app at the marketplace`,
        connectionId,
      );
    throw refusal(
      'oauth_refused',
      `GHL did not take the code or gives no token of this location (${error.message}): start again`,
      connectionId,
    );
  };
