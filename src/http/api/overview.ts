import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { Connection } from '../../domain/connection.ts';
import {
  callsTodayOfAll,
  lastRuns,
  oldestPendings,
  oldestUnfolded,
  statusCounts,
} from '../../store/overviewQueries.ts';
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
  // In observe everything waits for the activation: that is no lag.
  const behind = connections.filter(({ id, mode }) => mode !== 'observe' && (counts.get(id)?.PENDING ?? 0) > 0);
  const pendings = await oldestPendings(
    store,
    behind.map(({ id }) => id),
  );
  const runs = await lastRuns(store);
  const calls = await callsTodayOfAll(store);
  const nowMs = store.clock.nowMs();
  return connections.map((connection) => {
    const { id, mode, state, reason, pausedDirections } = connection;
    const { PENDING = 0, SYNCED = 0, SKIPPED = 0, FAILED = 0 } = counts.get(id) ?? {};
    const waiting = [pendings.get(id), unfolded.get(id)].flatMap((at) => (at === undefined ? [] : [at.getTime()]));
    const run = runs.get(id);
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
      budget: { usedToday: calls.get(id) ?? 0, perDay: CALLS_PER_DAY },
      lastRun: run ? runShape(run) : null,
    };
  });
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
