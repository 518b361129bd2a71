import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { addUser, ensureAdmin, listUsers, removeUser, setPassword, USER_ROLES, type UserRole } from '../store/users.ts';
import { ACTOR, type Cli, withStore } from './context.ts';
import { choice, examples, jsonOption } from './options.ts';
import { json, table } from './print.ts';

/** 80 bits: nobody guesses it, and it can still be read to somebody over the telephone. */
const MADE_UP_BYTES = 10;

const passwordFrom = (options: { stdin?: true }): { password: string; madeUp: boolean } =>
  options.stdin
    ? { password: readFileSync(0, 'utf8').replace(/\r?\n$/, ''), madeUp: false }
    : { password: randomBytes(MADE_UP_BYTES).toString('base64url'), madeUp: true };

const told = (cli: Cli, name: string, { password, madeUp }: { password: string; madeUp: boolean }): void =>
  cli.out(madeUp ? `The password of ${name}, shown only now: ${password}\n` : `The password of ${name} is set.\n`);

/** `users …`: who may sign in to the dashboard. Passwords come from standard input or are made up, never from the command line. */
export function addUsers(program: Command, cli: Cli): void {
  const group = program
    .command('users')
    .description('who may sign in to the dashboard; the user admin comes from ADMIN_PASSWORD')
    .addHelpText('after', examples('users', 'users add ana --role viewer', 'users password ana --stdin < file'));

  jsonOption(group.command('list', { isDefault: true }).description('list all users'))
    .addHelpText('after', examples('users list --json'))
    .action(async (options: { json?: true }) => {
      const users = await withStore(cli, async (store, config) => {
        await ensureAdmin(store, config.adminPassword);
        return listUsers(store);
      });
      if (options.json) json(cli, { items: users, nextCursor: null });
      else
        cli.out(
          table(
            ['USER', 'ROLE', 'LAST SIGN-IN', 'MADE'],
            users.map((user) => [user.name, user.role, user.lastLoginAt, user.createdAt]),
          ),
        );
    });

  group
    .command('add')
    .description('let somebody sign in: a viewer sees everything, an operator may press the buttons too')
    .argument('<name>', 'stands in the audit log')
    .addOption(choice('--role <role>', 'what they may do', USER_ROLES).default('operator'))
    .option('--stdin', 'read the password from standard input; without it one is made up and shown once')
    .addHelpText('after', examples('users add ana', 'users add ben --role viewer --stdin < password.txt'))
    .action(async (name: string, options: { role: UserRole; stdin?: true }) => {
      const chosen = passwordFrom(options);
      const { password } = chosen;
      const user = await withStore(cli, (store) => addUser(store, { name, role: options.role, password }, ACTOR));
      told(cli, user.name, chosen);
    });

  group
    .command('password')
    .description('a new password; ends all sessions of the user')
    .argument('<name>', 'the user')
    .option('--stdin', 'read it from standard input; without it one is made up and shown once')
    .addHelpText('after', examples('users password ana'))
    .action(async (name: string, options: { stdin?: true }) => {
      const chosen = passwordFrom(options);
      await withStore(cli, (store) => setPassword(store, name, chosen.password, ACTOR));
      told(cli, name, chosen);
    });

  group
    .command('remove')
    .description('nobody signs in by this name any more; ends all sessions')
    .argument('<name>', 'the user')
    .addHelpText('after', examples('users remove ana'))
    .action(async (name: string) => {
      await withStore(cli, (store) => removeUser(store, name, ACTOR));
      cli.out(`${name} is removed.\n`);
    });
}
