import type { LinkField } from '../../drizzle/tables/links.ts';
import { canonical, canonicalTag, type Locale } from './canonical.ts';
import type { FieldRow } from './fieldMap.ts';
import type { Value } from './canonical.ts';
import type { Values } from './plan.ts';

/** A contact as an answer shows it, as far as its values go. */
export interface ContactValues {
  firstName?: string | null;
  lastName?: string | null;
  email?: string | null;
  phone?: string | null;
  customFields: Record<string, unknown>;
}

/** The canonical values that a contact shows, by field-map key; a key that it leaves out is empty (null). */
export function valuesOfContact(
  contact: ContactValues,
  rows: readonly FieldRow[],
  fieldIds: Readonly<Record<string, string>>,
  locale: Locale,
): Values {
  const values: Values = {};
  for (const row of rows) {
    const id = fieldIds[row.key];
    const raw = row.ghl === 'custom' ? (id === undefined ? null : contact.customFields[id]) : contact[row.ghl];
    values[row.key] = canonical(row.valueType, raw ?? null, locale);
  }
  return values;
}

/**
 * When a contact was seen as it is (ms, GHL's clock): `Date` of the read is whole seconds, and what was changed in that
 * second was not changed after it.
 */
export const seenAtMs = (seen: { observedAt: Date | null; dateUpdated: Date | null } | null): number =>
  Math.max(seen?.observedAt?.getTime() ?? 0, seen?.dateUpdated?.getTime() ?? 0);

/**
 * When a tag that a read shows to be missing was taken off, as late as can be (ms, GHL's clock): no later than the
 * contact was changed last, and not before it was known to be there. A statement newer than that brings it back (SPEC
 * §2.6), also when the read came after it.
 * @param knownUntilMs when the contact had been read before; null = never
 */
export const takenOffByMs = (
  seen: { observedAt: Date | null; dateUpdated: Date | null } | null,
  knownUntilMs: number | null,
): number => {
  const updatedAtMs = seen?.dateUpdated?.getTime();
  const atMs = seenAtMs(seen);
  return updatedAtMs === undefined ? atMs : Math.min(atMs, Math.max(updatedAtMs, knownUntilMs ?? 0));
};

export const tagsOfContact = (tags: readonly string[]): string[] =>
  [...new Set(tags.map(canonicalTag))].filter((t) => t !== '').toSorted();

/**
 * What became of one value that was sent, by what the answer shows (SPEC §2.5): `confirmed` moves the base, anything
 * else is held, so that it is not sent again and again.
 */
export function compareAnswer(sent: Value, shown: Value): 'confirmed' | 'dropped' | 'altered' {
  if (shown === sent) return 'confirmed';
  return shown === null ? 'dropped' : 'altered';
}

export type PendingVerdict =
  | { kind: 'landed'; base: Value }
  /** It never happened: the field is planned afresh. */
  | { kind: 'dropped' }
  /** Somebody else's value stands there. */
  | { kind: 'third'; value: Value };

/** What a read says of a value whose answer was lost (SPEC §3.3, pending values). */
export function resolvePending(field: LinkField, shown: Value): PendingVerdict {
  if (field.pending && shown === field.pending.value) return { kind: 'landed', base: shown };
  if (shown === (field.base ?? null)) return { kind: 'dropped' };
  return { kind: 'third', value: shown };
}
