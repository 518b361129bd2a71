import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import { z } from 'zod';
import { controlPage } from './controlPage.ts';
import { checked } from './endpoint.ts';
import { ApiRefusal } from './refusal.ts';
import type { Parts } from './server.ts';
import type { StickyCardsSimulator } from './simulator.ts';
import { playSmallDay } from './smallDay.ts';
import { TILL_ACTIONS } from './tillActions.ts';
import type { Fault, WebhookOptions } from './types.ts';

const faultShape = z.strictObject({
  kind: z.enum(['status', 'delay', 'reset_before', 'reset_after', 'timeout', 'timeout_after', 'html']),
  method: z.string().optional(),
  /** Prefix of the path. */
  path: z.string().optional(),
  /** The path as a regular expression. */
  pattern: z.string().optional(),
  times: z.int().positive().optional(),
  every: z.int().positive().optional(),
  status: z.int().min(100).max(599).optional(),
  body: z.unknown().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  delayMs: z.int().min(0).max(600_000).optional(),
});
const webhooksShape = z.strictObject({
  /** `null` switches them off. */
  url: z.url().nullable().optional(),
  lagMs: z.int().min(0).optional(),
  duplicateRate: z.number().min(0).max(1).optional(),
  lostRate: z.number().min(0).max(1).optional(),
  shuffle: z.boolean().optional(),
});

/** A page of another site could post our forms from a visitor's browser. */
function refuseOtherSites(request: Request, _response: Response, next: NextFunction): void {
  const { origin, host } = request.headers;
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host)) {
    throw new ApiRefusal(403, 'other_site', ['Only pages of this simulator may do that']);
  }
  next();
}

function pretty(response: Response, body: unknown, status = 200): void {
  response
    .status(status)
    .type('json')
    .send(`${JSON.stringify(body, null, 2)}\n`);
}

/** Under `/__sim`: the shop, for people with a browser or a terminal and for tests of another process. Without a key. */
export function createControl(parts: Parts, simulator: StickyCardsSimulator): Router {
  const { faults, journal } = parts;
  const { state, webhooks } = simulator;
  const router = express.Router();
  router.use(express.json({ limit: '1mb' }), express.urlencoded({ limit: '1mb', extended: false }), refuseOtherSites);

  router.get('/', (_request, response) => void response.type('html').send(controlPage(state, webhooks.attempts)));
  router.get('/customers', (_request, response) =>
    pretty(response, {
      customers: state.customers().map((each) => ({ ...each, cards: state.cards(each.customerId) })),
    }),
  );
  router.get('/pushes', (_request, response) => pretty(response, { pushes: state.pushes() }));
  router.get('/payments', (_request, response) => pretty(response, { payments: state.payments() }));

  router.get('/till', (_request, response) =>
    pretty(response, {
      actions: Object.fromEntries(Object.entries(TILL_ACTIONS).map(([name, { fields }]) => [name, fields])),
    }),
  );
  router.post('/till/:action', (request, response) => {
    const { action } = request.params;
    const found = Object.hasOwn(TILL_ACTIONS, action) ? TILL_ACTIONS[action] : undefined;
    if (!found) throw new ApiRefusal(404, 'no_such_action', [`The till has no ${action}; see /__sim/till`]);
    const result = found.run(simulator.till, request.body);
    if (request.is('urlencoded')) response.redirect(303, '/__sim/');
    else pretty(response, result, 201);
  });
  router.post('/small-day', (request, response) => {
    const people = playSmallDay(simulator).length;
    if (request.is('urlencoded')) response.redirect(303, '/__sim/');
    else pretty(response, { people }, 201);
  });

  const listed = () => ({ faults: faults.list().map((fault) => ({ ...fault, path: fault.path?.toString() })) });
  router.get('/faults', (_request, response) => pretty(response, listed()));
  router.post('/faults', (request, response) => {
    const { pattern, ...fault } = checked(faultShape, request.body);
    faults.add({ ...fault, ...(pattern !== undefined && { path: new RegExp(pattern) }) } as Fault);
    pretty(response, listed(), 201);
  });
  router.delete('/faults', (_request, response) => {
    faults.clear();
    pretty(response, listed());
  });

  router.get('/requests', (request, response) =>
    pretty(response, {
      total: journal.count(),
      requests: journal.exchanges
        .slice(-(Number(request.query.limit) || 50))
        .toReversed()
        .map(({ headers: _headers, atMs, ...rest }) => ({ at: new Date(atMs), ...rest })),
    }),
  );

  const shownWebhooks = () => ({ pending: webhooks.pending(), attempts: webhooks.attempts.slice(-50).toReversed() });
  router.get('/webhooks', (_request, response) => pretty(response, shownWebhooks()));
  router.put('/webhooks', (request, response) => {
    const { url, ...options } = checked(webhooksShape, request.body);
    if (url !== undefined) simulator.setWebhookUrl(url ?? undefined);
    webhooks.setOptions(options as Partial<WebhookOptions>);
    pretty(response, shownWebhooks());
  });
  router.post('/webhooks/flush', async (_request, response) => {
    await simulator.flushWebhooks();
    pretty(response, shownWebhooks());
  });

  router.use((_request, response) => pretty(response, { message: 'Nothing here; see /__sim/' }, 404));
  router.use((error: Error & { status?: number }, _request: Request, response: Response, _next: NextFunction) => {
    pretty(response, error instanceof ApiRefusal ? error.body : { message: error.message }, error.status ?? 500);
  });
  return router;
}
