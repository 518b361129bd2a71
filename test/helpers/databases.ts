import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

export const sqliteUrl = (): string => `file:${join(mkdtempSync(join(tmpdir(), 'sync-')), 'sync.db')}`;

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
