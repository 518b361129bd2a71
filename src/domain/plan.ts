import type { LinkField, LinkTags } from '../../drizzle/tables/links.ts';
import type { Value } from './canonical.ts';
import type { FieldRow } from './fieldMap.ts';
import { POINTS_AMBIGUOUS, POINTS_DECIDED } from './points.ts';

/** Canonical values by field-map key. Sticky side: null = no information. GHL side: null = empty. */
export type Values = Record<string, Value>;

export interface FieldWrite {
  key: string;
  /** What GHL is believed to hold. */
  before: Value;
  /** null empties the field. */
  after: Value;
}

/** A value that a person changed in GHL since both sides last agreed. */
export interface GhlEdit {
  key: string;
  from: Value;
  to: Value;
  /** Sticky Cards changed it too, to this: GHL wins, and the log says so (SPEC §3.3). */
  over?: Value;
}

export interface FieldsPlan {
  toGhl: FieldWrite[];
  /** Both sides agree already: only the base moves. */
  rebase: { key: string; value: Value }[];
  /** For the other half: what GHL tells Sticky Cards. */
  edits: GhlEdit[];
  /** Fields to be held from now on, with the reason; the value is GHL's. */
  hold: { key: string; reason: string; value: Value }[];
  /** Points stand in GHL, no base says since when, and the card's balance is not known: it has to be read first. */
  balanceUnknown?: true;
}

export interface PlanFieldsInput {
  rows: readonly FieldRow[];
  sticky: Values;
  /**
   * What GHL is known to hold. `full` = from a GET or an answer: a key that is absent is empty. `page` = from a page
   * of the search index: only its emptiness counts. null = never seen.
   */
  ghl: { seen: 'full' | 'page'; values: Values } | null;
  fields: Record<string, LinkField>;
  /** The contact shows another card than the bases were taken from. */
  cardSwitched: boolean;
  /** A balance command of the card is open: its points are not written (SPEC §3.3). */
  balanceBusy: boolean;
  /** Keys that cannot be written: not provisioned, or the dialect or card type says so. */
  unwritable: ReadonlySet<string>;
  /** Edits that nothing can be done with: the field gets the value of Sticky Cards again. */
  putBack?: ReadonlySet<string>;
  /** A write of this job has just shown what GHL holds: what is to be put back goes with it. */
  writing?: boolean;
  /** Command fields whose command is over: they are emptied (SPEC §3.3). */
  toEmpty?: ReadonlySet<string>;
}

type Decision =
  | { kind: 'write'; after: Value }
  | { kind: 'put_back'; after: Value }
  | { kind: 'rebase'; value: Value }
  | { kind: 'edit'; from: Value; to: Value; over?: Value }
  | { kind: 'hold'; reason: string; value: Value }
  | null;

/**
 * What has to be written to GHL, and what GHL changed: a three-way merge of base, Sticky side and GHL side for each
 * field (SPEC §2.4, §2.5 "no base", §3.3). Pure. A pending field is planned by neither direction.
 */
export function planFields(input: PlanFieldsInput): FieldsPlan {
  const plan: FieldsPlan = { toGhl: [], rebase: [], edits: [], hold: [] };
  const putBack: FieldWrite[] = [];
  const waits = waitsForOldCard(input);
  for (const row of input.rows) {
    const field = input.fields[row.key];
    if (field?.pending || input.unwritable.has(row.key)) continue;
    const sticky = input.sticky[row.key] ?? null;
    const shown = ghlValue(input, row.key);
    const before = shown === undefined ? (field?.base ?? null) : shown;
    if (row.merge === 'counter' && isBaseless(row, field) && sticky === null && typeof shown === 'number')
      plan.balanceUnknown = true;
    const decision = decide(row, field, sticky, input);
    if (decision === null || (waits && row.ofCard && decision.kind !== 'edit')) continue;
    if (decision.kind === 'write') plan.toGhl.push({ key: row.key, before, after: decision.after });
    else if (decision.kind === 'put_back') putBack.push({ key: row.key, before, after: decision.after });
    else if (decision.kind === 'rebase') plan.rebase.push({ key: row.key, value: decision.value });
    else if (decision.kind === 'edit') {
      const { kind: _, ...edit } = decision;
      plan.edits.push({ key: row.key, ...edit });
    } else plan.hold.push({ key: row.key, reason: decision.reason, value: decision.value });
  }
  // A one-way field that somebody edited in GHL is put back by the contact's next write; it is no reason for one.
  if (plan.toGhl.length > 0 || input.writing) plan.toGhl.push(...putBack);
  return plan;
}

/** undefined = not known. */
function ghlValue(input: PlanFieldsInput, key: string): Value | undefined {
  if (!input.ghl) return undefined;
  return input.ghl.values[key] ?? null;
}

