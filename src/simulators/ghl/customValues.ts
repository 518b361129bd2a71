import { badRequest, unprocessable } from './refusals.ts';
import type { SimulatedLocation, World } from './world.ts';
import type { CustomValue, SimulatedCustomField } from './types.ts';

const numeric = new Set(['NUMERICAL', 'MONETORY']);
const lists = new Set(['CHECKBOX', 'MULTIPLE_OPTIONS', 'TEXTBOX_LIST']);

const refused = (field: SimulatedCustomField, wanted: string) =>
  badRequest(`Invalid value for custom field ${field.fieldKey} (${field.id}): must be ${wanted}`);

/** A day that exists, as `YYYY-MM-DD`; the time of an ISO 8601 time is dropped. */
function dayOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}(T.*)?$/.test(value)) return undefined;
  const day = value.slice(0, 10);
  const at = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== day) return undefined;
  return Number.isNaN(Date.parse(value)) ? undefined : day;
}

/** Value types by data type (ghl.md §5.6); a refusal names the field by key and id. */
function checkedValue(field: SimulatedCustomField, value: unknown): CustomValue {
  if (numeric.has(field.dataType)) {
    const n = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof n !== 'number' || !Number.isFinite(n)) throw refused(field, 'a number');
    return n;
  }
  if (field.dataType === 'DATE') {
    const day = dayOf(value);
    if (day === undefined) throw refused(field, 'a date YYYY-MM-DD');
    return day;
  }
  if (lists.has(field.dataType)) {
    const list = typeof value === 'string' ? [value] : value;
    if (!Array.isArray(list) || list.some((item) => typeof item !== 'string'))
      throw refused(field, 'a list of strings');
    return list as string[];
  }
  if (field.dataType === 'FILE_UPLOAD') {
    if (value === null || typeof value !== 'object') throw refused(field, 'an object');
    return value as Record<string, unknown>;
  }
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') throw refused(field, 'a string');
  return value;
}

/**
 * What writing `value` does to a field: a value, `null` = emptied, `undefined` = nothing. Which of `""` and `null`
 * empties is not known (ghl.md §5.6), so `clearWith` decides and the other one is ignored without a word.
 */
export function customWrite(world: World, field: SimulatedCustomField, value: unknown): CustomValue | null | undefined {
  const clearWith = world.options.clearWith ?? 'both';
  if (value === '') return clearWith === 'null' ? undefined : null;
  if (value === null) return clearWith === 'empty' ? undefined : null;
  if (Array.isArray(value) && value.length === 0 && lists.has(field.dataType)) return null;
  return checkedValue(field, value);
}

/** By id, or by key with or without `contact.` (ghl.md §5.6). */
export function findCustomField(
  location: SimulatedLocation,
  idOrKey: string,
  model: SimulatedCustomField['model'] = 'contact',
): SimulatedCustomField | undefined {
  const byId = location.customFields.get(idOrKey);
  if (byId) return byId.model === model ? byId : undefined;
  const fieldKey = idOrKey.startsWith(`${model}.`) ? idOrKey : `${model}.${idOrKey}`;
  for (const field of location.customFields.values()) {
    if (field.fieldKey === fieldKey) return field;
  }
  return undefined;
}

/** `[{id | key, field_value | value | fieldValue}]` of a body as a change by field id (ghl.md §5.6). */
export function customFieldChanges(
  world: World,
  location: SimulatedLocation,
  items: unknown,
  model: SimulatedCustomField['model'] = 'contact',
): Record<string, CustomValue | null> {
  const changes: Record<string, CustomValue | null> = {};
  for (const [i, item] of ((items ?? []) as Record<string, unknown>[]).entries()) {
    const idOrKey = (item.id ?? item.key) as string | undefined;
    if (idOrKey === undefined) throw unprocessable([`customFields.${i}.id should not be empty`]);
    const field = findCustomField(location, idOrKey, model);
    if (!field) throw unprocessable([`customFields.${i}: unknown custom field ${idOrKey}`]);
    const form = ['field_value', 'value', 'fieldValue'].find((name) => item[name] !== undefined);
    const write = form === undefined ? undefined : customWrite(world, field, item[form]);
    if (write !== undefined) changes[field.id] = write;
  }
  return changes;
}
