import type { FieldSent, LinkField } from '../../drizzle/tables/links.ts';
import type { Value } from './canonical.ts';
import type { FieldRow } from './fieldMap.ts';

/** A delivery's value of one field. */
export interface FieldSighting {
  /** Canonical. null says nothing: a delivery leaves out what is empty, and other things too. */
  value: Value;
  /** The delivery's own timestamp (ms, GHL's clock). */
  atMs: number;
  eventId: string;
}

export interface SightingsInput {
  /** Of the field's row; a command field is never overwritten by us, its sightings say nothing here. */
  merge: FieldRow['merge'];
  sightings: readonly FieldSighting[];
  /** Our last writes of the field, in any order (`LinkField.writes`). */
  writes: readonly FieldSent[];
  base: Value | undefined;
  pending: LinkField['pending'];
  /** What a GET just made shows. */
  current: Value;
  /** When the contact was last read and decided about before that GET (ms); null = never. */
  lastReadAtMs?: number | null;
  /** `dateUpdated` of the contact as it was read then, to the millisecond: what was changed until then was read. */
  lastReadUpdatedAtMs?: number | null;
}

/**
 * A write of ours went over it. Counter: one command of `points` with source_event
 * `overwritten:<link>:<field>:<revision>`. Contact field: `value` goes back to GHL.
 */
export interface Overwritten {
  kind: 'overwritten';
  eventId: string;
  value: Value;
  /** value − what the GET before that write read; 0 for a contact field. */
  points: number;
  /** Of the field after that write. */
  revision: number;
  /** The card that the field showed when it was typed; undefined = not known. */
  cardId?: string | null | undefined;
}

export type Judgement =
  | Overwritten
  /** Known already, an echo, or surpassed by a later one. */
  | { kind: 'consumed'; eventId: string }
  /** points_ambiguous with these two numbers. */
  | { kind: 'ambiguous'; eventId: string; value: Value; base: Value };

/** How much later than the change a delivery may be stamped (SPEC §3.3). */
const LAG_MS = 2000;

type Place = { kind: 'overwritten'; write: FieldSent } | { kind: 'consumed' } | { kind: 'ambiguous' };

const CONSUMED: Place = { kind: 'consumed' };
const AMBIGUOUS: Place = { kind: 'ambiguous' };

/**
 * What became of values of a two-way field that deliveries showed and that are gone (SPEC §3.3, overwritten edits). One
 * judgement per sighting, in their order; a value counts once, and of several under one write only the last: who types
 * 110 and then 120 over 100 means +20.
 *
 * Where the contact's `dateUpdated` was told, it says to the millisecond what the GET had read and what came after the
 * PUT. The other times of a write are `Date` headers, so each stands for its whole second. A sighting of the GET's own second with
 * another value than the GET read counts as after it: had it been there before, the GET would have read it, unless it
 * was changed again within that second, and then the value read mostly has a later sighting of its own (checked).
 * The other choice would lose nearly every overwritten edit, as GET and PUT are a fraction of a second apart.
 */
export function judgeSightings(input: SightingsInput): Judgement[] {
  const writes = input.writes.toSorted((a, b) => b.getAtMs - a.getAtMs || b.revision - a.revision);
  const placed = input.sightings.map((sighting) => ({ sighting, place: placeOf(sighting, { ...input, writes }) }));
  const newestFirst = placed.toSorted(
    (a, b) => b.sighting.atMs - a.sighting.atMs || (a.sighting.eventId < b.sighting.eventId ? 1 : -1),
  );
  // One command per write of a counter; one value per contact field; one question per field.
  const groupOf = (place: Place) =>
    place.kind === 'overwritten' && input.merge === 'counter' ? place.write : place.kind;
  const winners = new Map<unknown, FieldSighting>();
  for (const { sighting, place } of newestFirst)
    if (!winners.has(groupOf(place))) winners.set(groupOf(place), sighting);

  return placed.map(({ sighting, place }): Judgement => {
    const { eventId, value } = sighting;
    if (place.kind === 'consumed' || winners.get(groupOf(place)) !== sighting) return { kind: 'consumed', eventId };
    if (place.kind === 'ambiguous') return { kind: 'ambiguous', eventId, value, base: input.base ?? null };
    const points = input.merge === 'counter' ? Number(value) - Number(place.write.read) : 0;
    const { revision, cardId } = place.write;
    return { kind: 'overwritten', eventId, value, points, revision, ...(cardId !== undefined && { cardId }) };
  });
}

