import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { runCli } from '../../src/cli/program.ts';
import { systemClock } from '../../src/clock.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { openStore } from '../../src/store/store.ts';
import { userBy } from '../../src/store/users.ts';
import { sqliteUrl } from '../helpers/databases.ts';

let config: Config;
beforeEach(() => {
  const env = { DATABASE_URL: sqliteUrl(), SANDBOX: '0', ENCRYPTION_KEY: '5a'.repeat(32) };
  const secrets = { ADMIN_TOKEN: 'a1b2c3d4e5f6a7b8c9d0', ADMIN_PASSWORD: 'nine in the evening' };
  config = { ...loadConfig({ ...env, ...secrets }, mkdtempSync(join(tmpdir(), 'cli-'))), defaultConnection: null };
});

async function cli(...args: string[]) {
  let out = '';
  let err = '';
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  const code = await runCli(args, { ...io, config: () => config });
  return { code, out, err };
}

const isUser = async (name: string, password: string) => {
  const store = await openStore(config.databaseUrl, systemClock);
  try {
    return (await userBy(store, name, password))?.role ?? null;
  } finally {
    await store.close();
  }
};

test('users are added, given a new password and removed; a password is shown once and never listed', async () => {
  const added = await cli('users', 'add', 'Vera', '--role', 'viewer');
  const password = /shown only now: (\S+)/.exec(added.out)?.[1] ?? '';
  expect(await isUser('vera', password)).toBe('viewer');
  const listed = await cli('users');
  expect(listed.out).toMatch(/admin\s+operator[\s\S]*vera\s+viewer/);
  expect((await cli('users', 'list', '--json')).out).not.toMatch(/scrypt|password/i);
  await cli('users', 'password', 'vera');
  expect(await isUser('vera', password)).toBeNull();
  expect(await cli('users', 'remove', 'vera')).toMatchObject({ code: 0, out: 'vera is removed.\n' });
  expect((await cli('users')).out).not.toContain('vera');
});

test('the user of the start is left to the start, and mistakes are told in a line', async () => {
  expect(await cli('users', 'password', 'admin')).toMatchObject({
    code: 1,
    err: expect.stringContaining('ADMIN_PASSWORD'),
  });
  expect(await cli('users', 'remove', 'nobody')).toMatchObject({ code: 1, err: 'there is no user "nobody"\n' });
  expect(await cli('users', 'add', 'a b')).toMatchObject({ code: 2 });
  expect(await cli('users', 'add', 'ana', '--role', 'king')).toMatchObject({ code: 2 });
});
