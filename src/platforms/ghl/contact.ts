import { AppError } from '../../errors.ts';
import type { ContactBody } from './schemas.ts';

export interface CustomFieldWrite {
  id: string;
  /** DATE fields as `YYYY-MM-DD`, numbers as numbers; `''` or null to empty one (ghl.md §5.6). */
  field_value: string | number | null;
}

/**
 * The body of a PUT: only what is to change. It cannot carry `tags`: GHL replaces the whole list by it (SPEC §2.6,
 * ghl.md §5.4); tags have endpoints of their own.
 */
export interface ContactWrite {
  firstName?: string | null;
  lastName?: string | null;
  email?: string | null;
  /** E.164. */
  phone?: string | null;
  customFields?: CustomFieldWrite[];
  tags?: never;
}

/** The body of a POST; the location is added by the client. */
export interface ContactCreate extends ContactWrite {
  source?: string;
}

/** A contact as an answer or a page shows it. A contact detail that the answer leaves out is absent here; null means that it said null. */
export interface GhlContactSeen {
  id: string;
  firstName?: string | null;
  lastName?: string | null;
  email?: string | null;
  phone?: string | null;
  /** As GHL spells them (lower case); empty when the answer carries none. */
  tags: string[];
  /** The answer carried the list: without it `tags` says nothing. */
  hasTags: boolean;
  /** Values by field id, as sent. */
  customFields: Record<string, unknown>;
  /** The answer carried the array: without it `customFields` says nothing. */
  hasCustomFields: boolean;
  dnd?: boolean | null;
  /** By channel as GHL spells it (`SMS`, `Email`): `active` and `permanent` mean that DND is on (ghl.md §5.7). */
  dndSettings?: Record<string, { status?: string | null | undefined }> | null;
  dateAdded: Date | null;
  dateUpdated: Date | null;
}

/** One shape for the contact of every answer. Absent properties stay absent, so that a cleared field can be told from one not shown. */
export function contactSeen(body: ContactBody): GhlContactSeen {
  const details = {
    ...pick(body, 'firstName'),
    ...pick(body, 'lastName'),
    ...pick(body, 'email'),
    ...pick(body, 'phone'),
  };
  return {
    id: body.id,
    ...details,
    tags: body.tags ?? [],
    hasTags: Array.isArray(body.tags),
    customFields: Object.fromEntries(
      (body.customFields ?? []).map((field) => [
        field.id,
        field.value ?? field.fieldValue ?? field.field_value ?? null,
      ]),
    ),
    hasCustomFields: Array.isArray(body.customFields),
    ...pick(body, 'dnd'),
    ...pick(body, 'dndSettings'),
    dateAdded: instant(body.dateAdded),
    dateUpdated: instant(body.dateUpdated),
  };
}

const writable = ['firstName', 'lastName', 'email', 'phone', 'customFields', 'source'] as const;

/**
 * The body that goes out. Throws AppError `contact_body_forbidden` for `tags` and for everything that GHL answers with
 * 422 (ghl.md §4): the type says so already, this holds where types do not reach.
 */
export function contactBody(write: ContactCreate): Record<string, unknown> {
  const stranger = Object.keys(write).find((key) => !(writable as readonly string[]).includes(key));
  if (stranger !== undefined) {
    const why = stranger === 'tags' ? 'it would replace all tags of the contact' : 'GHL refuses it';
    throw new AppError('contact_body_forbidden', `a contact body must not carry "${stranger}": ${why}`);
  }
  return Object.fromEntries(Object.entries(write).filter(([, value]) => value !== undefined));
}

function pick<K extends keyof ContactBody>(
  body: ContactBody,
  key: K,
): { [P in K]?: Exclude<ContactBody[P], undefined> } {
  const value = body[key];
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: Exclude<ContactBody[P], undefined> });
}

/** ISO text or epoch ms; null when absent or unreadable. */
function instant(value: string | number | null | undefined): Date | null {
  if (value === null || value === undefined) return null;
  const at = new Date(value);
  return Number.isNaN(at.getTime()) ? null : at;
}
