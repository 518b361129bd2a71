import type { Command } from 'commander';
import type { Setup, SetupPlace } from '../domain/setup.ts';
import { AppError } from '../errors.ts';
import { type Cli, withCore } from './context.ts';
import { examples, jsonOption } from './options.ts';
import { json } from './print.ts';

const LOOK_EVERY_MS = 1000;

/** `connections setup <name>`: what to enter where, what is missing; `--watch` waits for the first delivery. */
export function addSetup(group: Command, cli: Cli): void {
  jsonOption(group.command('setup').description('show what has to be entered where, and what is still missing'))
    .argument('<name>', 'the connection')
    .option('--watch', 'wait for the first delivery of Sticky Cards (Ctrl+C ends it)')
    .addHelpText('after', examples('connections setup north', 'connections setup north --watch'))
    .action(async (name: string, options: { json?: true; watch?: true }) => {
      await withCore(cli, async ({ connections, setup, store }) => {
        const connection = await connections.get(name);
        if (!connection) throw new AppError('unknown_connection', `there is no connection "${name}"`);
        let now = await setup(connection);
        if (!options.json) cli.out(asText(now));
        if (options.watch && !now.deliveries.stickyCards.heard) {
          if (!options.json) cli.out('\nWaiting for the first delivery of Sticky Cards …\n');
          let refusedAt = now.deliveries.lastRefused?.at.getTime();
          while (!now.deliveries.stickyCards.heard) {
            await store.clock.sleep(LOOK_EVERY_MS);
            now = await setup(connection);
            const { lastRefused } = now.deliveries;
            if (!lastRefused || lastRefused.at.getTime() === refusedAt) continue;
            refusedAt = lastRefused.at.getTime();
            cli.err(`A delivery was refused: ${lastRefused.reason ?? 'no reason'}. Compare address and secret.\n`);
          }
          if (!options.json) cli.out('The first delivery has arrived.\n');
        }
        if (options.json) json(cli, now);
      });
    });
}

function place(title: string, { url, where, events, notes }: SetupPlace): string[] {
  return [
    '',
    title,
    `  address  ${url}`,
    `  where    ${where}`,
    ...(events.length === 0 ? [] : [`  tick     ${events.join(', ')}`]),
    ...notes.map((note) => `  note     ${note}`),
  ];
}

function asText(setup: Setup): string {
  const lines = [
    `${setup.connection} (${setup.mode})`,
    ...place('Sticky Cards webhook', setup.stickyCards),
    ...place('GHL app webhooks', setup.ghlApp),
    ...place('GHL workflow webhook', setup.ghlWorkflow),
    `  body     ${JSON.stringify(setup.ghlWorkflow.body)}`,
    '',
    'GHL workflow actions (Custom Webhook, POST, header Authorization: Bearer <workflow key>)',
    ...setup.actions.flatMap(({ action, url, body }) => [`  ${action}`, `    ${url}`, `    ${JSON.stringify(body)}`]),
    '',
    setup.missing.length === 0 ? 'Nothing is missing.' : 'Still to be done',
    ...setup.missing.map((step, i) => `  ${i + 1}. ${step}`),
  ];
  return `${lines.join('\n')}\n`;
}
