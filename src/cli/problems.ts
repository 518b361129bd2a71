import type { Command } from 'commander';
import { PROBLEM_STATES } from '../../drizzle/tables/problems.ts';
import { problemText } from '../domain/problemCodes.ts';
import { confirmOrRefuse, decideProblemOrRefuse, problemOrRefuse, problemShape } from '../http/api/problems.ts';
import { defined, page } from '../http/api/page.ts';
import { listProblems, type ProblemFilter, type ProblemRow } from '../store/problems.ts';
import { ACTOR, type Cli, withStore } from './context.ts';
import { choice, examples, jsonOption, type ListOptions, listOptions } from './options.ts';
import { type Cell, fields, json, list } from './print.ts';

const COLUMNS = ['PROBLEM', 'CONNECTION', 'STATE', 'RECORDS', 'LAST SEEN', 'CODE', 'WHAT'];

const cells = (row: ProblemRow): Cell[] => [
  row.id,
  row.connectionId,
  row.state,
  row.affected,
  row.lastSeenAt,
  row.code,
  problemText(row.code).title,
];

const DECISIONS = {
  ack: { state: 'acknowledged', description: 'somebody looks after it', done: 'is acknowledged' },
  resolve: { state: 'resolved', description: 'it is over; it opens again when it comes back', done: 'is resolved' },
  ignore: { state: 'ignored', description: 'do not tell again', done: 'is ignored' },
} as const;

/** `problems …`: what needs a person, and what was decided about it. */
export function addProblems(program: Command, cli: Cli): void {
  const group = program
    .command('problems')
    .description('list what needs a person, with what to do, and work through it')
    .addHelpText('after', examples('problems', 'problems show prb_01J…', 'problems confirm prb_01J…'));

  listOptions(group.command('list', { isDefault: true }).description('list problems, newest first; open ones'))
    .option('-c, --connection <name>', 'only of this connection')
    .addOption(choice('--state <state>', 'those in this state', [...PROBLEM_STATES, 'all']).default('open'))
    .option('--code <code>', 'only this problem')
    .addHelpText('after', examples('problems list --state all', 'problems list --code identity_conflict --json'))
    .action(async (options: ListOptions & ProblemFilter) => {
      const state = options.state === 'all' ? undefined : options.state;
      const filter: ProblemFilter = defined({ connection: options.connection, state, code: options.code });
      await withStore(cli, async (store) => {
        const shown = await page(
          options,
          (limit, before) => listProblems(store, filter, limit, before),
          (row) => row,
        );
        if (options.json) json(cli, { ...shown, items: shown.items.map(problemShape) });
        else list(cli, COLUMNS, shown.items.map(cells), state === 'open' ? 'No open problems.' : 'No problems.');
      });
    });

  const one = (name: string, description: string, example: string) =>
    jsonOption(group.command(name).description(description).argument('<id>', 'the problem')).addHelpText(
      'after',
      examples(example),
    );
  const show = (row: ProblemRow, done: string | null, options: { json?: true }) => {
    if (options.json) json(cli, problemShape(row));
    else cli.out(`${done === null ? '' : `${row.id} ${done}.\n\n`}${fields(problemShape(row))}`);
  };

  one('show', 'one problem: what happened, what to do, a sample', 'problems show prb_01J…').action(
    async (id: string, options: { json?: true }) => {
      await withStore(cli, async (store) => show(await problemOrRefuse(store, id), null, options));
    },
  );
  for (const [name, { state, description, done }] of Object.entries(DECISIONS)) {
    one(name, description, `problems ${name} prb_01J…`).action(async (id: string, options: { json?: true }) => {
      await withStore(cli, async (store) => show(await decideProblemOrRefuse(store, id, state, ACTOR), done, options));
    });
  }
  one('confirm', 'let go, once, what a limit or the brake stopped', 'problems confirm prb_01J…').action(
    async (id: string, options: { json?: true }) => {
      await withStore(cli, async (store) =>
        show(await confirmOrRefuse(store, id, ACTOR), 'is confirmed: the next run does what it stopped', options),
      );
    },
  );
}
