import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { every } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Connection } from '../domain/connection.ts';
import type { InboxAppender } from '../store/inbox.ts';
import type { Store } from '../store/store.ts';
import { bearerAuth } from './apiAuth.ts';
import { BodyRequest } from './bodyRequest.ts';
import type { TrustProxy } from './clientAddress.ts';
import { type CommitThenAnswer, type Crashed, createCommitThenAnswer, createCrashed } from './commitThenAnswer.ts';
import { errorHandler, notFound } from './errorHandler.ts';
import { createFailureLimit } from './failureLimit.ts';
import { createReadiness, healthRouter } from './health.ts';
import type { Heard } from './heard.ts';
import { type Problem, sendProblem } from './problem.ts';
import { createStickyCardsReceiver, type Receive } from './receiveStickyCards.ts';
import { createReject, type Reject } from './rejections.ts';

/** What every receiver shares. */
export interface ReceiverNeeds {
  connections: { get(id: string): Connection | undefined };
  defaultConnectionId: string;
  clock: Clock;
  reject: Reject;
  commitThenAnswer: CommitThenAnswer;
  /** For whatever a receiver's callbacks throw. */
  crashed: Crashed;
}

export interface HttpServerNeeds {
  store: Store;
  inbox: InboxAppender;
  connections: { get(id: string): Connection | undefined };
  /** The connection of a webhook path that names none: `default`, in the sandbox `sandbox`. */
  defaultConnectionId: string;
  log: Logger;
  adminToken: string;
  trustProxy: boolean | number | string;
  /** Called after deliveries of a connection are on disk: the fold's nudge. */
  onCommitted: (connectionId: string) => void;
  /** Told of every delivery, after its answer. */
  heard?: Heard;
  /** Failed verifications of one client per minute before it gets 429. */
  failuresPerMinute?: number;
  /** Further receivers that are served without Express, asked in this order after Sticky Cards. */
  receivers?: ((needs: ReceiverNeeds) => Receive)[];
  /** Behind `/api`, after the admin token was checked. */
  apiRouter?: RequestHandler;
  /** Everything else: actions, dashboard, OAuth, docs, metrics; each brings its own authentication. */
  routers?: { path: string; router: RequestHandler }[];
  freeBytes?: (folder: string) => Promise<number>;
}

export interface HttpServer {
  server: Server;
  app: Express;
  /** Resolves with the address when connections are accepted; port 0 takes a free one. */
  listen(port: number, host: string): Promise<{ port: number; url: string }>;
  /** Takes nothing new, answers what is under way (10 s at most), closes every connection. */
  stop(): Promise<void>;
}

const STOPPING: Problem = {
  status: 503,
  code: 'stopping',
  title: 'The service is restarting',
  detail: 'Nothing of this request was kept. Send it again in a moment.',
  retryAfterS: 5,
  headers: { connection: 'close' },
};
const FAILURES_PER_MINUTE = 300;
const STOP_WITHIN_MS = 10_000;

export function createHttpServer(needs: HttpServerNeeds): HttpServer {
  let stopping = false;
  const app = expressApp(needs, () => stopping);
  const receivers = createReceivers(needs, app.get('trust proxy fn') as TrustProxy);

  const handle = (req: BodyRequest, res: ServerResponse): void => {
    // Webhooks never see Express: its share of a request is as large as all that a receiver does. Actions are verified and
    // limited like them.
    if (req.url?.startsWith('/webhooks/') === true || req.url?.startsWith('/actions/') === true) {
      if (stopping) {
        sendProblem(res, STOPPING);
        return;
      }
      for (const receive of receivers) if (receive(req, res)) return;
    }
    app(req, res);
  };

  const timeouts = { keepAliveTimeout: 65_000, headersTimeout: 20_000, requestTimeout: 60_000 };
  const server = createServer({ ...timeouts, connectionsCheckingInterval: 5000, IncomingMessage: BodyRequest }, handle);
  // A body that is too large is refused before its sender starts with it.
  server.on('checkContinue', (req: BodyRequest, res: ServerResponse) => {
    if (Number(req.headers['content-length'] ?? 0) <= 1024 * 1024) res.writeContinue();
    handle(req, res);
  });

  return {
    server,
    app,
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        const refused = (error: Error) => reject(cannotListen(error, port, host));
        server.once('error', refused);
        server.listen(port, host, () => {
          server.off('error', refused);
          const { port: taken } = server.address() as AddressInfo;
          const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
          resolve({ port: taken, url: `http://${shown.includes(':') ? `[${shown}]` : shown}:${taken}` });
        });
      }),
    stop: async () => {
      stopping = true;
      if (!server.listening) return;
      await closeGently(server, needs.store.clock);
    },
  };
}

