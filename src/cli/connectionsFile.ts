import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { nameMistake } from '../domain/connectionSettings.ts';
import {
  type ConnectionEntry,
  exported,
  FILE_VERSION,
  type ImportStep,
  isSecretName,
  planImport,
} from '../domain/connectionsFile.ts';
import { messageOf } from '../errors.ts';
import { connectionInput } from '../http/api/connectionInput.ts';
import { invalid, oneOf, parse } from '../http/api/input.ts';
import type { ConnectionStore } from '../store/connections.ts';
import { ACTOR, type Cli, withConnections, withCore } from './context.ts';
import { examples, jsonOption } from './options.ts';
import { json } from './print.ts';
import { inputRules } from './settings.ts';

const fileShape = z.strictObject({
  version: z.literal(FILE_VERSION, { error: `this version reads files of version ${FILE_VERSION}` }),
  connections: z.array(z.looseObject({ name: z.string({ error: 'each connection needs a "name"' }) }), {
    error: 'write a list of connections',
  }),
});

const paused = z.array(oneOf(['stickycards_to_ghl', 'ghl_to_stickycards']), { error: 'write a list of directions' });

/** `connections export` and `connections import`: all settings as one JSON file, without secrets (SPEC §5). */
export function addConnectionsFile(group: Command, cli: Cli): void {
  group
    .command('export')
    .description('write all connections as JSON, without secrets')
    .argument('[file]', 'left out: to standard output')
    .addHelpText('after', examples('connections export', 'connections export clients.json'))
    .action(async (file: string | undefined) => {
      const all = await withConnections(cli, (connections) => connections.all());
      const text = `${JSON.stringify(exported(all), null, 2)}\n`;
      if (file === undefined) cli.out(text);
      else {
        writeFileSync(file, text);
        cli.out(`${all.length} connections are in ${file}; secrets are not.\n`);
      }
    });

  jsonOption(group.command('import').description('make or change connections as a JSON file says; secrets stay'))
    .argument('<file>', 'as written by export; - reads standard input')
    .option('--dry-run', 'only say what would change')
    .addHelpText('after', examples('connections import clients.json --dry-run', 'connections import clients.json'))
    .action(async (file: string, options: { dryRun?: true; json?: true }) => {
      const entries = entriesOf(file);
      const steps = await (options.dryRun
        ? withConnections(cli, async (connections) => planImport(entries, await connections.all()))
        : // A new address is tried out on three linked customers, which takes the whole program.
          withCore(cli, ({ connections }) => perform(connections, entries)));
      if (options.json) json(cli, { dryRun: options.dryRun ?? false, items: steps.map(shownStep) });
      else cli.out(asText(steps, options.dryRun ?? false));
    });
}

/** All of the file is checked before anything is changed. */
function entriesOf(file: string): ConnectionEntry[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
  } catch (error) {
    throw invalid(file, `cannot be read as JSON (${messageOf(error).split('\n')[0] ?? ''})`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(file, `has to hold {"version": ${FILE_VERSION}, "connections": […]}`);
  const { connections } = parse(fileShape, value);
  const { patch } = connectionInput(inputRules());
  const entry = patch.extend({ name: z.string(), paused: paused.optional() });
  const seen = new Set<string>();
  return connections.map((one): ConnectionEntry => {
    const at = (problem: string) => invalid(`connection "${one.name}"`, problem);
    const mistake = nameMistake(one.name);
    if (mistake) throw at(mistake);
    if (seen.has(one.name)) throw at('stands twice in the file: keep one');
    seen.add(one.name);
    const secret = Object.keys(one).find(isSecretName);
    if (secret !== undefined)
      throw at(`${secret}: secrets are not taken from a file; take it out, and set it with connections set --file -`);
    try {
      const { name, paused: directions, ...settings } = parse(entry, one);
      return {
        name,
        settings: settings as ConnectionEntry['settings'],
        ...(directions === undefined ? {} : { paused: directions }),
      };
    } catch (error) {
      throw at(messageOf(error));
    }
  });
}

async function perform(connections: ConnectionStore, entries: readonly ConnectionEntry[]): Promise<ImportStep[]> {
  const steps = planImport(entries, await connections.all());
  for (const { name, kind, patch, pause, resume } of steps) {
    if (kind === 'create') await connections.create(name, patch, ACTOR);
    else if (Object.keys(patch).length > 0) await connections.patch(name, patch, ACTOR);
    for (const direction of pause) await connections.pause(name, ACTOR, direction);
    for (const direction of resume) await connections.resume(name, ACTOR, direction);
  }
  return steps;
}

const shownStep = ({ name, kind, changes }: ImportStep) => ({ name, kind, changes });

function asText(steps: readonly ImportStep[], dryRun: boolean): string {
  const words = { create: 'new, in observe', change: 'changed', same: 'as it is' };
  const shown = (value: unknown) => (value === null ? '(empty)' : JSON.stringify(value));
  const lines = steps.flatMap(({ name, kind, changes }) => [
    `${name}: ${words[kind]}`,
    ...changes.map(({ setting, before, after }) => `  ${setting}: ${shown(before)} → ${shown(after)}`),
  ]);
  const end = dryRun ? ['Nothing was changed: this was a dry run.'] : [];
  const secrets = steps.some(({ kind }) => kind === 'create')
    ? ['Secrets are not in the file: set those of new connections with connections set <name> --file -']
    : [];
  return `${[...lines, ...secrets, ...end].join('\n')}\n`;
}
