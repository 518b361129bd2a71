import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import pg from 'pg';
import { systemClock } from '../../src/clock.ts';
import { projectRoot } from '../../src/paths.ts';
import { migrateDatabase } from '../../src/store/database.ts';
import { openStore } from '../../src/store/store.ts';
import { postgresUrl, sqliteUrl } from '../helpers/databases.ts';

type Column = { table: string; column: string; required: boolean };
type Index = { table: string; name: string; unique: boolean; partial: boolean };

async function sqliteShape(): Promise<{ columns: Column[]; indexes: Index[] }> {
  const url = sqliteUrl();
  await (await openStore(url, systemClock)).close();
  const db = new Database(url.slice('file:'.length), { readonly: true });
  const tables = db
    .prepare(
      "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not like '__drizzle%'",
    )
    .pluck()
    .all() as string[];
  const columns = tables.flatMap((table) =>
    (db.pragma(`table_info(${table})`) as { name: string; notnull: number; pk: number }[]).map((c) => ({
      table,
      column: c.name,
      required: c.notnull === 1 || c.pk > 0,
    })),
  );
  const indexes = tables.flatMap((table) =>
    (db.pragma(`index_list(${table})`) as { name: string; unique: number; partial: number; origin: string }[])
      .filter((i) => i.origin === 'c')
      .map((i) => ({ table, name: i.name, unique: i.unique === 1, partial: i.partial === 1 })),
  );
  db.close();
  return { columns, indexes };
}

async function postgresShape(): Promise<{ columns: Column[]; indexes: Index[] }> {
  const url = await postgresUrl();
  await (await openStore(url, systemClock)).close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const columns = await client.query<Column>(
    `select table_name as "table", column_name as "column", is_nullable = 'NO' as "required" from information_schema.columns where table_schema = 'public'`,
  );
  const indexes = await client.query<Index>(
    `select t.relname as "table", i.relname as "name", x.indisunique as "unique", x.indpred is not null as "partial"
     from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
     join pg_namespace n on n.oid = t.relnamespace where n.nspname = 'public' and not x.indisprimary`,
  );
  await client.end();
  return { columns: columns.rows, indexes: indexes.rows };
}

const sorted = (rows: object[]) => rows.map((row) => JSON.stringify(row)).toSorted();

test('both migrations make the same tables, columns and indexes', async () => {
  const [sqlite, postgres] = [await sqliteShape(), await postgresShape()];
  expect(sqlite.columns.length).toBeGreaterThan(150);
  expect(sorted(sqlite.columns)).toEqual(sorted(postgres.columns));
  expect(sorted(sqlite.indexes)).toEqual(sorted(postgres.indexes));
});

test.each(['sqlite', 'postgres'])('migrations/%s holds all that drizzle/ says', (dialect) => {
  const out = mkdtempSync(join(tmpdir(), 'migrations-'));
  cpSync(join(projectRoot, 'migrations', dialect), out, { recursive: true });
  const before = readdirSync(out).toSorted();
  const kit = dialect === 'postgres' ? 'postgresql' : dialect;
  execFileSync(
    process.execPath,
    [
      'node_modules/drizzle-kit/bin.cjs',
      'generate',
      '--dialect',
      kit,
      '--casing',
      'snake_case',
      '--schema',
      `./drizzle/${dialect}.ts`,
      '--out',
      out,
    ],
    { cwd: projectRoot, stdio: 'pipe', env: { ...process.env, NODE_OPTIONS: '' } },
  );
  expect(readdirSync(out).toSorted()).toEqual(before);
});

test('a Postgres that is behind is not changed by a start, only by the migrate command', async () => {
  const url = await postgresUrl();
  await (await openStore(url, systemClock)).close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('update drizzle.__drizzle_migrations set created_at = 1');
  await expect(openStore(url, systemClock)).rejects.toThrow(/migrate/);
  await client.query('drop schema public cascade');
  await client.query('create schema public');
  await migrateDatabase(url);
  await (await openStore(url, systemClock)).close();
  await client.end();
});
