import { join } from 'node:path';
import type { CommandKind } from '../../drizzle/tables/commands.ts';
import type { Connection } from '../../src/domain/connection.ts';
import { silentLogger } from '../../src/log.ts';
import { projectRoot } from '../../src/paths.ts';
import { createApi } from '../../src/platforms/callApi.ts';
import { classifyGhl } from '../../src/platforms/ghl/classify.ts';
import { createGhlClient } from '../../src/platforms/ghl/client.ts';
import { createPace } from '../../src/platforms/pace.ts';
import { classifyStickyCards } from '../../src/platforms/stickycards/classify.ts';
import { type Dialect, loadDialects } from '../../src/platforms/stickycards/dialect.ts';
import { createReportClient } from '../../src/platforms/stickycards/report/client.ts';
import { createGhlSimulator, type GhlSimulatorOptions } from '../../src/simulators/ghl/index.ts';
import { createStickyCardsSimulator } from '../../src/simulators/stickycards/index.ts';
import type { StickyCardsSimulatorOptions } from '../../src/simulators/stickycards/types.ts';
import { type CommandRow, insertCommands, markSendingUnknown } from '../../src/store/commands.ts';
import { newLink } from '../../src/store/links.ts';
import { listProblems } from '../../src/store/problems.ts';
import { newCustomerRow } from '../../src/store/staging.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { type CommandSelection, performCommands, type PerformContext } from '../../src/sync/performCommands.ts';
import { sqliteUrl } from './databases.ts';
import { movableClock } from './movableClock.ts';
import { ghlContract } from './ghlContract.ts';

export const LOCATION = 'LOC1';
export const PIPELINE = 'PIPE1';
const contract = ghlContract();

export const report = loadDialects(join(projectRoot, 'config')).get('report') as Dialect;

const connectionAt = (ghlUrl: string, stickyUrl: string): Connection => ({
  id: 'default',
  mode: 'live',
  dialect: 'report',
  state: 'ready',
  reason: null,
  pausedDirections: [],
  defaultCountry: 'US',
  timeZone: null,
  test: false,
  ghl: {
    apiBaseUrl: ghlUrl,
    locationId: LOCATION,
    accessToken: 'pit-1',
    oauth: null,
    workflowKey: null,
    pipelineId: PIPELINE,
    stageId: 'STAGE1',
  },
  stickyCards: {
    apiBaseUrl: stickyUrl,
    apiKey: 'sk_1',
    workspace: null,
    webhookSecrets: [],
    webhookMode: 'enforce',
    templateId: null,
    balanceMode: 'delta',
  },
  sticker: { webhookSecret: null, partnerOrgId: null },
  createCustomers: 'all',
  lowRating: 2,
  pointsLimit: 1000,
  fieldMap: null,
  tagMap: null,
  fingerprint: null,
  location: null,
  cursors: {},
  activatedAt: new Date(0),
  createdAt: new Date(0),
  updatedAt: new Date(0),
});

export interface CommandStageOptions {
  location?: Partial<NonNullable<GhlSimulatorOptions['locations']>[number]>;
  ghl?: Partial<GhlSimulatorOptions>;
  stickyCards?: Partial<StickyCardsSimulatorOptions>;
}

