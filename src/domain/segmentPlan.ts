import type { LinkTags } from '../../drizzle/tables/links.ts';
import type { CustomerFoldState } from '../../drizzle/tables/staging.ts';
import { canonicalTag } from './canonical.ts';
import { READ_EFFECT } from './eventEffects.ts';
import { type TagMap, tagOfSegment } from './fieldMap.ts';
import { own } from './own.ts';

export interface SegmentsInput {
  tagMap: TagMap;
  /** What may become a segment (`knownSegmentsOf`): a tag that is not in it is a tag of people. */
  knownSegments: ReadonlyMap<string, string>;
  /** The customer's segments as staged, in the platform's spelling. */
  segments: readonly string[];
  /** When an event last stated that the customer is in that segment (ms; `segmentStatedAtMs`); 0 = never by an event. */
  statedAtMs: (name: string) => number;
  link: Pick<LinkTags, 'base' | 'off' | 'pending'>;
  /** Canonical tags of a GET just made. */
  ghlTags: ReadonlySet<string>;
  ghlSeenAtMs: number;
  /** No base yet, or one that does not count (relink): the union of both sides. */
  firstLink?: boolean;
}

/** Segments by the platform's name, and the tags that stand for them. */
export interface SegmentsPlan {
  add: string[];
  remove: string[];
  addTags: string[];
  removeTags: string[];
}

/**
 * What may become a segment (SPEC §3.2): whatever Sticky Cards was ever seen to use, and what the map names in full. A
 * seen spelling goes before that of the map.
 * @returns segment name by canonical tag
 */
export function knownSegmentsOf(tagMap: TagMap, seen: Iterable<string>): Map<string, string> {
  const known = new Map<string, string>();
  for (const name of [...tagMap.segments.include.filter((pattern) => !pattern.includes('*')), ...seen]) {
    const tag = tagOfSegment(tagMap, name);
    if (tag !== null) known.set(tag, name);
  }
  return known;
}

/**
 * When an event last said so (ms). An answer to a read or write of ours repeats what stands there: it states nothing
 * new, or the next full read would bring back every tag that a person took off.
 */
export function segmentStatedAtMs(fold: Pick<CustomerFoldState, 'segments'>, name: string): number {
  const known = own(fold.segments, name.toLowerCase());
  if (known?.statedMs !== undefined) return known.statedMs;
  const stamp = known?.stamp;
  return stamp === undefined || stamp[1] === READ_EFFECT.rank ? 0 : stamp[0];
}

/**
 * What GHL's tags tell Sticky Cards about segments: a three-way merge, element by element (SPEC §3.2). The other half of
 * `planTags`: called with the same link and the same read, before or after it, no element is written by both. A tag that
 * is on its way (`pending`) is ours, not an edit.
 */
export function planSegments(input: SegmentsInput): SegmentsPlan {
  const { tagMap, ghlTags, link } = input;
  const base = new Set(input.firstLink ? [] : link.base);
  const off = input.firstLink ? {} : link.off;
  const ours = new Set([...(link.pending?.add ?? []), ...(link.pending?.remove ?? [])]);
  const namesOf = Map.groupBy(input.segments, (name) => tagOfSegment(tagMap, name));

  const added = [...ghlTags]
    .filter((tag) => !base.has(tag) && !ours.has(tag) && !namesOf.has(tag))
    .flatMap((tag) => {
      const name = input.knownSegments.get(tag);
      // A pattern of the map may have left the segment out since it was seen.
      return name !== undefined && tagOfSegment(tagMap, name) === tag ? [{ tag, name }] : [];
    });

  const removed = [...namesOf].flatMap(([tag, names]) => {
    if (tag === null || ghlTags.has(tag) || ours.has(tag)) return [];
    // As in planTags: either it is found missing just now, or it was before and could not be told to Sticky Cards yet.
    const removedAtMs = own(off, tag) ?? (base.has(tag) ? input.ghlSeenAtMs : undefined);
    const statedAtMs = Math.max(...names.map(input.statedAtMs));
    return removedAtMs !== undefined && statedAtMs <= removedAtMs ? names.map((name) => ({ tag, name })) : [];
  });

  return {
    add: added.map(({ name }) => name).toSorted(),
    remove: removed.map(({ name }) => name).toSorted(),
    addTags: added.map(({ tag }) => tag).toSorted(),
    removeTags: [...new Set(removed.map(({ tag }) => tag))].toSorted(),
  };
}

/**
 * The whole set for the PUT, from the set read a moment ago: only what changed in GHL differs, whatever else is in it
 * stays with its spelling and its place (SPEC §3.2). Equal to `read` when there is nothing to write.
 */
export function nextSet(read: readonly string[], add: readonly string[], remove: readonly string[]): string[] {
  const gone = new Set(remove.map(canonicalTag));
  const set = read.filter((name) => !gone.has(canonicalTag(name)));
  const present = new Set(set.map(canonicalTag));
  for (const name of add) {
    if (present.has(canonicalTag(name))) continue;
    present.add(canonicalTag(name));
    set.push(name);
  }
  return set;
}
