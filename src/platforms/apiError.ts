import { AppError, type Retry } from '../errors.ts';

export type Side = 'ghl' | 'stickycards';

/** The classes of SPEC §2.6, in the order in which an answer is tried against them; the last three are about the pace and the line. */
export const API_ERROR_CLASSES = [
  'gone',
  'conflict',
  'field',
  'validation',
  'auth',
  'scope',
  'rate_limited',
  'daily_budget',
  'transient',
] as const;
export type ApiErrorClass = (typeof API_ERROR_CLASSES)[number];

/** What the remote said about the record that is in the way: ids and names of fields only, never contact details. */
export interface ApiErrorMeta {
  /** The contact or customer that already has this phone or e-mail. */
  contactId?: string;
  /** The field that collided, in the remote's name. */
  matchingField?: string;
  /** The opportunity that already exists (ghl.md §8). */
  existingId?: string;
}

export interface ApiErrorOptions {
  side: Side;
  class: ApiErrorClass;
  /** More exact than the class: `unknown_field`, `opportunity_no_duplicate`, `timeout`, `unexpected_answer`; the class when left out. */
  code?: string | undefined;
  status?: number | undefined;
  traceId?: string | null | undefined;
  /** As the remote names it: `email`, `customFields.<id>`. */
  field?: string | undefined;
  meta?: ApiErrorMeta | undefined;
  answered: boolean;
  mayHaveLanded: boolean;
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

const retryOf = (options: Pick<ApiErrorOptions, 'class' | 'mayHaveLanded'>): Retry => {
  if (options.mayHaveLanded) return 'check-first';
  return ['gone', 'conflict', 'field', 'validation'].includes(options.class) ? 'never' : 'later';
};

/**
 * A call to a remote side that did not succeed. `message` is short and free of contact details.
 * `answered`: an answer came. `mayHaveLanded`: a write left and no trustworthy answer came (timeout, reset, 5xx): look
 * before repeating it (SPEC §3.3 pending values, §3.5 commands).
 */
export class ApiError extends AppError {
  readonly class: ApiErrorClass;
  readonly side: Side;
  readonly status: number | undefined;
  readonly traceId: string | undefined;
  readonly field: string | undefined;
  readonly meta: ApiErrorMeta | undefined;
  readonly answered: boolean;
  readonly mayHaveLanded: boolean;

  constructor(message: string, options: ApiErrorOptions) {
    super(options.code ?? options.class, message, {
      retry: retryOf(options),
      ...(options.retryAfterMs === undefined ? {} : { retryAfterMs: options.retryAfterMs }),
      ...(options.cause === undefined ? {} : { cause: options.cause }),
    });
    this.name = 'ApiError';
    this.class = options.class;
    this.side = options.side;
    this.status = options.status;
    this.traceId = options.traceId ?? undefined;
    this.field = options.field;
    this.meta = options.meta;
    this.answered = options.answered;
    this.mayHaveLanded = options.mayHaveLanded;
  }
}

/** True for an ApiError, of one of the given classes when there are any. */
export const isApiError = (error: unknown, ...classes: ApiErrorClass[]): error is ApiError =>
  error instanceof ApiError && (classes.length === 0 || classes.includes(error.class));
