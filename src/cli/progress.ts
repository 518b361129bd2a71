import { SingleBar } from 'cli-progress';
import type { Cli } from './context.ts';

export interface Progress {
  /** So many are done by now. */
  at(done: number): void;
  end(): void;
}

const NONE: Progress = { at: () => undefined, end: () => undefined };

/** A bar for work that takes a while, where a person looks; on standard error, because the answer goes to the other one. */
export function progress(cli: Cli, what: string, total: number): Progress {
  if (cli.columns === undefined || total === 0) return NONE;
  const bar = new SingleBar({
    format: `${what} {bar} {value} of {total}, {eta_formatted} left`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  });
  bar.start(total, 0);
  return { at: (done) => bar.update(Math.min(done, total)), end: () => bar.stop() };
}
