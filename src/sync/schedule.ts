import cron from 'node-cron';
import PQueue from 'p-queue';
import { every } from '../clock.ts';
import type { Direction, RunTrigger } from '../../drizzle/tables/runs.ts';
import type { Connection } from '../domain/connection.ts';
import { lastSweepDueMs, SWEEP_AT } from '../domain/inactivity.ts';
import type { ConnectionMaps } from '../domain/mapOverrides.ts';
import { AppError, messageOf } from '../errors.ts';
import { logContext, type Logger } from '../log.ts';
import { completeRequest, getRequest, getRun, openRequests, openRun, requestRun, type RunRow } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { LeaseKeeper } from './leaseKeeper.ts';
import { runBatch, type RunBatchNeeds } from './runBatch.ts';
import { sweepInactive } from './sweepInactive.ts';

export interface RunAsked {
  connectionId: string;
  direction: Direction | 'both';
  trigger: RunTrigger;
  /** The call of a workflow asks for it, and is one of those that `beforeManual` would wait for. */
  forAction?: boolean;
}

export interface Schedule {
  /** Runs a connection now, after the run that is under way; by whichever instance holds its lease. */
  run(asked: RunAsked): Promise<RunRow | null>;
  /** What the clock does: every connection once; one whose run is under way gets a `skipped-overlap` row. */
  tick(): Promise<void>;
  /** What the night does: every connection once, unless this night's sweep for inactive customers is done already. */
  sweep(): Promise<void>;
  /** Performs work while no run of the connection is under way, as its holder. */
  exclusively<T>(connectionId: string, work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing of a removed connection is under way here; what still waits in line ends by itself. */
  ended(connectionId: string): Promise<void>;
  close(): Promise<void>;
}

export interface ScheduleNeeds extends Omit<RunBatchNeeds, 'rows' | 'tagMap'> {
  mapsOf(connection: Connection): ConnectionMaps;
  store: Store;
  log: Logger;
  cron: string;
  paused: boolean;
  /** Told of every run that ended here, and of every tick when what it started has ended. */
  onRun?: (run: RunRow) => void;
  onTick?: () => void;
  leases: LeaseKeeper;
  connectionOf(id: string): Connection | undefined;
  connectionIds(): string[];
  rebuild(connection: Connection): Promise<void>;
  /** Done before a run that a person asked for and that writes to Sticky Cards: calls of workflows that wait. */
  beforeManual(connectionId: string): Promise<void>;
}

/** Requests of other processes are looked for this often. */
const REQUESTS_EVERY_MS = 1000;
/** How long a caller waits for the holder to take its request before it is told so. */
const HOLDER_PATIENCE_MS = 15_000;
/** So many connections run at once: they wait for remote sides most of the time, not for this machine. */
const CONNECTIONS_AT_ONCE = 20;

/** Late is better than not at all: left alone, node-cron drops a tick that a busy process notices a second late. */
const CRON = { timezone: 'UTC', missedExecutionTolerance: Number.MAX_SAFE_INTEGER } as const;

const removed = (id: string) =>
  new AppError('unknown_connection', `the connection "${id}" was removed before its run came to an end`, {
    httpStatus: 404,
  });

export function createSchedule(needs: ScheduleNeeds): Schedule {
  const { store, log, leases } = needs;
  const lanes = new Map<string, PQueue>();
  const all = new PQueue({ concurrency: CONNECTIONS_AT_ONCE });
  /** What is not only in line but at work, one at a time per connection. */
  const atWork = new Map<string, Promise<unknown>>();
  /** Due time of the last sweep that is done, so that a tick need not ask. */
  const sweptAtMs = new Map<string, number>();
  let closed = false;
  let requesting = false;

  const laneOf = (connectionId: string): PQueue => {
    let lane = lanes.get(connectionId);
    if (!lane) {
      lane = new PQueue({ concurrency: 1 });
      lanes.set(connectionId, lane);
    }
    return lane;
  };

  const exclusively = <T>(connectionId: string, work: () => Promise<T>): Promise<T> =>
    laneOf(connectionId).add(() =>
      all.add(() => {
        const mine = work().finally(() => atWork.delete(connectionId));
        atWork.set(connectionId, mine);
        return mine;
      }),
    );

  const runHere = (asked: RunAsked): Promise<string | null> =>
    exclusively(asked.connectionId, async () => {
      const connection = needs.connectionOf(asked.connectionId);
      if (closed || !connection || !leases.holds(asked.connectionId)) return null;
      if (asked.trigger === 'manual' && asked.direction !== 'stickycards_to_ghl' && !asked.forAction)
        await needs.beforeManual(asked.connectionId).catch((error: unknown) => {
          log.error('calls of workflows could not be tried before a run', {
            connection: asked.connectionId,
            reason: messageOf(error),
          });
        });
      const order = {
        connection,
        direction: asked.direction,
        trigger: asked.trigger,
        signal: leases.signal(asked.connectionId),
      };
      // Every line that the run writes to the log, of its calls above all, names its connection.
      const runId = await logContext.run({ connection: connection.id }, () =>
        runBatch({ ...needs, ...needs.mapsOf(connection) }, order),
      );
      const ended = runId === null || !needs.onRun ? null : await getRun(store, runId);
      if (ended) needs.onRun?.(ended);
      return runId;
    });

  const runElsewhere = async (asked: RunAsked): Promise<RunRow | null> => {
    const id = await requestRun(store, asked);
    const askedAtMs = store.clock.nowMs();
    for (;;) {
      await store.clock.sleep(250);
      const request = await getRequest(store, id);
      if (request?.completedAt) return request.runId === null ? null : getRun(store, request.runId);
      if (closed) return null;
      if (!needs.connectionOf(asked.connectionId)) throw removed(asked.connectionId);
      if (leases.holds(asked.connectionId)) continue;
      const waited = store.clock.nowMs() - askedAtMs;
      if (waited > HOLDER_PATIENCE_MS && !(await isTaken(asked.connectionId))) {
        throw new AppError(
          'no_holder',
          'no running instance speaks for this connection: the run stays asked for and starts with the next one',
          {
            httpStatus: 503,
            retry: 'later',
          },
        );
      }
    }
  };

  const isTaken = async (connectionId: string) => {
    const { leases: t } = store.s;
    const rows = await store.db.select({ id: t.connectionId, expiresAt: t.expiresAt }).from(t);
    return rows.some((row) => row.id === connectionId && row.expiresAt > store.clock.now());
  };

  const run: Schedule['run'] = async (asked) => {
    if (!needs.connectionOf(asked.connectionId)) {
      throw new AppError('unknown_connection', `there is no connection "${asked.connectionId}"`, { httpStatus: 404 });
    }
    if (!leases.holds(asked.connectionId)) await leases.beat();
    if (!leases.holds(asked.connectionId)) return runElsewhere(asked);
    const runId = await runHere(asked);
    if (!needs.connectionOf(asked.connectionId)) throw removed(asked.connectionId);
    return runId === null ? null : getRun(store, runId);
  };

  const tick = async () => {
    await runAll();
    if (!closed) needs.onTick?.();
  };

  const runAll = async () => {
    if (needs.paused || closed) return;
    await Promise.all(
      needs
        .connectionIds()
        .filter((id) => leases.holds(id))
        .map(async (connectionId) => {
          const lane = laneOf(connectionId);
          if (lane.pending + lane.size > 0) {
            await openRun(store, { connectionId, direction: 'both', trigger: 'cron', status: 'skipped-overlap' });
            return;
          }
          await runHere({ connectionId, direction: 'both', trigger: 'cron' }).catch((error: unknown) => {
            log.error('a scheduled run failed', { connection: connectionId, reason: messageOf(error) });
          });
          // Nobody need be up at night: what was missed, or could not be finished, is made up for.
          await sweepHere(connectionId);
        }),
    );
  };

  const sweepHere = async (connectionId: string): Promise<void> => {
    const dueAtMs = lastSweepDueMs(store.clock.nowMs());
    if (sweptAtMs.get(connectionId) === dueAtMs) return;
    await exclusively(connectionId, async () => {
      const connection = needs.connectionOf(connectionId);
      if (closed || !connection || !leases.holds(connectionId)) return;
      const done = await sweepInactive(
        { ...needs, ...needs.mapsOf(connection) },
        connection,
        leases.signal(connectionId),
      );
      if (done) sweptAtMs.set(connectionId, dueAtMs);
    }).catch((error: unknown) => {
      log.error('the sweep for inactive customers failed', { connection: connectionId, reason: messageOf(error) });
    });
  };

  const sweep = async () => {
    if (needs.paused || closed) return;
    await Promise.all(
      needs
        .connectionIds()
        .filter((id) => leases.holds(id))
        .map(sweepHere),
    );
  };

  const rebuildHere = async (connection: Connection): Promise<void> => {
    if (leases.holds(connection.id)) await needs.rebuild(connection);
  };

  const takeRequests = async () => {
    for (const request of await openRequests(
      store,
      needs.connectionIds().filter((id) => leases.holds(id)),
    )) {
      const connection = needs.connectionOf(request.connectionId);
      if (!connection) continue;
      const work =
        request.kind === 'rebuild'
          ? exclusively(request.connectionId, () => rebuildHere(connection)).then(() => null)
          : runHere({ connectionId: request.connectionId, direction: request.direction, trigger: request.trigger });
      const runId = await work.catch((error: unknown) => {
        log.error('a requested run failed', { connection: request.connectionId, reason: messageOf(error) });
        return null;
      });
      if (!closed) await completeRequest(store, request.id, runId);
    }
  };

  const stopRequests = every(REQUESTS_EVERY_MS, () => {
    if (requesting || closed) return;
    requesting = true;
    takeRequests()
      .catch((error: unknown) => log.error('requests cannot be read', { reason: messageOf(error) }))
      .finally(() => {
        requesting = false;
      });
  });
  const task = cron.schedule(needs.cron, () => tick(), CRON);
  // Half a minute late, so that a tick of the same minute is not counted as an overlap.
  const night = cron.schedule(`30 ${SWEEP_AT.minute} ${SWEEP_AT.hour} * * *`, () => sweep(), CRON);

  return {
    run,
    tick,
    sweep,
    exclusively,
    ended: async (connectionId) => {
      await atWork.get(connectionId)?.catch(() => undefined);
      sweptAtMs.delete(connectionId);
    },
    close: async () => {
      closed = true;
      stopRequests();
      await task.destroy();
      await night.destroy();
      await Promise.all([...lanes.values()].map((lane) => lane.onIdle()));
    },
  };
}
