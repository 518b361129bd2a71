import type { LocationFacts } from '../domain/connection.ts';
import type { FieldRow, GhlDataType } from '../domain/fieldMap.ts';
import type { Logger } from '../log.ts';
import { ApiError } from '../platforms/apiError.ts';
import type { GhlClient, GhlCustomField } from '../platforms/ghl/client.ts';
import type { RaisedProblem } from '../store/problems.ts';

export interface Provisioned {
  facts: LocationFacts;
  problems: RaisedProblem[];
  /** Labels of the fields that were made now. */
  created: string[];
}

/**
 * The location's own facts and its custom fields (SPEC §2.4): list, adopt by exact key, make what is missing, check
 * the type of what exists. A field that cannot be had is left out of `fieldIds`, with a problem; the rest goes on.
 */
export async function provisionFields(
  ghl: Pick<GhlClient, 'getLocation' | 'listCustomFields' | 'createCustomField'>,
  rows: readonly FieldRow[],
  options: { connectionId: string; nowMs: number; timeZone: string | null; log: Logger },
): Promise<Provisioned> {
  const location = await locationOf(ghl, options);
  const wanted = rows.filter((row) => row.ghl === 'custom');
  const problems: RaisedProblem[] = [];
  const created: string[] = [];
  const fieldIds: Record<string, string> = {};
  let fields = (await ghl.listCustomFields()).customFields;
  for (const row of wanted) {
    let field = fieldFor(fields, row);
    if (!field) {
      // A field of that name under another key: making it again would leave one more behind each time.
      let made = isNameTaken(fields, row) ? null : await create(ghl, row);
      // Another process may have made it a moment ago, or the name is taken: the list tells.
      if (!made || made === 'no answer' || !isFor(made, row)) {
        fields = (await ghl.listCustomFields()).customFields;
        field = fieldFor(fields, row);
        // It is not there: asking again cannot make it twice. A location without one of its fields is not begun with.
        if (!field && made === 'no answer') field = made = (await ghl.createCustomField(newField(row))).customField;
        if (!field) {
          problems.push(cannotBeHad(options.connectionId, row, made === 'no answer' ? null : made));
          continue;
        }
      } else {
        field = made;
        created.push(row.label as string);
      }
    }
    if (hasWrongType(field, row)) {
      problems.push({
        code: 'field_wrong_type',
        cause: row.key,
        recordId: options.connectionId,
        sample: { field: row.key, fieldId: field.id, label: field.name, wanted: row.type, found: field.dataType },
      });
      continue;
    }
    fieldIds[row.key] = field.id;
  }
  return { facts: { ...location, fieldIds, readAtMs: options.nowMs }, problems, created };
}

const hasWrongType = (field: GhlCustomField, row: FieldRow) =>
  field.dataType !== undefined && field.dataType !== null && field.dataType.toUpperCase() !== row.type;

export interface FieldsFound {
  fieldIds: Record<string, string>;
  /** Keys that provisioning would make. */
  missing: string[];
  /** Keys whose field is of another type: they are never written. */
  wrongType: string[];
}

/** What provisioning would find in this list of the location's fields, without making anything. */
export function findFields(fields: readonly GhlCustomField[], rows: readonly FieldRow[]): FieldsFound {
  const found: FieldsFound = { fieldIds: {}, missing: [], wrongType: [] };
  for (const row of rows.filter((r) => r.ghl === 'custom')) {
    const field = fieldFor(fields, row);
    if (!field) found.missing.push(row.key);
    else if (hasWrongType(field, row)) found.wrongType.push(row.key);
    else found.fieldIds[row.key] = field.id;
  }
  return found;
}

const keyOf = (row: FieldRow) => `contact.${row.key}`;

const isFor = (field: GhlCustomField, row: FieldRow) =>
  field.fieldKey === undefined || field.fieldKey === null || field.fieldKey === keyOf(row);

/** By the exact key (the smallest id where a location has it twice). */
const fieldFor = (fields: readonly GhlCustomField[], row: FieldRow) =>
  fields.filter((field) => field.fieldKey === keyOf(row)).toSorted((a, b) => (a.id < b.id ? -1 : 1))[0];

const isNameTaken = (fields: readonly GhlCustomField[], row: FieldRow) =>
  fields.some((field) => field.name?.trim().toLowerCase() === row.label?.toLowerCase());

const newField = (row: FieldRow) => ({ name: row.label as string, dataType: row.type as GhlDataType });

/** null = refused. */
async function create(
  ghl: Pick<GhlClient, 'createCustomField'>,
  row: FieldRow,
): Promise<GhlCustomField | 'no answer' | null> {
  try {
    return (await ghl.createCustomField(newField(row))).customField;
  } catch (error) {
    // Refused, or made without an answer: the list that is read next decides. Anything wider ends the run.
    if (!(error instanceof ApiError)) throw error;
    if (error.mayHaveLanded) return 'no answer';
    if (['conflict', 'field', 'validation', 'scope'].includes(error.class)) return null;
    throw error;
  }
}

const cannotBeHad = (connectionId: string, row: FieldRow, made: GhlCustomField | null): RaisedProblem => ({
  code: 'field_not_provisioned',
  cause: row.key,
  recordId: connectionId,
  sample: { field: row.key, label: row.label, gotKey: made?.fieldKey ?? null },
});

/** Time zone and duplicate setting. A token without the scope still syncs: days are then counted in UTC. */
export async function locationOf(
  ghl: Pick<GhlClient, 'getLocation'>,
  { connectionId, timeZone, log }: { connectionId: string; timeZone: string | null; log: Logger },
): Promise<Pick<LocationFacts, 'timeZone' | 'allowDuplicateContact'>> {
  try {
    const { location } = await ghl.getLocation();
    return {
      timeZone: timeZone ?? location.timezone ?? 'UTC',
      allowDuplicateContact: location.settings?.allowDuplicateContact ?? false,
    };
  } catch (error) {
    if (!(error instanceof ApiError) || !['scope', 'gone', 'validation'].includes(error.class)) throw error;
    log.warn('the GHL location cannot be read: days are counted in UTC', {
      connection: connectionId,
      reason: error.message,
    });
    // Without knowing it, the careful answer: look for duplicates before a contact is made.
    return { timeZone: timeZone ?? 'UTC', allowDuplicateContact: true };
  }
}
