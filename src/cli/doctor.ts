import type { Command } from 'commander';
import type { Connection } from '../domain/connection.ts';
import { type Colour, type DoctorReport, worst } from '../domain/doctor.ts';
import { AppError } from '../errors.ts';
import { type Cli, withCore } from './context.ts';
import { examples, jsonOption } from './options.ts';
import { json } from './print.ts';

const SIGNS: Record<Colour, string> = { green: 'ok  ', yellow: 'look', red: 'BAD ' };

/** `doctor [connection]`: everything that a connection needs, with what to do; ends with 1 when something is red. */
export function addDoctor(program: Command, cli: Cli, fail: () => void): void {
  jsonOption(program.command('doctor'))
    .description('check connections: tokens, fields, webhooks, clocks, lag, disk; reads only')
    .argument('[connection]', 'only this one')
    .addHelpText('after', examples('doctor', 'doctor north', 'doctor --json'))
    .action(async (name: string | undefined, options: { json?: true }) => {
      const reports = await withCore(cli, async ({ connections, doctor }) => {
        const all = await connections.all();
        const asked = name === undefined ? all : all.filter(({ id }) => id === name);
        if (name !== undefined && asked.length === 0)
          throw new AppError('unknown_connection', `there is no connection "${name}"`);
        const made: DoctorReport[] = [];
        for (const group of inGroups(asked)) made.push(...(await Promise.all(group.map((one) => doctor(one)))));
        return made;
      });
      if (options.json) json(cli, { items: reports });
      else cli.out(reports.length === 0 ? 'No connections.\n' : reports.map(asText).join('\n'));
      if (worst(reports.map((report) => report.status)) === 'red') fail();
    });
}

const AT_ONCE = 10;

const inGroups = (connections: readonly Connection[]): Connection[][] =>
  Array.from({ length: Math.ceil(connections.length / AT_ONCE) }, (_, i) =>
    connections.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
  );

function asText({ connection, status, checks }: DoctorReport): string {
  const lines = checks.flatMap(({ status: colour, title, found, remedy }) => [
    `  ${SIGNS[colour]}  ${title}: ${found}`,
    ...(remedy === null || colour === 'green' ? [] : [`        → ${remedy}`]),
  ]);
  return `${connection}: ${status}\n${lines.join('\n')}\n`;
}
