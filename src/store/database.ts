import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { drizzle as sqliteDrizzle } from 'drizzle-orm/better-sqlite3';
import { migrate as migrateSqlite } from 'drizzle-orm/better-sqlite3/migrator';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { drizzle as postgresDrizzle } from 'drizzle-orm/node-postgres';
import { migrate as migratePostgres } from 'drizzle-orm/node-postgres/migrator';
import { type Column, type SQL, sql } from 'drizzle-orm';
import PQueue from 'p-queue';
import pg from 'pg';
import { postgresSchema, type Schema, sqliteSchema } from '../../drizzle/schema.ts';
import { AppError } from '../errors.ts';
import { projectRoot } from '../paths.ts';
import { type BulkWriter, postgresBulkWriter, sqliteBulkWriter } from './bulk.ts';
import { cannotOpenFile, cannotReachServer } from './cannotOpen.ts';
import type { Db } from './db.ts';
import { type InsertIntoInbox, sqliteInboxInsert } from './inboxSqlite.ts';
import { keepStatements } from './statements.ts';

export type { Db };

export interface TxOptions {
  /** Waiting transactions with a higher number go first: the receivers' commits (10) pass everything else (0). */
  priority?: number;
}

/**
 * What all queries see, the same on both databases. `db` only reads; `tx` and `txNow` are the only ways to write
 * and must not be nested. `bulk` writes many rows of one table inside a transaction.
 */
export interface Database {
  readonly dialect: 'sqlite' | 'postgres';
  readonly db: Db;
  readonly s: Schema;
  readonly bulk: BulkWriter;
  /** `column in (values)` as one parameter: the text of the query stays the same for any number of values. */
  inList(column: Column, values: readonly string[]): SQL;
  tx<T>(work: (db: Db) => Promise<T>, options?: TxOptions): Promise<T>;
  /**
   * `tx` for work that awaits nothing, committed before the call returns; null while another transaction is open, which
   * has to be waited for in `tx`. Only where the database is part of this process.
   */
  readonly txNow: (<T extends object>(work: () => T) => T | null) | null;
  /** The receivers' insert where the database has one of its own; only inside a `tx` or `txNow`. */
  readonly insertIntoInbox: InsertIntoInbox | null;
  /** Bytes free on the disk that holds an embedded database; null for a server elsewhere. */
  readonly file: string | null;
  close(): Promise<void>;
}

const migrations = (dialect: 'sqlite' | 'postgres') => join(projectRoot, 'migrations', dialect);

/** Opens `file:…` (SQLite) or `postgres://…`; brings SQLite and an empty Postgres up to date. */
export async function openDatabase(url: string): Promise<Database> {
  if (url.startsWith('postgres://') || url.startsWith('postgresql://'))
    return openPostgres(url, { migrate: 'if-empty' });
  if (url.startsWith('file:')) return openSqlite(url.slice('file:'.length).replace(/^\/\/(?=\/)/, ''));
  throw new AppError('config', 'DATABASE_URL must start with file: or postgres://');
}

/** Brings the database up to date, whatever it is (the `migrate` command). */
export async function migrateDatabase(url: string): Promise<void> {
  const database = url.startsWith('file:') ? await openDatabase(url) : await openPostgres(url, { migrate: 'always' });
  await database.close();
}

export function openSqlite(file: string): Database {
  try {
    return openFile(file);
  } catch (error) {
    throw cannotOpenFile(file, error);
  }
}

