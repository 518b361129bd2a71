import { z, type ZodType } from 'zod';
import type { Clock } from '../../clock.ts';
import type { LocationToken, TokenPair } from '../../domain/ghlGrant.ts';
import { AppError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { isHtml, messagesOf, type RawAnswer, shortMessage, traceIdOf } from '../answer.ts';
import { ApiError } from '../apiError.ts';
import { createTransport } from '../transport.ts';

/** The app's own credentials at GHL. */
export interface GhlAppCredentials {
  apiBaseUrl: string;
  clientId: string;
  clientSecret: string;
}

/**
 * A call about tokens that did not succeed. `lost`: no trustworthy answer came, GHL may have done it. `grant`: GHL refuses
 * the code, the refresh token or the location. `client`: GHL refuses the app itself. `message` holds no token.
 */
export class OAuthError extends AppError {
  readonly kind: 'lost' | 'grant' | 'client';
  constructor(kind: OAuthError['kind'], message: string, cause?: unknown) {
    super(`oauth_${kind}`, message, {
      retry: kind === 'lost' ? 'later' : 'never',
      ...(cause === undefined ? {} : { cause }),
    });
    this.name = 'OAuthError';
    this.kind = kind;
  }
}

export const isOAuthError = (error: unknown, ...kinds: OAuthError['kind'][]): error is OAuthError =>
  error instanceof OAuthError && (kinds.length === 0 || kinds.includes(error.kind));

/** GHL's calls about tokens (ghl.md §2.1). All reject with OAuthError. */
export interface OAuthCalls {
  exchangeCode(code: string, redirectUri: string | null, userType: TokenPair['userType']): Promise<TokenPair>;
  refresh(refreshToken: string, userType: TokenPair['userType']): Promise<TokenPair>;
  /** A location's token for an agency's. */
  locationToken(companyAccessToken: string, companyId: string, locationId: string): Promise<LocationToken>;
  /** A new code for an app that lost its tokens. Since September 2026 GHL is reported to refuse it for everybody. */
  reconnect(of: { locationId: string } | { companyId: string }): Promise<string>;
  close(): void;
}

/** One request may take this long, so that a lost answer can be asked for again within GHL's 30 s. Real time. */
export const OAUTH_TIMEOUT_MS = 6_000;

const text = z.string().min(1);
const scopes = z
  .string()
  .optional()
  .transform((value) => (value ?? '').split(/\s+/).filter((scope) => scope !== ''));
const expiresInMs = z.coerce
  .number()
  .positive()
  .default(86_399)
  .transform((seconds) => seconds * 1000);

const pairAnswer = z
  .object({
    access_token: text,
    refresh_token: text.nullish(),
    expires_in: expiresInMs,
    scope: scopes,
    userType: z.string().optional(),
    locationId: text.nullish(),
    companyId: text.nullish(),
    approvedLocations: z.array(z.string()).nullish(),
  })
  .transform((answer): TokenPair => ({
    userType:
      answer.userType === 'Company' || (answer.userType === undefined && !answer.locationId) ? 'Company' : 'Location',
    locationId: answer.locationId ?? null,
    companyId: answer.companyId ?? null,
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? null,
    expiresInMs: answer.expires_in,
    scopes: answer.scope,
    approvedLocations: answer.approvedLocations ?? [],
  }));

const locationAnswer = z
  .object({ access_token: text, expires_in: expiresInMs, scope: scopes })
  .transform((answer): LocationToken => ({
    accessToken: answer.access_token,
    expiresInMs: answer.expires_in,
    scopes: answer.scope,
  }));

const codeAnswer = z.object({ authorizationCode: text }).transform((answer) => answer.authorizationCode);

const FORM = 'application/x-www-form-urlencoded';

/** No pace and no Location-Id: these calls count against no location's limit. Nothing of a body reaches the log. */
export function createOAuthCalls(
  app: GhlAppCredentials,
  { clock, log, timeoutMs = OAUTH_TIMEOUT_MS }: { clock: Clock; log: Logger; timeoutMs?: number },
): OAuthCalls {
  const transport = createTransport({ side: 'ghl', baseUrl: app.apiBaseUrl, timeoutMs });
  const signal = new AbortController().signal;

  async function post<T>(path: string, data: string, headers: Record<string, string>, schema: ZodType<T>): Promise<T> {
    const startedMs = clock.nowMs();
    const report = (status: number | null, traceId: string | null, failure: OAuthError | null) => {
      const line = { side: 'ghl', method: 'POST', path, status, durationMs: clock.nowMs() - startedMs, traceId };
      if (failure === null) log.debug('api call', { ...line, class: 'ok' });
      else log.warn('api call', { ...line, class: failure.code, note: failure.message });
    };
    let answer: RawAnswer;
    try {
      answer = await transport.send({ method: 'POST', url: path, data, isRead: false }, headers, signal);
    } catch (error) {
      const lost = new OAuthError('lost', error instanceof ApiError ? error.message : 'no answer', error);
      report(null, null, lost);
      throw lost;
    }
    const traceId = traceIdOf(answer.headers, answer.body);
    const failure = failureOf(answer);
    const parsed = failure === null ? schema.safeParse(answer.body) : null;
    if (parsed?.success) {
      report(answer.status, traceId, null);
      return parsed.data;
    }
    // It says yes and brings nothing that could be used: as good as no answer.
    const thrown = failure ?? new OAuthError('lost', `${answer.status} without a token in it`);
    report(answer.status, traceId, thrown);
    throw thrown;
  }

  const form = <T>(path: string, values: Record<string, string>, schema: ZodType<T>, headers = {}): Promise<T> =>
    post(path, new URLSearchParams(values).toString(), { 'Content-Type': FORM, ...headers }, schema);
  const own = { client_id: app.clientId, client_secret: app.clientSecret };

  return {
    exchangeCode: (code, redirectUri, userType) =>
      form(
        '/oauth/token',
        {
          ...own,
          grant_type: 'authorization_code',
          code,
          user_type: userType,
          ...(redirectUri === null ? {} : { redirect_uri: redirectUri }),
        },
        pairAnswer,
      ),
    refresh: (refreshToken, userType) =>
      form(
        '/oauth/token',
        { ...own, grant_type: 'refresh_token', refresh_token: refreshToken, user_type: userType },
        pairAnswer,
      ),
    locationToken: (companyAccessToken, companyId, locationId) =>
      form('/oauth/locationToken', { companyId, locationId }, locationAnswer, {
        Version: '2021-07-28',
        authorization: `Bearer ${companyAccessToken}`,
      }),
    reconnect: (of) =>
      post(
        '/oauth/reconnect',
        JSON.stringify({ clientKey: app.clientId, clientSecret: app.clientSecret, ...of }),
        {},
        codeAnswer,
      ),
    close: () => transport.close(),
  };
}

const aboutClient = /invalid[ _]client|client[ _]?(id|secret|key)|\bclient\b.*\binvalid\b/i;
const aboutGrant = /invalid[ _]grant|refresh[ _]?token|authori[sz]ation[ _]?code/i;
// ghl.md gives no form for what a refusal may repeat: whatever looks like a token stays out.
const tokenLike = /[\w.~+/-]{16,}={0,2}/g;

/** What an answer other than a 2xx means; null = it is one. */
function failureOf({ status, headers, body }: RawAnswer): OAuthError | null {
  if (status >= 200 && status < 300 && !isHtml(headers, body)) return null;
  const messages = isHtml(headers, body) ? [] : messagesOf(body);
  const said = shortMessage(messages).replace(tokenLike, '***');
  const message = `${status} ${said === '' ? 'without a reason' : said}`;
  if (isHtml(headers, body) || status < 400 || status >= 500 || status === 408 || status === 425 || status === 429)
    return new OAuthError('lost', message);
  const words = messages.join('; ');
  if (aboutGrant.test(words) && !/invalid[ _]client/i.test(words)) return new OAuthError('grant', message);
  return new OAuthError(aboutClient.test(words) ? 'client' : 'grant', message);
}
