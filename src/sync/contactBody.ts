import type { FieldWrite } from '../domain/plan.ts';
import type { FieldRow } from '../domain/fieldMap.ts';
import type { ContactWrite } from '../platforms/ghl/client.ts';

/**
 * The body of the one PUT or POST that carries these writes (reference/ghl.md §5.1, §5.6).
 * @param emptyWith what empties a custom field: GHL does not document it
 */
export function contactBodyOf(
  writes: readonly FieldWrite[],
  rows: readonly FieldRow[],
  fieldIds: Readonly<Record<string, string>>,
  emptyWith: '' | null = '',
): ContactWrite {
  const body: ContactWrite = {};
  const customFields: NonNullable<ContactWrite['customFields']> = [];
  for (const write of writes) {
    const row = rows.find((r) => r.key === write.key);
    if (!row) continue;
    const value = typeof write.after === 'boolean' ? String(write.after) : write.after;
    if (row.ghl === 'custom') customFields.push({ id: fieldIds[row.key] as string, field_value: value ?? emptyWith });
    else body[row.ghl] = value === null ? null : String(value);
  }
  return customFields.length > 0 ? { ...body, customFields } : body;
}

/** Which field of the map a remote's field name means: `email`, `customFields.<id>`, `contact.<key>`; null when none. */
export function keyOfRemoteField(
  field: string | undefined,
  rows: readonly FieldRow[],
  fieldIds: Readonly<Record<string, string>>,
): string | null {
  if (field === undefined) return null;
  const name = field.replace(/^(customFields\.|contact\.)/, '');
  const row = rows.find((r) => r.ghl === name || r.key === name || fieldIds[r.key] === name);
  return row?.key ?? null;
}
