import type { LinkTags } from '../../drizzle/tables/links.ts';
import { planTags } from './plan.ts';

const DAY_MS = 86_400_000;

/** Whoever was not active for so many days gets the tag (SPEC §2.3). */
export const INACTIVE_AFTER_DAYS = 30;

/** When the night's sweep begins, in UTC: few shops are open, and GHL's budget of the new day is hardly touched. */
export const SWEEP_AT = { hour: 3, minute: 15 } as const;

/** Whole days without activity; of somebody who was never active since they were linked; null when neither is known. */
export function inactiveDays(lastActivity: Date | null, linkedAt: Date | null, nowMs: number): number | null {
  const since = lastActivity ?? linkedAt;
  return since === null ? null : Math.max(0, Math.floor((nowMs - since.getTime()) / DAY_MS));
}

export const isInactive = (lastActivity: Date | null, linkedAt: Date | null, nowMs: number): boolean =>
  (inactiveDays(lastActivity, linkedAt, nowMs) ?? 0) >= INACTIVE_AFTER_DAYS;

/** Whoever was last active at this time or before is inactive: the same rule as `isInactive`, for a query. */
export const inactiveSince = (nowMs: number): Date => new Date(nowMs - INACTIVE_AFTER_DAYS * DAY_MS);

/** The last time that a sweep was due (ms). */
export function lastSweepDueMs(nowMs: number): number {
  const inDay = SWEEP_AT.hour * 3_600_000 + SWEEP_AT.minute * 60_000;
  return Math.floor((nowMs - inDay) / DAY_MS) * DAY_MS + inDay;
}

/** Whether a sweep has had to do with this tag on this link: it is on, a person took it off, or it may have arrived. */
export const isKnownTag = (tags: LinkTags, tag: string): boolean =>
  tags.base.includes(tag) || tag in tags.off || (tags.pending?.add.includes(tag) ?? false);

export interface InactivityPlan {
  call: 'add' | 'remove' | null;
  /** The link's tags as they are without that call. */
  tags: LinkTags;
}

/**
 * What becomes of the one tag on one link: the three-way rule of all owned tags, applied to this tag alone, so that a
 * person's removal stays until the state has left and a person's own tag is never taken off.
 * @param contact what GHL was last seen with; null = never seen in full
 */
export function planInactivity(
  tag: string,
  inactive: boolean,
  tags: LinkTags,
  contact: { tags: readonly string[]; seenAtMs: number } | null,
): InactivityPlan {
  const only = (names: readonly string[]) => names.filter((name) => name === tag);
  const removedAtMs = tags.off[tag];
  const own: LinkTags = {
    base: only(tags.base),
    off: removedAtMs === undefined ? {} : { [tag]: removedAtMs },
    ...(tags.pending ? { pending: { ...tags.pending, add: only(tags.pending.add), remove: [] } } : {}),
  };
  const wanted = new Map(inactive ? [[tag, 0]] : []);
  const plan = planTags(wanted, own, contact && new Set(only(contact.tags)), contact?.seenAtMs ?? 0);
  const { [tag]: _, ...off } = tags.off;
  return {
    call: plan.add.length > 0 ? 'add' : plan.remove.length > 0 ? 'remove' : null,
    tags: {
      ...withoutPending(tags, tag),
      base: [...tags.base.filter((name) => name !== tag), ...plan.base].toSorted(),
      off: { ...off, ...plan.off },
    },
  };
}

/** Written ahead: the tag is on its way. */
export const withPending = (tags: LinkTags, call: 'add' | 'remove', tag: string, sentAtMs: number): LinkTags => {
  const { add = [], remove = [] } = withoutPending(tags, tag).pending ?? {};
  const named = { add, remove };
  return { ...tags, pending: { ...named, [call]: [...named[call], tag], sentAtMs } };
};

/** The call was answered: the tag is on or off. */
export const settledTag = (tags: LinkTags, call: 'add' | 'remove', tag: string): LinkTags => {
  const base = tags.base.filter((name) => name !== tag);
  return { ...withoutPending(tags, tag), base: (call === 'add' ? [...base, tag] : base).toSorted() };
};

function withoutPending(tags: LinkTags, tag: string): LinkTags {
  const { pending, ...rest } = tags;
  if (!pending) return rest;
  const add = pending.add.filter((name) => name !== tag);
  const remove = pending.remove.filter((name) => name !== tag);
  return add.length + remove.length === 0 ? rest : { ...rest, pending: { ...pending, add, remove } };
}
