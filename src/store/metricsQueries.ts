import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { CommandState } from '../../drizzle/tables/commands.ts';
import type { ProblemState } from '../../drizzle/tables/problems.ts';
import { oldestPendings } from './overviewQueries.ts';
import type { Store } from './store.ts';

/** What the figures of all connections are made of. Every query here asks an index for few rows: it is run again and again. */
export interface Figures {
  unfolded: { connection: string; count: number; oldestAt: Date }[];
  customers: { connection: string; status: 'PENDING' | 'FAILED'; count: number }[];
  oldestPending: { connection: string; at: Date }[];
  marks: { connection: string; count: number }[];
  commands: { connection: string; state: CommandState; count: number }[];
  problems: { connection: string; code: string; state: ProblemState; count: number }[];
}

/** A larger backlog is counted as this much: whoever looks knows enough then. */
export const COUNTED_MAX = 10_000;
/** What is over for good is not counted: it only grows. */
const OPEN_COMMANDS = ['pending', 'held', 'sending', 'unknown', 'failed'] as const;

const count = sql`count(*)`.mapWith(Number);

/** @param live connections whose pending customers count as a lag: those in observe wait for their activation */
export async function readFigures(store: Store, names: readonly string[], live: readonly string[]): Promise<Figures> {
  const { db, s } = store;
  const { stickyCardsCustomers: people, contactMarks, commands, problems } = s;
  const none = names.length === 0;
  const customers = none
    ? []
    : await db
        .select({ connection: people.connectionId, status: people.syncStatus, count })
        .from(people)
        .where(and(inArray(people.connectionId, [...names]), inArray(people.syncStatus, ['PENDING', 'FAILED'])))
        .groupBy(people.connectionId, people.syncStatus);
  const waiting = customers.filter((row) => row.status === 'PENDING' && live.includes(row.connection));
  const oldest = await oldestPendings(
    store,
    waiting.map((row) => row.connection),
  );
  return {
    unfolded: await unfolded(store),
    customers: customers as Figures['customers'],
    oldestPending: [...oldest].map(([connection, at]) => ({ connection, at })),
    marks: none
      ? []
      : await db
          .select({ connection: contactMarks.connectionId, count })
          .from(contactMarks)
          .where(inArray(contactMarks.connectionId, [...names]))
          .groupBy(contactMarks.connectionId),
    commands: none
      ? []
      : await db
          .select({ connection: commands.connectionId, state: commands.state, count })
          .from(commands)
          .where(and(inArray(commands.connectionId, [...names]), inArray(commands.state, [...OPEN_COMMANDS])))
          .groupBy(commands.connectionId, commands.state),
    problems: await db
      .select({ connection: problems.connectionId, code: problems.code, state: problems.state, count })
      .from(problems)
      .where(inArray(problems.state, ['open', 'acknowledged']))
      .groupBy(problems.connectionId, problems.code, problems.state),
  };
}

/** What waits to be folded, by connection: the oldest by the index of the fold, the rest counted up to a bound. */
async function unfolded({ db, s }: Store): Promise<Figures['unfolded']> {
  const { webhookEvents: t } = s;
  const connections = await db.selectDistinct({ id: t.connectionId }).from(t).where(isNull(t.foldedAt));
  const figures: Figures['unfolded'] = [];
  for (const { id } of connections) {
    const mine = and(eq(t.connectionId, id), isNull(t.foldedAt));
    const [first] = await db.select({ at: t.receivedAt }).from(t).where(mine).orderBy(asc(t.id)).limit(1);
    const bounded = db.select({ id: t.id }).from(t).where(mine).limit(COUNTED_MAX).as('bounded');
    const [row] = await db.select({ count }).from(bounded);
    if (first && row) figures.push({ connection: id, count: row.count, oldestAt: first.at });
  }
  return figures;
}
