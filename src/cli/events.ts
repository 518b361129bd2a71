import type { Command } from 'commander';
import { AppError } from '../errors.ts';
import { EVENT_SOURCES, EVENT_STATUSES, eventShape, replayOrRefuse } from '../http/api/events.ts';
import { defined, page } from '../http/api/page.ts';
import { runShape } from '../http/api/runs.ts';
import { findEvents } from '../store/activityQueries.ts';
import { type EventFilter, getEvent, type InboxRow } from '../store/inbox.ts';
import { ACTOR, type Cli, withCore, withStore } from './context.ts';
import { choice, examples, jsonOption, type ListOptions, listOptions } from './options.ts';
import { type Cell, fields, json, list } from './print.ts';
import { progress } from './progress.ts';
import { hasFailed, runsAfter, tellRuns } from './runAfter.ts';

const COLUMNS = ['RECEIVED', 'EVENT', 'CONNECTION', 'SOURCE', 'TYPE', 'CUSTOMER', 'STATUS', 'REASON'];

const cells = (row: InboxRow): Cell[] => [
  row.receivedAt,
  row.id,
  row.connectionId,
  row.source,
  row.type,
  row.customerId,
  row.status,
  row.reason,
];

interface EventOptions extends ListOptions {
  connection?: string;
  status?: string;
  source?: string;
  type?: string;
  customer?: string;
}

/** `events [id]`: the inbox, newest first; one delivery in full. */
export function addEvents(program: Command, cli: Cli): void {
  const command = program
    .command('events')
    .description('list what was received or observed, newest first, or show one with its body')
    .argument('[id]', 'an event: the receiptId that the sender got')
    .option('-c, --connection <name>', 'only of this connection')
    .addOption(choice('--status <status>', 'only with this status', EVENT_STATUSES))
    .addOption(choice('--source <source>', 'only from there', EVENT_SOURCES))
    .option('--type <type>', 'only of this type, as in CardInstalledEvent')
    .option('--customer <id>', 'only about this customer');
  listOptions(command)
    .addHelpText('after', examples('events --status rejected', 'events --customer cus_123', 'events evt_01J… --json'))
    .action(async (id: string | undefined, options: EventOptions) => {
      await withStore(cli, async (store) => {
        if (id !== undefined) {
          const event = await getEvent(store, id);
          if (!event) throw new AppError('unknown_event', `there is no event ${id}: "sticky-ghl events" lists them`);
          if (options.json) json(cli, eventShape(event));
          else cli.out(fields(eventShape(event)));
          return;
        }
        const { connection, status, source, type, customer: customerId } = options;
        const filter: EventFilter = defined({ connection, status, source, type, customerId });
        const shown = await page(
          options,
          (limit, before) => findEvents(store, filter, limit, before),
          (row) => row,
        );
        if (options.json) json(cli, { ...shown, items: shown.items.map(eventShape) });
        else {
          list(cli, COLUMNS, shown.items.map(cells), 'No events.');
          if (shown.nextCursor !== null) cli.out(`There are more: --cursor ${shown.nextCursor}\n`);
        }
      });
    });
}

/** `replay <id…>`: take events again, also ones that succeeded; then the runs that follow, waited for. */
export function addReplay(program: Command, cli: Cli, fail: () => void): void {
  const command = program
    .command('replay')
    .description('take events again, also ones that succeeded; nothing that happens once happens again')
    .argument('<id...>', 'events: the receiptIds that the sender got')
    .option('--no-run', 'leave the run that follows to the clock');
  jsonOption(command)
    .addHelpText('after', examples('replay evt_01J…', 'replay evt_01J… evt_01K… --no-run'))
    .action(async (ids: string[], options: { run: boolean; json?: true }) => {
      await withCore(cli, async (core) => {
        const taken: InboxRow[] = [];
        const refused: { id: string; reason: string }[] = [];
        const bar = progress(cli, 'taking again', ids.length);
        for (const id of ids) {
          try {
            taken.push(await replayOrRefuse(core.store, id, ACTOR));
          } catch (error) {
            if (!(error instanceof AppError)) throw error;
            refused.push({ id, reason: error.message });
          }
          bar.at(taken.length + refused.length);
        }
        bar.end();
        const outcome = options.run
          ? await runsAfter(
              core,
              taken.map((event) => event.connectionId),
              'replay',
            )
          : { runs: [], failed: [] };
        if (options.json) json(cli, { events: taken.map(eventShape), refused, runs: outcome.runs.map(runShape) });
        else {
          cli.out(`${taken.length} taken again.\n`);
          if (options.run && taken.length > 0) tellRuns(cli, outcome);
        }
        for (const { id, reason } of refused) cli.err(`${id}: ${reason}\n`);
        if (refused.length > 0 || hasFailed(outcome)) fail();
      });
    });
}
