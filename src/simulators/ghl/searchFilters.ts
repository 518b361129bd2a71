import { unprocessable } from './refusals.ts';
import { standardFields, type StandardField, type StoredContact } from './world.ts';

export type Matches = (contact: StoredContact) => boolean;
type Scalar = string | number | boolean;
type Values = (contact: StoredContact) => readonly Scalar[];

const dates = { dateAdded: 'dateAddedMs', dateUpdated: 'dateUpdatedMs' } as const;

/** What a filter field reads (ghl.md §5.3): nothing there is an empty list. */
function valuesOf(field: string): Values | undefined {
  if (field === 'id' || field === 'dnd') return (contact) => [contact[field]];
  if (field === 'tags') return (contact) => contact.tags;
  if (field === 'dateAdded' || field === 'dateUpdated') return (contact) => [contact[dates[field]]];
  if (field.startsWith('customFields.')) {
    const id = field.slice('customFields.'.length);
    return (contact) => {
      const value = contact.customFields[id];
      if (value === undefined) return [];
      return Array.isArray(value) ? (value as Scalar[]) : [value as Scalar];
    };
  }
  const name = field.replace(/LowerCase$/, '') as StandardField;
  if (!standardFields.includes(name)) return undefined;
  return (contact) => {
    const value = contact.fields[name];
    return value === undefined ? [] : [value];
  };
}

const lower = (value: unknown): string => String(value).toLowerCase();

function instant(value: unknown): number {
  if (typeof value === 'number') return value;
  const text = String(value);
  return /^\d+$/.test(text) ? Number(text) : Date.parse(text);
}

function rangeOf(field: string, bounds: unknown): (value: Scalar) => boolean {
  if (bounds === null || typeof bounds !== 'object') {
    throw unprocessable([`filters: range of ${field} must be an object with gt, gte, lt or lte`]);
  }
  const isDate = field in dates;
  const number = (value: unknown): number => (isDate ? instant(value) : Number(value));
  const tests = Object.entries(bounds).map(([name, bound]): ((n: number) => boolean) => {
    const limit = number(bound);
    if (Number.isNaN(limit)) throw unprocessable([`filters: ${name} of ${field} is not valid`]);
    if (name === 'gt') return (n) => n > limit;
    if (name === 'gte') return (n) => n >= limit;
    if (name === 'lt') return (n) => n < limit;
    if (name === 'lte') return (n) => n <= limit;
    throw unprocessable([`filters: ${name} is not a bound of range`]);
  });
  return (value) => {
    const n = number(value);
    return tests.every((test) => test(n));
  };
}

/** The operators of ghl.md §5.3; text is compared without regard to case. */
function operatorOf(field: string, operator: string, wanted: unknown): (values: readonly Scalar[]) => boolean {
  const any = Array.isArray(wanted) ? wanted : [wanted];
  if (operator === 'eq' || operator === 'not_eq') {
    const set = new Set(any.map((each) => (field in dates ? String(instant(each)) : lower(each))));
    const equal = (values: readonly Scalar[]) => values.some((value) => set.has(lower(value)));
    return operator === 'eq' ? equal : (values) => !equal(values);
  }
  if (operator === 'contains' || operator === 'not_contains') {
    const parts = any.map(lower);
    const contains = (values: readonly Scalar[]) =>
      values.some((value) => parts.some((part) => lower(value).includes(part)));
    return operator === 'contains' ? contains : (values) => !contains(values);
  }
  if (operator === 'range') {
    const within = rangeOf(field, wanted);
    return (values) => values.some(within);
  }
  if (operator === 'exists') return (values) => values.length > 0;
  if (operator === 'not_exists') return (values) => values.length === 0;
  throw unprocessable([`filters: ${operator} is not a valid operator for ${field}`]);
}

function matchesOf(filter: unknown): Matches {
  const it = (filter ?? {}) as Record<string, unknown>;
  if (typeof it.group === 'string' && Array.isArray(it.filters)) {
    const parts = it.filters.map(matchesOf);
    if (it.group === 'OR') return (contact) => parts.some((part) => part(contact));
    return (contact) => parts.every((part) => part(contact));
  }
  if (typeof it.field !== 'string') throw unprocessable(['filters: field must be a string']);
  if (typeof it.operator !== 'string') throw unprocessable(['filters: operator must be a string']);
  const values = valuesOf(it.field);
  if (!values) throw unprocessable([`filters: ${it.field} is not a valid field`]);
  const test = operatorOf(it.field, it.operator, it.value);
  return (contact) => test(values(contact));
}

/** All filters together, or undefined when there are none. */
export function filtersOf(filters: unknown): Matches | undefined {
  if (filters === undefined) return undefined;
  if (!Array.isArray(filters)) throw unprocessable(['filters must be an array']);
  if (filters.length === 0) return undefined;
  const parts = filters.map(matchesOf);
  return (contact) => parts.every((part) => part(contact));
}
