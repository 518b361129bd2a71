import { once } from 'node:events';
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { retryCustomer, setCustomerPaused } from '../../store/customerActions.ts';
import {
  type CustomerFilter,
  type CustomerKey,
  type CustomerPosition,
  customersById,
  listCustomers,
  positionOf,
  positionText,
  withCardsAndLinks,
} from '../../store/customerQueries.ts';
import { resyncCustomer } from '../../store/resync.ts';
import type { CustomerRow } from '../../store/staging.ts';
import { customerTimeline, timelineKey } from '../../store/timelineQueries.ts';
import { customerCsvHead, customerCsvLine } from './csv.ts';
import { type CustomerShape, customerShape } from './customerShape.ts';
import { customerFilters, customerQuery, meantCustomer } from './customerMeant.ts';
import { actorOf, noParameters, oneOf, parse, parseBody } from './input.ts';
import type { ApiNeeds } from './needs.ts';
import { cursor, defined, encodeCursor, LIMIT_DEFAULT, optionalLimit } from './page.ts';
import { runFor, wait } from './runFor.ts';
import { timelineQuery, timelineShape } from './timelineShape.ts';

export const customerListQuery = z.strictObject({
  ...customerFilters,
  format: oneOf(['json', 'csv']).default('json').meta({ description: 'csv = everybody whom the filter finds.' }),
  limit: optionalLimit,
  cursor: cursor((id) => positionOf(id) !== undefined),
});
/** What follows from an act on one person may be waited for. */
export const resyncBody = z.strictObject({ wait });

const CSV_PAGE = 200;

const keyOf = (row: CustomerRow): CustomerKey => ({ connectionId: row.connectionId, customerId: row.stickycardsId });

/** `/api/customers`: the people of both sides, as JSON pages or as one CSV; the story of one, and what is done about one. */
export function customersRouter(needs: ApiNeeds): Router {
  const { store } = needs;
  const router = Router();
  const meant = (req: Request) => meantCustomer(store, req);

  const shapes = async (rows: readonly CustomerRow[]): Promise<CustomerShape[]> =>
    (await withCardsAndLinks(store, rows)).map((person) => customerShape(person, store.clock.nowMs()));

  const answerAnew = async (res: Response, { connectionId, customerId }: CustomerKey) => {
    const [shape] = await shapes(await customersById(store, customerId, connectionId));
    res.json(shape);
  };

  router.get('/', async (req: Request, res: Response) => {
    const { format, limit, cursor: from, ...query } = parse(customerListQuery, req.query);
    const filter: CustomerFilter = defined(query);
    const after = from === undefined ? undefined : positionOf(from);
    if (format === 'csv') {
      await sendCsv(res, filter, limit ?? Infinity, after);
      return;
    }
    const { rows, next } = await listCustomers(store, filter, limit ?? LIMIT_DEFAULT, after);
    res.json({ items: await shapes(rows), nextCursor: next && encodeCursor(positionText(next)) });
  });

  /** Everything that the filter finds, page by page, no faster than the client reads. */
  const sendCsv = async (res: Response, filter: CustomerFilter, limit: number, start?: CustomerPosition) => {
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
    parse(customerQuery, req.query);
    const [shape] = await shapes([await meant(req)]);
    res.json(shape);
  });

  router.get('/:customerId/timeline', async (req: Request, res: Response) => {
    const { limit, cursor: before } = parse(timelineQuery, req.query);
    const entries = await customerTimeline(store, keyOf(await meant(req)), limit + 1, before);
    const items = entries.slice(0, limit);
    const last = entries.length > limit ? items.at(-1) : undefined;
    res.json({
      items: items.map((entry) => timelineShape(store, entry)),
      nextCursor: last ? encodeCursor(timelineKey(last.id)) : null,
    });
  });

  router.post('/:customerId/resync', async (req: Request, res: Response) => {
    const { wait } = parseBody(resyncBody, req, customerQuery);
    const person = keyOf(await meant(req));
    await resyncCustomer(store, person, actorOf(res));
    const started = await runFor(needs, person.connectionId, 'manual', wait);
    const [customer] = await shapes(await customersById(store, person.customerId, person.connectionId));
    res.status(started.status).json({ customer, run: started.run });
  });

  router.post('/:customerId/retry', async (req: Request, res: Response) => {
    parseBody(noParameters, req, customerQuery);
    const person = keyOf(await meant(req));
    await retryCustomer(store, person, actorOf(res));
    await answerAnew(res, person);
  });

  for (const [verb, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    router.post(`/:customerId/${verb}`, async (req: Request, res: Response) => {
      parseBody(noParameters, req, customerQuery);
      const person = keyOf(await meant(req));
      await setCustomerPaused(store, person, paused, actorOf(res));
      await answerAnew(res, person);
    });
  }

  return router;
}
