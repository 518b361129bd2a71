import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { Connection } from '../../domain/connection.ts';
import { callsToday, lastRun, oldestPending, oldestUnfolded, statusCounts } from '../../store/overviewQueries.ts';
import type { Store } from '../../store/store.ts';
import { idText, parse } from './input.ts';
import type { ApiNeeds } from './needs.ts';
import { runShape } from './runs.ts';

export const overviewQuery = z.strictObject({ connection: idText.optional() });

/** GHL's calls per day and location (reference/ghl.md, rate limits). */
const CALLS_PER_DAY = 200_000;

/** Every connection on one line: what it is, whether it keeps up, what it did last. */
export async function overviewOf(store: Store, connections: readonly Connection[]) {
  const counts = await statusCounts(store);
  const unfolded = await oldestUnfolded(store);
  const nowMs = store.clock.nowMs();
  return Promise.all(
    connections.map(async (connection) => {
      const { id, mode, state, reason, pausedDirections } = connection;
      const { PENDING = 0, SYNCED = 0, SKIPPED = 0, FAILED = 0 } = counts.get(id) ?? {};
      // In observe everything waits for the activation: that is no lag.
      const pending = PENDING === 0 || mode === 'observe' ? null : await oldestPending(store, id);
      const waiting = [pending, unfolded.get(id) ?? null].filter((at) => at !== null).map((at) => at.getTime());
      const run = await lastRun(store, id);
      return {
        id,
        mode,
        state,
        reason,
        paused: pausedDirections,
        /** Age of the oldest change that has not reached the other side; null = nothing waits. */
        lagSeconds: waiting.length === 0 ? null : Math.max(0, Math.round((nowMs - Math.min(...waiting)) / 1000)),
        pending: PENDING,
        inSync: SYNCED,
        excluded: SKIPPED,
        failing: FAILED,
        budget: { usedToday: await callsToday(store, id), perDay: CALLS_PER_DAY },
        lastRun: run && runShape(run),
      };
    }),
  );
}

/** `GET /api/overview`. */
export function overviewRouter({ store, connections }: ApiNeeds): Router {
  const router = Router();
  router.get('/', async (req: Request, res: Response) => {
    const { connection } = parse(overviewQuery, req.query);
    const all = await connections.all();
    const shown = all.filter(({ id }) => connection === undefined || id === connection);
    res.json({ items: await overviewOf(store, shown), nextCursor: null });
  });
  return router;
}
