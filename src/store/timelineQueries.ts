import { and, desc, eq, getTableColumns, gte, isNotNull, isNull, lt, type SQL } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Schema } from '../../drizzle/schema.ts';
import type { CommandRow } from './commands.ts';
import type { CustomerKey } from './customerQueries.ts';
import type { InboxRow } from './inboxRow.ts';
import { windowFloor } from './listWindow.ts';
import type { LogRow } from './runs.ts';
import type { Store } from './store.ts';

export type AuditRow = Schema['syncAuditLogs']['$inferSelect'];
/** Without the body, which may be large: `getEvent` has it. */
export type TimelineEvent = Omit<InboxRow, 'payload' | 'headers'>;

/** One thing that happened to a person. `at` is when it was written down; `id` names its row. */
export type TimelineEntry = { id: string; at: Date } & (
  | { kind: 'event'; event: TimelineEvent }
  | { kind: 'log'; log: LogRow }
  | { kind: 'command'; command: CommandRow }
  | { kind: 'audit'; audit: AuditRow }
);

/** Ids of all kinds sort by their making once their kind is cut off: one cursor for all tables. */
export const timelineKey = (id: string): string => id.slice(4);

/** People change their contact and cards a few times at most; each is asked by itself, so that an index serves it. */
const PARTS_MAX = 20;

/**
 * All that happened to a person, newest first: deliveries and what became of them, what runs did, what happened once, what
 * people decided. `before` = the key (`timelineKey`) of the last entry of the page before.
 */
export async function customerTimeline(
  store: Store,
  key: CustomerKey,
  limit: number,
  before?: string,
): Promise<TimelineEntry[]> {
  const { contactIds, cardIds } = await partsOf(store, key);
  const lists: TimelineEntry[][] = [
    await eventsOf(store, key.connectionId, eq(store.s.webhookEvents.customerId, key.customerId), limit, before),
    await logsOf(store, key, limit, before),
    await auditsOf(store, key, limit, before),
  ];
  for (const contactId of contactIds)
    lists.push(await eventsOf(store, key.connectionId, eq(store.s.webhookEvents.contactId, contactId), limit, before));
  const targets = [
    `customer:${key.customerId}`,
    ...contactIds.map((id) => `contact:${id}`),
    ...cardIds.map((id) => `card:${id}`),
  ];
  for (const target of targets) lists.push(await commandsOf(store, key.connectionId, target, limit, before));
  const entries = new Map(lists.flat().map((entry) => [entry.id, entry]));
  return [...entries.values()].toSorted((a, b) => (timelineKey(a.id) < timelineKey(b.id) ? 1 : -1)).slice(0, limit);
}

/** The contacts that are or were linked, and the cards. */
async function partsOf(store: Store, { connectionId, customerId }: CustomerKey) {
  const { entityMappings: m, stickyCardsCards: k } = store.s;
  const links = await store.db
    .select({ id: m.ghlId })
    .from(m)
    .where(and(eq(m.connectionId, connectionId), eq(m.entityType, 'customer'), eq(m.stickycardsId, customerId)))
    .limit(PARTS_MAX);
  const cards = await store.db
    .select({ id: k.cardId })
    .from(k)
    .where(and(eq(k.connectionId, connectionId), eq(k.stickycardsId, customerId)))
    .limit(PARTS_MAX);
  const contactIds = [...new Set(links.flatMap(({ id }) => (id === null ? [] : [id])))];
  return { contactIds, cardIds: cards.map(({ id }) => id) };
}

async function eventsOf(
  store: Store,
  connectionId: string,
  whose: SQL,
  limit: number,
  before: string | undefined,
): Promise<TimelineEntry[]> {
  const { webhookEvents: t } = store.s;
  const { payload: _, headers: __, ...columns } = getTableColumns(t);
  const entries: TimelineEntry[] = [];
  // The index for people holds what is folded; what is not is few.
  for (const folded of [isNotNull(t.foldedAt), isNull(t.foldedAt)]) {
    const rows = await store.db
      .select(columns)
      .from(t)
      .where(and(eq(t.connectionId, connectionId), folded, whose, older(t.id, 'evt', before)))
      .orderBy(desc(t.id))
      .limit(limit);
    for (const event of rows) entries.push({ id: event.id, at: event.receivedAt, kind: 'event', event });
  }
  return entries;
}

async function logsOf(store: Store, key: CustomerKey, limit: number, before: string | undefined) {
  const { syncLogs: t } = store.s;
  const rows = await store.db
    .select()
    .from(t)
    .where(and(eq(t.connectionId, key.connectionId), eq(t.customerId, key.customerId), older(t.id, 'log', before)))
    .orderBy(desc(t.id))
    .limit(limit);
  return rows.map((log): TimelineEntry => ({ id: log.id, at: log.createdAt, kind: 'log', log }));
}

async function commandsOf(
  store: Store,
  connectionId: string,
  target: string,
  limit: number,
  before: string | undefined,
) {
  const { commands: t } = store.s;
  const rows = await store.db
    .select()
    .from(t)
    .where(and(eq(t.connectionId, connectionId), eq(t.target, target), older(t.id, 'cmd', before)))
    .orderBy(desc(t.id))
    .limit(limit);
  return rows.map((command): TimelineEntry => ({ id: command.id, at: command.createdAt, kind: 'command', command }));
}

/** By hand, so few; the newest of the connection are looked through. */
async function auditsOf(store: Store, key: CustomerKey, limit: number, before: string | undefined) {
  const { syncAuditLogs: t } = store.s;
  const mine = eq(t.connectionId, key.connectionId);
  const floor = await windowFloor(store, t, mine, before === undefined ? undefined : `aud_${before}`);
  const rows = await store.db
    .select()
    .from(t)
    .where(
      and(
        mine,
        eq(t.subject, key.customerId),
        older(t.id, 'aud', before),
        floor === null ? undefined : gte(t.id, floor),
      ),
    )
    .orderBy(desc(t.id))
    .limit(limit);
  return rows.map((audit): TimelineEntry => ({ id: audit.id, at: audit.createdAt, kind: 'audit', audit }));
}

const older = (id: PgColumn, kind: string, before: string | undefined): SQL | undefined =>
  before === undefined ? undefined : lt(id, `${kind}_${before}`);
