import type { Command } from 'commander';
import type { FieldChange } from '../../drizzle/tables/runs.ts';
import { logShape, LOG_STATUSES } from '../http/api/logs.ts';
import { defined, page } from '../http/api/page.ts';
import { findLogs } from '../store/activityQueries.ts';
import type { LogFilter, LogRow } from '../store/runs.ts';
import { type Cli, withStore } from './context.ts';
import { choice, examples, type ListOptions, listOptions } from './options.ts';
import { type Cell, json, list } from './print.ts';

const COLUMNS = ['TIME', 'CONNECTION', 'RECORD', 'ACTION', 'STATUS', 'WHAT'];

interface LogOptions extends ListOptions {
  connection?: string;
  run?: string;
  customer?: string;
  status?: string;
}

/** `logs`: what was done to which record, with before and after. */
export function addLogs(program: Command, cli: Cli): void {
  const command = program
    .command('logs')
    .description('list what was done to records, newest first')
    .option('-c, --connection <name>', 'only of this connection')
    .option('--run <id>', 'only of this run')
    .option('--customer <id>', 'only about this customer')
    .addOption(choice('--status <status>', 'only with this status', LOG_STATUSES));
  listOptions(command)
    .addHelpText('after', examples('logs --status failed', 'logs --run run_01J…', 'logs --customer cus_123 --json'))
    .action(async (options: LogOptions) => {
      const { connection, run: runId, customer: customerId, status } = options;
      const filter: LogFilter = defined({ connection, runId, customerId, status });
      await withStore(cli, async (store) => {
        const shown = await page(
          options,
          (limit, before) => findLogs(store, filter, limit, before),
          (row) => row,
        );
        if (options.json) json(cli, { ...shown, items: shown.items.map(logShape) });
        else list(cli, COLUMNS, shown.items.map(cells), 'No log rows.');
      });
    });
}

const cells = (row: LogRow): Cell[] => [
  row.createdAt,
  row.connectionId,
  row.entityId,
  row.action,
  row.status,
  what(row),
];

const shown = (value: FieldChange['before']) => (value === null ? '(empty)' : String(value));

function what(row: LogRow): string {
  const parts = [
    row.errorCode === null ? '' : `${row.errorCode}: ${row.errorMessage ?? ''}`,
    ...row.changes.map(({ field, before, after }) => `${field} ${shown(before)} → ${shown(after)}`),
    ...row.tagsAdded.map((tag) => `+${tag}`),
    ...row.tagsRemoved.map((tag) => `−${tag}`),
  ];
  return parts.filter((part) => part !== '').join(', ');
}
