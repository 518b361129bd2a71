import type { Kit } from '../kit.ts';

/**
 * GHL contacts that are to be read before anything is decided about them (SPEC §3.1): a delivery that is no echo, a
 * poll, a workflow call or a person marked them. Written by the fold and the poll, drained by the job that has read the
 * contact and finished with what it found: a mark that was renewed meanwhile (`mark` differs) stays. A backlog means
 * that the direction is paused, or that Sticky Cards or GHL does not answer.
 */
export const contactMarks = (k: Kit) =>
  k.table(
    'contact_marks',
    {
      connectionId: k.text().notNull(),
      ghlContactId: k.text().notNull(),
      /** Renewed by every marking; what a job deletes is the mark that it took. */
      mark: k.text().notNull(),
      /** Inbox rows of the deliveries that showed something else than we knew, newest last, no more than 20. */
      eventIds: k.json<string[]>().notNull(),
      attempts: k.int().notNull().default(0),
      nextAttemptAt: k.at(),
      /** Why it waits, in words; null while it has not been tried. */
      reason: k.text(),
      markedAt: k.at().notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.connectionId, t.ghlContactId] })],
  );

/**
 * Every segment that Sticky Cards was ever seen to use, by the tag that stands for it (SPEC §3.2: a hand-made tag that
 * is no segment never becomes one). Written by the fold, never pruned.
 */
export const seenSegments = (k: Kit) =>
  k.table(
    'seen_segments',
    {
      connectionId: k.text().notNull(),
      /** Lower case. */
      segment: k.text().notNull(),
      /** As Sticky Cards spells it. */
      name: k.text().notNull(),
      seenAt: k.at().notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.connectionId, t.segment] })],
  );
