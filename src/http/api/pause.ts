import { type Request, type Response, Router } from 'express';
import { actorOf, noParameters, parseBody } from './input.ts';
import type { ApiNeeds } from './needs.ts';

/**
 * `POST /api/pause` and `/api/resume`: both directions of every connection (SPEC §6). Nothing is lost; what was paused
 * before stays paused after resuming. Answered when it is in force here.
 */
export function pauseRouter({ connections, registry }: Pick<ApiNeeds, 'connections' | 'registry'>): Router {
  const router = Router();
  for (const verb of ['pause', 'resume'] as const) {
    router.post(`/${verb}`, async (req: Request, res: Response) => {
      parseBody(noParameters, req);
      const changed = await connections[`${verb}All`](actorOf(res));
      await registry.refresh();
      res.json({ paused: verb === 'pause', connections: changed });
    });
  }
  return router;
}
