import type { Command } from 'commander';
import type { Core } from '../core.ts';
import { systemClock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { getRequest, requestRun } from '../store/runs.ts';
import { type Cli, withCore } from './context.ts';
import { examples } from './options.ts';

const LOOK_EVERY_MS = 250;

/** `rebuild <connection>`: makes staging anew from the inbox. */
export function addRebuild(program: Command, cli: Cli): void {
  program
    .command('rebuild')
    .description('make what is known of the customers anew from everything received; nothing is sent twice')
    .argument('<connection>', 'the connection')
    .addHelpText('after', examples('rebuild default'))
    .action(async (name: string) => {
      await withCore(cli, async (core, errors) => {
        if (!core.registry.get(name)) throw new AppError('unknown_connection', `there is no connection "${name}"`);
        await askHolder(core, name);
        if (errors() > 0)
          throw new AppError('rebuild_failed', `${name} was not rebuilt: what is known stays as it was`);
      });
      cli.out(`${name} was rebuilt.\n`);
    });
}

/**
 * Whoever speaks for the connection does it and keeps its runs away meanwhile: a running service within a second, this
 * very process when there is none, or when the service ends while it is waited for.
 */
async function askHolder(core: Core, connectionId: string): Promise<void> {
  await core.begin();
  const id = await requestRun(core.store, { connectionId, kind: 'rebuild', direction: 'both', trigger: 'manual' });
  while (!(await getRequest(core.store, id))?.completedAt) await systemClock.sleep(LOOK_EVERY_MS);
}
