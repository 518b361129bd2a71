import type { ZodError } from 'zod';

/** An answer that is not a 2xx. The platform's own shape is not known (sticky-cards.md §1, errors). */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: readonly string[];
  readonly more: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, errors: readonly string[], more: Record<string, unknown> = {}) {
    super(errors.join('; '));
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.more = more;
  }

  get body(): Record<string, unknown> {
    return { code: this.code, message: this.message, errors: this.errors, ...this.more };
  }
}

export const notFound = (what: 'Customer' | 'Card' | 'Payment'): ApiRefusal =>
  new ApiRefusal(404, `${what.toLowerCase()}_not_found`, [`${what} not found`]);

/** 422 with one sentence per field, in the wording that frameworks of this kind use. */
export function unprocessable(error: ZodError): ApiRefusal {
  const errors = error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `property ${key} should not exist`)
      : [`${issue.path.map(String).join('.') || 'body'} must be valid: ${issue.message}`],
  );
  return new ApiRefusal(422, 'invalid', errors);
}
