import type { Connection } from '../../domain/connection.ts';
import { AppError } from '../../errors.ts';
import type { LeaseKeeper } from '../leaseKeeper.ts';
import { locationFacts } from '../locationFacts.ts';
import type { RunBatchNeeds } from '../runNeeds.ts';
import type { ActionContext } from './context.ts';

export interface ActionContextNeeds extends Omit<RunBatchNeeds, 'rows' | 'tagMap' | 'massChangeBrake'> {
  mapsOf(connection: Connection): Pick<RunBatchNeeds, 'rows' | 'tagMap'>;
  leases: Pick<LeaseKeeper, 'holds' | 'signal'>;
  connectionOf(id: string): Connection | undefined;
  /** A run of both directions, after the one that is under way. */
  runNow(connectionId: string): Promise<unknown>;
  /** Something was committed that is to be folded. */
  nudge(connectionId: string): void;
}

/** Well within the ten seconds after which a caller is told that it goes on by itself (SPEC §3.4). */
export const ASK_MS = 7000;

/** What carrying out the calls of one connection needs, made anew for each: settings may change between two. */
export function createActionContexts(needs: ActionContextNeeds): { of(connection: Connection): ActionContext } {
  const runs = createSharedRuns(needs);
  return {
    of: (connection) => {
      const ghl = needs.ghlSideOf(connection);
      const sticky = needs.stickySideOf(connection);
      const { rows, tagMap } = needs.mapsOf(connection);
      return {
        needs,
        connection,
        rows,
        tagMap,
        ghl: ghl?.client ?? null,
        sticky: sticky && { client: sticky.client, dialect: needs.dialectOf(connection) },
        facts: () => {
          if (ghl) return locationFacts({ ...needs, rows }, connection, ghl, { again: false });
          throw new AppError('not_connected', 'the connection has no GHL location or token');
        },
        askUntilMs: needs.store.clock.nowMs() + ASK_MS,
        run: () => runs.next(connection.id),
        signal: needs.leases.signal(connection.id),
      };
    },
  };
}

/** One run serves everybody who asked before it began: a workflow over a thousand contacts starts few. */
function createSharedRuns(needs: ActionContextNeeds): { next(connectionId: string): Promise<void> } {
  const current = new Map<string, Promise<void>>();
  const next = new Map<string, Promise<void>>();
  const begin = (id: string): Promise<void> => {
    next.delete(id);
    const run = needs.runNow(id).then(() => undefined);
    const ended = run
      .catch(() => undefined)
      .then(() => {
        if (current.get(id) === ended) current.delete(id);
      });
    current.set(id, ended);
    return run;
  };
  return {
    next: (id) => {
      const waiting = next.get(id);
      if (waiting) return waiting;
      const underWay = current.get(id);
      if (!underWay) return begin(id);
      const mine = underWay.then(() => begin(id));
      next.set(id, mine);
      return mine;
    },
  };
}