function createReceivers(needs: HttpServerNeeds, trust: TrustProxy): Receive[] {
  const { inbox, log, connections, defaultConnectionId, onCommitted } = needs;
  const heard = needs.heard && { heard: needs.heard };
  const { clock } = needs.store;
  const limit = createFailureLimit(clock, needs.failuresPerMinute ?? FAILURES_PER_MINUTE);
  const shared: ReceiverNeeds = {
    connections,
    defaultConnectionId,
    clock,
    reject: createReject({ inbox, clock, log, limit, trust, ...heard }),
    commitThenAnswer: createCommitThenAnswer({ inbox, log, onCommitted, ...heard }),
    crashed: createCrashed(log),
  };
  return [createStickyCardsReceiver, ...(needs.receivers ?? [])].map((create) => create(shared));
}

function expressApp(needs: HttpServerNeeds, stopping: () => boolean): Express {
  const { store, freeBytes } = needs;
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', needs.trustProxy);
  app.use(helmet());
  app.use(healthRouter(createReadiness({ store, clock: store.clock, stopping, ...(freeBytes && { freeBytes }) })));
  app.use('/api', bearerAuth(needs.adminToken));
  if (needs.apiRouter) app.use('/api', needs.apiRouter);
  // Programs call these, whatever kind of answer they say they take: the pages behind would send them HTML (SPEC §2.1, §6.1).
  app.use(['/api', '/webhooks', '/actions'], notFound);
  for (const { path, router } of needs.routers ?? []) app.use(path, router);
  app.use(notFound);
  app.use(errorHandler(needs.log));
  return app;
}

/** What the operating system says of the address, as a line that names the variable and the remedy (SPEC §9). */
function cannotListen(error: Error, port: number, host: string): Error {
  const { code = '' } = error as NodeJS.ErrnoException;
  const line = LISTEN_ERRORS[code]?.(port, host);
  return line === undefined ? error : new AppError('cannot_listen', line, { cause: error });
}

const noAddressOfOurs = (_port: number, host: string) =>
  `HOST: "${host}" is no address of this machine: use 0.0.0.0 to be reached from everywhere, 127.0.0.1 from this machine alone`;

const LISTEN_ERRORS: Readonly<Record<string, (port: number, host: string) => string>> = {
  EADDRINUSE: (port) => `PORT: ${port} is taken by another program: set it to a free one`,
  EACCES: (port) => `PORT: ${port} is not for this user: set it to one above 1023`,
  EADDRNOTAVAIL: noAddressOfOurs,
  EAFNOSUPPORT: noAddressOfOurs,
  EAI_AGAIN: noAddressOfOurs,
  EINVAL: noAddressOfOurs,
  ENOTFOUND: noAddressOfOurs,
};

/** Idle connections are closed as they become idle; those still busy after 10 s are cut. */
async function closeGently(server: Server, clock: Clock): Promise<void> {
  const patience = new AbortController();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const sweep = every(50, () => server.closeIdleConnections());
  await Promise.race([closed, clock.sleep(STOP_WITHIN_MS, patience.signal).catch(() => undefined)]);
  sweep();
  patience.abort();
  server.closeAllConnections();
  await closed;
}