/** Whatever either side shows next, it says nothing about the question that is open: a person lifts these. */
const FOR_A_PERSON: readonly string[] = [POINTS_AMBIGUOUS, POINTS_DECIDED];

function decide(row: FieldRow, field: LinkField | undefined, sticky: Value, input: PlanFieldsInput): Decision {
  const ghl = ghlValue(input, row.key);
  const held = field?.held;
  if (held && FOR_A_PERSON.includes(held.reason)) return null;
  const rewrite = row.ofCard && input.cardSwitched;
  // What GHL holds now is only known from a full answer; until then a hold because of it stays. What is held of another
  // card says nothing about this one.
  if (
    held &&
    !(rewrite && isHeldEdit(row, field)) &&
    (held.of === 'ghl' ? ghl === undefined || held.value === ghl : held.value === sticky)
  )
    return null;
  if (input.toEmpty?.has(row.key))
    return ghl === null ? { kind: 'rebase', value: null } : { kind: 'write', after: null };
  // Typed under the old card, before the new one was shown: it is an edit of the old card (SPEC §2.4).
  if (rewrite && editedBefore(row, field, ghl, input))
    return { kind: 'edit', from: field?.base ?? null, to: ghl ?? null };
  if (row.merge === 'counter' && input.balanceBusy) return null;
  if (isBaseless(row, field) || rewrite) {
    const first = withoutBase(row, sticky, ghl, input.ghl?.seen ?? null, rewrite, field?.base);
    return first?.kind === 'rebase' && first.value === field?.base ? null : first;
  }
  const base = field?.base ?? null;
  const full = input.ghl?.seen === 'full';
  const decision = threeWay(row, base, sticky, full ? (ghl ?? null) : base);
  // What was typed, and could not be taken, was put back by hand: nothing is held any more.
  if (decision === null && full && held?.of === 'ghl' && ghl === base) return { kind: 'rebase', value: base };
  if (decision?.kind === 'edit' && input.putBack?.has(row.key)) return { kind: 'write', after: sticky ?? base };
  return decision;
}

/** A counter without a number to count from has no base: the difference to it would be the whole balance. */
const isBaseless = (row: FieldRow, field: LinkField | undefined): boolean =>
  field?.base === undefined || (row.merge === 'counter' && field.base === null);

const editedBefore = (
  row: FieldRow,
  field: LinkField | undefined,
  ghl: Value | undefined,
  { ghl: seen, putBack }: PlanFieldsInput,
): boolean =>
  row.direction === 'both' &&
  field?.base !== undefined &&
  seen?.seen === 'full' &&
  ghl !== undefined &&
  ghl !== null &&
  ghl !== field.base &&
  !(isHeldEdit(row, field) && field.held?.value === ghl) &&
  !putBack?.has(row.key);

/** Typed in GHL, and not taken by the card that it was meant for. */
const isHeldEdit = (row: FieldRow, field: LinkField | undefined): boolean =>
  row.merge === 'value' && field?.held?.of === 'ghl';

/**
 * Something that was typed under the card that the contact showed before is not settled there yet (SPEC §2.4). Until it
 * is, the contact goes on showing that card: once it shows the new one, nothing could tell the edit from one of that.
 * Points do not wait: their command names the card.
 */
export const waitsForOldCard = (input: PlanFieldsInput): boolean =>
  input.cardSwitched && input.rows.some((row) => row.ofCard && row.merge === 'value' && isOpenEdit(row, input));

function isOpenEdit(row: FieldRow, input: PlanFieldsInput): boolean {
  const field = input.fields[row.key];
  if (input.unwritable.has(row.key)) return false;
  if (field?.pending) return field.pending.to === 'stickycards';
  return editedBefore(row, field, ghlValue(input, row.key), input);
}

/** SPEC §2.5 "No base": equal → base, one side empty → filled from the other, both differ → the owner. */
function withoutBase(
  row: FieldRow,
  sticky: Value,
  ghl: Value | undefined,
  seen: 'full' | 'page' | null,
  rewrite: boolean,
  oldBase: Value | undefined,
): Decision {
  // What stands in GHL at that moment is no order to us (SPEC §2.5): command fields only get a base.
  if (row.direction === 'from_ghl') return seen === 'full' ? { kind: 'rebase', value: ghl ?? null } : null;
  if (rewrite && sticky === null) {
    // The new card has no such value: the old card's must not stay.
    return (ghl ?? oldBase ?? null) === null ? { kind: 'rebase', value: null } : { kind: 'write', after: null };
  }
  // What GHL owns, and Sticky Cards lacks or shows otherwise, goes there; a page of the index proves no value.
  if (row.owner === 'ghl' && seen === 'full' && ghl !== null && ghl !== undefined && ghl !== sticky)
    return { kind: 'edit', from: sticky, to: ghl };
  if (sticky === null) return seen === 'full' && ghl === null ? { kind: 'rebase', value: null } : null;
  if (seen === 'full' && ghl === sticky) return { kind: 'rebase', value: sticky };
  if (row.direction === 'to_ghl' || rewrite || row.owner === 'stickycards') return { kind: 'write', after: sticky };
  // Owned by GHL: only what is empty there is filled.
  return ghl === null ? { kind: 'write', after: sticky } : null;
}