/** The ledger and both simulators over real HTTP, with nothing else of the service around them and no pace. */
export async function startCommandStage(options: CommandStageOptions = {}) {
  const clock = movableClock();
  const ghl = createGhlSimulator({
    journal: true,
    now: () => clock.nowMs(),
    rateLimit: false,
    locations: [
      {
        id: LOCATION,
        timezone: 'America/New_York',
        country: 'US',
        tokens: ['pit-1'],
        pipelines: [{ id: PIPELINE, name: 'Sales', stages: [{ id: 'STAGE1', name: 'Paid' }] }],
        allowDuplicateOpportunity: true,
        ...options.location,
      },
    ],
    ...options.ghl,
  });
  const stickyCards = createStickyCardsSimulator({
    apiKey: 'sk_1',
    webhookSecret: 'whsec_1',
    journal: true,
    now: () => clock.nowMs(),
    ...options.stickyCards,
  });
  await Promise.all([ghl.start(), stickyCards.start()]);
  const url = sqliteUrl();
  let store = await openStore(url, clock);
  const connection = connectionAt(ghl.url, stickyCards.url);
  const shared = { clock, log: silentLogger, timeoutMs: 2000 };
  const pace = (side: 'ghl' | 'stickycards') =>
    createPace({ clock, log: silentLogger, side, max: Infinity, concurrency: 20 });
  const ghlApi = createApi({
    ...shared,
    side: 'ghl',
    baseUrl: ghl.url,
    headers: () => ({ authorization: 'Bearer pit-1' }),
    pace: pace('ghl'),
    classify: classifyGhl,
  });
  const stickyApi = createApi({
    ...shared,
    side: 'stickycards',
    baseUrl: stickyCards.url,
    headers: () => ({ authorization: 'Bearer sk_1' }),
    pace: pace('stickycards'),
    classify: classifyStickyCards,
  });

  const context = (more: Partial<PerformContext> = {}): PerformContext => ({
    store,
    log: silentLogger,
    connection,
    facts: null,
    locale: { defaultCountry: 'US', timeZone: 'America/New_York' },
    ghl: createGhlClient({ api: ghlApi, locationId: LOCATION }),
    sticky: { client: createReportClient({ api: stickyApi, dialect: report }), dialect: report },
    runId: 'run_1',
    signal: new AbortController().signal,
    random: () => 0.5,
    ...more,
  });

  const stage = {
    clock,
    ghl,
    stickyCards,
    connection,
    context,
    get store(): Store {
      return store;
    },
    perform: (only?: CommandSelection, more?: Partial<PerformContext>) => performCommands(context(more), only),
    /** Passes, three minutes apart, until nothing is due any more. */
    performAll: async (rounds = 12) => {
      for (let round = 0; round < rounds; round++) {
        await performCommands(context()).catch(() => undefined);
        const open = (await stage.commands()).filter((row) => row.state === 'pending' || row.nextAttemptAt !== null);
        if (open.length === 0) return;
        clock.ahead(3 * 60_000);
      }
    },
    /** A customer with a contact, linked. Answers the contact's id. */
    link: async (customerId: string): Promise<string> => {
      const contact = ghl.ui.createContact(LOCATION, { email: `${customerId}@example.com` });
      await stage.linkTo(customerId, contact.id);
      return contact.id;
    },
    linkTo: (customerId: string, contactId: string | null, state: 'creating' | 'live' | 'gone' = 'live') =>
      store.tx(async (db) => {
        await db.insert(store.s.entityMappings).values(newLink(store, 'default', customerId, contactId, state));
      }),
    customer: (customerId: string, more: { paused?: boolean; optInStatus?: string } = {}) =>
      store.tx(async (db) => {
        const row = newCustomerRow('default', customerId, clock.now());
        await db.insert(store.s.stickyCardsCustomers).values({ ...row, ...more });
      }),
    /** Writes a command into the ledger; answers its id. */
    order: async (
      kind: CommandKind,
      customerId: string,
      params: Record<string, unknown> = {},
      sourceEvent = `test:${kind}`,
    ): Promise<string> => {
      const command = { connectionId: 'default', kind, target: `customer:${customerId}`, sourceEvent, params };
      await store.tx((db) => insertCommands(store, db, [command]));
      const rows = await stage.commands();
      return (
        rows.find(
          (row) => row.target === command.target && row.sourceEvent === sourceEvent && row.kind === kind,
        ) as CommandRow
      ).id;
    },
    commands: (): Promise<CommandRow[]> => store.db.select().from(store.s.commands).orderBy(store.s.commands.id),
    command: async (id: string): Promise<CommandRow> =>
      (await stage.commands()).find((row) => row.id === id) as CommandRow,
    problems: async () =>
      (await listProblems(store, { state: 'open' }, 50)).map(({ code, affected }) => ({ code, affected })),
    /** As a new process finds the database after the old one was killed. */
    afterKill: async () => {
      await store.close();
      store = await openStore(url, clock);
      await markSendingUnknown(store, 'default');
    },
    stop: async () => {
      await store.close();
      ghlApi.close();
      stickyApi.close();
      await Promise.all([ghl.stop(), stickyCards.stop()]);
      const strayed = ghl.journal
        .filter((exchange) => exchange.status > 0 && exchange.status < 500)
        .flatMap((exchange) =>
          contract.exchange(exchange).map((error) => `${exchange.method} ${exchange.path}: ${error}`),
        );
      if (strayed.length > 0) throw new Error(`outside GHL's contract:\n${[...new Set(strayed)].join('\n')}`);
    },
  };
  return stage;
}

export type CommandStage = Awaited<ReturnType<typeof startCommandStage>>;
