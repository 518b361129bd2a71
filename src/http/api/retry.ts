import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { retryCustomers } from '../../store/customerActions.ts';
import { countCustomers, type CustomerFilter } from '../../store/customerQueries.ts';
import { customerFilters } from './customerMeant.ts';
import { actorOf, parseBody } from './input.ts';
import type { ApiNeeds } from './needs.ts';
import { defined } from './page.ts';

export const retryBody = z.strictObject({
  filter: z
    .strictObject(customerFilters, { error: 'write it as an object' })
    .default({})
    .meta({ description: 'As for GET /api/customers; failed ones when it names no syncStatus.' }),
  dryRun: z
    .boolean({ error: 'use true or false' })
    .default(false)
    .meta({ description: 'true = only counts whom it would take.' }),
});

/** `POST /api/retry {filter}`: lets the next run take everybody again whom the filter finds; failed ones when it names no status. */
export function retryRouter({ store }: ApiNeeds): Router {
  const router = Router();
  router.post('/', async (req: Request, res: Response) => {
    const { filter, dryRun } = parseBody(retryBody, req);
    const wanted: CustomerFilter = { syncStatus: 'FAILED', ...defined(filter) };
    if (dryRun) res.json({ count: await countCustomers(store, wanted), dryRun });
    else res.json({ count: await retryCustomers(store, wanted, actorOf(res)) });
  });
  return router;
}
