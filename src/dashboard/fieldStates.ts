import type { LinkField, Value } from '../../drizzle/tables/links.ts';
import { canonical, type Locale } from '../domain/canonical.ts';
import type { FieldRow } from '../domain/fieldMap.ts';
import type { Tone } from './parts/basics.ts';
import { holdText } from './parts/words.ts';

export interface FieldState {
  key: string;
  label: string;
  direction: FieldRow['direction'];
  sticky: Value;
  ghl: Value;
  tone: Tone;
  state: string;
}

export interface FieldStatesInput {
  rows: readonly FieldRow[];
  customer: Readonly<Record<string, unknown>> & { extra: Readonly<Record<string, unknown>> };
  locale: Locale;
  /** null = there is no live link. */
  fields: Readonly<Record<string, LinkField>> | null;
  /** What GHL was last seen to hold; null = never seen. */
  ghl: Readonly<Record<string, Value>> | null;
  /** Custom fields that the location has, by key; null = not read yet. */
  fieldIds: Readonly<Record<string, string>> | null;
}

/** Every row of the field map for one person: what each side holds as far as we know, and what becomes of a difference. Pure. */
export function fieldStates(input: FieldStatesInput): FieldState[] {
  return input.rows.map((row) => {
    const raw = row.staging?.startsWith('extra.')
      ? input.customer.extra[row.staging.slice('extra.'.length)]
      : row.staging === undefined
        ? null
        : input.customer[row.staging];
    const sticky = canonical(row.valueType, raw, input.locale);
    const ghl = input.ghl?.[row.key] ?? null;
    const [tone, state] = stateOf(row, sticky, ghl, input);
    return {
      key: row.key,
      label: row.label ?? row.key.replaceAll('_', ' '),
      direction: row.direction,
      sticky,
      ghl,
      tone,
      state,
    };
  });
}

function stateOf(row: FieldRow, sticky: Value, ghl: Value, input: FieldStatesInput): [Tone, string] {
  const { fields, fieldIds } = input;
  if (fields === null) return ['mute', 'no contact yet'];
  const field = fields[row.key];
  if (field?.pending) return ['info', `on its way to ${field.pending.to === 'stickycards' ? 'Sticky Cards' : 'GHL'}`];
  if (row.ghl === 'custom' && fieldIds !== null && fieldIds[row.key] === undefined)
    return ['bad', 'GHL has no usable field for it'];
  if (field?.held) return ['warn', holdText(field.held.reason)];
  if (row.staging === undefined) return ['mute', ghl === null ? 'empty' : 'in GHL only'];
  if (input.ghl === null) return ['mute', 'GHL was not read yet'];
  if (sticky === ghl) return ['ok', sticky === null ? 'empty on both sides' : 'same on both sides'];
  return differing(row, field, sticky, ghl);
}

function differing(row: FieldRow, field: LinkField | undefined, sticky: Value, ghl: Value): [Tone, string] {
  const base = field?.base ?? null;
  if (row.direction === 'from_ghl') return ['info', 'goes to Sticky Cards'];
  if (sticky === null) return ['mute', 'Sticky Cards says nothing'];
  if (field?.base === undefined || (ghl === base && sticky !== base)) return ['info', 'goes to GHL with the next run'];
  if (row.direction === 'to_ghl') return ['mute', 'edited in GHL; put back with the next change'];
  if (sticky === base) return ['info', 'edited in GHL; goes to Sticky Cards'];
  return ['info', 'changed on both sides; the next run settles it'];
}
