/** A delivery's tags. */
export interface TagSighting {
  /** The delivery's own timestamp (ms, GHL's clock). */
  atMs: number;
  /** Canonical. */
  tags: readonly string[];
}

export interface CommandTagsInput {
  /** The two tags, canonical, by what they do (config/tag-map.json). */
  churned: string;
  reactivated: string;
  /** `link.tags.commands`: which of them stood there when it was last decided; undefined = never. */
  base: readonly string[] | undefined;
  /** `link.tags.ordered`: what an earlier decision ordered, while not every card has it. */
  ordered?: CommandTagsDecision['status'] | undefined;
  /** Canonical tags of a GET just made. */
  now: Iterable<string>;
  /** What deliveries showed since, in any order. */
  sightings: readonly TagSighting[];
  /** Time of the read that `base` comes from (ms, to the second): deliveries from before tell nothing new. */
  sinceMs?: number | null;
  /** Canonical tags of the read before this one. */
  before?: readonly string[];
}

export interface CommandTagsDecision {
  /** What every card that is not removed becomes; null = nothing. */
  status: 'inactive' | 'active' | null;
  /** The opposite, when it stands there. */
  removeTags: string[];
  /**
   * The next `link.tags.commands`, to be stored with the order or when the status was written. A tag in `removeTags` stays in it until its
   * removal is confirmed (then take it out): left out too early, it would look newly added and turn the card back.
   */
  base: string[];
  problem?: 'churn_conflict';
}

/**
 * What the tags `churned` and `reactivated` order (SPEC §3.2). They act when they are added, not while they stand. Both
 * new: the one that came later wins; when that cannot be told neither does, and both stay outside the base until one of
 * them is gone.
 */
export function decideCommandTags(input: CommandTagsInput): CommandTagsDecision {
  const { churned, reactivated, base, ordered = null } = input;
  const now = new Set(input.now);
  const standing = [churned, reactivated].filter((tag) => now.has(tag)).toSorted();
  const nothing: CommandTagsDecision = { status: null, removeTags: [], base: standing };
  // Found at the first link: no order to us (SPEC §2.5).
  if (base === undefined) return nothing;
  const added = standing.filter((tag) => !base.includes(tag));
  // Ordered once, it is carried out on every card, also when its tag is off again by then.
  const last = added.length === 2 ? laterOf(input) : (added[0] ?? (ordered && tagOf(input, ordered)));
  if (last === null) return nothing;
  if (last === undefined) return { status: null, removeTags: [], base: [], problem: 'churn_conflict' };
  return {
    status: last === churned ? 'inactive' : 'active',
    removeTags: standing.filter((tag) => tag !== last),
    base: standing,
  };
}

const tagOf = ({ churned, reactivated }: CommandTagsInput, status: 'inactive' | 'active'): string =>
  status === 'inactive' ? churned : reactivated;

/** undefined = one delivery, or one read, brought both. */
function laterOf({ churned, reactivated, sightings, sinceMs, before = [] }: CommandTagsInput): string | undefined {
  // The read's time is known to the second only. It showed neither tag: a delivery of that second that shows one is news.
  const fromMs = sinceMs === undefined || sinceMs === null ? -Infinity : Math.floor(sinceMs / 1000) * 1000;
  const news = sightings.filter(({ atMs }) => atMs >= fromMs);
  const [off, on] = [cameAtMs(churned, news), cameAtMs(reactivated, news)];
  if (off !== on) return off > on ? churned : reactivated;
  // No delivery tells, but a read of ours showed one of them alone.
  const missing = [churned, reactivated].filter((tag) => !before.includes(tag));
  return missing.length === 1 ? missing[0] : undefined;
}

/** Since when the tag has stood there without a break, as far as deliveries show; Infinity = only the read shows it. */
function cameAtMs(tag: string, sightings: readonly TagSighting[]): number {
  let cameMs = Infinity;
  // What was sent at one time is one moment, in whichever order it arrived.
  const moments = Map.groupBy(sightings, ({ atMs }) => atMs);
  for (const [atMs, shown] of [...moments].toSorted(([a], [b]) => a - b)) {
    const stands = shown.some(({ tags }) => tags.includes(tag));
    if (!stands) cameMs = Infinity;
    else if (cameMs === Infinity) cameMs = atMs;
  }
  return cameMs;
}
