import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';

/** What queries are written against: Postgres' types, on both databases. */
export type Db = PgDatabase<PgQueryResultHKT>;
