/** The error answers of GHL (ghl.md §4), thrown by whoever finds the reason and sent by the server. */

export class Refusal extends Error {
  readonly status: number;
  readonly body: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>) {
    super(`${status} ${JSON.stringify(body.message)}`);
    this.name = 'Refusal';
    this.status = status;
    this.body = { statusCode: status, ...body };
  }
}

export const badRequest = (message: string, more: Record<string, unknown> = {}): Refusal =>
  new Refusal(400, { message, ...more });

export const unauthorized = (message: string): Refusal => new Refusal(401, { message, error: 'Unauthorized' });

export const forbidden = (): Refusal =>
  new Refusal(403, { message: 'The token does not have access to this location.', error: 'Forbidden' });

export const notFound = (message: string): Refusal => new Refusal(404, { message });

/** `message` is an array here, and only here (ghl.md §4). */
export const unprocessable = (messages: string[]): Refusal =>
  new Refusal(422, { message: messages, error: 'Unprocessable Entity' });

export const tooManyRequests = (): Refusal => new Refusal(429, { message: 'Too Many Requests' });

/** 400, not 404 (ghl.md §4 "Unknown contact id"). */
export const contactNotFound = (id: string): Refusal => badRequest(`Contact with id ${id} not found`);
