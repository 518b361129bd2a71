// One definition per table builds both dialects: a table is a function of this kit. Queries are typed against the
// Postgres build; the SQLite build has the same TypeScript types.
import * as pg from 'drizzle-orm/pg-core';
import * as sqlite from 'drizzle-orm/sqlite-core';

const postgresKit = {
  table: pg.pgTable,
  index: pg.index,
  unique: pg.uniqueIndex,
  primaryKey: pg.primaryKey,
  text: () => pg.text(),
  bool: () => pg.boolean(),
  int: () => pg.integer(),
  /** Balances and money: decimals that fit a double. */
  num: () => pg.doublePrecision(),
  /** An instant with milliseconds. */
  at: () => pg.timestamp({ withTimezone: true, precision: 3, mode: 'date' }),
  json: <T>() => pg.jsonb().$type<T>(),
};

export type Kit = typeof postgresKit;

export const kits: { postgres: Kit; sqlite: Kit } = {
  postgres: postgresKit,
  sqlite: {
    table: sqlite.sqliteTable,
    index: sqlite.index,
    unique: sqlite.uniqueIndex,
    primaryKey: sqlite.primaryKey,
    text: () => sqlite.text(),
    bool: () => sqlite.integer({ mode: 'boolean' }),
    int: () => sqlite.integer(),
    num: () => sqlite.real(),
    at: () => sqlite.integer({ mode: 'timestamp_ms' }),
    json: <T>() => sqlite.text({ mode: 'json' }).$type<T>(),
  } as unknown as Kit,
};
