import { z } from 'zod';
import type { Windowed } from '../../store/listWindow.ts';
import { idText } from './input.ts';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;

const wrongLimit = 'use a whole number from 1 on';
const limitText = z
  .string({ error: wrongLimit })
  .regex(/^0*[1-9]\d{0,8}$/, wrongLimit)
  // More than a page holds is no mistake of the caller: the cursor leads on.
  .transform((text) => Math.min(Number(text), LIMIT_MAX));

const limitMeta = { description: `How many; no more than ${LIMIT_MAX} at once.`, example: '50' };
export const limit = limitText.default(LIMIT_DEFAULT).meta({ ...limitMeta, default: String(LIMIT_DEFAULT) });
/** Without a default, for lists that may also be exported whole. */
export const optionalLimit = limitText.optional().meta(limitMeta);
export { LIMIT_DEFAULT };

export const encodeCursor = (id: string): string => Buffer.from(id, 'utf8').toString('base64url');

/** The `nextCursor` of the page before; `looksRight` tells an id of this list from anything else. */
export const cursor = (looksRight: (id: string) => boolean) =>
  z
    .string({ error: 'send it once' })
    .max(1000)
    .transform((text, context): string => {
      const id = Buffer.from(text, 'base64url').toString('utf8');
      if (encodeCursor(id) === text && looksRight(id)) return id;
      context.addIssue({
        code: 'custom',
        message: 'is not a nextCursor of this list: leave it out to begin at the start',
      });
      return z.NEVER;
    })
    .optional()
    .meta({ description: 'The nextCursor of the page before; left out, the list begins at the start.' });

/** What a list endpoint takes besides its filters; `prefix` as in `run_`. */
export const paging = (prefix: string) => ({ limit, cursor: cursor((id) => id.startsWith(prefix)) });

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

/**
 * One keyset page: one row more than asked for is read, to know whether there is a next page. A search that stopped
 * early (store/listWindow.ts) answers a short page that has a next one all the same.
 */
export async function page<Row extends { id: string }, Item>(
  query: { limit: number; cursor?: string | undefined },
  read: (limit: number, before: string | undefined) => Promise<Windowed<Row>>,
  shape: (row: Row) => Item,
): Promise<Page<Item>> {
  const rows = await read(query.limit + 1, query.cursor);
  const items = rows.slice(0, query.limit);
  const next = rows.length > query.limit ? items.at(-1)?.id : rows.scannedTo;
  return { items: items.map(shape), nextCursor: next === undefined ? null : encodeCursor(next) };
}

/** What a list of connections takes besides its limit; its cursor is a name. */
export const byName = { cursor: cursor((id) => id !== ''), connection: idText.optional() };

/** One page of what there is a line of for each connection, by name. There are so few that they are read whole. */
export function pageByName<Row extends { id: string }>(
  all: readonly Row[],
  query: { limit?: number | undefined; cursor?: string | undefined; connection?: string | undefined },
): { rows: Row[]; nextCursor: string | null } {
  const { limit: most = Infinity, cursor: after, connection } = query;
  const rest = all
    .filter(({ id }) => (connection === undefined || id === connection) && (after === undefined || id > after))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const rows = rest.slice(0, most);
  const last = rows.at(-1);
  return { rows, nextCursor: last && rest.length > rows.length ? encodeCursor(last.id) : null };
}

/** Drops what is undefined, so that optional filters fit exact optional properties. */
export const defined = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
