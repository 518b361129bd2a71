import { randomBytes, randomUUID } from 'node:crypto';
import { ok, type Answer, type Call, type Endpoint, type Grant } from './endpoint.ts';
import { badRequest, forbidden, unauthorized, unprocessable } from './refusals.ts';
import type { LocationOptions, OAuthOptions } from './types.ts';

export interface GrantFor {
  locationId?: string;
  companyId?: string;
  scopes?: string[];
}

/** Tokens: those of the options (like a Private Integration Token, they last) and those of OAuth (ghl.md §2). */
export interface OAuth {
  /** The grant of an `Authorization` header, or 401. */
  authenticate(header: string | undefined): Grant;
  /** What the browser brings back to `redirect_uri` after a person installed the app. */
  issueCode(grant: GrantFor): string;
  revoke(token: string): void;
  /** Uninstalling: every OAuth token of the location; a Private Integration Token stays. */
  revokeLocation(locationId: string): void;
  setScopes(token: string, scopes: string[] | 'all'): void;
  endpoints: Endpoint[];
}

/** ghl.md §2.1: "about 24 h". */
const expiresInS = 86_399;
const secret = (prefix: string): string => `${prefix}-${randomBytes(24).toString('base64url')}`;
const invalidGrant = (what: string) => badRequest(`invalid_grant: this ${what} is invalid`);

