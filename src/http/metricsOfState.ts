import { Gauge, type Registry } from 'prom-client';
import type { Connection } from '../domain/connection.ts';
import { readFigures } from '../store/metricsQueries.ts';
import type { Store } from '../store/store.ts';

export interface StateNeeds {
  store: Store;
  connections: { all(): readonly Connection[] };
  /** Calls that GHL still allows today, by its own word; null = it has not said so yet. */
  budgetOf(connectionId: string): number | null;
  holdsLease(connectionId: string): boolean;
  /** Bytes free on the disk of the database; null = it lies elsewhere. */
  diskFree(): Promise<number | null>;
}

/** Gauges of what the database holds; `read` fills them anew. */
export function createStateGauges(registry: Registry, needs: StateNeeds): { read(): Promise<void> } {
  const registers = [registry];
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name: `sticky_ghl_${name}`, help, labelNames, registers });

  const info = gauge('connection_info', 'Always 1; mode and state of a connection', 'connection', 'mode', 'state');
  const lease = gauge('lease_held', '1 = this process speaks for the connection', 'connection');
  const foldLag = gauge('fold_lag_seconds', 'Age of the oldest delivery that is not worked in', 'connection');
  const unfolded = gauge('unfolded', 'Deliveries that are not worked in, counted up to 10,000', 'connection');
  const pending = gauge('pending', 'Customers that wait for a run', 'connection');
  const oldest = gauge('oldest_pending_seconds', 'Age of the oldest change that waits for a run', 'connection');
  const failing = gauge('failing', 'Customers that failed and wait for a person', 'connection');
  const marks = gauge('contacts_to_read', 'Contacts that wait to be read', 'connection');
  const commands = gauge('commands', 'Commands that are not over, and failed ones', 'connection', 'state');
  const problems = gauge('problems', 'Problems that are open or acknowledged', 'connection', 'code', 'state');
  const budget = gauge('budget_left', 'Calls that GHL still allows today, as it said last', 'connection');
  const disk = gauge('disk_free_bytes', 'Free on the disk of the embedded database');

  const read = async () => {
    const all = needs.connections.all();
    const live = all.filter(({ mode }) => mode === 'live').map(({ id }) => id);
    const names = all.map(({ id }) => id);
    const figures = await readFigures(needs.store, names, live);
    const free = await needs.diskFree();
    const nowMs = needs.store.clock.nowMs();
    const age = (at: Date) => Math.max(0, (nowMs - at.getTime()) / 1000);
    for (const each of [info, lease, foldLag, unfolded, pending, oldest, failing, marks, commands, problems, budget])
      each.reset();
    for (const { id, mode, state } of all) {
      info.labels(id, mode, state).set(1);
      lease.labels(id).set(needs.holdsLease(id) ? 1 : 0);
      // Nothing waiting is a figure too: an alert must be able to end.
      for (const zero of [foldLag, unfolded, pending, oldest, failing, marks]) zero.labels(id).set(0);
      const left = needs.budgetOf(id);
      if (left !== null) budget.labels(id).set(left);
    }
    for (const { connection, count, oldestAt } of figures.unfolded) {
      unfolded.labels(connection).set(count);
      foldLag.labels(connection).set(age(oldestAt));
    }
    for (const { connection, status, count } of figures.customers)
      (status === 'PENDING' ? pending : failing).labels(connection).set(count);
    for (const { connection, at } of figures.oldestPending) oldest.labels(connection).set(age(at));
    for (const { connection, count } of figures.marks) marks.labels(connection).set(count);
    for (const { connection, state, count } of figures.commands) commands.labels(connection, state).set(count);
    for (const { connection, code, state, count } of figures.problems)
      problems.labels(connection, code, state).set(count);
    if (free !== null) disk.set(free);
  };
  return { read };
}
