import { sql } from 'drizzle-orm';
import type { Kit } from '../kit.ts';

export const PROBLEM_STATES = ['open', 'acknowledged', 'resolved', 'ignored'] as const;
export type ProblemState = (typeof PROBLEM_STATES)[number];

/** Same cause = one row: unique by connection, code and cause. Raised by the sync, worked through by operators. */
export const problems = (k: Kit) =>
  k.table(
    'problems',
    {
      id: k.text().primaryKey(),
      connectionId: k.text().notNull(),
      code: k.text().notNull(),
      /** What makes two occurrences the same problem, e.g. the field; '' when the code alone does. */
      cause: k.text().notNull(),
      state: k.text().$type<ProblemState>().notNull(),
      affected: k.int().notNull(),
      sample: k.json<Record<string, unknown>>().notNull(),
      firstSeenAt: k.at().notNull(),
      lastSeenAt: k.at().notNull(),
      updatedAt: k.at().notNull(),
      /** What the alerts said of it last; never told counts as resolved, `unsure` while the message is on its way. */
      toldState: k.text().$type<'open' | 'resolved' | 'unsure'>().notNull().default('resolved'),
    },
    (t) => [
      k.unique('problems_cause').on(t.connectionId, t.code, t.cause),
      k.index('problems_state').on(t.state, t.id),
      // What is still to be told: drained by the alerts within seconds, or as soon as their address answers again.
      k
        .index('problems_untold')
        .on(t.connectionId, t.id)
        .where(
          sql`(${t.state} = 'open' and ${t.toldState} <> 'open') or (${t.state} = 'resolved' and ${t.toldState} <> 'resolved')`,
        ),
    ],
  );

/** The records that a problem touches, so that it is counted once per record and can be worked through. */
export const problemRecords = (k: Kit) =>
  k.table(
    'problem_records',
    {
      problemId: k.text().notNull(),
      recordId: k.text().notNull(),
      createdAt: k.at().notNull(),
    },
    (t) => [
      k.primaryKey({ columns: [t.problemId, t.recordId] }),
      // What a record that is well again is taken out of.
      k.index('problem_records_record').on(t.recordId),
    ],
  );