export function createOAuth(options: OAuthOptions, locations: readonly LocationOptions[], now: () => number): OAuth {
  const refreshGraceMs = options.refreshGraceMs ?? 30_000;
  const companyOf = (locationId: string | undefined): string | undefined => {
    const location = locations.find((each) => each.id === locationId);
    return location && (location.companyId ?? 'company-sim');
  };

  const tokens = new Map<string, Grant>();
  for (const location of locations) {
    for (const token of location.tokens) {
      tokens.set(token, {
        locationId: location.id,
        companyId: companyOf(location.id)!,
        scopes: location.scopes ?? 'all',
      });
    }
  }
  const codes = new Map<string, Grant>();
  const refreshTokens = new Map<string, Grant>();
  /** A used refresh token answers once more with the same pair for a short while (ghl.md §2.1). */
  const used = new Map<string, { answer: Record<string, unknown>; untilMs: number }>();

  function pairFor(grant: Grant): Record<string, unknown> {
    const accessToken = secret('oauth');
    const refreshToken = secret('refresh');
    tokens.set(accessToken, { ...grant, expiresAtMs: now() + expiresInS * 1000 });
    refreshTokens.set(refreshToken, grant);
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: expiresInS,
      refresh_token: refreshToken,
      scope: grant.scopes === 'all' ? 'contacts.readonly contacts.write' : grant.scopes.join(' '),
      userType: grant.locationId === undefined ? 'Company' : 'Location',
      ...(grant.locationId === undefined ? {} : { locationId: grant.locationId }),
      companyId: grant.companyId,
      userId: 'user-sim',
    };
  }

  function refresh(token: string): Record<string, unknown> {
    const before = used.get(token);
    if (before && now() < before.untilMs) return before.answer;
    const grant = refreshTokens.get(token);
    if (!grant) throw invalidGrant('refresh token');
    refreshTokens.delete(token);
    const answer = pairFor(grant);
    used.set(token, { answer, untilMs: now() + refreshGraceMs });
    return answer;
  }

  function token(call: Call): Answer {
    const form = (call.body ?? {}) as Record<string, string>;
    if (form.client_id !== options.clientId || form.client_secret !== options.clientSecret) {
      throw unauthorized('Invalid client: client_id or client_secret is invalid');
    }
    if (form.grant_type === 'refresh_token') return ok(refresh(form.refresh_token ?? ''));
    if (form.grant_type !== 'authorization_code') {
      throw unprocessable(['grant_type must be one of the following values: authorization_code, refresh_token']);
    }
    const grant = codes.get(form.code ?? '');
    if (!grant) throw invalidGrant('authorization code');
    codes.delete(form.code!);
    return ok(pairFor(grant));
  }

  /** A location's token for an agency's (ghl.md §2.1 "Location vs. company"). */
  function locationToken(call: Call): Answer {
    const form = (call.body ?? {}) as Record<string, string>;
    if (!form.companyId || !form.locationId) throw unprocessable(['companyId and locationId should not be empty']);
    const ours = call.grant.locationId === undefined && call.grant.companyId === form.companyId;
    if (!ours || companyOf(form.locationId) !== form.companyId) throw forbidden();
    const { access_token, token_type, expires_in, scope } = pairFor({
      locationId: form.locationId,
      companyId: form.companyId,
      scopes: call.grant.scopes,
    });
    return ok({ access_token, token_type, expires_in, scope, locationId: form.locationId, userId: 'user-sim' });
  }

  function installedLocations(call: Call): Answer {
    const ours = locations.filter((location) => companyOf(location.id) === call.query.companyId);
    if (call.grant.locationId !== undefined || call.grant.companyId !== call.query.companyId) throw forbidden();
    return ok({
      locations: ours.map(({ id, name }) => ({ _id: id, name: name ?? id, address: '', isInstalled: true })),
      count: ours.length,
      installToFutureLocations: false,
    });
  }

  /** A new code for an app that lost its tokens (ghl.md §2.1 "Lost tokens"). */
  function reconnect(call: Call): Answer {
    const body = (call.body ?? {}) as Record<string, string>;
    if (body.clientKey !== options.clientId || body.clientSecret !== options.clientSecret) {
      throw unauthorized('Invalid client: clientKey or clientSecret is invalid');
    }
    const companyId = body.companyId ?? companyOf(body.locationId);
    if (companyId === undefined) throw badRequest('locationId or companyId is invalid');
    const authorizationCode = issueCode({ companyId, ...(body.locationId ? { locationId: body.locationId } : {}) });
    return ok({ authorizationCode, expiresAt: new Date(now() + 600_000).toISOString() });
  }

  function issueCode(grant: GrantFor): string {
    const code = randomUUID();
    const companyId = grant.companyId ?? companyOf(grant.locationId) ?? 'company-sim';
    const location = grant.locationId === undefined ? {} : { locationId: grant.locationId };
    codes.set(code, { ...location, companyId, scopes: grant.scopes ?? 'all' });
    return code;
  }

  return {
    authenticate(header) {
      const bearer = /^Bearer (.+)$/.exec(header ?? '')?.[1];
      if (bearer === undefined) throw unauthorized('Invalid JWT');
      const grant = tokens.get(bearer);
      if (!grant || (grant.expiresAtMs !== undefined && grant.expiresAtMs <= now())) {
        throw unauthorized('Invalid token: access token is invalid');
      }
      return grant;
    },
    issueCode,
    revoke: (revoked) => void tokens.delete(revoked),
    revokeLocation(locationId) {
      for (const [each, grant] of tokens) {
        if (grant.locationId === locationId && grant.expiresAtMs !== undefined) tokens.delete(each);
      }
      for (const [each, grant] of refreshTokens) if (grant.locationId === locationId) refreshTokens.delete(each);
    },
    setScopes(each, scopes) {
      const grant = tokens.get(each);
      if (grant) tokens.set(each, { ...grant, scopes });
    },
    endpoints: [
      { method: 'post', path: '/oauth/token', scopes: null, versioned: false, handle: token },
      { method: 'post', path: '/oauth/locationToken', scopes: ['oauth.write'], handle: locationToken },
      { method: 'get', path: '/oauth/installedLocations', scopes: ['oauth.readonly'], handle: installedLocations },
      { method: 'post', path: '/oauth/reconnect', scopes: null, versioned: false, handle: reconnect },
    ],
  };
}

/** The app id is the client id up to its first "-" (ghl.md §2.1). */
export const appIdOf = (options: OAuthOptions): string => options.clientId.split('-')[0]!;
