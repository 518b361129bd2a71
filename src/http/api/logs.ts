import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { findLogs, LOG_STATUSES } from '../../store/activityQueries.ts';
import type { LogRow } from '../../store/runs.ts';
import { idText, oneOf, parse } from './input.ts';
import type { ApiNeeds } from './needs.ts';
import { defined, page, paging } from './page.ts';

export { LOG_STATUSES };

export const logListQuery = z.strictObject({
  ...paging('log_'),
  connection: idText.optional(),
  runId: idText.optional(),
  customerId: idText.optional(),
  status: oneOf(LOG_STATUSES).optional(),
});

/** A log row as the API shows it (SPEC §6.1), with its connection and time. */
export const logShape = (row: LogRow) => ({
  id: row.id,
  runId: row.runId,
  connection: row.connectionId,
  entityType: row.entityType,
  entityId: row.entityId,
  direction: row.direction,
  action: row.action,
  status: row.status,
  errorClass: row.errorClass,
  errorCode: row.errorCode,
  message: row.errorMessage,
  changes: row.changes,
  tagsAdded: row.tagsAdded,
  tagsRemoved: row.tagsRemoved,
  traceId: row.traceId,
  attempt: row.attempt,
  nextAttemptAt: row.nextAttemptAt,
  durationMs: row.durationMs,
  createdAt: row.createdAt,
});

/** `GET /api/logs`: what was done to which record, newest first. */
export function logsRouter({ store }: ApiNeeds): Router {
  const router = Router();
  router.get('/', async (req: Request, res: Response) => {
    const query = parse(logListQuery, req.query);
    const { limit: _, cursor: __, ...filter } = query;
    res.json(await page(query, (limit, before) => findLogs(store, defined(filter), limit, before), logShape));
  });
  return router;
}
