import type { Command } from 'commander';
import { notConnected } from '../domain/notConnected.ts';
import { type Cli, ACTOR, withConnections } from './context.ts';
import { examples } from './options.ts';

/** Makes a connection live, in the name of whoever sits at the terminal. */
export async function activate(cli: Cli, name: string): Promise<void> {
  const connection = await withConnections(cli, (connections) => connections.setMode(name, 'live', ACTOR));
  const reason = notConnected(connection);
  if (reason === null) cli.out(`${connection.id} is live: the next run links its customers and writes to GHL.\n`);
  else cli.out(`${connection.id} is live, and nothing is written yet. ${reason}.\n`);
}

/** `activate [connection]`. */
export function addActivate(program: Command, cli: Cli): void {
  program
    .command('activate')
    .description('make a connection live: from now on it writes')
    .argument('[connection]', 'the connection', 'default')
    .addHelpText('after', examples('activate', 'activate north'))
    .action((name: string) => activate(cli, name));
}
