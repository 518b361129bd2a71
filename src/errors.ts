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

/** An expected way to fail, typed where it arises (docs/architecture.md §7). `message` is safe to show. */
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

/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
