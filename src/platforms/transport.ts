import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios from 'axios';
import { AppError, messageOf } from '../errors.ts';
import { maskPersonal } from '../maskPersonal.ts';
import { type AnswerHeaders, parseBody, type RawAnswer } from './answer.ts';
import { ApiError, type Side } from './apiError.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A request ready to leave: nothing about it can fail any more before it is sent. */
export interface Outgoing {
  method: Method;
  /** Path and query below the base URL. */
  url: string;
  /** JSON text. */
  data: string | undefined;
  isRead: boolean;
}

export interface Transport {
  /** Resolves with whatever was answered, any status. Rejects with ApiError `transient` when no whole answer came; a read also with the signal's reason. */
  send: (request: Outgoing, headers: Record<string, string>, signal: AbortSignal) => Promise<RawAnswer>;
  close: () => void;
}

const CONTENT_BYTES_MAX = 20 * 1024 * 1024;
/** The connection never stood, so nothing was sent. */
const neverLeft = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL']);
const tlsRefusal = /^(ERR_TLS_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** axios on connections kept open; redirects are not followed, answers above 20 MB are refused. */
export function createTransport(options: { side: Side; baseUrl: string; timeoutMs: number }): Transport {
  const { side, timeoutMs } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, '');
  const httpAgent = new HttpAgent({ keepAlive: true });
  const httpsAgent = new HttpsAgent({ keepAlive: true });
  const http = axios.create({
    httpAgent,
    httpsAgent,
    adapter: 'http',
    timeout: timeoutMs,
    maxRedirects: 0,
    maxContentLength: CONTENT_BYTES_MAX,
    maxBodyLength: CONTENT_BYTES_MAX,
    responseType: 'text',
    transformRequest: [(data: unknown) => data],
    transformResponse: [(data: unknown) => data],
    validateStatus: () => true,
    transitional: { clarifyTimeoutError: true },
  });

  const send: Transport['send'] = async (request, headers, signal) => {
    // axios' own starts again with every byte that drips in
    const deadline = AbortSignal.timeout(timeoutMs * 2);
    try {
      const answer = await http.request<string | undefined>({
        method: request.method,
        url: `${baseUrl}${request.url}`,
        headers: {
          Accept: 'application/json',
          ...(request.data === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
        data: request.data,
        signal: request.isRead ? AbortSignal.any([signal, deadline]) : deadline,
      });
      return { status: answer.status, headers: plainHeaders(answer.headers), ...parseBody(answer.data ?? '') };
    } catch (error) {
      if (request.isRead && signal.aborted) throw signal.reason;
      throw lost(error, side, request.isRead, deadline.aborted);
    }
  };

  return {
    send,
    close: () => {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

/**
 * Path template, parameters and query as one URL. Throws AppError `missing_path_parameter`: an empty id would name the
 * whole collection, and `.` or `..`, which no encoding keeps as they are, what stands above it.
 */
export function urlOf(
  path: string,
  params: Readonly<Record<string, string>> = {},
  query: Readonly<Record<string, string | number | boolean | undefined>> = {},
): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined || ['', '.', '..'].includes(value))
      throw new AppError('missing_path_parameter', `${path} needs ${name}`);
    return encodeURIComponent(value);
  });
  // URLSearchParams writes `+` as %2B, which the search by number needs (ghl.md §5)
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value));
  return search.size === 0 ? filled : `${filled}?${search.toString()}`;
}

/** What a request without an answer means: it may have landed unless the connection never stood. */
function lost(error: unknown, side: Side, isRead: boolean, late: boolean): ApiError {
  const { code, syscall } = origin(error);
  const unsent = neverLeft.has(code) || tlsRefusal.test(code) || syscall === 'connect';
  const timedOut = late || code === 'ETIMEDOUT' || code === 'ECONNABORTED';
  const why = code === '' ? maskPersonal(messageOf(error)).slice(0, 200) : code;
  return new ApiError(timedOut ? 'no answer in time' : `no answer: ${why}`, {
    side,
    class: 'transient',
    code: timedOut && !unsent ? 'timeout' : 'network',
    answered: false,
    mayHaveLanded: !isRead && !unsent,
    // not the error itself: it holds the request with its credentials
    cause: new Error(`${why}: ${maskPersonal(messageOf(error)).slice(0, 200)}`),
  });
}

/** Code and system call of the innermost error: axios and happy eyeballs (AggregateError) wrap it. */
function origin(error: unknown): { code: string; syscall: string } {
  const {
    code = '',
    syscall = '',
    cause,
    errors,
  } = error as {
    code?: string;
    syscall?: string;
    cause?: unknown;
    errors?: unknown[];
  };
  const inner = cause ?? errors?.[0];
  if (typeof inner !== 'object' || inner === null) return { code, syscall };
  const deeper = origin(inner);
  return { code: deeper.code || code, syscall: deeper.syscall || syscall };
}

function plainHeaders(headers: unknown): AnswerHeaders {
  const entries = Object.entries(headers as Record<string, unknown>);
  return Object.fromEntries(
    entries.map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value.join(', ') : String(value)]),
  );
}
