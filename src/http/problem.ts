import type { ServerResponse } from 'node:http';

/** A refusal in the form of RFC 9457. `detail` says what is wrong and what to do; nothing internal, no values. */
export interface Problem {
  status: number;
  /** Stable, snake_case; `type` is made of it. */
  code: string;
  title: string;
  detail: string;
  /** The field that it is about. */
  field?: string;
  /** Seconds until it is worth trying again. */
  retryAfterS?: number;
  headers?: Record<string, string>;
}

/** What is said of an error that nobody foresaw. */
export const INTERNAL: Problem = {
  status: 500,
  code: 'internal',
  title: 'Something went wrong here',
  detail: 'The request was not carried out as asked. The log of the service says why.',
};

/** The body of application/problem+json. */
export function problemBody(problem: Problem): Record<string, unknown> {
  const { status, code, title, detail, field } = problem;
  return { type: `urn:sticky-ghl:problem:${code}`, title, status, detail, code, ...(field !== undefined && { field }) };
}

export function problemHeaders(problem: Problem): Record<string, string> {
  return {
    'content-type': 'application/problem+json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(problem.retryAfterS !== undefined && { 'retry-after': String(Math.max(1, Math.ceil(problem.retryAfterS))) }),
    ...problem.headers,
  };
}

/** Answers once; does nothing when the client is gone or has its answer. */
export function sendProblem(res: ServerResponse, problem: Problem): void {
  if (res.headersSent || res.destroyed) return;
  const body = JSON.stringify(problemBody(problem));
  res.writeHead(problem.status, { ...problemHeaders(problem), 'content-length': String(Buffer.byteLength(body)) });
  res.end(body);
}
