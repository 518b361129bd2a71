import express, { type Request, type Response, Router } from 'express';
import { commandsRouter } from './commands.ts';
import { connectionsRouter } from './connections.ts';
import { customersRouter } from './customers.ts';
import { eventsRouter } from './events.ts';
import { logsRouter } from './logs.ts';
import type { ApiNeeds } from './needs.ts';
import { overviewRouter } from './overview.ts';
import { pauseRouter } from './pause.ts';
import { problemsRouter } from './problems.ts';
import { retryRouter } from './retry.ts';
import { runsRouter } from './runs.ts';

export type { ApiNeeds } from './needs.ts';

const BODY_MAX = '256kb';

/**
 * The JSON API (SPEC §6.1), to be put behind `/api` and its authentication. Refusals are thrown: the error handler
 * behind it makes problem+json of them.
 */
export function createApiRouter(needs: ApiNeeds): Router {
  const router = Router();
  // Whatever the content type says: a body that would be passed over in silence is worse than one that is refused.
  router.use(express.json({ limit: BODY_MAX, type: () => true }));
  router.use((_req: Request, res: Response, next) => {
    res.set('cache-control', 'no-store');
    next();
  });
  router.use('/overview', overviewRouter(needs));
  router.use('/runs', runsRouter(needs));
  router.use('/logs', logsRouter(needs));
  router.use('/events', eventsRouter(needs));
  router.use('/customers', customersRouter(needs));
  router.use('/retry', retryRouter(needs));
  router.use('/commands', commandsRouter(needs));
  router.use('/problems', problemsRouter(needs));
  router.use('/connections', connectionsRouter(needs));
  router.use(pauseRouter(needs));
  return router;
}
