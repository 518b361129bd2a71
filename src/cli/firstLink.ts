import type { Command } from 'commander';
import { type FirstLinkReport, SAMPLE_CLASSES } from '../domain/firstLink.ts';
import { AppError } from '../errors.ts';
import { type Cli, withCore } from './context.ts';
import { examples, jsonOption } from './options.ts';
import { type Cell, fields, json, table } from './print.ts';

/** So many of each kind are shown to people; `--json` has more. */
const SHOWN_MAX = 5;

/** `connections first-link <name>`: what going live would do. */
export function addFirstLink(group: Command, cli: Cli): void {
  jsonOption(group.command('first-link').description('show what going live would do; reads only, writes nothing'))
    .argument('<name>', 'the connection')
    .addHelpText('after', examples('connections first-link north', 'connections first-link north --json'))
    .action(async (name: string, options: { json?: true }) => {
      const report = await withCore(cli, async ({ connections, firstLink }) => {
        const connection = await connections.get(name);
        if (!connection) throw new AppError('unknown_connection', `there is no connection "${name}"`);
        return firstLink(connection);
      });
      if (options.json) json(cli, report);
      else cli.out(asText(report));
    });
}

function asText(report: FirstLinkReport): string {
  const { matched, samples, notes, fieldsToWrite, tagsToAdd, tagsToRemove, ...rest } = report;
  const excluded = Object.values(report.excluded).reduce((sum, n) => sum + n, 0);
  const counts = fields({
    connection: `${rest.connection} (${rest.mode})`,
    'contacts in GHL': rest.contacts,
    customers: rest.customers,
    'linked already': rest.linked,
    'matched by customer id': matched.customerId,
    'matched by phone': matched.phone,
    'matched by e-mail': matched.email,
    'contacts to be made': rest.creates,
    'contact belongs to another': rest.alreadyLinked,
    'left out': excluded,
    ...Object.fromEntries(Object.entries(rest.excluded).map(([reason, n]) => [`  ${reason}`, n])),
    'several contacts possible': rest.ambiguous,
    'phone and e-mail of two': rest.identityConflicts,
    'contacts to be written': rest.updates,
    'fields to be made': rest.fieldsToMake.join(' '),
    'fields of a wrong type': rest.fieldsOfWrongType.join(' '),
    'read in Sticky Cards first': rest.stickyReads,
    'calls of GHL, about': rest.apiCalls,
  });
  const writes: Cell[][] = [
    ...Object.entries(fieldsToWrite).map(([field, n]) => [n, field]),
    ...Object.entries(tagsToAdd).map(([tag, n]) => [n, `tag + ${tag}`]),
    ...Object.entries(tagsToRemove).map(([tag, n]) => [n, `tag - ${tag}`]),
  ];
  const people = SAMPLE_CLASSES.flatMap((kind) =>
    samples[kind].slice(0, SHOWN_MAX).map((sample): Cell[] => [kind, sample.customerId, sample.contactId, sample.why]),
  );
  return [
    counts,
    writes.length === 0 ? '' : `\n${table(['CONTACTS', 'WRITTEN'], writes)}`,
    people.length === 0 ? '' : `\n${table(['FOR INSTANCE', 'CUSTOMER', 'CONTACT', 'WHY'], people)}`,
    ...notes.map((note) => `\n${note}\n`),
  ].join('');
}
