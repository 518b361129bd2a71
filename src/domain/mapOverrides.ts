import { AppError, messageOf } from '../errors.ts';
import type { Connection } from './connection.ts';
import {
  type FieldMapOverrides,
  type FieldRow,
  parseFieldMap,
  parseTagMap,
  type TagMap,
  type TagMapOverrides,
} from './fieldMap.ts';

export interface ConnectionMaps {
  rows: readonly FieldRow[];
  tagMap: TagMap;
}

/** Of a row that the field map has; everything else of it is what the code goes by. */
const CHANGEABLE = ['label', 'staging', 'direction', 'owner'];
/** People are told apart by these, or points are paid by them: no connection does without. */
const NEEDED = ['stickycards_customer_id', 'email', 'phone', 'first_name', 'last_name'];

/**
 * The field map of a connection (SPEC §5): `base` with the connection's changes. A row that goes both ways may be made
 * one-way towards GHL; a row of one's own shows one value of `extra.…` in GHL. Throws an Error whose lines each name
 * the row and the remedy.
 */
export function rowsWith(base: readonly FieldRow[], overrides: FieldMapOverrides | null): readonly FieldRow[] {
  if (overrides === null || Object.keys(overrides).length === 0) return base;
  const mistakes: string[] = [];
  const known = new Map(base.map((row) => [row.key, row]));
  for (const [key, change] of Object.entries(overrides)) {
    const row = known.get(key);
    const at = `fieldMap row "${key}"`;
    if (change === null) {
      if (!row) mistakes.push(`${at}: is not in the field map, so there is nothing to leave out; correct the key`);
      else if (NEEDED.includes(key)) mistakes.push(`${at}: cannot be left out, people are told apart by it`);
    } else if (row) mistakes.push(...changeMistakes(at, row, change));
    else mistakes.push(...newRowMistakes(at, change));
  }
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  const rows = [...known].flatMap(([key, row]) => {
    const change = overrides[key];
    if (change === null) return [];
    const { valueType: _, ...plain } = row;
    return [{ ...plain, ...change, key }];
  });
  const added = Object.entries(overrides).filter(([key]) => !known.has(key));
  return parseFieldMap([...rows, ...added.map(([key, row]) => ({ owner: 'stickycards', ...row, key }))], 'fieldMap');
}

function changeMistakes(at: string, row: FieldRow, change: Record<string, unknown>): string[] {
  const mistakes = Object.keys(change)
    .filter((name) => !CHANGEABLE.includes(name))
    .map((name) => `${at}: ${name} cannot be changed (what can: ${CHANGEABLE.join(', ')})`);
  const { direction } = change;
  if (direction !== undefined && direction !== row.direction && !(row.direction === 'both' && direction === 'to_ghl')) {
    const may = row.direction === 'both' ? 'both or to_ghl' : row.direction;
    mistakes.push(`${at}: direction can only be ${may}`);
  }
  return mistakes;
}

function newRowMistakes(at: string, row: Record<string, unknown>): string[] {
  const mistakes: string[] = [];
  if (row['ghl'] !== 'custom') mistakes.push(`${at}: a row of your own is a custom field: write "ghl": "custom"`);
  if (row['direction'] !== 'to_ghl')
    mistakes.push(`${at}: a row of your own goes one way: write "direction": "to_ghl"`);
  if (typeof row['staging'] !== 'string' || !row['staging'].startsWith('extra.'))
    mistakes.push(`${at}: write where the value comes from, as in "staging": "extra.favourite_drink"`);
  if (row['merge'] !== undefined && row['merge'] !== 'value')
    mistakes.push(`${at}: a row of your own has no merge: take it out`);
  return mistakes;
}

/** The tag map of a connection: `base` with the connection's names. Throws an Error that names the place and the remedy. */
export function tagMapWith(base: TagMap, overrides: TagMapOverrides | null): TagMap {
  if (overrides === null) return base;
  const merged: Record<string, unknown> = { ...base, ...overrides };
  for (const group of Object.keys(base) as (keyof TagMap)[])
    if (overrides[group]) merged[group] = { ...base[group], ...overrides[group] };
  return parseTagMap(merged, 'tagMap');
}

/** The maps of each connection, worked out once per wording. What it throws begins with the connection's name. */
export function createMapsOf(base: ConnectionMaps): (connection: Connection) => ConnectionMaps {
  const known = new Map<string, ConnectionMaps>();
  return ({ id, fieldMap, tagMap }) => {
    if (fieldMap === null && tagMap === null) return base;
    const key = JSON.stringify([fieldMap, tagMap]);
    let maps = known.get(key);
    if (!maps) {
      try {
        maps = { rows: rowsWith(base.rows, fieldMap), tagMap: tagMapWith(base.tagMap, tagMap) };
      } catch (error) {
        const lines = messageOf(error).split('\n').join('; ');
        throw new AppError('maps_invalid', `connection "${id}": ${lines}`, { httpStatus: 409, cause: error });
      }
      known.set(key, maps);
    }
    return maps;
  };
}
