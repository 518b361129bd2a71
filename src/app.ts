import { join } from 'node:path';
import { type Clock, every, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import type { Connection } from './domain/connection.ts';
import type { FirstLinkReport } from './domain/firstLink.ts';
import { AppError, messageOf } from './errors.ts';
import { newId } from './ids.ts';
import { createLogger, type Logger } from './log.ts';
import { createApiRouter } from './http/api/index.ts';
import { createGhlReceiver } from './http/receiveGhl.ts';
import { createGhlWorkflowReceiver } from './http/receiveGhlWorkflow.ts';
import { createHttpServer } from './http/server.ts';
import { loadMaps } from './maps.ts';
import { SANDBOX_CONNECTION } from './sandboxConnection.ts';
import { createFirstLinkReports } from './ops/firstLink.ts';
import { rebuild } from './ops/rebuild.ts';
import { projectRoot } from './paths.ts';
import { createGhlSides } from './platforms/ghl/sides.ts';
import { createStickySides } from './platforms/stickycards/sides.ts';
import { markSendingUnknown } from './store/commands.ts';
import { createConnectionRegistry, type ConnectionRegistry } from './store/connectionRegistry.ts';
import { type ConnectionStore, createConnectionStore } from './store/connections.ts';
import { receivedAtOf } from './store/ghlInbox.ts';
import { createInboxAppender, type InboxAppender } from './store/inbox.ts';
import { thisProcess } from './store/leases.ts';
import { closeStaleRuns } from './store/runs.ts';
import { createSecretBox } from './store/secrets.ts';
import { openStore, type Store } from './store/store.ts';
import { createInboxFolder, type InboxFolder } from './sync/foldInbox.ts';
import { createLeaseKeeper } from './sync/leaseKeeper.ts';
import { createSchedule, type Schedule } from './sync/schedule.ts';
import { threeLinkedStillAnswer } from './sync/threeLinkedStillAnswer.ts';

/** What tests replace; the program itself never does. */
export interface AppOverrides {
  clock?: Clock;
  log?: Logger;
  random?: () => number;
  configDir?: string;
}

/** The program without its doors: what the HTTP server, the command line and the tests work with. */
export interface Core {
  config: Config;
  store: Store;
  log: Logger;
  connections: ConnectionStore;
  registry: ConnectionRegistry;
  inbox: InboxAppender;
  folder: InboxFolder;
  schedule: Schedule;
  /** What going live would do; reads the location's contacts, writes nothing. */
  firstLink: (connection: Connection) => Promise<FirstLinkReport>;
  /** Names of the dialects that `config/` has a table for. */
  dialects: readonly string[];
  /** Takes the leases and folds what lies there; nothing runs in a connection's name before. */
  begin(): Promise<void>;
  close(): Promise<void>;
}

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
  const core = await createCore(config, overrides);
  const http = createHttpServer({
    store: core.store,
    inbox: core.inbox,
    connections: core.registry,
    defaultConnectionId: config.sandbox ? SANDBOX_CONNECTION : 'default',
    log: core.log,
    adminToken: config.adminToken,
    trustProxy: config.trustProxy,
    onCommitted: (connectionId) => core.folder.nudge(connectionId),
    receivers: [
      createGhlReceiver({
        connections: core.registry,
        ed25519Key: config.ghlApp.webhookPublicKey,
        rsaKey: config.ghlApp.webhookRsaPublicKey,
      }),
      createGhlWorkflowReceiver({
        connections: core.registry,
        receivedAtOf: (...call) => receivedAtOf(core.store, ...call),
      }),
    ],
    apiRouter: createApiRouter(core),
  });
  let url = '';
  return {
    ...core,
    url: () => url,
    start: async () => {
      ({ url } = await http.listen(config.port, config.host));
      await core.begin();
      return { url };
    },
    stop: async () => {
      await http.stop();
      await core.close();
    },
  };
}

/** What other processes committed is looked for this often. */
const SWEEP_EVERY_MS = 1000;

