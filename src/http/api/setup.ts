import type { Request, Response, Router } from 'express';
import { z } from 'zod';
import type { Connection } from '../../domain/connection.ts';
import { noParameters, oneOf, parse } from './input.ts';
import type { ApiNeeds } from './needs.ts';

export const setupQuery = z.strictObject({ wait: oneOf(['first_delivery']).optional() });

/** Below the minute after which proxies give a request up. */
const WAIT_MS = 25_000;

/** `GET /:id/setup` and `GET /:id/doctor`: what is to be entered where, and whether all of it works (SPEC §5, §6). */
export function addSetupRoutes(
  router: Router,
  { doctor, setup, firstDelivery }: Pick<ApiNeeds, 'doctor' | 'setup' | 'firstDelivery'>,
  meant: (req: Request) => Promise<Connection>,
): void {
  // Asks both remote sides: some hundred ms, 10 s when one of them is silent.
  router.get('/:id/doctor', async (req: Request, res: Response) => {
    parse(noParameters, req.query);
    res.json(await doctor(await meant(req)));
  });

  // `?wait=first_delivery` answers when Sticky Cards has sent something, or after 25 s as it is then.
  router.get('/:id/setup', async (req: Request, res: Response) => {
    const { wait } = parse(setupQuery, req.query);
    const connection = await meant(req);
    if (wait !== undefined) {
      const gone = new AbortController();
      res.on('close', () => gone.abort());
      await firstDelivery(connection, WAIT_MS, gone.signal);
      if (gone.signal.aborted) return;
    }
    res.json(await setup(connection));
  });
}
