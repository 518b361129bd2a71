import { randomUUID } from 'node:crypto';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { contactEndpoints } from './contacts.ts';
import { customFieldEndpoints } from './customFields.ts';
import type { Answer, Call, Endpoint, Grant } from './endpoint.ts';
import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import { locationEndpoints } from './locations.ts';
import { noteAndTaskEndpoints } from './notesAndTasks.ts';
import type { OAuth } from './oauth.ts';
import { opportunityEndpoints } from './opportunities.ts';
import { opportunitySearchEndpoints } from './opportunitySearch.ts';
import type { RateLimit } from './rateLimit.ts';
import { forbidden, notFound, Refusal, tooManyRequests, unauthorized } from './refusals.ts';
import { searchEndpoints } from './search.ts';
import { tagEndpoints } from './tags.ts';
import type { Exchange, Fault } from './types.ts';
import type { World } from './world.ts';

/** Everything that a request passes through. */
export interface Parts {
  world: World;
  oauth: OAuth;
  rateLimit: RateLimit;
  faults: Faults;
  journal: Journal;
}

/** Literal paths come before those with parameters. */
const endpointsOf = (oauth: OAuth): Endpoint[] => [
  ...searchEndpoints,
  ...tagEndpoints,
  ...noteAndTaskEndpoints,
  ...contactEndpoints,
  ...customFieldEndpoints,
  ...locationEndpoints,
  ...opportunitySearchEndpoints,
  ...opportunityEndpoints,
  ...oauth.endpoints,
];

const apiVersion = '2021-07-28';
const bodyLimit = '2mb';

const nobody: Grant = { companyId: '', scopes: [] };

function flat(values: object): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) out[name] = Array.isArray(value) ? String(value.at(-1)) : String(value);
  }
  return out;
}

/** Token, then limit, then version and scope; the limit's headers go into every answer from then on (ghl.md §3). */
function admit(parts: Parts, endpoint: Endpoint, request: Request, headers: Record<string, string>): Grant {
  if (endpoint.scopes === null) return nobody;
  const grant = parts.oauth.authenticate(request.headers.authorization);
  const limit = parts.rateLimit.take(grant.locationId ?? grant.companyId);
  Object.assign(headers, limit.headers);
  if (!limit.allowed) throw tooManyRequests();
  if (endpoint.versioned !== false && request.headers.version !== apiVersion) {
    throw unauthorized(request.headers.version ? 'version header is invalid' : 'version header was not found.');
  }
  // A Location-Id header beside a token was reported to cause this (ghl.md §4).
  if (request.headers['location-id'] !== undefined) throw forbidden();
  const { scopes } = grant;
  const enough = scopes === 'all' || endpoint.scopes.every((scope) => scopes.includes(scope));
  if (!enough) throw unauthorized('The token is not allowed to access this scope.');
  return grant;
}

type Sent = Answer & { html?: string };

function faultAnswer(fault: Fault): Sent {
  const status = fault.status ?? (fault.kind === 'html' ? 502 : 500);
  if (fault.kind === 'html') {
    const html =
      typeof fault.body === 'string' ? fault.body : `<html><body><h1>${status} Bad Gateway</h1></body></html>`;
    return { status, body: {}, html };
  }
  return {
    status,
    body: (fault.body as Answer['body'] | undefined) ?? { statusCode: status, message: 'Simulated fault' },
  };
}

const replaces = (fault: Fault | undefined): fault is Fault => fault?.kind === 'status' || fault?.kind === 'html';

function answerOf(
  parts: Parts,
  endpoint: Endpoint | undefined,
  request: Request,
  exchange: Exchange,
  fault?: Fault,
): Sent {
  try {
    if (!endpoint) {
      return replaces(fault) ? faultAnswer(fault) : refuse(notFound(`Cannot ${exchange.method} ${exchange.path}`));
    }
    const grant = admit(parts, endpoint, request, exchange.responseHeaders);
    if (replaces(fault)) return faultAnswer(fault);
    const params = flat(request.params);
    const call: Call = { world: parts.world, grant, params, query: exchange.query, body: exchange.body };
    return endpoint.handle(call);
  } catch (error) {
    if (error instanceof Refusal) return refuse(error);
    throw error;
  }
}

const refuse = (refusal: Refusal): Answer => ({ status: refusal.status, body: refusal.body });

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** One exchange: the fault that strikes it, the answer, the headers that every answer carries, the journal. */
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
    responseHeaders: {},
  };
  const seen = journal.add(exchange);
  const fault = faults.strike(exchange);
  if (fault?.delayMs !== undefined) await sleep(fault.delayMs);
  if (fault?.kind === 'timeout') return;
  if (fault?.kind === 'reset_before') {
    request.socket.destroy();
    return;
  }

  const answer = answerOf(parts, endpoint, request, exchange, fault);
  // Every answer carries a trace id, in the body too (ghl.md §1).
  const traceId = randomUUID();
  const body = { ...answer.body, traceId };
  exchange.responseBody = answer.html ?? body;
  if (fault?.kind === 'timeout_after') return;
  if (fault?.kind === 'reset_after') {
    request.socket.destroy();
    return;
  }
  exchange.status = answer.status;
  seen.status = answer.status;
  Object.assign(exchange.responseHeaders, {
    Date: new Date(world.stampMs()).toUTCString(),
    'Content-Type': answer.html === undefined ? 'application/json; charset=utf-8' : 'text/html; charset=utf-8',
    'x-trace-id': traceId,
    ...fault?.headers,
  });
  response.writeHead(answer.status, exchange.responseHeaders).end(answer.html ?? JSON.stringify(body));
}

export function createServerApp(parts: Parts, control: express.Router): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use('/__sim', control);
  app.use(express.json({ limit: bodyLimit }), express.urlencoded({ limit: bodyLimit, extended: false }));
  for (const endpoint of endpointsOf(parts.oauth)) {
    app[endpoint.method](endpoint.path, (request, response) => exchangeWith(parts, endpoint, request, response));
  }
  app.use((request: Request, response: Response) => exchangeWith(parts, undefined, request, response));
  app.use((error: Error & { status?: number }, _request: Request, response: Response, _next: NextFunction) => {
    const status = error.status ?? 500;
    response.status(status).json({ statusCode: status, message: error.message, traceId: randomUUID() });
  });
  return app;
}
