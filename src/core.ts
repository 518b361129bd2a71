import { join } from 'node:path';
import { type Clock, every, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import type { Connection } from './domain/connection.ts';
import type { FirstLinkReport } from './domain/firstLink.ts';
import { createMapsOf } from './domain/mapOverrides.ts';
import type { DoctorReport } from './domain/doctor.ts';
import type { Setup } from './domain/setup.ts';
import { AppError, messageOf } from './errors.ts';
import { createLogger, type Logger } from './log.ts';
import { type Listeners } from './monitoring.ts';
import { NO_CONNECTION } from './http/rejections.ts';
import { loadMaps, type Maps } from './maps.ts';
import { type ConnectGhl, createConnectGhl } from './ops/connectGhl.ts';
import { examine } from './ops/doctor.ts';
import { createFirstLinkReports } from './ops/firstLink.ts';
import { rebuild } from './ops/rebuild.ts';
import { setup } from './ops/setup.ts';
import { projectRoot } from './paths.ts';
import { createOAuthCalls, OAUTH_TIMEOUT_MS } from './platforms/ghl/oauthCalls.ts';
import { createGhlSides } from './platforms/ghl/sides.ts';
import { observedSides } from './platforms/observedSides.ts';
import { createTokenKeeper } from './platforms/ghl/tokens.ts';
import { createStickySides } from './platforms/stickycards/sides.ts';
import { serviceFacts } from './serviceFacts.ts';
import { markSendingUnknown } from './store/commands.ts';
import { type CallBudget, createCallBudget } from './store/callBudget.ts';
import { createConnectionRegistry, type ConnectionRegistry } from './store/connectionRegistry.ts';
import { type ConnectionStore, createConnectionStore } from './store/connections.ts';
import { createInboxAppender, type InboxAppender } from './store/inbox.ts';
import { HEARTBEAT_MS, thisProcess } from './store/leases.ts';
import { createGrantVault } from './store/oauthGrants.ts';
import { closeStaleRuns } from './store/runs.ts';
import { createSecretBox } from './store/secrets.ts';
import { openStore, type Store } from './store/store.ts';
import { type Actions, createActions } from './sync/actions.ts';
import { createInboxFolder, type InboxFolder } from './sync/foldInbox.ts';
import { createLeaseKeeper } from './sync/leaseKeeper.ts';
import { takeInstalls } from './sync/pendingInstalls.ts';
import { createRemovals, type Removals } from './sync/removals.ts';
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
  /** What GHL workflows ask for. */
  actions: Actions;
  /** How a connection goes with all that belongs to it. */
  removals: Removals;
  /** What going live would do; reads the location's contacts, writes nothing. */
  firstLink: (connection: Connection) => Promise<FirstLinkReport>;
  /** Connecting a location by OAuth. */
  connectGhl: ConnectGhl;
  /** Every check of a connection; asks both remote sides, writes nothing, never rejects. */
  doctor: (connection: Connection) => Promise<DoctorReport>;
  /** What is to be entered where; `ownUrl` stands in for a PUBLIC_URL that is not set. */
  setup: (connection: Connection, ownUrl?: string) => Promise<Setup>;
  /** Names of the dialects that `config/` has a table for. */
  dialects: readonly string[];
  /** The maps of `config/`, which a connection may change for itself. */
  maps: Maps;
  /** Whether this process speaks for the connection now. */
  holdsLease: (connectionId: string) => boolean;
  /** Calls that GHL still allows today, by its own word; null = it has not said so yet. */
  budgetOf: (connectionId: string) => number | null;
  /** What GHL was asked today, by connection. */
  callBudget: CallBudget;
  /** Takes the leases and folds what lies there; nothing runs in a connection's name before. */
  begin(): Promise<void>;
  close(): Promise<void>;
}

/** What other processes committed is looked for this often. */
const SWEEP_EVERY_MS = 1000;

