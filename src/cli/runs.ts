import type { Command } from 'commander';
import { RUN_STATUSES, RUN_TRIGGERS } from '../../drizzle/tables/runs.ts';
import { AppError } from '../errors.ts';
import { defined, page } from '../http/api/page.ts';
import { runShape } from '../http/api/runs.ts';
import { findRuns } from '../store/activityQueries.ts';
import { getRun, type RunFilter, type RunRow } from '../store/runs.ts';
import { type Cli, withStore } from './context.ts';
import { choice, directionOption, examples, type ListOptions, listOptions } from './options.ts';
import { type Cell, duration, fields, json, list } from './print.ts';

export const RUN_COLUMNS = [
  'RUN',
  'CONNECTION',
  'STATUS',
  'STARTED',
  'TOOK',
  'CREATED',
  'UPDATED',
  'UNCHANGED',
  'SKIPPED',
  'FAILED',
  'CALLS',
  'NOTE',
];

export const runCells = (run: RunRow): Cell[] => [
  run.id,
  run.connectionId,
  run.status,
  run.startedAt,
  duration(run.durationMs),
  run.createdCount,
  run.updatedCount,
  run.unchangedCount,
  run.skippedCount,
  run.failedCount,
  run.apiCalls,
  run.lastError,
];

/** `runs [id]`: what the batch did, newest first; one run in full. */
export function addRuns(program: Command, cli: Cli): void {
  const command = program
    .command('runs')
    .description('list runs, newest first, or show one')
    .argument('[id]', 'a run')
    .option('-c, --connection <name>', 'only of this connection')
    .addOption(choice('--status <status>', 'only with this status', RUN_STATUSES))
    .addOption(choice('--trigger <trigger>', 'only started like this', RUN_TRIGGERS))
    .addOption(directionOption());
  listOptions(command)
    .addHelpText('after', examples('runs', 'runs --status failed --limit 5', 'runs run_01J… --json'))
    .action(async (id: string | undefined, options: ListOptions & RunFilter) => {
      await withStore(cli, async (store) => {
        if (id !== undefined) {
          const run = await getRun(store, id);
          if (!run) throw new AppError('unknown_run', `there is no run ${id}: "sticky-ghl runs" lists them`);
          if (options.json) json(cli, runShape(run));
          else cli.out(fields(runShape(run)));
          return;
        }
        const { connection, status, trigger, direction } = options;
        const filter: RunFilter = defined({ connection, status, trigger, direction });
        const rows: RunRow[] = [];
        const shown = await page(
          options,
          (limit, before) => findRuns(store, filter, limit, before),
          (row) => {
            rows.push(row);
            return runShape(row);
          },
        );
        if (options.json) json(cli, shown);
        else list(cli, RUN_COLUMNS, rows.map(runCells), 'No runs.');
      });
    });
}
