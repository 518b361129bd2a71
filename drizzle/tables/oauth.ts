import type { Kit } from '../kit.ts';

/**
 * Connections on their way through GHL's choose-location page (SPEC §5). Written by `GET /oauth/install`, used once by
 * `GET /oauth/callback`; kept for a day, so that a late or second return can be told what happened. A handful of rows.
 */
export const oauthStates = (k: Kit) =>
  k.table('oauth_states', {
    /** SHA-256 of the state: who reads the table cannot use it. */
    stateHash: k.text().primaryKey(),
    connectionId: k.text().notNull(),
    redirectUri: k.text().notNull(),
    createdAt: k.at().notNull(),
    expiresAt: k.at().notNull(),
    usedAt: k.at(),
  });

/**
 * Who renews the GHL token of a connection right now, in any process (SPEC §5: refresh tokens work once, so one at a
 * time). Taken for some seconds and taken over when its holder died; `rest_until` keeps a failed renewal from being repeated by every
 * call. Tokens are not in here. One row per connection with OAuth.
 */
export const oauthRefreshes = (k: Kit) =>
  k.table('oauth_refreshes', {
    connectionId: k.text().primaryKey(),
    holder: k.text(),
    lockedUntil: k.at(),
    restUntil: k.at(),
    /** Code and words of the failure that it rests from. */
    failure: k.json<{ code: string; message: string }>(),
  });
