import type { FieldRow } from './fieldMap.ts';

/** What the standard workflow "Webhook" action sends, as far as it is used (reference/ghl.md §10.1). */
export interface WorkflowBody {
  contactId: string | null;
  locationId: string | null;
  workflowId: string | null;
  /** When the contact was made, as written. */
  createdAt: string | null;
  /** Raw values by field-map key, only of those that the body shows: what is empty in GHL is left out by it. */
  shown: Record<string, unknown>;
  /** null = the body has no tags at all. */
  tags: string[] | null;
  /** `customData.action`; null = it only says that something happened. */
  action: string | null;
  /** `customData.key`. */
  key: string | null;
}

type Body = Record<string, unknown>;

const isBody = (value: unknown): value is Body => typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (value: unknown): string | null => {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const trimmed = String(value).trim();
  return trimmed === '' ? null : trimmed;
};

const STANDARD = { email: 'email', phone: 'phone', firstName: 'first_name', lastName: 'last_name' } as const;

const nameOf = (label: string): string => label.normalize('NFC').trim().toLowerCase();

/** `Loyalty Points` or `loyalty_points` → the row: by the label that people see in GHL, or by its key; any case. */
export function createFieldResolver(rows: readonly FieldRow[]): (label: string) => FieldRow | null {
  const byName = new Map<string, FieldRow>();
  for (const row of rows) {
    if (row.ghl !== 'custom') byName.set(STANDARD[row.ghl], row);
    else for (const name of [row.key, `contact.${row.key}`, row.label ?? row.key]) byName.set(nameOf(name), row);
  }
  return (label) => byName.get(nameOf(label)) ?? null;
}

/** Tags come as one string, joined by commas; a list is taken too. */
function tagsOf(value: unknown): string[] | null {
  if (typeof value === 'string') return value.split(',').filter((tag) => tag.trim() !== '');
  if (Array.isArray(value)) return value.filter((tag) => typeof tag === 'string');
  return null;
}

/** Reads a workflow call's body; null when it is no JSON object. It has no id and no time, and is never state (SPEC §3.1). */
export function readWorkflowBody(json: unknown, resolve: (label: string) => FieldRow | null): WorkflowBody | null {
  if (!isBody(json)) return null;
  const location = isBody(json['location']) ? json['location'] : {};
  const workflow = isBody(json['workflow']) ? json['workflow'] : {};
  const custom = isBody(json['customData']) ? json['customData'] : {};
  const shown: Record<string, unknown> = {};
  for (const [label, value] of Object.entries(json)) {
    const row = resolve(label);
    if (row && !isBody(value)) shown[row.key] = value;
  }
  return {
    contactId: text(json['contact_id']),
    locationId: text(location['id']) ?? text(json['location_id']),
    workflowId: text(workflow['id']),
    createdAt: text(json['date_created']),
    shown,
    tags: tagsOf(json['tags']),
    action: text(custom['action']),
    key: text(custom['key']),
  };
}

/** The body without the secret that it carried: what is kept is shown to people. */
export function withoutKey(json: Record<string, unknown>): Record<string, unknown> {
  const custom = json['customData'];
  if (!isBody(custom) || !('key' in custom)) return json;
  const { key: _, ...rest } = custom;
  return { ...json, customData: rest };
}
