import type { Value } from '../../drizzle/tables/links.ts';
import { toE164 } from './phone.ts';

export type { Value };

/** How a field's values are compared (SPEC §1, base). */
export type ValueType = 'text' | 'email' | 'phone' | 'number' | 'date';

export interface Locale {
  defaultCountry: string;
  /** IANA zone of the location: dates are days there. */
  timeZone: string;
}

/** NFC, trimmed, without what a database refuses; '' becomes null. */
export function canonicalText(value: unknown): string | null {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return null;
  const text = String(value).toWellFormed().replaceAll('\0', '').normalize('NFC').trim();
  return text === '' ? null : text;
}

export const canonicalTag = (tag: string): string => (canonicalText(tag) ?? '').toLowerCase();

function canonicalNumber(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || value.trim() === '') return null;
  const number = Number(value.trim());
  return Number.isFinite(number) ? number : null;
}

const dayFormats = new Map<string, Intl.DateTimeFormat>();

/** `YYYY-MM-DD` of an instant (ms) in a zone; an unknown zone counts as UTC. */
export function dayIn(timeZone: string, atMs: number): string {
  let format = dayFormats.get(timeZone);
  if (!format) {
    try {
      format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
    } catch {
      format = new Intl.DateTimeFormat('en-CA', { timeZone: 'UTC', year: 'numeric', month: '2-digit', day: '2-digit' });
    }
    dayFormats.set(timeZone, format);
  }
  return format.format(atMs);
}

const DAY_MS = 86_400_000;

/** An instant of ours is a day in the location's zone; a day of theirs (`YYYY-MM-DD`, or midnight UTC) stays that day. */
function canonicalDate(value: unknown, timeZone: string): string | null {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : dayIn(timeZone, value.getTime());
  const epoch =
    typeof value === 'number' || (typeof value === 'string' && /^-?\d{9,}$/.test(value.trim())) ? Number(value) : NaN;
  if (Number.isFinite(epoch)) return epoch % DAY_MS === 0 ? dayIn('UTC', epoch) : dayIn(timeZone, epoch);
  const text = canonicalText(value);
  if (text === null) return null;
  const day = /^(\d{4}-\d{2}-\d{2})(?:$|[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:?00)?$)/.exec(text);
  if (day) return day[1] as string;
  const at = Date.parse(text);
  return Number.isNaN(at) ? text : dayIn(timeZone, at);
}

/**
 * The canonical form of any value of either side (SPEC §1, base); null = empty. A phone that is not possible keeps
 * its text, so that a difference is still seen; whoever sends it must check.
 */
export function canonical(type: ValueType, value: unknown, locale: Locale): Value {
  if (value === null || value === undefined) return null;
  switch (type) {
    case 'text':
      return canonicalText(value);
    case 'email':
      return canonicalText(value)?.toLowerCase() ?? null;
    case 'phone': {
      const text = canonicalText(value);
      return text === null ? null : (toE164(text, locale.defaultCountry) ?? text);
    }
    case 'number':
      // What is no number (a word typed into a text field) stays visible as text instead of looking empty.
      return canonicalNumber(value) ?? canonicalText(value);
    case 'date':
      return canonicalDate(value, locale.timeZone);
  }
}
