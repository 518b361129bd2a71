import { z } from 'zod';
import type { RunTrigger } from '../../../drizzle/tables/runs.ts';
import { messageOf } from '../../errors.ts';
import type { ApiNeeds } from './needs.ts';
import { runShape } from './runs.ts';

export const wait = z
  .boolean({ error: 'use true or false' })
  .default(false)
  .meta({ description: 'true = answered when the run that follows has ended.' });

/**
 * The run that follows a person's wish. 202 without waiting; 200 with the run when it was waited for. No run in observe or
 * while the connection is paused: what was wished for waits in the database, and the next run finds it.
 */
export async function runFor(
  needs: Pick<ApiNeeds, 'registry' | 'schedule' | 'log'>,
  connectionId: string,
  trigger: RunTrigger,
  waited: boolean,
): Promise<{ status: 200 | 202; run: ReturnType<typeof runShape> | null }> {
  const connection = needs.registry.get(connectionId);
  if (connection?.mode !== 'live' || connection.state !== 'ready') return { status: waited ? 200 : 202, run: null };
  const started = needs.schedule.run({ connectionId, direction: 'both', trigger });
  if (waited) {
    const run = await started;
    return { status: 200, run: run && runShape(run) };
  }
  started.catch((error: unknown) =>
    needs.log.error('a run that was asked for failed', { connection: connectionId, reason: messageOf(error) }),
  );
  return { status: 202, run: null };
}
