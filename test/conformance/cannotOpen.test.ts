import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { AppError } from '../../src/errors.ts';
import { openDatabase } from '../../src/store/database.ts';
import { postgresUrl } from '../helpers/databases.ts';

const refusal = async (url: string): Promise<string> => {
  const error: unknown = await openDatabase(url).then(
    (database) => database.close().then(() => null),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AppError);
  expect((error as AppError).code).toBe('config');
  return (error as AppError).message;
};

describe('a database that cannot be opened is one line with the variable and the remedy (SPEC §9)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cannot-'));
  const text = join(folder, 'notes.txt');
  writeFileSync(text, 'these are the notes of somebody else\n'.repeat(100));

  test.each([
    ['a folder', folder, /^DATABASE_URL: \/.* cannot be opened \(.+\): name a file /],
    ['a file in a file', join(text, 'sync.db'), /^DATABASE_URL: \/.* cannot be opened \(.+\): name a file /],
    ['a file that is no database', text, /^DATABASE_URL: \/.*notes\.txt is no database .*: name another file/],
  ])('%s', async (_what, file, line) => {
    expect(await refusal(`file:${file}`)).toMatch(line);
  });

  test.each([
    ['no address', 'postgres://[bad', /^DATABASE_URL: is no address of a database: write it like postgres:/],
    [
      'a percent sign in the password',
      'postgres://me:hush-4711%E0%A4@127.0.0.1:1/sync',
      /^DATABASE_URL: is no address of a database: .*%40 for @/,
    ],
    [
      'nobody listens',
      'postgres://me:hush-4711@127.0.0.1:1/sync',
      /^DATABASE_URL: the server 127\.0\.0\.1:1 cannot be used \(.*ECONNREFUSED.*\): start it/,
    ],
    ['no such host', 'postgres://me:hush-4711@nowhere.invalid/sync', /^DATABASE_URL: .*nowhere\.invalid.*: start it/],
  ])('%s', async (_what, url, line) => {
    const message = await refusal(url);
    expect(message).toMatch(line);
    expect(message).not.toMatch(/hush-4711|\n/);
  });

  test('a server that has no such database', async () => {
    const url = (await postgresUrl()).replace(/\/t_\w+$/, '/not_there');
    expect(await refusal(url)).toMatch(/^DATABASE_URL: .*not_there.*: create that database/);
  });
});
