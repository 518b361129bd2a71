import { canonicalTag } from '../domain/canonical.ts';
import { tagOfSegment } from '../domain/fieldMap.ts';
import { isInactive, isKnownTag } from '../domain/inactivity.ts';
import type { DuePerson } from '../store/brakeQueries.ts';
import type { JobContext } from './jobContext.ts';

/**
 * Tells quickly what a linked person's job may do at most: whether it may write contact data to GHL, and how many tags
 * it may take off. Never too little (a plan that changes one of them is always suspected), mostly exact: what is true
 * of the card that is shown is taken for true of all.
 */
export function createSuspicion({
  store,
  rows,
  tagMap,
  connection,
}: Pick<JobContext, 'store' | 'rows' | 'tagMap' | 'connection'>): (person: DuePerson) => {
  contact: boolean;
  tags: number;
} {
  const details = rows.filter((row) => row.ghl !== 'custom');
  const nowMs = store.clock.nowMs();
  const [holder, expired, referrer, inactive] = [
    tagMap.derived.card_holder,
    tagMap.derived.card_expired,
    tagMap.derived.referrer,
    tagMap.derived.inactive,
  ].map(canonicalTag);
  const tags = new Map<string, string | null>();
  const tagOf = (segment: string): string | null => {
    let tag = tags.get(segment);
    if (tag === undefined) tags.set(segment, (tag = tagOfSegment(tagMap, segment)));
    return tag;
  };

  const stays = (person: DuePerson, tag: string): boolean => {
    if (tag === holder) return person.cardInstalled === 'installed';
    // The card of a template is shown even when it has expired and another one has not.
    if (tag === expired) return person.cardStatus === 'expired' && connection.stickyCards.templateId === null;
    if (tag === referrer) return (person.referralCount ?? 0) > 0;
    if (tag === inactive)
      return isKnownTag(person.link.tags, tag) && isInactive(person.lastActivity, person.link.createdAt, nowMs);
    return person.segments.some((segment) => tagOf(segment) === tag);
  };

  return (person) => {
    const { fields, tags: owned } = person.link;
    const contact = details.some((row) => {
      if (row.staging === undefined || !(row.staging in person)) return true;
      const value = person[row.staging as 'email'];
      return value !== null && value !== fields[row.key]?.base;
    });
    const on = new Set([...owned.base, ...(owned.pending?.add ?? []), ...(owned.pending?.remove ?? [])]);
    let off = 0;
    for (const tag of on) if (!stays(person, tag)) off += 1;
    return { contact, tags: off };
  };
}
