import { and, asc, eq, gte, inArray, ne } from 'drizzle-orm';
import { COMMAND_STATES, type CommandKind, type CommandState } from '../../drizzle/tables/commands.ts';
import type { Holder } from '../domain/newCustomer.ts';
import { idFloor } from '../ids.ts';
import type { CommandRow } from './commands.ts';
import type { Db } from './db.ts';
import { linkedCustomers, type LinkRow } from './links.ts';
import type { Store } from './store.ts';

/** A creation that is not over: it is carried on, never begun anew. */
export const OPEN_STATES: readonly CommandState[] = ['pending', 'held', 'sending', 'unknown'];
export const isOpen = (command: CommandRow): boolean => OPEN_STATES.includes(command.state);

/** Every command of this kind for a target, oldest first. */
export const commandsOfTarget = (
  { s }: Store,
  db: Db,
  connectionId: string,
  kind: CommandKind,
  target: string,
): Promise<CommandRow[]> =>
  db
    .select()
    .from(s.commands)
    .where(and(eq(s.commands.connectionId, connectionId), eq(s.commands.target, target), eq(s.commands.kind, kind)))
    .orderBy(asc(s.commands.id));

/** How many commands of a kind were made since then, whatever became of them; counts no further than `max`. */
export async function countCommandsSince(
  { s }: Store,
  db: Db,
  connectionId: string,
  kind: CommandKind,
  sinceMs: number,
  max: number,
): Promise<number> {
  const { commands: t } = s;
  const rows = await db
    .select({ id: t.id })
    .from(t)
    .where(
      and(
        eq(t.connectionId, connectionId),
        // All states, by name: the index has them before the id, and ids sort by time; only that day's rows are read.
        inArray(t.state, [...COMMAND_STATES]),
        gte(t.id, idFloor('cmd', sinceMs)),
        eq(t.kind, kind),
      ),
    )
    .limit(max);
  return rows.length;
}

/** The phones and e-mails that a creation holds, as they were when it was begun. */
export const claimsOf = async ({ s }: Store, db: Db, commandId: string): Promise<string[]> =>
  (
    await db
      .select({ identity: s.claimedIdentities.identity })
      .from(s.claimedIdentities)
      .where(eq(s.claimedIdentities.commandId, commandId))
  ).map((row) => row.identity);

export interface HolderLookup {
  /** The contact that may have been linked before it was deleted. */
  contactId: string;
  customerId: string | null;
  phone: string | null;
  email: string | null;
}

/** The staged customers that share an identity with a contact, each with the contact that it is linked to. */
export async function holdersOf(store: Store, db: Db, connectionId: string, lookup: HolderLookup): Promise<Holder[]> {
  const { stickyCardsCustomers: c, entityMappings: m } = store.s;
  const holders: Omit<Holder, 'linkedTo'>[] = [];
  const gone = await db
    .select({ customerId: m.stickycardsId })
    .from(m)
    .where(
      and(
        eq(m.connectionId, connectionId),
        eq(m.entityType, 'customer'),
        eq(m.ghlId, lookup.contactId),
        eq(m.state, 'gone'),
      ),
    );
  for (const { customerId } of gone) holders.push({ customerId, by: 'gone_link' });
  // One query per index: an `or` over three columns would read all customers.
  for (const [column, value, by] of [
    [c.stickycardsId, lookup.customerId, 'customer_id'],
    [c.mobile, lookup.phone, 'phone'],
    [c.email, lookup.email, 'email'],
  ] as const) {
    if (value === null) continue;
    const rows = await db
      .select({ customerId: c.stickycardsId })
      .from(c)
      .where(and(eq(c.connectionId, connectionId), eq(column, value)));
    for (const { customerId } of rows) holders.push({ customerId, by });
  }
  if (holders.length === 0) return [];
  const links = await db
    .select({ customerId: m.stickycardsId, ghlId: m.ghlId })
    .from(m)
    .where(
      and(
        eq(m.connectionId, connectionId),
        eq(m.entityType, 'customer'),
        ne(m.state, 'gone'),
        store.inList(
          m.stickycardsId,
          holders.map(({ customerId }) => customerId),
        ),
      ),
    );
  const linkedTo = new Map(links.map(({ customerId, ghlId }) => [customerId, ghlId]));
  return holders.map((holder) => ({ ...holder, linkedTo: linkedTo.get(holder.customerId) ?? null }));
}

/** The person is due at once: what was decided about them stands no longer. */
export const requeueCustomer = async (
  { s }: Store,
  db: Db,
  connectionId: string,
  customerId: string,
): Promise<void> => {
  const { stickyCardsCustomers: t } = s;
  await db
    .update(t)
    .set({ syncStatus: 'PENDING', attempts: 0, nextAttemptAt: null })
    .where(and(eq(t.connectionId, connectionId), eq(t.stickycardsId, customerId)));
};

/** A contact that was deleted answers again: the customer's next job looks for it once (SPEC §2.5, 0). */
export async function lookAgainFor({ s }: Store, db: Db, connectionId: string, customerId: string): Promise<void> {
  const { entityMappings: t } = s;
  const gone = await db
    .select()
    .from(t)
    .where(
      and(
        eq(t.connectionId, connectionId),
        eq(t.entityType, 'customer'),
        eq(t.stickycardsId, customerId),
        eq(t.state, 'gone'),
      ),
    );
  for (const { id, metadata } of gone)
    await db
      .update(t)
      .set({ metadata: { ...metadata, lookAgain: true } satisfies LinkRow['metadata'] })
      .where(eq(t.id, id));
}

export interface LinkedCreation {
  command: CommandRow;
  contactId: string;
  customerId: string;
}

/** Creations of customers that are still open although their contact got a customer meanwhile. */
export async function linkedCreations(store: Store, db: Db, connectionId: string): Promise<LinkedCreation[]> {
  const { commands: t, claimedIdentities: claimed } = store.s;
  // Whatever is open holds an identity: those are few, however many commands wait.
  const holding = db
    .selectDistinct({ id: claimed.commandId })
    .from(claimed)
    .where(eq(claimed.connectionId, connectionId));
  const open = await db
    .select()
    .from(t)
    .where(and(inArray(t.id, holding), eq(t.kind, 'create_customer'), inArray(t.state, [...OPEN_STATES])));
  const contactOf = (command: CommandRow) => command.target.slice('contact:'.length);
  const linked = await linkedCustomers(store, db, connectionId, open.map(contactOf));
  return open.flatMap((command) => {
    const contactId = contactOf(command);
    const customerId = linked.get(contactId);
    return customerId === undefined ? [] : [{ command, contactId, customerId }];
  });
}
