import type { Command } from 'commander';
import { migrateDatabase } from '../store/database.ts';
import type { Cli } from './context.ts';
import { examples } from './options.ts';

/** `migrate`: brings the database up to date. SQLite does so at every start, a filled PostgreSQL only here. */
export function addMigrate(program: Command, cli: Cli): void {
  program
    .command('migrate')
    .description('bring the database up to date; nothing happens when it is')
    .addHelpText('after', examples('migrate'))
    .action(async () => {
      await migrateDatabase(cli.config().databaseUrl);
      cli.out('The database is up to date.\n');
    });
}
