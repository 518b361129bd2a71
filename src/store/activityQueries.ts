import { type EventFilter, type InboxRow, listEvents } from './inbox.ts';
import { connectionNames, newestAcross } from './newestAcross.ts';
import { listLogs, type LogFilter, type LogRow } from './runs.ts';
import type { Store } from './store.ts';

/** The log for people, newest first; asked connection by connection where only then an index serves the filter. */
export async function findLogs(store: Store, filter: LogFilter, limit: number, before?: string): Promise<LogRow[]> {
  const served =
    filter.connection !== undefined ||
    filter.runId !== undefined ||
    (filter.customerId === undefined && filter.status === undefined);
  if (served) return listLogs(store, filter, limit, before);
  const read = (connection: string) => listLogs(store, { ...filter, connection }, limit, before);
  return newestAcross(await connectionNames(store), limit, read);
}

/** The inbox for people, newest first; asked connection by connection where only then an index serves the filter. */
export async function findEvents(
  store: Store,
  filter: EventFilter,
  limit: number,
  before?: string,
): Promise<InboxRow[]> {
  if (filter.connection !== undefined || filter.customerId === undefined) {
    return listEvents(store, filter, limit, before);
  }
  const read = (connection: string) => listEvents(store, { ...filter, connection }, limit, before);
  return newestAcross(await connectionNames(store), limit, read);
}
