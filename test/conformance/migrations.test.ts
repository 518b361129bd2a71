import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { drizzle as sqliteDrizzle } from 'drizzle-orm/better-sqlite3';
import { migrate as migrateSqlite } from 'drizzle-orm/better-sqlite3/migrator';
import { drizzle as postgresDrizzle } from 'drizzle-orm/node-postgres';
import { migrate as migratePostgres } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { systemClock } from '../../src/clock.ts';
import { projectRoot } from '../../src/paths.ts';
import { migrateDatabase } from '../../src/store/database.ts';
import { openStore } from '../../src/store/store.ts';
import { postgresUrl, emptySqliteUrl } from '../helpers/databases.ts';

type Column = { table: string; column: string; required: boolean };
type Index = { table: string; name: string; unique: boolean; partial: boolean };

async function sqliteShape(): Promise<{ columns: Column[]; indexes: Index[] }> {
  const url = emptySqliteUrl();
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

/** The migrations before the one of this name, as a folder. */
function migrationsBefore(dialect: string, tag: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  cpSync(join(projectRoot, 'migrations', dialect), folder, { recursive: true });
  const file = join(folder, 'meta', '_journal.json');
  const journal = JSON.parse(readFileSync(file, 'utf8')) as { entries: { tag: string }[] };
  const upTo = journal.entries.findIndex((entry) => entry.tag === tag);
  writeFileSync(file, JSON.stringify({ ...journal, entries: journal.entries.slice(0, upTo) }));
  return folder;
}

const oldConnection = (id: string, mode: string, location: string | null, at: string) =>
  `insert into connections (id, mode, dialect, paused_directions, settings, secrets, cursors, created_at, updated_at)
   values ('${id}', '${mode}', 'report', '[]', '${JSON.stringify({ ghlLocationId: location })}', '{}', '{}', ${at}, ${at})`;

const timeOf = (dialect: string) =>
  dialect === 'sqlite' ? (n: number) => `${n}` : (n: number) => `to_timestamp(${n})`;

/** A database of the migrations in `folder` that holds these rows, brought up to date. */
async function updated(dialect: string, folder: string, rows: string[]): Promise<string> {
  let url: string;
  if (dialect === 'sqlite') {
    url = emptySqliteUrl();
    const db = new Database(url.slice('file:'.length));
    migrateSqlite(sqliteDrizzle(db), { migrationsFolder: folder });
    for (const row of rows) db.exec(row);
    db.close();
  } else {
    url = await postgresUrl();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await migratePostgres(postgresDrizzle(client), { migrationsFolder: folder });
    for (const row of rows) await client.query(row);
    await client.end();
  }
  await migrateDatabase(url);
  return url;
}

test.each(['sqlite', 'postgres'])('a location that was connected twice survives the update (%s)', async (dialect) => {
  const folder = migrationsBefore(dialect, '0007_location_once');
  const at = timeOf(dialect);
  const rows = [
    oldConnection('a-first', 'observe', 'loc1', at(1)),
    oldConnection('b-live', 'live', 'loc1', at(2)),
    oldConnection('c-other', 'observe', 'loc2', at(3)),
    oldConnection('d-none', 'observe', null, at(4)),
    `insert into problem_records (problem_id, record_id, created_at) values ('prb_gone', 'c1', ${at(1)})`,
  ];
  const url = await updated(dialect, folder, rows);
  const store = await openStore(url, systemClock);
  const all = await store.db.select().from(store.s.connections).orderBy(store.s.connections.id);
  const records = await store.db.select().from(store.s.problemRecords);
  await store.close();
  expect(all.map(({ id, ghlLocationId }) => [id, ghlLocationId])).toEqual([
    ['a-first', null],
    ['b-live', 'loc1'],
    ['c-other', 'loc2'],
    ['d-none', null],
  ]);
  expect(records).toEqual([]);
});

test.each(['sqlite', 'postgres'])(
  'a delivery that was left waiting for a card that is known is folded after the update (%s)',
  async (dialect) => {
    const at = timeOf(dialect)(1);
    const waiting = (id: string, connection: string, card: string, payload: string | null) =>
      `insert into webhook_events (id, connection_id, source, dedupe_key, type, occurred_at, received_at, card_id, status, reason, verification, flags, body_hash, payload, folded_at)
       values ('${id}', '${connection}', 'stickycards', '${id}', 'CardScannedEvent', ${at}, ${at}, '${card}', 'waiting', 'card_not_known_yet', 'verified', '[]', '${id}', ${payload === null ? 'null' : `'${payload}'`}, ${at})`;
    const url = await updated(dialect, migrationsBefore(dialect, '0011_taken_up_again'), [
      `insert into sticky_cards_cards (connection_id, card_id, stickycards_id, extra, fold_state, created_at, updated_at)
       values ('a', 'K1', 'C1', '{}', '{}', ${at}, ${at})`,
      waiting('evt_1', 'a', 'K1', '{}'),
      waiting('evt_2', 'a', 'K2', '{}'),
      waiting('evt_3', 'b', 'K1', '{}'),
      waiting('evt_4', 'a', 'K1', null),
    ]);
    const store = await openStore(url, systemClock);
    const { webhookEvents: e } = store.s;
    const rows = await store.db.select().from(e).orderBy(e.id);
    await store.close();
    expect(rows.map(({ status, reason, foldedAt }) => [status, reason, foldedAt === null])).toEqual([
      ['received', null, true],
      ['waiting', 'card_not_known_yet', false],
      ['waiting', 'card_not_known_yet', false],
      ['waiting', 'card_not_known_yet', false],
    ]);
  },
);