const secondOf = (atMs: number) => Math.floor(atMs / 1000) * 1000;
/** From the GET's second to the end of the answer's. */
const during = (write: FieldSent, atMs: number) =>
  atMs >= secondOf(write.getAtMs) && atMs < secondOf(write.answeredAtMs) + 1000;

/** @param input with `writes` newest first */
function placeOf(sighting: FieldSighting, input: SightingsInput): Place {
  const { value, atMs } = sighting;
  const { merge, writes, base, pending, current } = input;
  const counter = merge === 'counter';
  if (merge === 'command' || value === null || (counter && typeof value !== 'number')) return CONSUMED;
  if (value === base || value === current || value === pending?.value) return CONSUMED;
  // Read by one of the GETs of that time, or the echo of one of the PUTs. A person who typed, between the two, the very
  // number that we then wrote is taken for that echo: what he wanted to see is there, and points are never sent on a guess.
  if (writes.some((write) => during(write, atMs) && (value === write.read || value === write.sent))) return CONSUMED;
  const index = writes.findIndex(
    (each) => atMs >= secondOf(each.getAtMs) && !(atMs <= (each.readUpdatedAtMs ?? -Infinity)),
  );
  const write = writes[index];
  // Older than every write that is remembered: the GET before the next one has seen it, or what came of it.
  if (!write) return CONSUMED;
  // GHL holds another person's value by now.
  const editStands = current !== base && current !== pending?.value;
  if (write.writtenAtMs !== undefined && atMs > write.writtenAtMs) {
    if (atMs > write.writtenAtMs + LAG_MS) return index > 0 ? CONSUMED : laterThanAll(input, atMs, editStands);
    // Typed after our write, or before it and stamped late: what was found next tells, ours or a person's.
    const next = index > 0 ? writes[index - 1]?.read : current;
    if (next !== write.sent && next !== pending?.value) return CONSUMED;
  }
  if (atMs > secondOf(write.answeredAtMs) + LAG_MS) return index > 0 ? CONSUMED : laterThanAll(input, atMs, editStands);
  if (value === write.read || value === write.sent) return CONSUMED;
  if (readSince(sighting, write, input)) return CONSUMED;
  // A contact field has one value: what was typed last stands. Of a counter that holds only after the answer's second:
  // there the number may well be a step on the way to the one that stands, and would be counted twice.
  const isExact = write.writtenAtMs !== undefined;
  if (editStands && (!counter || !(isExact || during(write, atMs)))) return CONSUMED;
  if (!counter) return { kind: 'overwritten', write };
  // A number over an empty field is no difference to anything.
  if (typeof write.read !== 'number') return AMBIGUOUS;
  // Two writes within one second, and each would make another difference of it: points are never sent on a guess.
  const other = writes.some(
    (each) => during(each, atMs) && during(write, atMs) && typeof each.read === 'number' && each.read !== write.read,
  );
  return other && !isExact ? AMBIGUOUS : { kind: 'overwritten', write };
}

/** Shown by a delivery after the last write, and gone. */
function laterThanAll(
  { merge, lastReadAtMs, lastReadUpdatedAtMs }: SightingsInput,
  atMs: number,
  editStands: boolean,
): Place {
  // A number that stands is an edit, and its difference to the base counts this one too; a contact field was put back.
  if (merge !== 'counter' || editStands) return CONSUMED;
  const wasRead = atMs < secondOf(lastReadAtMs ?? -Infinity) || atMs <= (lastReadUpdatedAtMs ?? -Infinity);
  return wasRead ? CONSUMED : AMBIGUOUS;
}

/** Within the GET's second: the value that it read was shown after this one, so this one was there before. */
const readSince = ({ atMs }: FieldSighting, write: FieldSent, { sightings }: SightingsInput): boolean => {
  const endMs = secondOf(write.getAtMs) + 1000;
  return atMs < endMs && sightings.some((each) => each.value === write.read && each.atMs >= atMs && each.atMs < endMs);
};
