import type { Kit } from '../kit.ts';

/**
 * What GHL was asked for a connection today, for the meter of the overview. One row per connection, written some seconds
 * behind by whoever asks GHL in its name; a row of another day says nothing about today and is written over.
 */
export const ghlCallBudgets = (k: Kit) =>
  k.table('ghl_call_budgets', {
    connectionId: k.text().primaryKey(),
    /** Days since 1970 in UTC, by which GHL's budget goes. */
    day: k.int().notNull(),
    used: k.int().notNull(),
    /** As GHL told it; null = it never did. */
    perDay: k.int(),
    updatedAt: k.at().notNull(),
  });
