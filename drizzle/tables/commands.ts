import { sql } from 'drizzle-orm';
import type { Kit } from '../kit.ts';

export const COMMAND_STATES = ['pending', 'held', 'sending', 'applied', 'failed', 'unknown', 'discarded'] as const;
export type CommandState = (typeof COMMAND_STATES)[number];

export const COMMAND_KINDS = [
  'create_contact',
  'create_customer',
  'create_card',
  'note',
  'task',
  'opportunity',
  'opportunity_lost',
  'push',
  'add_points',
] as const;
export type CommandKind = (typeof COMMAND_KINDS)[number];

/**
 * The write-ahead ledger: what must happen once and cannot be repeated safely. A row is committed before it is sent;
 * a row found in `sending` at a start becomes `unknown`. Rows in `unknown` that stay there wait for an operator.
 */
export const commands = (k: Kit) =>
  k.table(
    'commands',
    {
      id: k.text().primaryKey(),
      connectionId: k.text().notNull(),
      kind: k.text().$type<CommandKind>().notNull(),
      target: k.text().notNull(),
      sourceEvent: k.text().notNull(),
      /** Only creations: what makes two of them the same person, in both directions. */
      identity: k.text(),
      state: k.text().$type<CommandState>().notNull(),
      params: k.json<Record<string, unknown>>().notNull(),
      before: k.json<Record<string, unknown>>(),
      result: k.json<Record<string, unknown>>(),
      reason: k.text(),
      decidedBy: k.text(),
      attempts: k.int().notNull().default(0),
      sentAt: k.at(),
      looks: k.int().notNull().default(0),
      nextAttemptAt: k.at(),
      createdAt: k.at().notNull(),
      updatedAt: k.at().notNull(),
    },
    (t) => [
      k.unique('commands_once').on(t.connectionId, t.sourceEvent, t.kind, t.target),
      k.unique('commands_identity').on(t.connectionId, t.identity),
      k.index('commands_state').on(t.connectionId, t.state, t.id),
      k.index('commands_target').on(t.connectionId, t.target, t.kind),
      // The ledger for people, by what it does.
      k.index('commands_kind').on(t.connectionId, t.kind, t.id),
      // What people look for in all connections at once.
      k
        .index('commands_for_people')
        .on(t.state, t.id)
        .where(sql`${t.state} in ('held', 'unknown', 'failed')`),
    ],
  );
