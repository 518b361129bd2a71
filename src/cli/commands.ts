import type { Command } from 'commander';
import { COMMAND_KINDS, COMMAND_STATES } from '../../drizzle/tables/commands.ts';
import type { CommandDecision } from '../domain/commandStates.ts';
import { commandShape, decideOrRefuse } from '../http/api/commands.ts';
import { defined, page } from '../http/api/page.ts';
import { findCommands } from '../store/commandActions.ts';
import type { CommandFilter, CommandRow } from '../store/commands.ts';
import { ACTOR, type Cli, withStore } from './context.ts';
import { choice, examples, jsonOption, type ListOptions, listOptions } from './options.ts';
import { type Cell, fields, json, list as show } from './print.ts';

const COLUMNS = ['COMMAND', 'CONNECTION', 'KIND', 'TARGET', 'STATE', 'ATTEMPTS', 'MADE', 'REASON'];

const cells = (row: CommandRow): Cell[] => [
  row.id,
  row.connectionId,
  row.kind,
  row.target,
  row.state,
  row.attempts,
  row.createdAt,
  row.reason,
];

const DECISIONS: Readonly<Record<CommandDecision, { description: string; done: string }>> = {
  confirm: { description: 'it happened: an unknown command counts as done', done: 'counts as done' },
  resend: { description: 'send it (again): for one that is unknown or held', done: 'is sent by the next run' },
  discard: {
    description: 'never send it; after points GHL gets the balance of the card',
    done: 'is discarded and never sent',
  },
};

/** `commands …`: the ledger of what happens once (notes, tasks, points, pushes), and what people decide about it. */
export function addCommands(program: Command, cli: Cli): void {
  const group = program
    .command('commands')
    .description('list what happens once, and decide about what nobody can know')
    .addHelpText('after', examples('commands', 'commands --state unknown', 'commands confirm cmd_01J…'));
  const list = listOptions(group.command('list', { isDefault: true }).description('list commands, newest first'))
    .option('-c, --connection <name>', 'only of this connection')
    .addOption(choice('--state <state>', 'only in this state', COMMAND_STATES))
    .addOption(choice('--kind <kind>', 'only of this kind', COMMAND_KINDS))
    .addHelpText('after', examples('commands list --state unknown', 'commands list --kind add_points --json'));
  list.action(async (options: ListOptions & CommandFilter) => {
    const { connection, state, kind } = options;
    const filter: CommandFilter = defined({ connection, state, kind });
    await withStore(cli, async (store) => {
      const rows: CommandRow[] = [];
      const shown = await page(
        options,
        (limit, before) => findCommands(store, filter, limit, before),
        (row) => {
          rows.push(row);
          return commandShape(store, row);
        },
      );
      if (options.json) json(cli, shown);
      else show(cli, COLUMNS, rows.map(cells), 'No commands.');
    });
  });

  for (const [decision, { description, done }] of Object.entries(DECISIONS)) {
    jsonOption(group.command(decision).description(description).argument('<id>', 'the command'))
      .addHelpText('after', examples(`commands ${decision} cmd_01J…`))
      .action(async (id: string, options: { json?: true }) => {
        await withStore(cli, async (store) => {
          const row = await decideOrRefuse(store, id, decision as CommandDecision, ACTOR);
          if (options.json) json(cli, commandShape(store, row));
          else cli.out(`${id} ${done}.\n\n${fields(commandShape(store, row))}`);
        });
      });
  }
}