function openFile(file: string): Database {
  mkdirSync(dirname(file), { recursive: true });
  const open = (readonly: boolean) => {
    const raw = new Database(file, { readonly });
    raw.pragma('busy_timeout = 5000');
    if (!readonly) {
      raw.pragma('journal_mode = WAL');
      // A commit that was acknowledged survives the loss of power, not only of the process.
      raw.pragma('synchronous = FULL');
      raw.pragma('journal_size_limit = 67108864');
      // 4 MB of log before it is folded into the file, and whoever commits then waits for that. With 8 MB the slowest of a
      // hundred deliveries under load took a tenth longer (median of 8 pairs), at the same rate.
      raw.pragma('wal_autocheckpoint = 1000');
    }
    raw.pragma('cache_size = -16000');
    return keepStatements(raw);
  };
  const writer = open(false);
  const writing = sqliteDrizzle(writer, { casing: 'snake_case' });
  migrateSqlite(writing, { migrationsFolder: migrations('sqlite') });
  // Reads use their own connection, so that none lands inside another task's open transaction.
  const reader = open(true);
  const queue = new PQueue({ concurrency: 1 });
  const statements = {
    begin: writer.prepare('BEGIN IMMEDIATE'),
    commit: writer.prepare('COMMIT'),
    rollback: writer.prepare('ROLLBACK'),
  };
  const rollBack = () => {
    if (writer.inTransaction) statements.rollback.run();
  };
  return {
    dialect: 'sqlite',
    s: sqliteSchema,
    db: sqliteDrizzle(reader, { casing: 'snake_case' }) as unknown as Db,
    bulk: sqliteBulkWriter(writer),
    insertIntoInbox: sqliteInboxInsert(writer),
    inList: (column, values) => sql`${column} in (select value from json_each(${JSON.stringify(values)}))`,
    file,
    tx: (work, options) =>
      queue.add(
        async () => {
          statements.begin.run();
          try {
            const out = await work(writing as unknown as Db);
            statements.commit.run();
            return out;
          } catch (error) {
            rollBack();
            throw error;
          }
        },
        { priority: options?.priority ?? 0 },
      ),
    txNow: (work) => {
      if (writer.inTransaction) return null;
      statements.begin.run();
      try {
        const out = work();
        statements.commit.run();
        return out;
      } catch (error) {
        rollBack();
        throw error;
      }
    },
    close: async () => {
      await queue.onIdle();
      reader.close();
      writer.close();
    },
  };
}

/** Any key, the same for every instance: one migrates, the others wait. */
const MIGRATION_LOCK = 727_274;

export async function openPostgres(url: string, options: { migrate: 'always' | 'if-empty' }): Promise<Database> {
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  // An idle connection that the server closes must not end the process; the next query opens a new one.
  pool.on('error', () => undefined);
  const db = postgresDrizzle(pool, { casing: 'snake_case' });
  try {
    const lock = await firstOf(pool, url);
    try {
      await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
      const pending = await pendingMigrations(lock);
      if (pending.empty || options.migrate === 'always')
        await migratePostgres(db, { migrationsFolder: migrations('postgres') });
      else if (pending.count > 0) {
        throw new AppError(
          'migrations_pending',
          `the database is ${pending.count} migration(s) behind this version: run "npm run sticky-ghl migrate", then start again`,
        );
      }
    } finally {
      await lock.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]);
      lock.release();
    }
  } catch (error) {
    await pool.end();
    throw error;
  }
  return {
    dialect: 'postgres',
    s: postgresSchema,
    db: db as unknown as Db,
    bulk: postgresBulkWriter(),
    inList: (column, values) => sql`${column} = any(${sql.param([...values])}::text[])`,
    file: null,
    tx: (work) => db.transaction((tx) => work(tx as unknown as Db)),
    txNow: null,
    insertIntoInbox: null,
    close: () => pool.end(),
  };
}

/** An address that cannot be read is thrown here too, and not as a rejection. */
async function firstOf(pool: pg.Pool, url: string): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw cannotReachServer(url, error);
  }
}

async function pendingMigrations(client: pg.PoolClient): Promise<{ empty: boolean; count: number }> {
  const { rows: exists } = await client.query<{ table: string | null }>(
    "select to_regclass('drizzle.__drizzle_migrations')::text as table",
  );
  if (exists[0]?.table === null || exists[0] === undefined) return { empty: true, count: 0 };
  const { rows } = await client.query<{ last: string | null }>(
    'select max(created_at)::text as last from drizzle.__drizzle_migrations',
  );
  const last = Number(rows[0]?.last ?? 0);
  const files = readMigrationFiles({ migrationsFolder: migrations('postgres') });
  return { empty: last === 0, count: files.filter((m) => m.folderMillis > last).length };
}
