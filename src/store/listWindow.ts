import { and, desc, lt, type SQL } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { Store } from './store.ts';

/**
 * A list of rows, newest first, that may have stopped looking early: `scannedTo` is the id down to which everything was
 * looked at (itself included). Left out, the list was looked through as far as the limit asked.
 */
export type Windowed<Row> = Row[] & { scannedTo?: string };

/**
 * Where no index serves a whole filter, so many rows are looked at for one page, then the page ends where it is: a rare
 * row far down a large table must not keep deliveries waiting. The next page goes on from there.
 */
export const WINDOW_ROWS = 10_000;

/** Where the window below `before` ends among the rows that an index lists for `base`; null = fewer rows are left. */
export async function windowFloor(
  store: Store,
  table: PgTable & { id: PgColumn },
  base: SQL | undefined,
  before: string | undefined,
  rows: number = WINDOW_ROWS,
): Promise<string | null> {
  const found = await store.db
    .select({ id: table.id })
    .from(table as PgTable)
    .where(and(base, before === undefined ? undefined : lt(table.id, before)))
    .orderBy(desc(table.id))
    .limit(1)
    .offset(rows - 1);
  return ((found as { id: string }[])[0]?.id as string | undefined) ?? null;
}

/** The rows of a window that ends at `floor`. */
export function ofWindow<Row>(rows: Row[], limit: number, floor: string | null): Windowed<Row> {
  return floor === null || rows.length >= limit ? rows : Object.assign(rows, { scannedTo: floor });
}

/** The newest of several lists. What one of them has not looked at yet is not shown of the others either. */
export function newestOf<Row extends { id: string }>(lists: readonly Windowed<Row>[], limit: number): Windowed<Row> {
  const floors = lists.flatMap((list) => (list.scannedTo === undefined ? [] : [list.scannedTo]));
  const floor = floors.length === 0 ? null : floors.reduce((a, b) => (a > b ? a : b));
  const rows = lists
    .flat()
    .filter((row) => floor === null || row.id >= floor)
    .toSorted((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, limit);
  return ofWindow(rows, limit, floor);
}
