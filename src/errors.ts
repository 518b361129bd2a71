export type Retry = 'later' | 'never' | 'check-first';

export interface AppErrorOptions {
  /** `check-first`: a write that may or may not have landed; look before repeating it. */
  retry?: Retry;
  httpStatus?: number;
  retryAfterMs?: number;
  cause?: unknown;
  /** Shown to whoever called; never anything internal. */
  details?: Record<string, unknown>;
}

/** An expected way to fail, typed where it arises (docs/architecture.md, Errors). `message` is safe to show. */
export class AppError extends Error {
  readonly code: string;
  readonly retry: Retry;
  readonly httpStatus: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: string, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.retry = options.retry ?? 'never';
    this.httpStatus = options.httpStatus;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
  }
}

/** A failed query names its parameters, which are people's data: only the statement stays. */
export const withoutParameters = (text: string): string => text.replace(/\nparams: [\s\S]*?(?=\n {4}at |$)/, '');

/** The message of whatever was thrown, with the reason below it where the database gave one; free of query parameters. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = withoutParameters(error.message);
  if (!error.message.startsWith('Failed query') || !(error.cause instanceof Error)) return text;
  return `${text.slice(0, 200)}: ${error.cause.message.split('\n')[0]}`;
}
