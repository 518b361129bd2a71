import type { Command } from 'commander';
import type { Direction } from '../../drizzle/tables/runs.ts';
import type { Core } from '../core.ts';
import { every } from '../clock.ts';
import { AppError, messageOf } from '../errors.ts';
import { runShape } from '../http/api/runs.ts';
import { countCustomers } from '../store/customerQueries.ts';
import { lastRun } from '../store/overviewQueries.ts';
import { writeRunsAsked } from '../store/runAsked.ts';
import type { RunRow } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { ACTOR, type Cli, withCore } from './context.ts';
import { collect, directionOption, examples, jsonOption } from './options.ts';
import { progress } from './progress.ts';
import { RUN_COLUMNS, runCells } from './runs.ts';
import { json, list } from './print.ts';

interface SyncOptions {
  connection?: string[];
  direction?: Direction;
  json?: true;
}

type Outcome = { connection: string; run: RunRow } | { connection: string; reason: string };

/**
 * `sync`: a run now, waited for. A running service performs it when it speaks for the connection; otherwise it happens
 * here.
 */
export function addSync(program: Command, cli: Cli, fail: () => void): void {
  const command = program
    .command('sync')
    .description('run now and wait for the end: every connection that is not paused, or those that are named')
    .option('-c, --connection <name>', 'only this connection (may be repeated)', collect)
    .addOption(directionOption());
  jsonOption(command)
    .addHelpText('after', examples('sync', 'sync -c north --direction stickycards_to_ghl', 'sync --json'))
    .action(async (options: SyncOptions) => {
      const outcomes = await withCore(cli, (core) => {
        const names = options.connection ?? notPaused(core);
        const runs = Promise.all(names.map((name) => runOf(core, name, options.direction ?? 'both')));
        return shownMeanwhile(cli, core.store, names, runs);
      });
      const runs = outcomes.flatMap((outcome) => ('run' in outcome ? [outcome.run] : []));
      const failed = outcomes.flatMap((outcome) => ('reason' in outcome ? [outcome] : []));
      if (options.json) json(cli, { runs: runs.map(runShape), ...(failed.length > 0 && { failed }) });
      else if (runs.length > 0) list(cli, RUN_COLUMNS, runs.map(runCells), '');
      for (const { connection, reason } of failed) cli.err(`${connection}: ${reason}\n`);
      if (failed.length > 0 || runs.some((run) => run.status === 'failed' || run.status === 'stale')) fail();
    });
}

function notPaused({ registry }: Core): string[] {
  const all = registry.all();
  if (all.length === 0) {
    throw new AppError('no_connection', 'there is no connection yet: add one with "sticky-ghl connections add <name>"');
  }
  return all.filter((connection) => connection.state === 'ready').map((connection) => connection.id);
}

async function runOf(core: Core, connection: string, direction: Direction | 'both'): Promise<Outcome> {
  try {
    // One that there is not is refused below; nobody's run was asked for.
    if (core.registry.get(connection)) await writeRunsAsked(core.store, [connection], direction, ACTOR);
    const run = await core.schedule.run({ connectionId: connection, direction, trigger: 'manual' });
    return run
      ? { connection, run }
      : { connection, reason: 'the run did not come about: the log of the service says why' };
  } catch (error) {
    return { connection, reason: messageOf(error) };
  }
}

const LOOK_EVERY_MS = 500;

/** A bar of what waited at the beginning, moved on as the runs of these connections count it. */
async function shownMeanwhile<T>(cli: Cli, store: Store, names: readonly string[], runs: Promise<T>): Promise<T> {
  if (cli.columns === undefined) return runs;
  const since = store.newId('run');
  let waiting = 0;
  for (const connection of names) waiting += await countCustomers(store, { connection, syncStatus: 'PENDING' });
  const bar = progress(cli, 'customers', waiting);
  const look = every(LOOK_EVERY_MS, () => {
    Promise.all(names.map((name) => lastRun(store, name)))
      .then((rows) => bar.at(rows.reduce((sum, run) => sum + (run && run.id > since ? run.totalRecords : 0), 0)))
      // A look that fails costs a step of the bar, never the run.
      .catch(() => undefined);
  });
  return runs.finally(() => {
    look();
    bar.end();
  });
}
