import { pausedAmong } from '../../store/dueCommands.ts';
import { actionAnswer, connectionsWithOpenActions, type OpenAction, openActions } from '../../store/idempotency.ts';
import { closedFor } from './carryOut.ts';
import type { ActionContextNeeds } from './contexts.ts';
import { type Lane, lanesOf } from './lanes.ts';
import type { Retries } from './retries.ts';

export interface Sweeper {
  /** Starts what may be carried out by now, of all connections. */
  sweep(): Promise<void>;
  /** Tries everything of a connection that waits for a better moment. Resolves when that is over. */
  tryNow(connectionId: string): Promise<void>;
}

interface Hands {
  retries: Retries;
  /** Carries one call out; the one that is under way already when there is one. Never rejects. */
  start: (open: OpenAction, options: { probing: boolean }) => Promise<void>;
  isUnderWay: (open: OpenAction) => boolean;
}

/** Looked through at a time: what waits for long keeps nobody behind it waiting while it is less than that. */
const OPEN_MAX = 500;

/** Goes through the calls that are stored and not carried out: left by a crash, stored elsewhere, or waiting. */
export function createSweeper(
  { store, leases, connectionOf }: Pick<ActionContextNeeds, 'store' | 'leases' | 'connectionOf'>,
  { retries, start, isUnderWay }: Hands,
): Sweeper {
  const lanesUnderWay = new Map<string, Promise<void>>();

  /** What was read as open may have been carried out since. */
  const isOver = ({ connectionId, key }: OpenAction): Promise<boolean> =>
    actionAnswer(store, connectionId, key).then(
      (row) => row?.status != null,
      () => true,
    );

  /** The last one first: those before it find that it has been set since. While it waits, so do they. */
  const goThrough = async ({ calls }: Lane, probing: boolean): Promise<void> => {
    for (const call of calls.toReversed()) {
      if (!isUnderWay(call) && (await isOver(call))) continue;
      await start(call, { probing });
      if (retries.waits(call)) return;
    }
  };

  const startLane = (lane: Lane, probing: boolean): Promise<void> => {
    const known = lanesUnderWay.get(lane.name);
    if (known) return known;
    const mine = goThrough(lane, probing).finally(() => lanesUnderWay.delete(lane.name));
    lanesUnderWay.set(lane.name, mine);
    return mine;
  };

  const noteResumed = async (connectionId: string): Promise<void> => {
    const waitedFor = retries.pausedCustomers(connectionId);
    if (waitedFor.length === 0) return;
    const still = await pausedAmong(store, connectionId, waitedFor);
    retries.resumed(
      connectionId,
      waitedFor.filter((id) => !still.has(id)),
    );
  };

  const sweepOne = async (connectionId: string): Promise<void> => {
    const connection = connectionOf(connectionId);
    if (!connection || !leases.holds(connectionId)) return;
    retries.asOf(connectionId, connection.updatedAt);
    // Who was told that it waits for the end of a pause is not even looked at before.
    const unanswered = closedFor(connection)?.result === 'queued';
    const open = await openActions(store, connectionId, OPEN_MAX, { unanswered });
    await noteResumed(connectionId);
    if (open.every((call) => retries.waits(call))) return;
    for (const lane of lanesOf(open)) if (!retries.waits(lane.calls.at(-1) as OpenAction)) void startLane(lane, false);
  };

  return {
    sweep: async () => {
      for (const connectionId of await connectionsWithOpenActions(store)) await sweepOne(connectionId);
    },

    tryNow: async (connectionId) => {
      const connection = connectionOf(connectionId);
      if (!connection || closedFor(connection) || !leases.holds(connectionId)) return;
      retries.forget(connectionId);
      const lanes = lanesOf(await openActions(store, connectionId, OPEN_MAX));
      const ends = lanes.map((lane) => ({ lane, end: startLane(lane, true) }));
      // What waits for a run itself is not waited for.
      await Promise.all(ends.filter(({ lane }) => !lane.endsWithRun).map(({ end }) => end));
    },
  };
}
