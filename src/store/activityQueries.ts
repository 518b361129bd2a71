import { and, eq } from 'drizzle-orm';
import { type EventFilter, type InboxRow, listEvents } from './inbox.ts';
import { newestOf, ofWindow, type Windowed, windowFloor } from './listWindow.ts';
import { connectionNames } from './newestAcross.ts';
import { listLogs, listRuns, type LogFilter, type LogRow, type RunFilter, type RunRow } from './runs.ts';
import type { Store } from './store.ts';

export const LOG_STATUSES = ['success', 'failed', 'skipped'] as const;

/** The log for people, newest first; asked as its indexes lie: by run, by connection and customer or status. */
export async function findLogs(
  store: Store,
  filter: LogFilter,
  limit: number,
  before?: string,
): Promise<Windowed<LogRow>> {
  const { syncLogs: t } = store.s;
  const { connection, runId, customerId, status } = filter;
  if (runId !== undefined) {
    const searches = [connection, customerId, status].some((value) => value !== undefined);
    const floor = searches ? await windowFloor(store, t, eq(t.runId, runId), before) : null;
    return ofWindow(await listLogs(store, filter, limit, before, floor), limit, floor);
  }
  if (connection === undefined) {
    // Of one customer there are few, whatever connections know the id.
    if (customerId !== undefined) {
      const connections = await connectionNames(store);
      return connections.length === 0 ? [] : listLogs(store, { ...filter, connections }, limit, before);
    }
    // Nearly all are a success: the newest of all are the newest of these.
    const floor = status === 'success' ? await windowFloor(store, t, undefined, before) : null;
    return ofWindow(await listLogs(store, filter, limit, before, floor), limit, floor);
  }
  if (customerId === undefined && status === undefined) {
    const lists: LogRow[][] = [];
    for (const each of LOG_STATUSES) lists.push(await listLogs(store, { connection, status: each }, limit, before));
    return newestOf(lists, limit);
  }
  return listLogs(store, filter, limit, before);
}

/** Runs for people, newest first; what has no index is looked for in a window. */
export async function findRuns(
  store: Store,
  filter: RunFilter,
  limit: number,
  before?: string,
): Promise<Windowed<RunRow>> {
  const { syncRunSummaries: t } = store.s;
  const { connection, status, direction, trigger } = filter;
  const connectionIs = connection === undefined ? undefined : eq(t.connectionId, connection);
  const statusIs = status === undefined ? undefined : eq(t.status, status as RunRow['status']);
  const searches = (connectionIs && statusIs) !== undefined || direction !== undefined || trigger !== undefined;
  const floor = searches ? await windowFloor(store, t, and(connectionIs ?? statusIs), before) : null;
  return ofWindow(await listRuns(store, filter, limit, before, floor), limit, floor);
}

/** The inbox for people, newest first; of a customer in all connections that could know the id. */
export async function findEvents(
  store: Store,
  filter: EventFilter,
  limit: number,
  before?: string,
): Promise<Windowed<InboxRow>> {
  if (filter.connection !== undefined || filter.customerId === undefined) {
    return listEvents(store, filter, limit, before);
  }
  const connections = await connectionNames(store);
  return connections.length === 0 ? [] : listEvents(store, { ...filter, connections }, limit, before);
}