/** The one place that knows all parts (docs/architecture.md, Folders). Everything that it opens, `close` closes, last first. */
export async function createCore(
  config: Config,
  overrides: AppOverrides = {},
  listeners: Listeners = {},
): Promise<Core> {
  const clock = overrides.clock ?? systemClock;
  const log = overrides.log ?? createLogger(config.logLevel);
  const maps = loadMaps(overrides.configDir ?? join(projectRoot, 'config'));
  const store = await openStore(config.databaseUrl, clock);
  const random = overrides.random ?? Math.random;
  const box = createSecretBox(config.encryptionKeys);
  const connections = createConnectionStore(store, box, {
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

  const ghlAppId = config.ghlApp.clientId?.split('-')[0] ?? null;
  const mapsOf = createMapsOf(maps);
  const { clientId, clientSecret, apiBaseUrl } = config.ghlApp;
  const oauthCalls =
    clientId === null || clientSecret === null
      ? null
      : createOAuthCalls({ apiBaseUrl, clientId, clientSecret }, { clock, log });
  const tokens = createTokenKeeper({
    vault: createGrantVault(store, box),
    calls: oauthCalls,
    clock,
    log,
    random,
    newHolder: () => store.newId('ins'),
    timeoutMs: OAUTH_TIMEOUT_MS,
    reconnectUrl: (id) => `${config.publicUrl ?? ''}/oauth/install?connection=${encodeURIComponent(id)}`,
  });
  const connectGhl = createConnectGhl({
    store,
    connections,
    calls: oauthCalls,
    clientId,
    installUrl: config.ghlApp.installUrl,
    tokenInEnvironment: (id) => id === 'default' && Boolean(config.defaultConnection?.ghlAccessToken),
    random,
  });
  const callBudget = createCallBudget({ store, log });
  const ghlSides = observedSides(createGhlSides({ clock, log, tokens }), (id, call, side) => {
    callBudget.heard(id, call.day, side);
    listeners.call?.(id, 'ghl', call);
  });
  const stickySides = observedSides(createStickySides({ clock, log, dialectOf }), (id, call) =>
    listeners.call?.(id, 'stickycards', call),
  );

  const holder = thisProcess(store.newId('ins'));
  const leases = createLeaseKeeper({
    store,
    log,
    holder,
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
    mapsOf,
    ghlAppId,
    connectionOf: (id) => registry.get(id),
    holdsLease: (id) => leases.holds(id),
    receivingIsBusy: () => inbox.busy(),
  });
  /** What all have in common that ask both sides in a connection's name. */
  const asking = {
    store,
    log,
    mapsOf,
    ghlSideOf: (connection: Connection) => ghlSides.of(connection),
    stickySideOf: (connection: Connection) => stickySides.of(connection),
    foldAll: (connection: Connection) => folder.foldAll(connection),
  };
  /** And those that also write there. */
  const writing = {
    ...asking,
    connections,
    consentWords: maps.consentWords,
    dialectOf,
    random,
    leases,
    connectionOf: (id: string) => registry.get(id),
  };
  const schedule = createSchedule({
    ...writing,
    massChangeBrake: config.massChangeBrake,
    cron: config.syncCron,
    paused: config.syncPaused,
    onRun: (run) => listeners.run?.(run),
    onTick: () => listeners.tick?.(),
    connectionIds,
    rebuild: (connection) => rebuild(store, connection, (c) => folder.foldAll(c)),
    beforeManual: (connectionId) => actions.tryNow(connectionId),
  });
  const actions = createActions({
    ...writing,
    runNow: (connectionId) => schedule.run({ connectionId, direction: 'both', trigger: 'manual', forAction: true }),
    nudge: (connectionId) => folder.nudge(connectionId),
  });
  const firstLinks = createFirstLinkReports(asking);
  const removals = createRemovals({
    store,
    log,
    holder,
    connections,
    refresh: () => registry.refresh(),
    endWork: async (connectionId) => {
      await leases.drop(connectionId);
      await Promise.all([schedule, actions, folder].map((worker) => worker.ended(connectionId)));
    },
  });
  let stopSweeping: () => void = () => undefined;

  let taking: Promise<void> | null = null;
  const sweepInstalls = (): void => {
    taking ??= takeInstalls({
      store,
      log,
      connections,
      ghlAppId,
      noConnection: NO_CONNECTION,
      ghlApiBaseUrl: apiBaseUrl,
    })
      .catch((error: unknown) => void log.error('installations cannot be taken in', { reason: messageOf(error) }))
      .finally(() => {
        taking = null;
      });
  };

  return {
    config,
    store,
    log,
    connections,
    registry,
    inbox,
    folder,
    schedule,
    actions,
    removals,
    firstLink: (connection) => firstLinks.of(connection),
    connectGhl,
    doctor: (connection) => examine({ ...asking, connections, service: serviceFacts(config) }, connection),
    setup: (connection, ownUrl) =>
      setup(
        {
          store,
          publicUrl: config.publicUrl,
          ownUrl: () => ownUrl || `http://localhost:${config.port}`,
          appConfigured: clientId !== null,
        },
        connection,
      ),
    dialects: [...maps.dialects.keys()],
    maps,
    holdsLease: (id) => leases.holds(id),
    callBudget,
    budgetOf: (id) => ghlSides.known(id)?.pace.budget().remaining ?? null,
    begin: async () => {
      await leases.beat();
      await folder.sweep();
      // A connection that was made a moment ago gets its lease with the next heartbeat at the latest.
      connections.onChange(() => void registry.refresh().then(() => leases.beat()));
      const clearUp = () =>
        void removals
          .sweep()
          .catch((error: unknown) => log.error('removed connections cannot be read', { reason: messageOf(error) }));
      clearUp();
      const stopClearing = every(HEARTBEAT_MS, clearUp);
      const stopTaking = every(SWEEP_EVERY_MS, () => {
        folder.sweep().catch((error: unknown) => log.error('the inbox cannot be read', { reason: messageOf(error) }));
        sweepInstalls();
        actions
          .sweep()
          .catch((error: unknown) => log.error('the calls of workflows cannot be read', { reason: messageOf(error) }));
      });
      stopSweeping = () => {
        stopClearing();
        stopTaking();
      };
    },
    close: async () => {
      stopSweeping();
      await taking;
      leases.abort();
      await removals.close();
      await firstLinks.close();
      await schedule.close();
      await actions.close();
      await folder.close();
      await inbox.close();
      await leases.close();
      ghlSides.close();
      oauthCalls?.close();
      stickySides.close();
      registry.close();
      await callBudget.close();
      await store.close();
    },
  };
}
