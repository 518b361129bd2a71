import type { Command } from 'commander';
import { SYNC_STATUSES } from '../../drizzle/tables/staging.ts';
import { AppError } from '../errors.ts';
import { customerCsvHead, customerCsvLine } from '../http/api/csv.ts';
import { oneCustomer } from '../http/api/customerMeant.ts';
import { type CustomerShape, customerShape } from '../http/api/customerShape.ts';
import { defined, encodeCursor } from '../http/api/page.ts';
import { timelineShape } from '../http/api/timelineShape.ts';
import {
  type CustomerFilter,
  type CustomerPosition,
  listCustomers,
  positionOf,
  positionText,
  withCardsAndLinks,
} from '../store/customerQueries.ts';
import type { CustomerRow } from '../store/staging.ts';
import type { Store } from '../store/store.ts';
import { customerTimeline, type TimelineEntry } from '../store/timelineQueries.ts';
import { type Cli, withStore } from './context.ts';
import { choice, examples, jsonOption, wholeNumber } from './options.ts';
import { type Cell, fields, json, list } from './print.ts';

const COLUMNS = ['CUSTOMER', 'CONNECTION', 'NAME', 'E-MAIL', 'PHONE', 'POINTS', 'CONTACT', 'STATUS', 'REASON'];
const STORY_COLUMNS = ['TIME', 'WHAT', 'STATUS', 'DETAILS'];
const CSV_PAGE = 200;

export const ONE_OF = 'add --connection with one of';

interface CustomersOptions {
  connection?: string;
  status?: (typeof SYNC_STATUSES)[number];
  code?: string;
  find?: string;
  limit: number;
  after?: string;
  csv?: true;
  timeline?: true;
  json?: true;
}

const shapes = async (store: Store, rows: readonly CustomerRow[]): Promise<CustomerShape[]> =>
  (await withCardsAndLinks(store, rows)).map((person) => customerShape(person, store.clock.nowMs()));

const cells = (c: CustomerShape): Cell[] => [
  c.customerId,
  c.connection,
  [c.firstName, c.lastName].filter((part) => part !== null).join(' '),
  c.email,
  c.mobile,
  c.loyaltyPoints,
  c.ghlContactId,
  c.paused ? `${c.syncStatus} (paused)` : c.syncStatus,
  c.syncError === null ? null : `${c.syncError.code}: ${c.syncError.message}`,
];

/** `customers [id]`: find people, see one with its story, export a list. */
export function addCustomers(program: Command, cli: Cli): void {
  const command = program
    .command('customers')
    .description('find customers, see one in full or its whole story, export a list')
    .argument('[id]', 'a customer')
    .option('-c, --connection <name>', 'only of this connection')
    .addOption(
      choice('--status <status>', 'SYNCED in sync, SKIPPED excluded, FAILED failing, PENDING due', SYNC_STATUSES),
    )
    .option('--code <code>', 'only with this reason')
    .option('--find <text>', 'id, e-mail, phone number, card id, or the beginning of a name')
    .option('--limit <number>', 'how many', wholeNumber, 20)
    .option('--after <cursor>', 'the page after this nextCursor')
    .option('--csv', 'all that the filter finds, for a spreadsheet')
    .option('--timeline', 'of one customer: everything that happened, newest first');
  jsonOption(command)
    .addHelpText(
      'after',
      examples(
        'customers --find "Ana Lee"',
        'customers cus_123',
        'customers cus_123 --timeline',
        'customers --status FAILED --csv > failing.csv',
      ),
    )
    .action(async (id: string | undefined, options: CustomersOptions) => {
      await withStore(cli, async (store) => {
        if (id !== undefined) await showOne(cli, store, id, options);
        else await showList(cli, store, options);
      });
    });
}

async function showOne(cli: Cli, store: Store, id: string, options: CustomersOptions): Promise<void> {
  const row = await oneCustomer(store, id, options.connection, ONE_OF);
  if (options.timeline) {
    const key = { connectionId: row.connectionId, customerId: row.stickycardsId };
    const entries = await customerTimeline(store, key, options.limit);
    if (options.json) json(cli, { items: entries.map((entry) => timelineShape(store, entry)) });
    else list(cli, STORY_COLUMNS, entries.map(storyCells), 'Nothing has happened yet.');
    return;
  }
  const [shape] = await shapes(store, [row]);
  if (options.json) json(cli, shape);
  else cli.out(fields(shape as CustomerShape));
}

async function showList(cli: Cli, store: Store, options: CustomersOptions): Promise<void> {
  const { connection, status, code, find } = options;
  const filter: CustomerFilter = defined({ connection, syncStatus: status, code, q: find });
  const from = options.after === undefined ? undefined : positionOfCursor(options.after);
  if (options.csv) {
    cli.out(customerCsvHead());
    for (let after = from; ;) {
      const { rows, next } = await listCustomers(store, filter, CSV_PAGE, after);
      cli.out((await shapes(store, rows)).map(customerCsvLine).join(''));
      if (next === null) return;
      after = next;
    }
  }
  const { rows, next } = await listCustomers(store, filter, options.limit, from);
  const items = await shapes(store, rows);
  const nextCursor = next && encodeCursor(positionText(next));
  if (options.json) json(cli, { items, nextCursor });
  else {
    list(cli, COLUMNS, items.map(cells), 'No customers.');
    if (nextCursor !== null) cli.out(`There are more: --after ${nextCursor}\n`);
  }
}

function positionOfCursor(text: string): CustomerPosition {
  const position = positionOf(Buffer.from(text, 'base64url').toString('utf8'));
  if (position) return position;
  throw new AppError('invalid_parameter', '--after: take the nextCursor of the page before', { httpStatus: 400 });
}

function storyCells(entry: TimelineEntry): Cell[] {
  switch (entry.kind) {
    case 'event': {
      const { source, type, status, reason } = entry.event;
      return [entry.at, `${source} ${type}`, status, reason ?? entry.id];
    }
    case 'log': {
      const { action, direction, status, errorMessage, changes, tagsAdded, tagsRemoved } = entry.log;
      const parts = [
        errorMessage ?? '',
        ...changes.map(({ field, before, after }) => `${field} ${String(before ?? '')} → ${String(after ?? '')}`),
        ...tagsAdded.map((tag) => `+${tag}`),
        ...tagsRemoved.map((tag) => `−${tag}`),
      ];
      return [entry.at, `${action} ${direction}`, status, parts.filter((part) => part !== '').join(', ')];
    }
    case 'command':
      return [entry.at, `${entry.command.kind} ${entry.command.target}`, entry.command.state, entry.command.reason];
    case 'audit':
      return [entry.at, entry.audit.action, 'done', `by ${entry.audit.actor}`];
  }
}
