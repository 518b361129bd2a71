import type { DayTold } from '../domain/dayTold.ts';
import { parseExactly } from '../domain/exactJson.ts';
import { maskPersonal } from '../maskPersonal.ts';

/** Headers of an answer, names in lower case. */
export type AnswerHeaders = Readonly<Record<string, string>>;

/** An answer as it came: `body` is the parsed JSON, or the text when it is not JSON; undefined when it is empty. */
export interface RawAnswer {
  status: number;
  headers: AnswerHeaders;
  body: unknown;
  /** The body could not be read as JSON: HTML of a proxy, plain text. */
  notJson: boolean;
}

const asRecord = (value: unknown): Record<string, unknown> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;

/** Parses the text of an answer by what it is, not by what its Content-Type claims. */
export function parseBody(text: string): Pick<RawAnswer, 'body' | 'notJson'> {
  if (text.trim() === '') return { body: undefined, notJson: false };
  try {
    return { body: parseExactly(text), notJson: false };
  } catch {
    return { body: text, notJson: true };
  }
}

/** An HTML page stands for a proxy, a firewall or a maintenance page, never for the API itself (ghl.md §4). */
export const isHtml = (headers: AnswerHeaders, body: unknown): boolean =>
  typeof body === 'string' &&
  (/^\s*<(!doctype|html|head|body|\?xml)/i.test(body) || /text\/html/i.test(headers['content-type'] ?? ''));

/** Everything that a refusal says, one entry per message: strings, arrays of messages and `errors` of any usual shape. */
export function messagesOf(body: unknown): string[] {
  if (typeof body === 'string') return body.trim() === '' ? [] : [body.trim()];
  if (Array.isArray(body)) return body.flatMap(messagesOf);
  const record = asRecord(body);
  if (!record) return [];
  const found = ['message', 'errors', 'error', 'detail', 'details', 'error_description', 'msg', 'title'].flatMap(
    (key) => {
      const value = record[key];
      const named = key === 'errors' || key === 'details' ? asRecord(value) : null;
      // {errors: {email: ["is invalid"]}}: the key is half of the message
      if (named && !('message' in named)) {
        return Object.entries(named).flatMap(([field, said]) => messagesOf(said).map((text) => `${field} ${text}`));
      }
      return messagesOf(value);
    },
  );
  return [...new Set(found)];
}

/** The messages in one line, at most 300 characters, phones and e-mail addresses masked. */
export const shortMessage = (messages: string[]): string => {
  const text = maskPersonal(messages.join('; ').replace(/\s+/g, ' '));
  return text.length > 300 ? `${text.slice(0, 299)}…` : text;
};

/** `traceId` of the body or of the usual headers, for support tickets (ghl.md §1). */
export function traceIdOf(headers: AnswerHeaders, body: unknown): string | null {
  const inBody = asRecord(body)?.['traceId'] ?? asRecord(body)?.['trace_id'];
  if (typeof inBody === 'string' && inBody !== '') return inBody;
  return headers['x-trace-id'] ?? headers['trace-id'] ?? headers['x-request-id'] ?? null;
}

/** The answer's `Date` in ms: the only clock that both sides share (SPEC §1, inbox). Whole seconds. */
export function dateMsOf(headers: AnswerHeaders): number | null {
  const ms = Date.parse(headers['date'] ?? '');
  return Number.isNaN(ms) ? null : ms;
}

/** A header as a number ≥ 0, or null. */
export function numberHeader(headers: AnswerHeaders, name: string): number | null {
  const text = headers[name];
  if (text === undefined || text.trim() === '') return null;
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? value : null;
}

export function dayToldBy(headers: AnswerHeaders): DayTold {
  const left = numberHeader(headers, 'x-ratelimit-daily-remaining');
  return left === null ? null : { left, limit: numberHeader(headers, 'x-ratelimit-limit-daily') };
}

/** `Retry-After` in ms: seconds or an HTTP date, the latter measured against the answer's own `Date` where it has one. */
export function retryAfterMsOf(headers: AnswerHeaders, nowMs: number): number | null {
  const seconds = numberHeader(headers, 'retry-after');
  if (seconds !== null) return Math.ceil(seconds * 1000);
  const at = Date.parse(headers['retry-after'] ?? '');
  return Number.isNaN(at) ? null : Math.max(0, at - (dateMsOf(headers) ?? nowMs));
}

export const recordOf = asRecord;
