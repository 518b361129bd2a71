import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { RUN_STATUSES, RUN_TRIGGERS } from '../../../drizzle/tables/runs.ts';
import { AppError, messageOf } from '../../errors.ts';
import { findLogs, findRuns } from '../../store/activityQueries.ts';
import { writeRunsAsked } from '../../store/runAsked.ts';
import { getRun, type RunRow } from '../../store/runs.ts';
import { actorOf, idText, noParameters, oneOf, parse, parseBody, pathPart } from './input.ts';
import { logShape, LOG_STATUSES } from './logs.ts';
import type { ApiNeeds } from './needs.ts';
import { defined, page, paging } from './page.ts';

const DIRECTIONS = ['stickycards_to_ghl', 'ghl_to_stickycards', 'both'] as const;

export const runListQuery = z.strictObject({
  ...paging('run_'),
  connection: idText.optional(),
  status: oneOf(RUN_STATUSES).optional(),
  direction: oneOf(DIRECTIONS).optional(),
  trigger: oneOf(RUN_TRIGGERS).optional(),
});

export const runLogsQuery = z.strictObject({
  ...paging('log_'),
  connection: idText.optional(),
  customerId: idText.optional(),
  status: oneOf(LOG_STATUSES).optional(),
});

export const startRunBody = z.strictObject({
  connection: idText.optional(),
  direction: oneOf(DIRECTIONS).optional(),
  wait: z.boolean({ error: 'use true or false' }).optional(),
});

/** A run as the API shows it (SPEC §6.1). */
export const runShape = (row: RunRow) => ({
  id: row.id,
  connection: row.connectionId,
  direction: row.direction,
  trigger: row.trigger,
  status: row.status,
  totalRecords: row.totalRecords,
  createdCount: row.createdCount,
  updatedCount: row.updatedCount,
  unchangedCount: row.unchangedCount,
  skippedCount: row.skippedCount,
  failedCount: row.failedCount,
  apiCalls: row.apiCalls,
  rateLimitWaits: row.rateLimitWaits,
  startedAt: row.startedAt,
  heartbeatAt: row.heartbeatAt,
  completedAt: row.completedAt,
  durationMs: row.durationMs,
  lastError: row.lastError,
});

/** `/api/runs`: start runs, list them, see one and what it did. */
export function runsRouter(needs: ApiNeeds): Router {
  const { store } = needs;
  const router = Router();

  const known = async (req: Request): Promise<RunRow> => {
    const id = pathPart(req, 'id');
    const run = await getRun(store, id);
    if (run) return run;
    throw new AppError('unknown_run', 'there is no run with this id: GET /api/runs lists them', { httpStatus: 404 });
  };

  router.get('/', async (req: Request, res: Response) => {
    const query = parse(runListQuery, req.query);
    const { limit: _, cursor: __, ...filter } = query;
    res.json(await page(query, (limit, before) => findRuns(store, defined(filter), limit, before), runShape));
  });

  router.post('/', async (req: Request, res: Response) => {
    const { connection, direction = 'both', wait = false } = parseBody(startRunBody, req);
    const names = connection === undefined ? notPaused(needs) : [existing(needs, connection)];
    await writeRunsAsked(store, names, direction, actorOf(res));
    const runs = names.map((connectionId) => needs.schedule.run({ connectionId, direction, trigger: 'manual' }));
    if (wait) {
      res.json(await outcome(names, runs));
      return;
    }
    for (const [i, run] of runs.entries()) {
      run.catch((error: unknown) =>
        needs.log.error('a run asked for through the API failed', { connection: names[i], reason: messageOf(error) }),
      );
    }
    res.status(202).json({ accepted: names.map((name) => ({ connection: name })) });
  });

  router.get('/:id', async (req: Request, res: Response) => {
    parse(noParameters, req.query);
    res.json(runShape(await known(req)));
  });

  router.get('/:id/logs', async (req: Request, res: Response) => {
    const query = parse(runLogsQuery, req.query);
    const { id: runId } = await known(req);
    const { limit: _, cursor: __, ...filter } = query;
    const read = (limit: number, before?: string) => findLogs(store, { ...defined(filter), runId }, limit, before);
    res.json(await page(query, read, logShape));
  });

  return router;
}

/** Paused ones are left alone unless they are named. */
const notPaused = (needs: ApiNeeds): string[] =>
  needs.registry
    .all()
    .filter((connection) => connection.state === 'ready')
    .map((connection) => connection.id);

function existing(needs: ApiNeeds, id: string): string {
  if (needs.registry.get(id)) return id;
  throw new AppError('unknown_connection', `there is no connection "${id}"`, { httpStatus: 404 });
}

/** All runs that came about; connections whose run did not are named beside them, unless nothing came about at all. */
async function outcome(names: readonly string[], runs: readonly Promise<RunRow | null>[]) {
  const settled = await Promise.allSettled(runs);
  const done = settled.flatMap((s) => (s.status === 'fulfilled' && s.value ? [runShape(s.value)] : []));
  const failed = settled.flatMap((s, i) =>
    s.status === 'rejected' ? [{ connection: names[i], reason: s.reason as unknown }] : [],
  );
  const [first] = failed;
  if (done.length === 0 && first) throw first.reason;
  // What is not an expected failure is told to the log alone.
  const told = failed.map(({ connection, reason }) => ({
    connection,
    code: reason instanceof AppError ? reason.code : 'internal',
    message: reason instanceof AppError ? reason.message : 'the log of the service says why',
  }));
  return { runs: done, ...(told.length > 0 && { failed: told }) };
}
