import {
  BALANCE_KEYS,
  BALANCE_KEYS_UNKNOWN,
  ENVELOPE_FIELDS,
  FIELDS,
  HEAD_FIELDS,
  NATIVE_BY_PREFIX,
  TIME_NAMES,
} from './fieldTable.ts';
import { readText, storable } from './readers.ts';

const ENTRIES_MAX = 100;
const KEY_LENGTH_MAX = 120;
const TEXT_LENGTH_MAX = 1_000;

/** What the field table reads, dotted for nested objects; and what must never become a key of ours. */
const TAKEN = new Set([
  ...Object.values({ ...HEAD_FIELDS, ...ENVELOPE_FIELDS, ...FIELDS }).flatMap((spec) =>
    spec.paths.map((path) => (path.from === 'record' ? path.key : `${path.from}.${path.key}`)),
  ),
  ...[...BALANCE_KEYS.values(), BALANCE_KEYS_UNKNOWN].flat().flatMap((key) => [key, `card.${key}`, `balance.${key}`]),
  ...TIME_NAMES,
  ...NATIVE_BY_PREFIX.map((row) => row.key),
  'event',
  'event_type',
]);
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

const isPlain = (value: unknown): value is string | number | boolean =>
  typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)) || typeof value === 'string';

/**
 * Everything else that a delivery says, so that a new row of the field map needs no code (SPEC §2.4): plain values by
 * the name they were sent under, one level of nesting dotted (`custom_fields.Birthday`). Empty values, lists and what
 * lies deeper are left out; 100 entries at most.
 */
export function collectExtra(record: Readonly<Record<string, unknown>>): Record<string, string | number | boolean> {
  const extra: Record<string, string | number | boolean> = {};
  let left = ENTRIES_MAX;
  const keep = (name: string, key: string, value: unknown): void => {
    if (left === 0 || !isPlain(value) || TAKEN.has(name) || FORBIDDEN.has(key) || name.length > KEY_LENGTH_MAX) return;
    const kept = typeof value === 'string' ? readText(value)?.slice(0, TEXT_LENGTH_MAX) : value;
    if (kept === undefined) return;
    extra[storable(name)] = kept;
    left -= 1;
  };
  for (const key of Object.keys(record)) {
    const value = record[key];
    if (typeof value !== 'object' || value === null) keep(key, key, value);
    else if (!Array.isArray(value) && !FORBIDDEN.has(key)) {
      for (const inner of Object.keys(value)) keep(`${key}.${inner}`, inner, (value as Record<string, unknown>)[inner]);
    }
  }
  return extra;
}
