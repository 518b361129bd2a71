/** No event is older than the platform: a time before this is a wrong clock or a wrong unit (SPEC §2.1). */
const EARLIEST_MS = Date.UTC(2015, 0, 1);
/** Numbers from here on are milliseconds, below it seconds (SPEC §2.1). */
const MILLISECONDS_FROM = 1e11;
/** The last instant that both databases and ISO 8601 can hold with a year of four digits. */
const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** After the year of ISO 8601; no number has one there. */
const DASH = '-'.charCodeAt(0);
const NUMERIC = /^[+-]?\d+(?:\.\d+)?$/;
const ISO_8601 =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?: ?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?)?$/i;
/** The basic form: no separators, so that the `T` is what tells it from a number. The groups are those of ISO_8601. */
const ISO_8601_BASIC = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}(?:\d{2})?)?$/i;
const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const isLeapYear = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

function numberToMs(value: number): number | null {
  const ms = Math.trunc(Math.abs(value) >= MILLISECONDS_FROM ? value : value * 1000);
  return Math.abs(ms) <= LATEST_MS ? ms + 0 : null;
}

function zoneToMinutes(zone: string | undefined): number | null {
  if (zone === undefined || !/^[+-]/.test(zone)) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || '0');
  if (hours > 18 || minutes > 59) return null;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** `2026-01-31T12:00:00.000Z`, as `toISOString` and nearly every sender writes it: read without a pattern. */
const UTC_FORM = '0000-00-00T00:00:00.000Z';
const ZERO = '0'.charCodeAt(0);

function isUtcForm(text: string): boolean {
  if (text.length !== UTC_FORM.length) return false;
  for (let i = 0; i < UTC_FORM.length; i += 1) {
    const code = text.charCodeAt(i);
    const wanted = UTC_FORM.charCodeAt(i);
    if (wanted === ZERO ? code < ZERO || code > ZERO + 9 : code !== wanted) return false;
  }
  return true;
}

/** Of text in UTC_FORM. */
function digitsAt(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i += 1) value = value * 10 + text.charCodeAt(i) - ZERO;
  return value;
}

interface DateParts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  ms: number;
}

function partsToMs({ year, month, day, hour, minute, second, ms }: DateParts, offset: number): number | null {
  const daysInMonth = month === 2 && !isLeapYear(year) ? 28 : DAYS_IN_MONTH[month - 1];
  if (daysInMonth === undefined || day < 1 || day > daysInMonth) return null;
  if (hour > 23 || minute > 59 || second > 60) return null;
  // Date.UTC takes the years 0 to 99 for 1900 to 1999; either way they are before anything that we accept.
  return Date.UTC(year, month - 1, day, hour, minute - offset, second, ms);
}

function isoToMs(text: string): number | null {
  if (!isUtcForm(text)) return isoPartsToMs(text);
  const parts = {
    year: digitsAt(text, 0, 4),
    month: digitsAt(text, 5, 7),
    day: digitsAt(text, 8, 10),
    hour: digitsAt(text, 11, 13),
    minute: digitsAt(text, 14, 16),
    second: digitsAt(text, 17, 19),
    ms: digitsAt(text, 20, 23),
  };
  return partsToMs(parts, 0);
}

function isoPartsToMs(text: string): number | null {
  const parts = ISO_8601.exec(text) ?? ISO_8601_BASIC.exec(text);
  if (parts === null) return null;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? '0')) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const offset = zoneToMinutes(parts[8]);
  if (offset === null) return null;
  const ms = Math.trunc(Number(`0.${parts[7] ?? '0'}`) * 1000);
  return partsToMs({ year, month, day, hour, minute, second, ms }, offset);
}

/**
 * Any instant as ms: Unix seconds, milliseconds (from 1e11 on), either as a string, ISO 8601 in either form with or without
 * a zone (without = UTC), or a day alone (its start in UTC). null = nothing there, or not readable. Never throws.
 */
export function parseInstant(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? numberToMs(value) : null;
  if (typeof value !== 'string') return null;
  const text = value.trim();
  if (text === '' || text.length > 64) return null;
  return text.charCodeAt(4) !== DASH && NUMERIC.test(text) ? numberToMs(Number(text)) : isoToMs(text);
}

/** The time of an event: as `parseInstant`, and `before_2015` where the delivery is to be refused (SPEC §2.1). */
export function parseTime(value: unknown): number | null | 'before_2015' {
  const ms = parseInstant(value);
  return ms !== null && ms < EARLIEST_MS ? 'before_2015' : ms;
}
