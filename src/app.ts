import { join } from 'node:path';
import type { Config } from './config.ts';
import { createMapsOf } from './domain/mapOverrides.ts';
import { createMonitoring, type Listeners } from './monitoring.ts';
import { createActionsReceiver } from './http/actions.ts';
import { createWebhookActions } from './http/actionsOfWebhook.ts';
import { createApiRouter } from './http/api/index.ts';
import { createGhlReceiver } from './http/receiveGhl.ts';
import { createGhlWorkflowReceiver } from './http/receiveGhlWorkflow.ts';
import { createCrashed } from './http/commitThenAnswer.ts';
import { browserAuth } from './http/browserAuth.ts';
import { oauthRouter } from './http/oauth.ts';
import { createPasswordAttempts } from './http/passwordAttempts.ts';
import { type AppOverrides, type Core, createCore } from './core.ts';
import { createDashboard } from './dashboard/index.ts';
import { createHttpServer } from './http/server.ts';
import { SANDBOX_CONNECTION } from './sandboxConnection.ts';
import { firstDelivery } from './ops/setup.ts';
import { projectRoot } from './paths.ts';
import { receivedAtOf } from './store/ghlInbox.ts';
import { type InboxRow } from './store/inbox.ts';

export interface App extends Core {
  /** The address that it answers at; '' before `start`. */
  url(): string;
  /** Accepts connections, then takes the leases and folds what lies there. */
  start(): Promise<{ url: string }>;
  /** Takes nothing new, finishes what was accepted, closes everything. */
  stop(): Promise<void>;
}

/** The whole service: the core behind its doors. */
export async function createApp(config: Config, overrides: AppOverrides = {}): Promise<App> {
  const listeners: Listeners = {};
  const core = await createCore(config, overrides, listeners);
  /** Nobody waits for a delivery that could only come after the restart. */
  const stopping = new AbortController();
  let url = '';
  const passwordAttempts = createPasswordAttempts(core.store.clock);
  const dashboard = createDashboard({
    ...core,
    adminPassword: config.adminPassword,
    passwordAttempts,
    publicUrl: config.publicUrl,
    syncCron: config.syncCron,
    sandbox: config.sandbox,
    mapsOf: createMapsOf(core.maps),
    consentWords: core.maps.consentWords,
    setup: (connection) => core.setup(connection, url),
    stopped: config.syncPaused ? 'No run starts by the clock: SYNC_PAUSED is on. Take it out and start again.' : null,
    assets: { own: join(projectRoot, 'public'), chart: join(projectRoot, 'node_modules', 'uplot', 'dist') },
    closing: stopping.signal,
  });
  const authorize = browserAuth({ ...config, passwordAttempts, signedIn: dashboard.signedIn });
  const monitoring = createMonitoring({
    store: core.store,
    log: core.log,
    listeners,
    connections: core.registry,
    holdsLease: core.holdsLease,
    budgetOf: core.budgetOf,
    authorize,
    rules: core,
    logLevel: config.logLevel,
    alertWebhookUrl: config.alertWebhookUrl,
    heartbeatUrl: config.heartbeatUrl,
    publicUrl: config.publicUrl,
  });
  const defaultConnectionId = config.sandbox ? SANDBOX_CONNECTION : 'default';
  const receivedAt = (...call: [string, InboxRow['source'], string]) => receivedAtOf(core.store, ...call);
  const door = { connections: core.registry, receivedAtOf: receivedAt, actions: core.actions };
  const http = createHttpServer({
    store: core.store,
    inbox: core.inbox,
    connections: core.registry,
    defaultConnectionId,
    log: core.log,
    adminToken: config.adminToken,
    trustProxy: config.trustProxy,
    onCommitted: (connectionId) => core.folder.nudge(connectionId),
    heard: monitoring.heard,
    receivers: [
      createGhlReceiver({
        connections: core.registry,
        ed25519Key: config.ghlApp.webhookPublicKey,
        rsaKey: config.ghlApp.webhookRsaPublicKey,
      }),
      createGhlWorkflowReceiver({
        connections: core.registry,
        receivedAtOf: receivedAt,
        onAction: createWebhookActions({ ...door, crashed: createCrashed(core.log) }),
      }),
      createActionsReceiver(door),
    ],
    apiRouter: createApiRouter({
      ...core,
      setup: (connection) => core.setup(connection, url),
      firstDelivery: (connection, patienceMs, signal) =>
        firstDelivery(core.store, connection.id, patienceMs, AbortSignal.any([signal, stopping.signal])),
    }),
    routers: [
      { path: '/', router: monitoring.router },
      {
        path: '/oauth',
        router: oauthRouter({
          connect: core.connectGhl,
          refresh: () => core.registry.refresh(),
          authorize,
          defaultConnectionId,
          publicUrl: config.publicUrl,
          clock: core.store.clock,
        }),
      },
      // The last one: it answers browsers for every address that is nobody else's.
      { path: '/', router: dashboard.router },
    ],
  });
  return {
    ...core,
    url: () => url,
    start: async () => {
      ({ url } = await http.listen(config.port, config.host));
      await core.begin();
      return { url };
    },
    stop: async () => {
      stopping.abort();
      await http.stop();
      await monitoring.close();
      await core.close();
    },
  };
}
