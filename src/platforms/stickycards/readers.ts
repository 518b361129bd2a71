import { own } from '../../domain/own.ts';
import { parseInstant } from './time.ts';

/** Turns one value as sent into ours, or null where it says nothing that we can use. Never throws. */
export type Reader<T> = (value: unknown) => T | null;

const NUMERIC = /^[+-]?\d+(?:\.\d+)?$/;
const ALL_DIGITS = /^[1-9]\d{7,14}$/;

/** As sent, without what PostgreSQL cannot store: NUL and halves of surrogate pairs. */
export const storable = (text: string): string =>
  (text.includes('\0') ? text.replaceAll('\0', '') : text).toWellFormed();

/** Trimmed text, numbers as digits; '' and blanks are nothing. */
export function readText(value: unknown): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null;
  if (typeof value !== 'string') return null;
  const text = storable(value).trim();
  return text === '' ? null : text;
}

/** As `readText`; `.` and `..` are nothing either: in an address they name what stands above the record. */
export function readId(value: unknown): string | null {
  const text = readText(value);
  return text === '.' || text === '..' ? null : text;
}

/** As `readText`, without what is longer than any real value of its kind: an index could not hold it. */
export const readTextUpTo =
  (lengthMax: number): Reader<string> =>
  (value) => {
    const text = readText(value);
    return text !== null && text.length <= lengthMax ? text : null;
  };

/** Numbers and numeric strings that JavaScript holds exactly enough; `true`, '' and '12 points' are nothing. */
export function readNumber(value: unknown): number | null {
  const number =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && NUMERIC.test(value.trim())
        ? Number(value)
        : Number.NaN;
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number + 0 : null;
}

/** What a count can be at most: more is a mistake of the sender, and an integer column could not hold it. */
const COUNT_MAX = 2 ** 31 - 1;

export function readCount(value: unknown): number | null {
  const number = readNumber(value);
  return number !== null && number >= 0 && number <= COUNT_MAX && Number.isInteger(number) ? number : null;
}

const DAY_ONLY = /^\s*\d{4}-\d{2}-\d{2}\s*$/;
/** The time of a day that is that day in every zone from Hawaii to New Zealand. */
const DAY_TIME_MS = 10.5 * 3_600_000;

/**
 * Times of records (not of events): zero and negative ones are the platform's way to say "none". A day without a time
 * stays that day in the location's zone.
 */
export function readInstant(value: unknown): number | null {
  const ms = parseInstant(value);
  if (ms === null || ms <= 0) return null;
  return typeof value === 'string' && DAY_ONLY.test(value) ? ms + DAY_TIME_MS : ms;
}

export const readFlag: Reader<true> = (value) =>
  value === true || value === 1 || (typeof value === 'string' && /^\s*(?:true|1|yes)\s*$/i.test(value)) ? true : null;

const PHONE_LENGTH_MAX = 64;
/** A phone as sent. */
export const readPhone: Reader<string> = readTextUpTo(PHONE_LENGTH_MAX);
/** The native envelope sends international numbers without their `+` (reference §6). */
export function readNativePhone(value: unknown): string | null {
  const phone = readPhone(value);
  return phone !== null && ALL_DIGITS.test(phone) ? `+${phone}` : phone;
}

const SEGMENT_LENGTH_MAX = 200;
const readSegmentText = readTextUpTo(SEGMENT_LENGTH_MAX);
/** A segment by its name: a string, or an object with `name` (reference §2: `segments[{id,type,name}]`). */
export function readSegment(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return readSegmentText(value);
  const { name, segment_name: otherName } = value as { name?: unknown; segment_name?: unknown };
  return readSegmentText(name) ?? readSegmentText(otherName);
}

/** A list of segments, also as one string with commas. An empty list is a value; a list without a usable name is none. */
export function readSegments(value: unknown): string[] | null {
  const items: readonly unknown[] | null = Array.isArray(value)
    ? value
    : typeof value === 'string'
      ? value.split(',')
      : null;
  if (items === null) return null;
  const names = new Set<string>();
  for (const item of items) {
    const name = readSegment(item);
    if (name !== null) names.add(name);
  }
  return names.size === 0 && (typeof value === 'string' || items.length > 0) ? null : [...names];
}

/** Currencies whose minor unit is not a hundredth (ISO 4217). */
const MINOR_DIGITS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ').map((code) => [code, 0]),
  ),
  ...Object.fromEntries('BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3])),
};

/** `usd` → `USD`; anything that is no ISO code (a sign, say) is kept as it is. */
export function readCurrency(value: unknown): string | null {
  const text = readTextUpTo(16)(value);
  return text !== null && /^[a-z]{3}$/i.test(text) ? text.toUpperCase() : text;
}

/** Minor units (a field named `*_cents`) in major units; an unknown currency has hundredths. */
export const minorToMajor = (minor: number, currency: string | null): number =>
  minor / 10 ** (own(MINOR_DIGITS, currency ?? '') ?? 2);
