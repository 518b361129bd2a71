import type { ZodType } from 'zod';
import type { Clock } from '../clock.ts';
import type { DayTold } from '../domain/dayTold.ts';
import { AppError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { dateMsOf, dayToldBy, type RawAnswer, recordOf, retryAfterMsOf, traceIdOf } from './answer.ts';
import { ApiError, type ApiErrorClass, type Side } from './apiError.ts';
import type { Classify } from './classifyAnswer.ts';
import { type Pace, type Priority, RATE_WAIT_MS_MAX } from './pace.ts';
import { createTransport, type Method, type Outgoing, urlOf } from './transport.ts';

export interface ApiOptions {
  side: Side;
  /** With or without a path; a trailing slash is dropped. */
  baseUrl: string;
  /** Asked right before each request leaves, after queue and pace: a token renewed meanwhile is the one that is sent. */
  headers: () => Promise<Record<string, string>> | Record<string, string>;
  pace: Pace;
  clock: Clock;
  log: Logger;
  /** Without a byte from them for this long, the answer counts as lost; twice this long in all. Real time, not the Clock's. */
  timeoutMs?: number;
  classify: Classify;
  /** Called once per request that left. */
  onCall?: (call: CallRecord) => void;
  /**
   * After a 401: makes `headers()` answer with a new token in place of the one in `sent`. At most once per call. False =
   * there is no other, the 401 stands.
   */
  refreshAuth?: (sent: Readonly<Record<string, string>>) => Promise<boolean | void>;
}

export interface CallRecord {
  method: Method;
  /** The template, without ids. */
  path: string;
  /** null = no answer. */
  status: number | null;
  class: ApiErrorClass | null;
  durationMs: number;
  /** What the answer said of the calls of this day. */
  day: DayTold;
}

/** What every client function accepts last. */
export interface CallOptions {
  priority?: Priority | undefined;
  /** Aborts waiting, and a read under way; a write that has left is always awaited. */
  signal?: AbortSignal | undefined;
  /** Awaited after queue and pace, before the request gets its connection, once per call: commit the write-ahead here. Its rejection stops the call. */
  beforeSend?: (() => Promise<void>) | undefined;
}

export interface ApiRequest<T> extends CallOptions {
  method: Method;
  /** A template, `/contacts/{id}`: what the log shows. */
  path: string;
  params?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  body?: unknown;
  /** Besides those of the connection. */
  headers?: Readonly<Record<string, string>>;
  /** For a read that is not a GET (a search by POST). */
  isRead?: boolean;
  /** Loose: requires only what is used. Without one `data` is the parsed body as it came. */
  schema?: ZodType<T>;
}

export interface ApiAnswer<T> {
  status: number;
  /** After a write whose answer did not fit the schema: the body as it came, `{}` when there is none; see `asExpected`. */
  data: T;
  /** False only for such a write: it happened, but `data` proves nothing. */
  asExpected: boolean;
  traceId: string | null;
  /** The answer's `Date` in ms, by the remote's clock. */
  dateMs: number | null;
  /** From the call to the answer, waiting included. */
  durationMs: number;
}

export interface Api {
  /**
   * One call. Rejects with ApiError (see its fields), or with what `beforeSend` or `headers` threw or the signal's
   * reason: in those cases the request never left (or was a read). A 429 is waited out and repeated in here (SPEC §2.6).
   */
  call: <T = unknown>(request: ApiRequest<T>) => Promise<ApiAnswer<T>>;
  /** Closes the idle connections. */
  close: () => void;
}

/** The one way to talk to a remote side: paced, typed errors, and nothing repeated that the remote may have done. */
export function createApi(options: ApiOptions): Api {
  const { side, pace, clock, log, classify, timeoutMs = 30_000 } = options;
  const transport = createTransport({ side, baseUrl: options.baseUrl, timeoutMs });

  async function call<T>(request: ApiRequest<T>): Promise<ApiAnswer<T>> {
    const { method, path } = request;
    const isRead = request.isRead ?? method === 'GET';
    const outgoing: Outgoing = {
      method,
      url: urlOf(path, request.params, request.query),
      data: request.body === undefined ? undefined : JSON.stringify(request.body),
      isRead,
    };
    const calledMs = clock.nowMs();
    let sentMs = calledMs;
    let announced = false;
    let renewed = false;
    let refusal: ApiError | undefined;
    let attempt = 0;

    const report = (answer: RawAnswer | null, traceId: string | null, failure: ApiError | null, note?: string) => {
      const status = answer?.status ?? null;
      const durationMs = clock.nowMs() - sentMs;
      const line = { side, method, path, status, class: failure?.class ?? 'ok', durationMs, traceId, attempt };
      if (failure === null && note === undefined) log.debug('api call', line);
      else log.warn('api call', { ...line, code: failure?.code, note: note ?? failure?.message });
      const day = answer === null ? null : dayToldBy(answer.headers);
      options.onCall?.({ method, path, status, class: failure?.class ?? null, durationMs, day });
    };

    const headersNow = async () => ({ ...(await options.headers()), ...request.headers });
    let headers: Record<string, string> | null = null;
    let sent: Record<string, string> = {};

    /** The token first: without one nothing is announced. */
    const announce = async (signal: AbortSignal) => {
      headers = await headersNow();
      signal.throwIfAborted();
      await request.beforeSend?.();
      announced = true;
    };

    const exchange = (): Promise<RawAnswer> =>
      pace.run(
        async (signal, slot) => {
          headers ??= await headersNow();
          signal.throwIfAborted();
          sent = headers;
          sentMs = clock.nowMs();
          slot.leaves();
          try {
            const answer = await transport.send(outgoing, headers, signal);
            pace.observe(answer.headers, { status: answer.status });
            return answer;
          } catch (error) {
            if (error instanceof ApiError) report(null, null, error);
            throw error;
          } finally {
            // a repetition asks for the token anew
            headers = null;
          }
        },
        {
          priority: attempt === 1 ? request.priority : 'next',
          signal: request.signal,
          prepare: announced || !request.beforeSend ? undefined : announce,
        },
      );

    for (;;) {
      attempt += 1;
      const answer = await exchange().catch((error: unknown) => {
        // It was refused and could not be repeated: the caller has to learn that nothing of it happened.
        throw refusal !== undefined && !(error instanceof ApiError) ? refusal : error;
      });
      const traceId = traceIdOf(answer.headers, answer.body);

      if (answer.status >= 200 && answer.status < 300) {
        const read = readBody(request.schema, answer, isRead);
        if ('why' in read) {
          const error = unexpectedAnswer(side, answer.status, traceId, read.why, !isRead);
          report(answer, traceId, error);
          throw error;
        }
        report(answer, traceId, null, read.note);
        return {
          status: answer.status,
          data: read.data,
          asExpected: read.note === undefined,
          traceId,
          dateMs: dateMsOf(answer.headers),
          durationMs: clock.nowMs() - calledMs,
        };
      }

      const found = classify(answer.status, answer.headers, withoutSecrets(answer.body, sent), method);
      const retryAfterMs = retryAfterMsOf(answer.headers, clock.nowMs()) ?? undefined;
      const error = new ApiError(found.message, {
        ...found,
        side,
        status: answer.status,
        traceId,
        answered: true,
        mayHaveLanded: !isRead && answer.status >= 500,
        retryAfterMs,
      });
      report(answer, traceId, error);

      const waitedMs = clock.nowMs() - calledMs + (retryAfterMs ?? 0);
      const refresh = error.class === 'auth' && error.status === 401 && !renewed ? options.refreshAuth : undefined;
      if (refresh !== undefined) {
        renewed = true;
        const another = await refresh(sent).catch((cause: unknown) => {
          throw cause instanceof AppError ? cause : error;
        });
        if (another === false) throw error;
      } else if (error.class !== 'rate_limited' || waitedMs > RATE_WAIT_MS_MAX) {
        throw error;
      }
      refusal = error;
    }
  }

  return { call, close: () => transport.close() };
}

/**
 * A refusal may repeat what it refuses: never the key or token that was sent. Struck out of the body as it came: a message
 * made of it is cut and masked, and what is left of a token is found no more.
 */
function withoutSecrets(body: unknown, sent: Readonly<Record<string, string>>): unknown {
  const secrets = Object.entries(sent)
    .map(([name, value]) => (/authorization|key/i.test(name) ? value.replace(/^\w+ (?=\S)/, '') : ''))
    .filter((secret) => secret.length >= 4);
  const strike = (value: unknown): unknown => {
    if (typeof value === 'string') return secrets.reduce((text, secret) => text.replaceAll(secret, '***'), value);
    if (Array.isArray(value)) return value.map(strike);
    const record = recordOf(value);
    return record === null ? value : Object.fromEntries(Object.entries(record).map(([key, v]) => [key, strike(v)]));
  };
  return strike(body);
}

/** An answer with a 2xx that is not what was asked for. After a write: look before repeating it. */
export const unexpectedAnswer = (
  side: Side,
  status: number,
  traceId: string | null,
  why: string,
  mayHaveLanded: boolean,
): ApiError =>
  new ApiError(`${status} with an unexpected answer: ${why}`, {
    side,
    class: 'transient',
    code: 'unexpected_answer',
    status,
    traceId,
    answered: true,
    mayHaveLanded,
  });

/**
 * A 2xx. A read has to be what was asked for, or it is no answer. A write has happened whatever its body says, so the
 * body is handed on with a note; only a page that is not even JSON comes from somebody else and proves nothing.
 */
function readBody<T>(
  schema: ZodType<T> | undefined,
  answer: RawAnswer,
  isRead: boolean,
): { data: T; note?: string } | { why: string } {
  if (answer.notJson) return { why: 'not JSON' };
  if (!schema) return { data: answer.body as T };
  const parsed = schema.safeParse(answer.body ?? {});
  if (parsed.success) return { data: parsed.data };
  const paths = parsed.error.issues.slice(0, 5).map((issue) => issue.path.map(String).join('.') || '(body)');
  const why = `${[...new Set(paths)].join(', ')} missing or of another type`;
  if (isRead) return { why };
  const asIs = typeof answer.body === 'object' && answer.body !== null ? answer.body : {};
  return { data: asIs as T, note: `unexpected answer: ${why}` };
}
