import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { ZodError } from 'zod';
import { AppError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { INTERNAL, type Problem, problemBody, problemHeaders, sendProblem } from './problem.ts';

const TITLES: Record<number, string> = {
  400: 'The request cannot be used',
  401: 'Not allowed',
  403: 'Not allowed',
  404: 'Not found',
  409: 'It does not fit the present state',
  413: 'The body is too large',
  415: 'This kind of body is not taken',
  422: 'The request cannot be used',
  429: 'Too many requests',
  503: 'Not available for the moment',
};

interface BodyParserError {
  type: string;
  status: number;
}
const isBodyParserError = (error: unknown): error is BodyParserError =>
  error instanceof Error && typeof (error as Partial<BodyParserError>).type === 'string' && 'status' in error;

/** What the unpacking of a compressed body failed with: body-parser hands the stream's own error on, as a 400 without a type. */
const isUnpackError = (error: unknown): boolean => {
  const { status, code } = (error ?? {}) as { status?: unknown; code?: unknown };
  return error instanceof Error && status === 400 && typeof code === 'string' && /^(Z|ZSTD|ERR)_/.test(code);
};

/** What body-parser says, in our words (its own repeat the body). */
const OF_BODY: Record<string, [code: string, detail: string]> = {
  'entity.parse.failed': ['malformed_json', 'The body has to be JSON in UTF-8.'],
  'entity.too.large': ['too_large', 'The body is larger than this address takes.'],
  'encoding.unsupported': ['content_encoding', 'This Content-Encoding is not taken: send the body uncompressed.'],
  'charset.unsupported': ['charset', 'Send the body in UTF-8.'],
};

const titled = (status: number, code: string, detail: string): Problem => ({
  status,
  code,
  title: TITLES[status] ?? 'The request failed',
  detail,
});

/** The answer to whatever was thrown; null when it is nothing that we expected. */
function problemOf(error: unknown): Problem | null {
  if (error instanceof AppError) {
    const status = error.httpStatus ?? (error.retry === 'later' ? 503 : null);
    if (status === null) return null;
    const retryAfterS = error.retryAfterMs === undefined ? undefined : error.retryAfterMs / 1000;
    return { ...titled(status, error.code, error.message), ...(retryAfterS !== undefined && { retryAfterS }) };
  }
  if (error instanceof ZodError) {
    const [issue] = error.issues;
    const field = issue?.path.join('.') ?? '';
    const detail = issue ? `${field === '' ? 'body' : field}: ${issue.message}` : 'The request cannot be used.';
    return { ...titled(400, 'invalid', detail), field };
  }
  if (isBodyParserError(error)) {
    const [code, detail] = OF_BODY[error.type] ?? ['bad_request', 'The request cannot be read.'];
    return titled(error.status, code, detail);
  }
  if (isUnpackError(error))
    return titled(400, 'content_encoding', 'The body is not what Content-Encoding says: send it uncompressed.');
  if (error instanceof URIError) return titled(400, 'malformed_path', 'The path holds a broken % sequence.');
  return null;
}

/** The last handler: every error becomes problem+json; what was not expected is logged and told to nobody. */
export function errorHandler(log: Pick<Logger, 'error'>): ErrorRequestHandler {
  return (error: unknown, req: Request, res: Response, next) => {
    if (res.headersSent) {
      next(error);
      return;
    }
    const problem = problemOf(error) ?? INTERNAL;
    if (problem === INTERNAL) {
      log.error('a request failed', {
        method: req.method,
        // Never the address itself: it may hold a secret or a person's id.
        route: `${req.baseUrl}${(req.route as { path?: string } | undefined)?.path ?? ''}`,
        reason: messageOf(error),
        error: error instanceof Error ? error : undefined,
      });
    }
    const details = error instanceof AppError ? error.details : undefined;
    res
      .status(problem.status)
      .set(problemHeaders(problem))
      .send(JSON.stringify({ ...details, ...problemBody(problem) }));
  };
}

/** What no router took. */
export const notFound: RequestHandler = (_req, res) =>
  sendProblem(res, titled(404, 'not_found', 'There is nothing at this address. The addresses are listed at /docs.'));
