import { and, asc, eq } from 'drizzle-orm';
import type { CommandRow } from './commands.ts';
import type { Db } from './db.ts';
import { linksOfCustomers } from './links.ts';
import { clearProblems } from './problems.ts';
import type { Store } from './store.ts';

const LIMIT = 'points_limit';

/** What waits for a person's word: few, by nature. */
export const heldCommands = ({ s }: Store, db: Db, connectionId: string): Promise<CommandRow[]> => {
  const { commands: t } = s;
  return db
    .select()
    .from(t)
    .where(and(eq(t.connectionId, connectionId), eq(t.state, 'held')))
    .orderBy(asc(t.id));
};

/**
 * The limit was raised for the customer, whichever field or action it was about: it is over with the last number that
 * cannot be booked and the last command that it holds (SPEC §6, recovers).
 */
export async function clearPointsLimit(store: Store, db: Db, connectionId: string, customerId: string): Promise<void> {
  const held = await heldCommands(store, db, connectionId);
  if (held.some(({ reason, params }) => reason === LIMIT && params['customerId'] === customerId)) return;
  const link = (await linksOfCustomers(store, db, connectionId, [customerId])).get(customerId);
  if (Object.values(link?.fields ?? {}).some((field) => field.held?.reason === LIMIT)) return;
  await clearProblems(store, db, connectionId, customerId, [LIMIT]);
}
