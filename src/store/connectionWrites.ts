import { and, eq, max } from 'drizzle-orm';
import { AppError } from '../errors.ts';
import { writeAudit } from './audit.ts';
import type { ConnectionRow } from './connectionRow.ts';
import type { Db } from './db.ts';
import type { Store } from './store.ts';

export interface ConnectionWrites {
  /** Throws AppError `unknown_connection` (404). */
  rowOf: (db: Db, id: string) => Promise<ConnectionRow>;
  /** The same, and nobody else changes the row until the transaction ends. */
  lockedRowOf: (db: Db, id: string) => Promise<ConnectionRow>;
  /** Rises with every change of any row, so that the newest one alone tells whether something changed. */
  nextUpdatedAt: (db: Db) => Promise<Date>;
  /** Writes a row that nobody else changed since `row` was read. Throws AppError `changed_meanwhile` (409). */
  write: (db: Db, row: ConnectionRow, set: Partial<ConnectionRow>) => Promise<ConnectionRow>;
  /** The audit row of a change, in the same transaction. */
  audited: (db: Db, id: string, action: string, actor: string, before: unknown, after: unknown) => Promise<void>;
  /**
   * One change of columns with its audit row (and `also`, in one transaction); null = there is nothing to do. Decided on
   * the locked row: changes that come at the same moment happen one after the other.
   */
  change: (
    id: string,
    action: string,
    actor: string,
    decide: (row: ConnectionRow) => Partial<ConnectionRow> | null,
    also?: (db: Db) => Promise<void>,
  ) => Promise<ConnectionRow>;
}

export function connectionWrites(store: Store): ConnectionWrites {
  const t = store.s.connections;

  const rowOf: ConnectionWrites['rowOf'] = async (db, id) => {
    const [row] = await db.select().from(t).where(eq(t.id, id));
    if (row) return row;
    throw new AppError('unknown_connection', `there is no connection "${id}"`, { httpStatus: 404 });
  };

  const lockedRowOf: ConnectionWrites['lockedRowOf'] = async (db, id) => {
    // SQLite lets one writer in at a time.
    if (store.dialect === 'postgres') await db.select({ id: t.id }).from(t).where(eq(t.id, id)).for('update');
    return rowOf(db, id);
  };

  const nextUpdatedAt: ConnectionWrites['nextUpdatedAt'] = async (db) => {
    const [row] = await db.select({ last: max(t.updatedAt) }).from(t);
    return new Date(Math.max(store.clock.nowMs(), (row?.last?.getTime() ?? 0) + 1));
  };

  const write: ConnectionWrites['write'] = async (db, row, set) => {
    const [written] = await db
      .update(t)
      .set({ ...set, updatedAt: await nextUpdatedAt(db) })
      .where(and(eq(t.id, row.id), eq(t.updatedAt, row.updatedAt)))
      .returning();
    if (written) return written;
    const message = `the connection "${row.id}" was changed meanwhile: look again and repeat`;
    throw new AppError('changed_meanwhile', message, { httpStatus: 409, retry: 'later' });
  };

  const audited: ConnectionWrites['audited'] = (db, id, action, actor, before, after) =>
    writeAudit(store, db, { actor, action: `connection.${action}`, subject: id, connectionId: id, before, after });

  return {
    rowOf,
    lockedRowOf,
    nextUpdatedAt,
    write,
    audited,
    change: (id, action, actor, decide, also) =>
      store.tx(async (db) => {
        const row = await lockedRowOf(db, id);
        const set = decide(row);
        if (!set) return row;
        const before = Object.fromEntries(Object.keys(set).map((key) => [key, row[key as keyof ConnectionRow]]));
        await audited(db, id, action, actor, before, set);
        await also?.(db);
        return write(db, row, set);
      }),
  };
}
