import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import pg from 'pg';
import { projectRoot } from '../../src/paths.ts';

const newFile = () => join(mkdtempSync(join(tmpdir(), 'sync-')), 'sync.db');

/** A database that the service has seen before, so that it has nothing to migrate: made once by each worker, then copied. */
function migratedFile(): string {
  const file = join(tmpdir(), `migrated-${process.pid}.db`);
  if (existsSync(file)) return file;
  const made = newFile();
  const raw = new Database(made);
  raw.pragma('journal_mode = WAL');
  migrate(drizzle(raw), { migrationsFolder: join(projectRoot, 'migrations/sqlite') });
  raw.close();
  renameSync(made, file);
  return file;
}

/** Nothing there yet, not even the file. */
export const emptySqliteUrl = (): string => `file:${newFile()}`;

export function sqliteUrl(): string {
  const file = newFile();
  copyFileSync(migratedFile(), file);
  return `file:${file}`;
}

/** A new, empty database on the run's PostgreSQL server. */
export async function postgresUrl(): Promise<string> {
  const server = process.env.TEST_PG_URL;
  if (!server) throw new Error('TEST_PG_URL is not set: the global set-up did not run');
  const name = `t_${randomUUID().replaceAll('-', '')}`;
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  return server.replace(/\/postgres$/, `/${name}`);
}

export const databases = { sqlite: () => Promise.resolve(sqliteUrl()), postgres: postgresUrl };
