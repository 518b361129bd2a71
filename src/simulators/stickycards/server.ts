import { createHash, timingSafeEqual } from 'node:crypto';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { cardEndpoints } from './cards.ts';
import { customerEndpoints } from './customers.ts';
import type { Answer, Endpoint } from './endpoint.ts';
import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import { ApiRefusal } from './refusal.ts';
import type { Exchange, Fault } from './types.ts';
import type { World } from './world.ts';

/** Everything that a request passes through. */
export interface Parts {
  world: World;
  faults: Faults;
  journal: Journal;
  /** Milliseconds to wait, 0 = go on. */
  takeFromLimit: () => number;
}

const BODY_LIMIT = '1mb';
type Sent = Answer & { html?: string; headers?: Record<string, string> };

function flat(values: object): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) out[name] = Array.isArray(value) ? String(value.at(-1)) : String(value);
  }
  return out;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const isKey = (header: string | undefined, apiKey: string): boolean =>
  timingSafeEqual(digest(header ?? ''), digest(`Bearer ${apiKey}`));

/** Key, then limit (SPEC §4: "Bearer key"). */
function admit({ world, takeFromLimit }: Parts, request: Request): void {
  if (!isKey(request.headers.authorization, world.options.apiKey)) {
    throw new ApiRefusal(401, 'unauthorized', ['The API key is missing or wrong']);
  }
  const waitMs = takeFromLimit();
  if (waitMs > 0) throw new ApiRefusal(429, 'rate_limited', ['Too many requests'], { retry_after_ms: waitMs });
}

function refuse(refusal: ApiRefusal, world: World): Sent {
  const waitMs = refusal.more['retry_after_ms'];
  const retryAfter = world.options.rateLimit?.retryAfter === true && typeof waitMs === 'number';
  return {
    status: refusal.status,
    body: refusal.body,
    ...(retryAfter && { headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) } }),
  };
}

function faultAnswer(fault: Fault): Sent {
  const status = fault.status ?? (fault.kind === 'html' ? 502 : 500);
  if (fault.kind === 'html') {
    const page =
      typeof fault.body === 'string' ? fault.body : `<html><body><h1>${status} Bad Gateway</h1></body></html>`;
    return { status, body: {}, html: page };
  }
  const body = fault.body as Answer['body'] | undefined;
  return { status, body: body ?? { code: 'simulated_fault', message: 'Simulated fault' } };
}

function answerOf(
  parts: Parts,
  endpoint: Endpoint | undefined,
  request: Request,
  exchange: Exchange,
  fault?: Fault,
): Sent {
  try {
    admit(parts, request);
    if (fault?.kind === 'status' || fault?.kind === 'html') return faultAnswer(fault);
    if (!endpoint) throw new ApiRefusal(404, 'no_such_route', [`Cannot ${exchange.method} ${exchange.path}`]);
    const { query, body } = exchange;
    return endpoint.handle({ world: parts.world, params: flat(request.params), query, body });
  } catch (error) {
    if (error instanceof ApiRefusal) return refuse(error, parts.world);
    throw error;
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** One exchange: the fault that strikes it, the change, the answer or its loss, the journal. */
async function exchangeWith(parts: Parts, endpoint: Endpoint | undefined, request: Request, response: Response) {
  const { world, faults, journal } = parts;
  const exchange: Exchange = {
    atMs: world.now(),
    method: request.method,
    path: request.path,
    query: flat(request.query),
    headers: flat(request.headers),
    body: request.body as unknown,
    status: 0,
    responseBody: undefined,
  };
  const seen = journal.add(exchange);
  const fault = faults.strike(exchange.method, exchange.path);
  if (fault?.delayMs !== undefined) await sleep(fault.delayMs);
  if (fault?.kind === 'timeout') return;
  if (fault?.kind === 'reset_before') {
    request.socket.destroy();
    return;
  }
  const answer = answerOf(parts, endpoint, request, exchange, fault);
  exchange.responseBody = answer.html ?? answer.body;
  if (fault?.kind === 'timeout_after') return;
  if (fault?.kind === 'reset_after') {
    request.socket.destroy();
    return;
  }
  exchange.status = answer.status;
  seen.status = answer.status;
  const type = answer.html === undefined ? 'application/json; charset=utf-8' : 'text/html; charset=utf-8';
  response
    .writeHead(answer.status, { ...dateHeader(world), 'Content-Type': type, ...answer.headers, ...fault?.headers })
    .end(answer.html ?? JSON.stringify(answer.body));
}

/** The platform's own clock, which need not be ours. */
const dateHeader = (world: World): { Date: string } => ({
  Date: new Date(world.now() + (world.options.clockSkewMs ?? 0)).toUTCString(),
});

export function createServerApp(parts: Parts, control: express.Router): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use('/__sim', control);
  app.use(express.json({ limit: BODY_LIMIT }));
  for (const endpoint of [...customerEndpoints, ...cardEndpoints]) {
    app[endpoint.method](endpoint.path, (request, response) => exchangeWith(parts, endpoint, request, response));
  }
  app.use((request: Request, response: Response) => exchangeWith(parts, undefined, request, response));
  app.use((error: Error & { status?: number }, _request: Request, response: Response, _next: NextFunction) => {
    const status = error.status ?? 500;
    response.status(status).set(dateHeader(parts.world)).json({ code: 'bad_request', message: error.message });
  });
  return app;
}