function threeWay(row: FieldRow, base: Value, sticky: Value, ghl: Value): Decision {
  const stickyChanged = sticky !== null && sticky !== base;
  const ghlChanged = ghl !== base;
  if (row.direction === 'from_ghl') return ghlChanged ? { kind: 'edit', from: base, to: ghl } : null;
  if (row.direction === 'to_ghl') {
    if (stickyChanged) return ghl === sticky ? { kind: 'rebase', value: sticky } : { kind: 'write', after: sticky };
    return ghlChanged ? { kind: 'put_back', after: base } : null;
  }
  if (!ghlChanged) return stickyChanged ? { kind: 'write', after: sticky } : null;
  if (ghl === null) return cleared(row, base, sticky);
  if (row.merge === 'counter') return { kind: 'edit', from: base, to: ghl };
  if (stickyChanged && sticky === ghl) return { kind: 'rebase', value: sticky };
  if (stickyChanged && row.owner === 'stickycards') return { kind: 'write', after: sticky };
  return { kind: 'edit', from: base, to: ghl, ...(stickyChanged ? { over: sticky } : {}) };
}

/** A field that is gone from a read but not from the base (SPEC §3.1). */
function cleared(row: FieldRow, base: Value, sticky: Value): Decision {
  if (row.valueType === 'phone' || row.valueType === 'email')
    return { kind: 'hold', reason: 'cleared_in_ghl', value: null };
  if (row.ghl === 'custom') return { kind: 'write', after: sticky ?? base };
  return { kind: 'edit', from: base, to: null };
}

export interface TagsPlan {
  add: string[];
  remove: string[];
  /** The next base before any write is confirmed: what GHL already agrees with. */
  base: string[];
  off: Record<string, number>;
}

/**
 * Owned tags, element by element (SPEC §2.6): `wanted` is the union over their sources, with the time (ms) of the
 * newest statement for those that a statement can bring back (segments; 0 for derived states). Tags of people are
 * never in `base`, so they are never taken off. A tag that a person took off stays off until its state has left, or a
 * statement newer than the removal came.
 * @param ghlTags canonical tags that GHL was last seen with; null = never seen in full
 */
export function planTags(
  wanted: ReadonlyMap<string, number>,
  link: LinkTags,
  ghlTags: ReadonlySet<string> | null,
  ghlSeenAtMs: number,
): TagsPlan {
  const base = new Set(link.base);
  const off = new Map<string, number>();
  // Told to Sticky Cards, and nobody knows yet whether it arrived: neither side's word counts before that is known.
  const inDoubt = new Set([...(link.segments?.add ?? []), ...(link.segments?.remove ?? [])]);
  for (const [tag, removedAtMs] of Object.entries(link.off)) {
    const statedAtMs = wanted.get(tag);
    if (inDoubt.has(tag)) off.set(tag, removedAtMs);
    else if (statedAtMs !== undefined && statedAtMs <= removedAtMs && !ghlTags?.has(tag)) off.set(tag, removedAtMs);
  }
  if (ghlTags) {
    for (const tag of link.base) {
      if (ghlTags.has(tag) || inDoubt.has(tag)) continue;
      base.delete(tag);
      // Taken off by us, the answer was lost: no person's removal.
      if (link.pending?.remove.includes(tag)) continue;
      const statedAtMs = wanted.get(tag);
      if (statedAtMs !== undefined && statedAtMs <= ghlSeenAtMs) off.set(tag, ghlSeenAtMs);
    }
  }
  const add: string[] = [];
  for (const tag of wanted.keys()) {
    if (base.has(tag) || off.has(tag) || inDoubt.has(tag)) continue;
    if (ghlTags?.has(tag)) base.add(tag);
    else add.push(tag);
  }
  // A tag whose adding or removal was never answered may stand there: it was ours, so it goes with its state.
  const onItsWay = new Set([...(link.pending?.add ?? []), ...(link.pending?.remove ?? [])]);
  const mayBeOn = [...onItsWay].filter((tag) => !base.has(tag));
  const remove = [...base, ...mayBeOn].filter((tag) => !wanted.has(tag) && !inDoubt.has(tag));
  return { add: add.toSorted(), remove: remove.toSorted(), base: [...base].toSorted(), off: Object.fromEntries(off) };
}
