import type { LinkField, LinkTags } from '../../drizzle/tables/links.ts';
import { canonicalTag, type Value } from './canonical.ts';
import type { FieldRow } from './fieldMap.ts';
import type { Values } from './plan.ts';

/** A contact as a delivery, a workflow call or a row of a search shows it, in canonical form. */
export interface ShownContact {
  /** By field-map key; one that is left out is empty. */
  values: Values;
  /** null = not shown. */
  tags: readonly string[] | null;
  /** null = not shown. */
  dnd: boolean | null;
  /** Milliseconds, GHL's clock; null = not known. */
  dateAddedMs: number | null;
}

/** What is known of the contact that a delivery is about. */
export interface KnownContact {
  /** From a GET or an answer to a write of ours: only then it says what GHL holds. */
  answered: boolean;
  values: Values;
  tags: readonly string[];
  /** A change that was seen in GHL waits to be worked: what was seen is not settled yet. */
  open: boolean;
  /** `Date` of the answer that it is from; null = none. */
  observedAtMs: number | null;
}

export interface KnownLink {
  fields: Readonly<Record<string, LinkField>>;
  tags: LinkTags;
}

export type GhlEventType = 'ContactCreate' | 'ContactUpdate' | 'ContactTagUpdate' | 'ContactDndUpdate' | 'workflow';

/**
 * Our own tag calls follow our own PUT or POST within a page of people: a ContactUpdate of that PUT does not show them
 * yet. It is sent (GHL's clock) no later than this after the answer to it.
 */
const OWN_WRITE_LASTS_MS = 60_000;

/**
 * Is this delivery an echo, by what is known of a linked contact (SPEC §3.1, §3.3)? Everything that matters to the other
 * half equals the base, a pending value, or what an answer showed last; an earlier value of ours, a missing field, tag or
 * base is none. False = the contact is to be read. One-way fields that differ are put back by the contact's next write
 * and are no reason to read. Pure.
 * @param ownTags canonical tags that only we put on and take off (derived states)
 */
export function isEcho(
  type: GhlEventType,
  sentAtMs: number,
  shown: ShownContact,
  link: KnownLink,
  known: KnownContact | null,
  rows: readonly FieldRow[],
  ownTags: ReadonlySet<string>,
): boolean {
  // We never write DND: such a delivery is a person's, and what it says by channel is not among the values.
  if (type === 'ContactDndUpdate') return false;
  const settled = known?.answered === true && !known.open ? known : null;
  for (const row of rows) {
    if (row.direction === 'to_ghl') continue;
    if (!isOurs(link.fields[row.key], shown.values[row.key] ?? null, settled, row.key)) return false;
  }
  if (shown.dnd !== null && shown.dnd !== (known?.values['dnd'] ?? false)) return false;
  // The standard workflow action shows all there is, tags too: a shorter body only says that something happened.
  if (shown.tags === null) return type !== 'workflow';
  return tagsAreOurs(type, sentAtMs, shown.tags, link.tags, known, ownTags);
}

function isOurs(field: LinkField | undefined, shown: Value, settled: KnownContact | null, key: string): boolean {
  // On its way to Sticky Cards: only a value that a read has shown already is known, not the one before it.
  const toSticky = field?.pending?.to === 'stickycards';
  if (field?.pending && shown === field.pending.value) return true;
  // Typed and not taken, it is gone from there: also the base is news then.
  if (field?.held?.of === 'ghl' && shown !== field.held.value) return false;
  if (!toSticky && field?.base !== undefined && shown === field.base) return true;
  if (settled) return shown === (settled.values[key] ?? null);
  return field?.base === undefined && shown === null;
}

function tagsAreOurs(
  type: GhlEventType,
  sentAtMs: number,
  shown: readonly string[],
  link: LinkTags,
  known: KnownContact | null,
  ownTags: ReadonlySet<string>,
): boolean {
  // Without an answer only the tags that both sides share are known.
  const before = new Set(known?.answered ? known.tags : link.base);
  const now = new Set(shown);
  const added = [...now].filter((tag) => !before.has(tag));
  const gone = [...before].filter((tag) => !now.has(tag));
  const onTheWay = new Set([...(link.pending?.add ?? []), ...(link.pending?.remove ?? [])]);
  if ([...added, ...gone].every((tag) => onTheWay.has(tag))) return true;
  // GHL sends a ContactTagUpdate for every change of tags. Beside one of our own writes, what the other events show of our
  // tags is from before our own tag call.
  const ofOwnWrite =
    (type === 'ContactCreate' || type === 'ContactUpdate') &&
    known?.observedAtMs != null &&
    sentAtMs <= known.observedAtMs + OWN_WRITE_LASTS_MS;
  const ours = new Set([...onTheWay, ...link.base, ...ownTags]);
  return ofOwnWrite && [...added, ...gone].every((tag) => ours.has(tag));
}

/** What decides whether a contact that belongs to nobody may become somebody's. */
export interface NewcomerRules {
  /** The connection's `activated_at` (ms); null = nobody is made. */
  activatedAtMs: number | null;
  /** `all`, `tag:<name>` or `off` (SPEC §3.2). */
  createCustomers: string;
  /** The field-map keys of phone and e-mail. */
  phoneKey: string | null;
  emailKey: string | null;
}

/**
 * May a contact without a link become a customer (SPEC §3.2): made in GHL since the activation, with a phone or an e-mail,
 * and wanted by the connection's setting? Pure.
 */
export function isNewcomer(shown: ShownContact, rules: NewcomerRules): boolean {
  const { activatedAtMs, createCustomers } = rules;
  if (createCustomers === 'off' || activatedAtMs === null) return false;
  if (shown.dateAddedMs === null || shown.dateAddedMs < activatedAtMs) return false;
  const reachable = [rules.phoneKey, rules.emailKey].some(
    (key) => key !== null && (shown.values[key] ?? null) !== null,
  );
  if (!reachable) return false;
  if (!createCustomers.startsWith('tag:')) return true;
  return shown.tags === null || shown.tags.includes(canonicalTag(createCustomers.slice('tag:'.length)));
}

/** Later than this after its sending a delivery is stale (SPEC §3.1). */
const STALE_AFTER_MS = 48 * 3_600_000;

export const isStale = (sentAtMs: number, receivedAtMs: number): boolean => receivedAtMs - sentAtMs > STALE_AFTER_MS;
