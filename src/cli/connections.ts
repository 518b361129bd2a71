import type { Command } from 'commander';
import type { Direction } from '../../drizzle/tables/runs.ts';
import type { Connection } from '../domain/connection.ts';
import { stoppedBecause } from '../domain/notConnected.ts';
import { connectionShape } from '../http/api/connections.ts';
import { AppError } from '../errors.ts';
import { activate } from './activate.ts';
import { addConnectionsFile } from './connectionsFile.ts';
import { ACTOR, type Cli, withConnections, withCore } from './context.ts';
import { addFirstLink } from './firstLink.ts';
import { collect, directionOption, examples, jsonOption } from './options.ts';
import { type Cell, fields, json, table } from './print.ts';
import { addSetup } from './setup.ts';
import { type SettingOptions, settingNames, settingsOf } from './settings.ts';

const COLUMNS = ['CONNECTION', 'MODE', 'STATE', 'DIALECT', 'GHL LOCATION', 'PAUSED', 'REASON'];

const cells = (c: Connection): Cell[] => [
  c.id,
  c.mode,
  c.state,
  c.dialect,
  c.ghl.locationId,
  c.pausedDirections.join(' '),
  stoppedBecause(c),
];

/** `connections …`: set up and look after the pairs of Sticky Cards account and GHL location. */
export function addConnections(program: Command, cli: Cli): void {
  const group = program
    .command('connections')
    .description('set up and look after connections; a running service sees a change within a second')
    .addHelpText(
      'after',
      examples('connections list', 'connections add north --file north.json', 'connections pause north'),
    );
  addList(group, cli);
  addWriting(group, cli);
  addFirstLink(group, cli);
  addSetup(group, cli);
  addConnectionsFile(group, cli);
  addSwitches(group, cli);
  addRebind(group, cli);
}

function addList(group: Command, cli: Cli): void {
  jsonOption(group.command('list').description('list all connections; secrets are never shown'))
    .addHelpText('after', examples('connections list --json'))
    .action(async (options: { json?: true }) => {
      const all = await withConnections(cli, (connections) => connections.all());
      if (options.json) json(cli, { items: all.map(connectionShape), nextCursor: null });
      else cli.out(all.length === 0 ? 'No connections.\n' : table(COLUMNS, all.map(cells)));
    });
}

function addWriting(group: Command, cli: Cli): void {
  const written = (name: string, description: string) =>
    jsonOption(group.command(name).description(description).argument('<name>', 'the connection'))
      .option('--set <name=value>', 'a setting (may be repeated); nothing behind = empties it', collect)
      .option('--file <file>', 'settings as a JSON object; - reads standard input, the place for secrets');
  const show = (connection: Connection, options: { json?: true }) => {
    if (options.json) json(cli, connectionShape(connection));
    else cli.out(fields(connectionShape(connection)));
  };

  written('add', 'set up a connection; it starts in observe and writes nothing')
    .addHelpText(
      'after',
      settingNames() + examples('connections add north --set ghlLocationId=abc123 --file -  < secrets.json'),
    )
    .action(async (name: string, options: SettingOptions & { json?: true }) => {
      const settings = settingsOf(options);
      show(await withConnections(cli, (connections) => connections.create(name, settings, ACTOR)), options);
    });

  written('set', 'change settings of a connection; what is not named stays')
    .addHelpText(
      'after',
      settingNames() +
        examples('connections set north --set defaultCountry=DE', 'connections set north --set pipelineId='),
    )
    .action(async (name: string, options: SettingOptions & { json?: true }) => {
      const settings = settingsOf(options);
      // A new key is tried out on three linked customers, which takes the whole program.
      show(await withCore(cli, ({ connections }) => connections.patch(name, settings, ACTOR)), options);
    });
}

function addSwitches(group: Command, cli: Cli): void {
  const named = (name: string, description: string) =>
    group.command(name).description(description).argument('<name>', 'the connection');

  named('activate', 'make it live: from now on it writes')
    .addHelpText('after', examples('connections activate north'))
    .action((name: string) => activate(cli, name));

  named('observe', 'take it back to observe: it receives and shows, and writes nothing')
    .addHelpText('after', examples('connections observe north'))
    .action(async (name: string) => {
      await withConnections(cli, (connections) => connections.setMode(name, 'observe', ACTOR));
      cli.out(`${name} observes: nothing is written; links stay.\n`);
    });

  for (const verb of ['pause', 'resume'] as const) {
    group
      .command(verb)
      .description(verb === 'pause' ? 'stop its runs; nothing that arrives is lost' : 'let its runs go on')
      .argument('[name]', 'the connection')
      .option('--all', 'every connection; resuming brings back what was before')
      .addOption(directionOption())
      .addHelpText(
        'after',
        examples(
          `connections ${verb} north`,
          `connections ${verb} north --direction ghl_to_stickycards`,
          `connections ${verb} --all`,
        ),
      )
      .action(async (name: string | undefined, options: { direction?: Direction; all?: true }) => {
        const { direction, all } = options;
        const done = verb === 'pause' ? 'is paused' : 'goes on';
        if (all ? name !== undefined || direction !== undefined : name === undefined)
          throw new AppError('invalid_parameter', 'name one connection, or write --all and nothing else', {
            httpStatus: 400,
          });
        await withConnections(cli, async (connections) => {
          if (name === undefined) {
            const changed = await connections[`${verb}All`](ACTOR);
            cli.out(`${changed.length === 0 ? 'Nothing changed.' : `${changed.join(', ')}: ${done}.`}\n`);
            return;
          }
          await connections[verb](name, ACTOR, direction);
          cli.out(`${name}${direction === undefined ? '' : ` (${direction})`} ${done}.\n`);
        });
      });
  }
}

function addRebind(group: Command, cli: Cli): void {
  group
    .command('rebind')
    .description('tie a connection to the account and location that it points at now')
    .argument('<name>', 'the connection')
    .option('--keep-links', 'it is the same account under a new name: links and bases stay')
    .addHelpText('after', examples('connections rebind north', 'connections rebind north --keep-links'))
    .action(async (name: string, { keepLinks = false }: { keepLinks?: boolean }) => {
      await withConnections(cli, (connections) => connections.rebind(name, { keepLinks }, ACTOR));
      cli.out(
        `${name} is bound anew; ${keepLinks ? 'its links stay' : 'everybody is linked again by the next run'}.\n`,
      );
    });
}
