import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type RequestHandler, Router } from 'express';
import type { Connection } from './domain/connection.ts';
import type { InputRules } from './http/api/connectionInput.ts';
import { docsRouter } from './http/docs.ts';
import type { Heard } from './http/heard.ts';
import { createMetrics } from './http/metrics.ts';
import { openApiRouter } from './http/openapi.ts';
import type { Logger } from './log.ts';
import { createAlerts, createHeartbeat } from './ops/alerts.ts';
import type { CallRecord } from './platforms/callApi.ts';
import type { RunRow } from './store/runs.ts';
import type { Store } from './store/store.ts';

/** What the core tells of itself as it works; each must be quick and must not throw. */
export interface Listeners {
  call?: (connectionId: string, side: string, call: CallRecord) => void;
  run?: (run: RunRow) => void;
  /** The clock of the runs has ticked, and what it started has ended. */
  tick?: () => void;
}

export interface Monitoring {
  heard: Heard;
  /** `/metrics`, `/openapi.json` and `/docs`, behind their authentication. */
  router: RequestHandler;
  close(): Promise<void>;
}

export interface MonitoringNeeds {
  store: Store;
  log: Logger;
  /** Filled here, told by the core. */
  listeners: Listeners;
  connections: { all(): readonly Connection[] };
  holdsLease: (connectionId: string) => boolean;
  budgetOf: (connectionId: string) => number | null;
  /** Whoever may see figures and descriptions. */
  authorize: RequestHandler;
  /** What a connection may be given here. */
  rules: InputRules;
  logLevel: string;
  alertWebhookUrl: string | null;
  heartbeatUrl: string | null;
  publicUrl: string | null;
}

/** What watches the service: figures, alerts, the dead man's switch, the lines of the log for each delivery. */
export function createMonitoring(needs: MonitoringNeeds): Monitoring {
  const { store, log, listeners, connections, holdsLease } = needs;
  const metrics = createMetrics({
    store,
    clock: store.clock,
    connections,
    budgetOf: needs.budgetOf,
    holdsLease,
    diskFree: async () => {
      if (store.file === null) return null;
      const { bavail, bsize } = await statfs(dirname(store.file));
      return bavail * bsize;
    },
  });
  const alerts =
    needs.alertWebhookUrl === null
      ? null
      : createAlerts({
          store,
          log,
          url: needs.alertWebhookUrl,
          publicUrl: needs.publicUrl,
          connectionIds: () =>
            connections
              .all()
              .map(({ id }) => id)
              .filter(holdsLease),
        });
  const beat = needs.heartbeatUrl === null ? null : createHeartbeat({ url: needs.heartbeatUrl, log });

  listeners.call = (_connectionId, side, { class: failure, durationMs }) =>
    metrics.call({ side, class: failure, durationMs });
  listeners.run = (run) => {
    metrics.run(run);
    // Most problems arise in runs: told at once, and only as it stands at the end.
    void alerts?.tell();
  };
  listeners.tick = () => void beat?.();

  // One wide line for each delivery, written only where somebody asked for that much: thousands may come in a second.
  const wide = needs.logLevel === 'debug';
  const router = Router();
  for (const path of ['/metrics', '/openapi.json', '/docs']) router.use(path, needs.authorize);
  router.use(metrics.router, openApiRouter(needs.rules), docsRouter(needs.rules));

  return {
    heard: wide
      ? (delivery) => {
          metrics.delivery(delivery);
          log.debug('delivery', delivery);
        }
      : metrics.delivery,
    router,
    close: async () => {
      await alerts?.close();
      metrics.close();
    },
  };
}
