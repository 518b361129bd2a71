import type { Command } from 'commander';
import { keysInUse, resealSecrets } from '../store/connectionKeys.ts';
import { createSecretBox } from '../store/secrets.ts';
import { AppError } from '../errors.ts';
import { ACTOR, type Cli, withStore } from './context.ts';
import { examples, jsonOption } from './options.ts';
import { json } from './print.ts';

/** `keys …`: which keys seal the stored secrets, and the change to a new one. */
export function addKeys(program: Command, cli: Cli): void {
  const group = program
    .command('keys')
    .description('change the key that seals the secrets of connections (ENCRYPTION_KEY)')
    .addHelpText('after', STEPS + examples('keys list', 'keys rotate'));

  jsonOption(group.command('list').description('which versions of the key are still in use')).action(
    async (options: { json?: true }) => {
      const { counts, known } = await withStore(cli, async (store, config) => ({
        counts: await keysInUse(store),
        known: config.encryptionKeys.map(({ version }) => `v${version}`),
      }));
      const versions = [...new Set([...known, ...[...counts.keys()].toSorted()])];
      const rows = versions.map((version) => ({
        version,
        secrets: counts.get(version) ?? 0,
        role: version === known[0] ? 'seals' : known.includes(version) ? 'opens' : 'missing',
      }));
      if (options.json) json(cli, { items: rows, nextCursor: null });
      else for (const { version, secrets, role } of rows) cli.out(`${version}  ${secrets} secrets  ${ROLES[role]}\n`);
    },
  );

  group
    .command('rotate')
    .description('seal all stored secrets with the newest key; the service may run meanwhile')
    .addHelpText('after', STEPS)
    .action(async () => {
      const { newest, olderKnown, done } = await withStore(cli, async (store, config) => ({
        newest: config.encryptionKeys[0]?.version ?? 1,
        olderKnown: config.encryptionKeys.length > 1,
        done: await resealSecrets(store, createSecretBox(config.encryptionKeys), ACTOR),
      }));
      const { changed, unchanged, failed } = done;
      cli.out(
        `${changed.length} connections were sealed anew with key v${newest}, ${unchanged.length} were already, ${failed.length} failed.\n`,
      );
      for (const { id, reason } of failed) cli.err(`${id}: ${reason}\n`);
      if (failed.length > 0)
        throw new AppError('keys_failed', 'The old key is still needed: keep it in ENCRYPTION_KEY.');
      if (olderKnown) cli.out('The old key is not needed any more: take it out of ENCRYPTION_KEY and start again.\n');
      else cli.out('ENCRYPTION_KEY names one key only, so there was nothing to change to.\n');
    });
}

const ROLES: Record<string, string> = {
  seals: 'the newest: seals what is stored from now on',
  opens: 'still opens; when it holds no secrets take it out of ENCRYPTION_KEY',
  missing: 'is not in ENCRYPTION_KEY: these secrets cannot be opened',
};

const STEPS = `
To change the key:
  1. ENCRYPTION_KEY=v2:<new key>,v1:<old key>   start the service (every instance) with it
  2. sticky-ghl keys rotate                     with the same variable; nothing stands still meanwhile
  3. ENCRYPTION_KEY=v2:<new key>                start the service with it
A key that was written without a version is v1.
`;
