import type { RunTrigger } from '../../drizzle/tables/runs.ts';
import type { Core } from '../core.ts';
import { messageOf } from '../errors.ts';
import type { RunRow } from '../store/runs.ts';
import type { Cli } from './context.ts';
import { RUN_COLUMNS, runCells } from './runs.ts';
import { list } from './print.ts';

/** The runs that follow a person's wish, one for each connection that runs now; by the service where one is running. */
export async function runsAfter(
  core: Core,
  connectionIds: readonly string[],
  trigger: RunTrigger,
): Promise<{ runs: RunRow[]; failed: string[] }> {
  const ready = [...new Set(connectionIds)].filter((id) => {
    const connection = core.registry.get(id);
    return connection?.mode === 'live' && connection.state === 'ready';
  });
  const settled = await Promise.allSettled(
    ready.map((connectionId) => core.schedule.run({ connectionId, direction: 'both', trigger })),
  );
  return {
    runs: settled.flatMap((s) => (s.status === 'fulfilled' && s.value ? [s.value] : [])),
    failed: settled.flatMap((s, i) => (s.status === 'rejected' ? [`${ready[i]}: ${messageOf(s.reason)}`] : [])),
  };
}

/** What came of them, in lines; says so where nothing runs now. */
export function tellRuns(cli: Cli, { runs, failed }: { runs: readonly RunRow[]; failed: readonly string[] }): void {
  if (runs.length > 0) list(cli, RUN_COLUMNS, runs.map(runCells), '');
  else if (failed.length === 0)
    cli.out('No run followed: the connection is in observe or paused; the next run does it.\n');
  for (const line of failed) cli.err(`${line}\n`);
}

export const hasFailed = ({ runs, failed }: { runs: readonly RunRow[]; failed: readonly string[] }): boolean =>
  failed.length > 0 || runs.some((run) => run.status === 'failed' || run.status === 'stale');
