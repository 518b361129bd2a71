import { Command, CommanderError } from 'commander';
import { AppError, messageOf } from '../errors.ts';
import { maskPersonal } from '../maskPersonal.ts';
import { addActivate } from './activate.ts';
import { addCommands } from './commands.ts';
import { addCustomers } from './customers.ts';
import { addEvents, addReplay } from './events.ts';
import { addProblems } from './problems.ts';
import { addPause, addResync, addRetry } from './retry.ts';
import { addConnections } from './connections.ts';
import { type Cli, terminal } from './context.ts';
import { addKeys } from './keys.ts';
import { addDoctor } from './doctor.ts';
import { addLogs } from './logs.ts';
import { addMigrate } from './migrate.ts';
import { examples } from './options.ts';
import { addRebuild } from './rebuild.ts';
import { addRuns } from './runs.ts';
import { addServe } from './serve.ts';
import { addSync } from './sync.ts';
import { addUsers } from './users.ts';

export const OK = 0;
export const FAILED = 1;
export const USAGE = 2;

/** Performs one command line; answers the exit code: 0 done, 1 failed, 2 not understood. */
export async function runCli(args: readonly string[], cli: Cli = terminal): Promise<number> {
  const program = new Command('sticky-ghl')
    .description('Keeps Sticky Cards and GoHighLevel in step. Settings come from the environment, as for the service.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => cli.out(text), writeErr: (text) => cli.err(text) })
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText(
      'after',
      examples('sync', 'problems', 'customers --find "Ana Lee"', 'runs --status failed', 'connections list'),
    );
  let failed = false;
  const fail = () => {
    failed = true;
  };
  addServe(program);
  addMigrate(program, cli);
  addSync(program, cli, fail);
  addRuns(program, cli);
  addLogs(program, cli);
  addEvents(program, cli);
  addCustomers(program, cli);
  addProblems(program, cli);
  addCommands(program, cli);
  addRetry(program, cli);
  addReplay(program, cli, fail);
  addResync(program, cli, fail);
  addPause(program, cli);
  addRebuild(program, cli);
  addConnections(program, cli);
  addActivate(program, cli);
  addDoctor(program, cli, fail);
  addKeys(program, cli);
  addUsers(program, cli);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return failed ? FAILED : OK;
  } catch (error) {
    // Commander has said what is wrong, or shown the help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? OK : USAGE;
    cli.err(`${explained(error)}\n`);
    return error instanceof AppError && error.httpStatus === 400 ? USAGE : FAILED;
  }
}

function explained(error: unknown): string {
  if (error instanceof AppError) return error.message;
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'SQLITE_BUSY') return 'the database is busy: try again in a moment';
  if (code === 'ECONNREFUSED') return 'the database does not answer: check DATABASE_URL and the server behind it';
  return maskPersonal(messageOf(error)).split('\n')[0] || 'it failed without a reason';
}
