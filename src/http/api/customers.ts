import { once } from 'node:events';
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { SYNC_STATUSES } from '../../../drizzle/tables/staging.ts';
import { AppError } from '../../errors.ts';
import { retryCustomer, retryCustomers, setCustomerPaused } from '../../store/customerActions.ts';
import {
  type CustomerFilter,
  type CustomerKey,
  customersById,
  listCustomers,
  withCardsAndLinks,
} from '../../store/customerQueries.ts';
import type { CustomerRow } from '../../store/staging.ts';
import { customerCsvHead, customerCsvLine } from './csv.ts';
import { type CustomerShape, customerShape } from './customerShape.ts';
import { actorOf, idText, noParameters, oneOf, parse, parseBody, pathPart, upperCase } from './input.ts';
import type { ApiNeeds } from './needs.ts';
import { cursor, defined, encodeCursor, LIMIT_DEFAULT, optionalLimit } from './page.ts';

const filters = {
  connection: idText.optional(),
  syncStatus: oneOf(SYNC_STATUSES, upperCase).optional(),
  code: idText.optional(),
  q: idText.optional(),
};

const listQuery = z.strictObject({
  ...filters,
  format: oneOf(['json', 'csv']).default('json'),
  limit: optionalLimit,
  cursor: cursor((id) => id.includes('/')),
});
const oneQuery = z.strictObject({ connection: idText.optional() });
const retryBody = z.strictObject({ filter: z.strictObject(filters, { error: 'write it as an object' }).default({}) });

const CSV_PAGE = 200;

// A connection's name holds no slash (domain/connectionSettings.ts), so the first one ends it.
const keyText = ({ connectionId, customerId }: CustomerKey) => `${connectionId}/${customerId}`;
const keyOfText = (text: string): CustomerKey => {
  const slash = text.indexOf('/');
  return { connectionId: text.slice(0, slash), customerId: text.slice(slash + 1) };
};

/** `/api/customers`: the people of both sides, as JSON pages or as one CSV; retry and pause of one. */
export function customersRouter({ store }: ApiNeeds): Router {
  const router = Router();

  const shapes = async (rows: readonly CustomerRow[]): Promise<CustomerShape[]> =>
    (await withCardsAndLinks(store, rows)).map((person) => customerShape(person, store.clock.nowMs()));

  /** The one person that the path and `?connection=` mean. */
  const meant = async (req: Request): Promise<CustomerRow> => {
    const { connection } = parse(oneQuery, req.query);
    const rows = await customersById(store, pathPart(req, 'customerId'), connection);
    const [row] = rows;
    if (!row) {
      const where = connection === undefined ? '' : ` in connection "${connection}"`;
      throw new AppError('unknown_customer', `there is no such customer${where}: GET /api/customers?q= finds people`, {
        httpStatus: 404,
      });
    }
    if (rows.length === 1) return row;
    const names = rows.map((r) => r.connectionId);
    throw new AppError(
      'several_connections',
      `several connections know this customer: add ?connection= with one of ${names.join(', ')}`,
      {
        httpStatus: 409,
        details: { field: 'connection', connections: names },
      },
    );
  };
  const key = (row: CustomerRow): CustomerKey => ({ connectionId: row.connectionId, customerId: row.stickycardsId });
  const answerAnew = async (res: Response, { connectionId, customerId }: CustomerKey) => {
    const [shape] = await shapes(await customersById(store, customerId, connectionId));
    res.json(shape);
  };

  router.get('/', async (req: Request, res: Response) => {
    const { format, limit, cursor: from, ...query } = parse(listQuery, req.query);
    const filter: CustomerFilter = defined(query);
    const after = from === undefined ? undefined : keyOfText(from);
    if (format === 'csv') {
      await sendCsv(res, filter, limit ?? Infinity, after);
      return;
    }
    const { rows, next } = await listCustomers(store, filter, limit ?? LIMIT_DEFAULT, after);
    res.json({ items: await shapes(rows), nextCursor: next && encodeCursor(keyText(next)) });
  });

  /** Everything that the filter finds, page by page, no faster than the client reads. */
  const sendCsv = async (res: Response, filter: CustomerFilter, limit: number, start: CustomerKey | undefined) => {
    let after = start;
    let left = limit;
    let head = true;
    for (;;) {
      const { rows, next } = await listCustomers(store, filter, Math.min(left, CSV_PAGE), after);
      const lines = (await shapes(rows)).map(customerCsvLine).join('');
      if (head) {
        // Only now: what fails before can still be answered as a problem.
        res.set({
          'content-type': 'text/csv; charset=utf-8',
          'content-disposition': 'attachment; filename="customers.csv"',
          'cache-control': 'no-store',
        });
        res.write(customerCsvHead());
        head = false;
      }
      if (!res.write(lines)) await Promise.race([once(res, 'drain'), once(res, 'close')]);
      left -= rows.length;
      if (next === null || left <= 0 || res.destroyed) break;
      after = next;
    }
    res.end();
  };

  router.get('/:customerId', async (req: Request, res: Response) => {
    const [shape] = await shapes([await meant(req)]);
    res.json(shape);
  });

  router.post('/:customerId/retry', async (req: Request, res: Response) => {
    parseBody(noParameters, req, oneQuery);
    const person = key(await meant(req));
    await retryCustomer(store, person, actorOf(res));
    await answerAnew(res, person);
  });

  for (const [verb, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    router.post(`/:customerId/${verb}`, async (req: Request, res: Response) => {
      parseBody(noParameters, req, oneQuery);
      const person = key(await meant(req));
      await setCustomerPaused(store, person, paused, actorOf(res));
      await answerAnew(res, person);
    });
  }

  return router;
}

/** `POST /api/retry {filter}`: lets the next run take everybody again whom the filter finds; failed ones when it names no status. */
export function retryRouter({ store }: ApiNeeds): Router {
  const router = Router();
  router.post('/', async (req: Request, res: Response) => {
    const { filter } = parseBody(retryBody, req);
    const wanted: CustomerFilter = { syncStatus: 'FAILED', ...defined(filter) };
    res.json({ count: await retryCustomers(store, wanted, actorOf(res)) });
  });
  return router;
}
