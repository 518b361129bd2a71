import { hash, randomBytes } from 'node:crypto';
import { and, eq, isNull, lt } from 'drizzle-orm';
import { AppError } from '../errors.ts';
import type { Store } from './store.ts';

/** SPEC §5: whoever starts an installation has this long to finish it. */
const VALID_MS = 10 * 60_000;
const KEPT_MS = 24 * 60 * 60_000;

export interface OAuthState {
  connectionId: string;
  /** GHL wants the same one again at the exchange. */
  redirectUri: string;
}

const hashOf = (state: string): string => hash('sha256', state, 'base64url');

/** Makes a state for one passage through GHL's choose-location page: 256 random bits, good once and for ten minutes. */
export async function makeOAuthState(store: Store, state: OAuthState): Promise<string> {
  const { oauthStates: t } = store.s;
  const text = randomBytes(32).toString('base64url');
  const now = store.clock.now();
  await store.tx(async (db) => {
    await db.delete(t).where(lt(t.expiresAt, new Date(now.getTime() - KEPT_MS)));
    await db.insert(t).values({
      stateHash: hashOf(text),
      ...state,
      createdAt: now,
      expiresAt: new Date(now.getTime() + VALID_MS),
      usedAt: null,
    });
  });
  return text;
}

/**
 * Uses a state up, before anything is done with it: of two returns with one state the second is refused. Throws
 * AppError `oauth_state_unknown`, `oauth_state_used` or `oauth_state_expired` (400).
 */
export async function takeOAuthState(store: Store, state: string): Promise<OAuthState> {
  const { oauthStates: t } = store.s;
  const now = store.clock.now();
  return store.tx(async (db) => {
    const [row] = await db
      .select()
      .from(t)
      .where(eq(t.stateHash, hashOf(state)));
    if (!row)
      throw refusal('oauth_state_unknown', 'this return does not belong to an installation that was started here');
    const [taken] = await db
      .update(t)
      .set({ usedAt: now })
      .where(and(eq(t.stateHash, row.stateHash), isNull(t.usedAt)))
      .returning({ connectionId: t.connectionId, redirectUri: t.redirectUri });
    if (!taken) throw refusal('oauth_state_used', 'this return was used before', row.connectionId);
    if (row.expiresAt <= now)
      throw refusal(
        'oauth_state_expired',
        'more than ten minutes passed since the installation was started',
        row.connectionId,
      );
    return taken;
  });
}

const refusal = (code: string, message: string, connectionId?: string) =>
  new AppError(code, message, {
    httpStatus: 400,
    ...(connectionId === undefined ? {} : { details: { connectionId } }),
  });
