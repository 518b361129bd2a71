import type { Command } from 'commander';
import { SYNC_STATUSES } from '../../drizzle/tables/staging.ts';
import { AppError } from '../errors.ts';
import { oneCustomer } from '../http/api/customerMeant.ts';
import { defined } from '../http/api/page.ts';
import { runShape } from '../http/api/runs.ts';
import { retryCustomer, retryCustomers, setCustomerPaused } from '../store/customerActions.ts';
import { countCustomers, type CustomerFilter, type CustomerKey, customersById } from '../store/customerQueries.ts';
import { resyncCustomer } from '../store/resync.ts';
import type { Store } from '../store/store.ts';
import { ACTOR, type Cli, withConnections, withCore, withStore } from './context.ts';
import { ONE_OF } from './customers.ts';
import { choice, directionOption, examples, jsonOption } from './options.ts';
import { json } from './print.ts';
import { progress } from './progress.ts';
import { hasFailed, runsAfter, tellRuns } from './runAfter.ts';

interface RetryOptions {
  connection?: string;
  status?: (typeof SYNC_STATUSES)[number];
  code?: string;
  find?: string;
  all?: true;
  dryRun?: true;
  json?: true;
}

const usage = (message: string) => new AppError('invalid_parameter', message, { httpStatus: 400 });

const keyOf = async (store: Store, id: string, connection: string | undefined): Promise<CustomerKey> => {
  const row = await oneCustomer(store, id, connection, ONE_OF);
  return { connectionId: row.connectionId, customerId: row.stickycardsId };
};

/** `retry [id]`: let the next run take one, or all of a filter, again. */
export function addRetry(program: Command, cli: Cli): void {
  const command = program
    .command('retry')
    .description(
      'let the next run take a customer again, or all that a filter finds (failed ones when it names no status)',
    )
    .argument('[id]', 'a customer')
    .option('-c, --connection <name>', 'only of this connection')
    .addOption(choice('--status <status>', 'those with this status', SYNC_STATUSES))
    .option('--code <code>', 'only with this reason')
    .option('--find <text>', 'id, e-mail, phone number, or the beginning of a name')
    .option('--all', 'all failed ones')
    .option('--dry-run', 'only count them');
  jsonOption(command)
    .addHelpText(
      'after',
      examples('retry cus_123', 'retry --code validation --dry-run', 'retry --all -c north', 'retry --code field'),
    )
    .action(async (id: string | undefined, options: RetryOptions) => {
      const { connection, status, code, find, all, dryRun } = options;
      await withStore(cli, async (store) => {
        if (id !== undefined) {
          await retryOne(cli, store, id, options);
          return;
        }
        if (!all && [connection, status, code, find].every((value) => value === undefined))
          throw usage('name a customer, a filter, or --all');
        const filter: CustomerFilter = {
          syncStatus: 'FAILED',
          ...defined({ connection, syncStatus: status, code, q: find }),
        };
        const found = await countCustomers(store, filter);
        const bar = progress(cli, 'customers', dryRun ? 0 : found);
        const count = dryRun ? found : await retryCustomers(store, filter, ACTOR, (done) => bar.at(done));
        bar.end();
        if (options.json) json(cli, { count, ...(dryRun && { dryRun }) });
        else cli.out(dryRun ? `${count} would be taken again.\n` : `${count} are taken again by the next run.\n`);
      });
    });
}

/** One customer, whatever their status; a filter beside the name would leave open who is meant. */
async function retryOne(cli: Cli, store: Store, id: string, options: RetryOptions): Promise<void> {
  const { connection, status, code, find, all, dryRun } = options;
  if ([status, code, find, all].some((value) => value !== undefined))
    throw usage('one customer is retried with --connection and --dry-run at most: leave the rest out, or the id');
  const key = await keyOf(store, id, connection);
  if (!dryRun) await retryCustomer(store, key, ACTOR);
  if (options.json) json(cli, { count: 1, ...(dryRun && { dryRun }) });
  else cli.out(dryRun ? `${id} would be taken again.\n` : `${id} is taken again by the next run.\n`);
}

/** `resync <id>`: read both sides of a customer anew, then bring them together; waited for. */
export function addResync(program: Command, cli: Cli, fail: () => void): void {
  const command = program
    .command('resync')
    .description('read both sides of a customer anew and bring them together')
    .argument('<id>', 'the customer')
    .option('-c, --connection <name>', 'needed when several connections know the customer');
  jsonOption(command)
    .addHelpText('after', examples('resync cus_123', 'resync cus_123 -c north'))
    .action(async (id: string, options: { connection?: string; json?: true }) => {
      await withCore(cli, async (core) => {
        const key = await keyOf(core.store, id, options.connection);
        await resyncCustomer(core.store, key, ACTOR);
        const outcome = await runsAfter(core, [key.connectionId], 'manual');
        const [row] = await customersById(core.store, key.customerId, key.connectionId);
        if (options.json) json(cli, { customerId: id, syncStatus: row?.syncStatus, runs: outcome.runs.map(runShape) });
        else {
          tellRuns(cli, outcome);
          const why = row?.syncError ? `: ${row.syncError.message}` : '';
          cli.out(`${id} is ${row?.syncStatus ?? 'gone'}${why}\n`);
        }
        if (hasFailed(outcome)) fail();
      });
    });
}

/** `pause` and `resume`: everything, a connection, a direction, or one customer. */
export function addPause(program: Command, cli: Cli): void {
  for (const verb of ['pause', 'resume'] as const) {
    const what = verb === 'pause' ? 'stop the runs' : 'let the runs go on';
    program
      .command(verb)
      .description(`${what}: of everything (--all), a connection, one direction, or one customer; nothing is lost`)
      .argument('[connection]', 'the connection')
      .option('--all', 'every connection')
      .option('--customer <id>', 'only this customer')
      .addOption(directionOption())
      .addHelpText(
        'after',
        examples(
          `${verb} --all`,
          `${verb} north`,
          `${verb} north --direction ghl_to_stickycards`,
          `${verb} --customer cus_123`,
        ),
      )
      .action(
        async (connection: string | undefined, options: { all?: true; customer?: string; direction?: string }) => {
          cli.out(`${await switched(cli, verb, connection, options)} ${verb === 'pause' ? 'is paused' : 'goes on'}.\n`);
        },
      );
  }
}

/** Answers what was paused or resumed, in words. */
async function switched(
  cli: Cli,
  verb: 'pause' | 'resume',
  connection: string | undefined,
  { all, customer, direction }: { all?: true; customer?: string; direction?: string },
): Promise<string> {
  if (customer !== undefined) {
    if (all || direction !== undefined)
      throw usage('one customer is paused with the connection at most: leave the rest out');
    await withStore(cli, async (store) =>
      setCustomerPaused(store, await keyOf(store, customer, connection), verb === 'pause', ACTOR),
    );
    return customer;
  }
  if (all ? connection !== undefined || direction !== undefined : connection === undefined)
    throw usage('name one connection, or a customer, or write --all and nothing else');
  if (connection === undefined) {
    const changed = await withConnections(cli, (connections) => connections[`${verb}All`](ACTOR));
    return changed.length === 0 ? 'What was not already so' : changed.join(', ');
  }
  await withConnections(cli, (connections) => connections[verb](connection, ACTOR, direction));
  return direction === undefined ? connection : `${connection} (${direction})`;
}
