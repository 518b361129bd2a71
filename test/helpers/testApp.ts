import { createHmac } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, createApp } from '../../src/app.ts';
import type { AppOverrides } from '../../src/core.ts';
import { loadConfig } from '../../src/config.ts';
import { silentLogger } from '../../src/log.ts';
import type { RunRow } from '../../src/store/runs.ts';
import { createGhlSimulator, type GhlSimulator, type GhlSimulatorOptions } from '../../src/simulators/ghl/index.ts';
import {
  createStickyCardsSimulator,
  type StickyCardsSimulator,
  type StickyCardsSimulatorOptions,
} from '../../src/simulators/stickycards/index.ts';
import { ghlContract } from './ghlContract.ts';
import { sqliteUrl } from './databases.ts';
import { quickTables } from './dialectTables.ts';

export const LOCATION = 'LOC1';
export const SECRET = 'whsec_7d1f0c';
export const WORKFLOW_KEY = 'wf_51c9d2';
const GHL_TOKEN = 'pit-5f2c';
const STICKY_KEY = 'sk_7a9e';

export interface TestApp {
  app: App;
  ghl: GhlSimulator;
  stickyCards: StickyCardsSimulator;
  url: string;
  /** Posts a signed delivery as Sticky Cards would; answers its status and body. */
  deliver(
    body: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: Record<string, unknown> }>;
  /** The same with a body as it is, signed. */
  deliverRaw(raw: string, headers?: Record<string, string>): Promise<{ status: number; body: Record<string, unknown> }>;
  /** A GET (or POST with a body) of the JSON API, with the admin token. */
  api(path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
  /** A manual run of both directions, awaited. */
  run(): Promise<RunRow>;
  /** Stops the service and starts it again on the same database, as after a crash or an update. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface TestAppOptions {
  databaseUrl?: string;
  env?: Record<string, string>;
  overrides?: AppOverrides;
  ghl?: Partial<GhlSimulatorOptions>;
  stickyCards?: Partial<StickyCardsSimulatorOptions>;
  location?: Partial<NonNullable<GhlSimulatorOptions['locations']>[number]>;
  /** GHL posts its app webhooks to the service, those of our own writes too; false: as with a Private Integration Token. */
  ghlWebhooks?: boolean;
}

const contract = ghlContract();

/** The whole service on port 0 between both simulators, everything over real HTTP. */
export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const ghl = createGhlSimulator({
    journal: true,
    rateLimit: { max: 100_000, intervalMs: 10_000, daily: 10_000_000 },
    locations: [
      { id: LOCATION, timezone: 'America/New_York', country: 'US', tokens: [GHL_TOKEN], ...options.location },
    ],
    ...options.ghl,
  });
  const stickyCards = createStickyCardsSimulator({
    apiKey: STICKY_KEY,
    webhookSecret: SECRET,
    journal: true,
    ...options.stickyCards,
  });
  await Promise.all([ghl.start(), stickyCards.start()]);
  const root = mkdtempSync(join(tmpdir(), 'app-'));
  const databaseUrl = options.databaseUrl ?? sqliteUrl();
  const config = loadConfig(
    {
      DATABASE_URL: databaseUrl,
      HOST: '127.0.0.1',
      START_MODE: 'live',
      // Runs happen when a test asks for them, never because the clock strikes meanwhile.
      SYNC_CRON: '0 0 1 1 *',
      ADMIN_TOKEN: 'admin-7f3b9d2e5c',
      GHL_API_BASE_URL: ghl.url,
      GHL_LOCATION_ID: LOCATION,
      GHL_ACCESS_TOKEN: GHL_TOKEN,
      GHL_WEBHOOK_PUBLIC_KEY: ghl.webhookPublicKeyPem,
      GHL_WORKFLOW_KEY: WORKFLOW_KEY,
      STICKY_CARDS_API_BASE_URL: stickyCards.url,
      STICKY_CARDS_API_KEY: STICKY_KEY,
      STICKY_CARDS_WEBHOOK_SECRET: SECRET,
      ...options.env,
    },
    root,
  );
  const start = async () => {
    const app = await createApp(
      { ...config, port: 0 },
      { log: silentLogger, configDir: quickTables(), ...options.overrides },
    );
    const { url } = await app.start();
    stickyCards.setWebhookUrl(`${url}/webhooks/sticky-cards`);
    if (options.ghlWebhooks ?? true) ghl.setWebhookUrl(`${url}/webhooks/ghl`);
    return { app, url };
  };
  const test: TestApp = {
    ...(await start()),
    ghl,
    stickyCards,
    deliver: (body, headers) => test.deliverRaw(JSON.stringify(body), headers),
    api: async (path, body) => {
      const answer = await fetch(`${test.url}/api${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${config.adminToken}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    },
    deliverRaw: async (raw, headers = {}) => {
      const answer = await fetch(`${test.url}/webhooks/sticky-cards`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-sticky-signature': createHmac('sha256', SECRET).update(raw).digest('hex'),
          ...headers,
        },
        body: raw,
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    },
    run: async () => {
      const row = await test.app.schedule.run({ connectionId: 'default', direction: 'both', trigger: 'manual' });
      if (!row) throw new Error('the run left no row');
      return row;
    },
    restart: async () => {
      await test.app.stop();
      Object.assign(test, await start());
    },
    stop: async () => {
      await test.app.stop();
      await Promise.all([ghl.stop(), stickyCards.stop()]);
      // Whatever the test was about: what our client sent and what the simulator answered is what GHL's own files say.
      // Faults that a test asked for (no answer, 5xx) are GHL's bad days, not its contract.
      const strayed = ghl.journal
        .filter((exchange) => exchange.status > 0 && exchange.status < 500)
        .flatMap((exchange) =>
          contract.exchange(exchange).map((error) => `${exchange.method} ${exchange.path}: ${error}`),
        );
      if (strayed.length > 0) throw new Error(`outside GHL's contract:\n${[...new Set(strayed)].join('\n')}`);
    },
  };
  return test;
}

/** The one contact of the location, with its tags and its custom fields by key. */
export function onlyContact(test: TestApp) {
  const contacts = test.ghl.state.contacts(LOCATION);
  if (contacts.length !== 1 || !contacts[0]) throw new Error(`one contact expected, ${contacts.length} there`);
  return contacts[0];
}

/** Calls to GHL so far, without the one by which every run asks what was changed there. */
export const callsBesidePolls = (test: TestApp): number =>
  test.ghl.callCount() -
  test.ghl.journal.filter(
    ({ path, body }) => path === '/contacts/search' && JSON.stringify(body).includes('"dateUpdated"'),
  ).length;
