import type { Command } from 'commander';
import { serve } from '../serve.ts';
import { examples } from './options.ts';

/** `serve`: the service itself, until a signal ends it. */
export function addServe(program: Command): void {
  program
    .command('serve')
    .description('start the service; Ctrl+C ends it')
    .addHelpText('after', examples('serve', 'serve   # with PORT=8080 in the environment'))
    .action(() => serve());
}
