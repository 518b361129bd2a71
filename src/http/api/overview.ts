import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { Connection } from '../../domain/connection.ts';
import { stoppedBecause } from '../../domain/notConnected.ts';
import type { DayBudget } from '../../store/callBudget.ts';
import { lastRuns, oldestPendings, oldestUnfolded, statusCounts } from '../../store/overviewQueries.ts';
import { parse } from './input.ts';
import type { ApiNeeds } from './needs.ts';
import { byName, optionalLimit, pageByName } from './page.ts';
import { runShape } from './runs.ts';

export const overviewQuery = z.strictObject({ limit: optionalLimit, ...byName });

/** Every connection on one line: what it is, whether it keeps up, what it did last. */
export async function overviewOf(
  { store, callBudget }: Pick<ApiNeeds, 'store' | 'callBudget'>,
  connections: readonly Connection[],
) {
  const counts = await statusCounts(store);
  const unfolded = await oldestUnfolded(store);
  // In observe everything waits for the activation: that is no lag.
  const behind = connections.filter(({ id, mode }) => mode !== 'observe' && (counts.get(id)?.PENDING ?? 0) > 0);
  const pendings = await oldestPendings(
    store,
    behind.map(({ id }) => id),
  );
  const runs = await lastRuns(store);
  const budgets = await callBudget.today(connections.map(({ id }) => id));
  const nowMs = store.clock.nowMs();
  return connections.map((connection) => {
    const { id, mode, state, pausedDirections } = connection;
    const { PENDING = 0, SYNCED = 0, SKIPPED = 0, FAILED = 0 } = counts.get(id) ?? {};
    const waiting = [pendings.get(id), unfolded.get(id)].flatMap((at) => (at === undefined ? [] : [at.getTime()]));
    const run = runs.get(id);
    return {
      id,
      mode,
      state,
      reason: stoppedBecause(connection),
      paused: pausedDirections,
      /** Age of the oldest change that has not reached the other side; null = nothing waits. */
      lagSeconds: waiting.length === 0 ? null : Math.max(0, Math.round((nowMs - Math.min(...waiting)) / 1000)),
      pending: PENDING,
      inSync: SYNCED,
      excluded: SKIPPED,
      failing: FAILED,
      budget: budgets.get(id) as DayBudget,
      lastRun: run ? runShape(run) : null,
    };
  });
}

/** `GET /api/overview`. */
export function overviewRouter(needs: ApiNeeds): Router {
  const router = Router();
  router.get('/', async (req: Request, res: Response) => {
    const { rows, nextCursor } = pageByName(await needs.connections.all(), parse(overviewQuery, req.query));
    res.json({ items: await overviewOf(needs, rows), nextCursor });
  });
  return router;
}
