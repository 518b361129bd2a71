// What a hash costs, in a process of its own: the tests in this one hash at next to no cost (cheapPasswords.mjs).
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const passwords = new URL('../../src/store/passwords.ts', import.meta.url).href;
const SCRIPT = `
  import { scryptSync } from 'node:crypto';
  import { hashPassword, verifyPassword } from '${passwords}';
  const hash = await hashPassword('nine in the evening');
  const [kind, N, r, p, salt, key] = hash.split(':');
  const again = scryptSync('nine in the evening', Buffer.from(salt, 'base64url'), 32, { N: +N, r: +r, p: +p });
  console.log(JSON.stringify({
    cost: [kind, +N, +r, +p],
    isScrypt: again.toString('base64url') === key,
    right: await verifyPassword('nine in the evening', hash),
    wrong: await verifyPassword('nine in the evening ', hash),
    nobody: await verifyPassword('nine in the evening', null),
  }));`;

test('a password is kept as scrypt of 16 MB, five times over, and only the same password is taken for it', async () => {
  const args = ['--no-warnings', '--input-type=module', '--eval', SCRIPT];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } });
  expect(JSON.parse(stdout)).toEqual({
    cost: ['scrypt', 16_384, 8, 5],
    isScrypt: true,
    right: true,
    wrong: false,
    nobody: false,
  });
});