/** The one place that knows all parts (docs/architecture.md §8). Everything that it opens, `close` closes, last first. */
export async function createCore(config: Config, overrides: AppOverrides = {}): Promise<Core> {
  const clock = overrides.clock ?? systemClock;
  const log = overrides.log ?? createLogger(config.logLevel);
  const maps = loadMaps(overrides.configDir ?? join(projectRoot, 'config'));
  const store = await openStore(config.databaseUrl, clock);
  const connections = createConnectionStore(store, createSecretBox(config.encryptionKeys), {
    threeLinkedStillAnswer: threeLinkedStillAnswer({ store, clock, log, dialects: maps.dialects }),
  });
  if (config.defaultConnection) await connections.ensureDefault(config.defaultConnection, config.startMode);
  const registry = await createConnectionRegistry(connections, log);
  const inbox = createInboxAppender(store);
  const connectionIds = () => registry.all().map((connection) => connection.id);

  const dialectOf = (connection: Connection) => {
    const dialect = maps.dialects.get(connection.dialect);
    if (dialect) return dialect;
    throw new AppError(
      'unknown_dialect',
      `connection "${connection.id}": there is no table config/dialects/${connection.dialect}.json`,
    );
  };

  const ghlSides = createGhlSides({ clock, log });
  const stickySides = createStickySides({ clock, log, dialectOf });

  const leases = createLeaseKeeper({
    store,
    log,
    holder: thisProcess(newId('ins', clock.nowMs())),
    connectionIds,
    onTaken: async (connectionId) => {
      const stale = await closeStaleRuns(store, connectionId);
      const unknown = await markSendingUnknown(store, connectionId);
      if (stale + unknown > 0)
        log.warn('an earlier process ended in the middle of its work', {
          connection: connectionId,
          staleRuns: stale,
          commandsToLookAt: unknown,
        });
    },
  });
  const folder = createInboxFolder({
    store,
    log,
    dialectOf,
    rows: maps.rows,
    tagMap: maps.tagMap,
    ghlAppId: config.ghlApp.clientId?.split('-')[0] ?? null,
    connectionOf: (id) => registry.get(id),
    holdsLease: (id) => leases.holds(id),
    receivingIsBusy: () => inbox.busy(),
  });
  const schedule = createSchedule({
    store,
    log,
    connections,
    rows: maps.rows,
    tagMap: maps.tagMap,
    consentWords: maps.consentWords,
    dialectOf,
    ghlSideOf: (connection) => ghlSides.of(connection),
    stickySideOf: (connection) => stickySides.of(connection),
    foldAll: (connection) => folder.foldAll(connection),
    random: overrides.random ?? Math.random,
    cron: config.syncCron,
    paused: config.syncPaused,
    leases,
    connectionOf: (id) => registry.get(id),
    connectionIds,
    rebuild: (connection) => rebuild(store, connection, (c) => folder.foldAll(c)),
  });
  const firstLinks = createFirstLinkReports({
    store,
    log,
    rows: maps.rows,
    tagMap: maps.tagMap,
    ghlSideOf: (connection) => ghlSides.of(connection),
    stickySideOf: (connection) => stickySides.of(connection),
    foldAll: (connection) => folder.foldAll(connection),
  });
  let stopSweeping: () => void = () => undefined;

  return {
    config,
    store,
    log,
    connections,
    registry,
    inbox,
    folder,
    schedule,
    firstLink: (connection) => firstLinks.of(connection),
    dialects: [...maps.dialects.keys()],
    begin: async () => {
      await leases.beat();
      await folder.sweep();
      // A connection that was made a moment ago gets its lease with the next heartbeat at the latest.
      connections.onChange(() => void registry.refresh().then(() => leases.beat()));
      stopSweeping = every(SWEEP_EVERY_MS, () => {
        folder.sweep().catch((error: unknown) => log.error('the inbox cannot be read', { reason: messageOf(error) }));
      });
    },
    close: async () => {
      stopSweeping();
      leases.abort();
      await firstLinks.close();
      await schedule.close();
      await folder.close();
      await inbox.close();
      await leases.close();
      ghlSides.close();
      stickySides.close();
      registry.close();
      await store.close();
    },
  };
}
