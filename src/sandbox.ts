import type { App } from './app.ts';
import type { RunRow } from './store/runs.ts';
import { createGhlSimulator, type GhlSimulator } from './simulators/ghl/index.ts';
import { createStickyCardsSimulator, type StickyCardsSimulator } from './simulators/stickycards/index.ts';
import { playSmallDay } from './simulators/stickycards/smallDay.ts';
import {
  SANDBOX_CONNECTION,
  SANDBOX_GHL_TOKEN,
  SANDBOX_LOCATION,
  SANDBOX_STICKY_KEY,
  SANDBOX_WEBHOOK_SECRET,
} from './sandboxConnection.ts';

export interface Sandbox {
  ghl: GhlSimulator;
  stickyCards: StickyCardsSimulator;
  people: number;
  deliveries: number;
  run: RunRow | null;
  stop(): Promise<void>;
}

const PIPELINE = { id: 'sandbox-pipeline', name: 'Loyalty', stages: [{ id: 'sandbox-stage', name: 'Paid' }] };

export interface SandboxSimulators {
  /** PEM: the key that the simulated GHL signs its webhooks with. */
  ghlWebhookPublicKey: string;
  /**
   * Starts both simulators on loopback, ties the running service to them as the connection `sandbox`, lets a small day of
   * traffic flow and runs once (SPEC §10). The simulators begin empty at every start, the database does not: its links
   * are dropped first, so that everybody it knows is linked anew.
   */
  start(app: App): Promise<Sandbox>;
}

/** Both simulators, not started yet. */
export function createSandbox(): SandboxSimulators {
  const ghl = createGhlSimulator({
    locations: [
      {
        id: SANDBOX_LOCATION,
        name: 'Sandbox Coffee',
        timezone: 'America/New_York',
        country: 'US',
        allowDuplicateContact: false,
        tokens: [SANDBOX_GHL_TOKEN],
        pipelines: [PIPELINE],
      },
    ],
  });
  return { ghlWebhookPublicKey: ghl.webhookPublicKeyPem, start: (app) => startSandbox(app, ghl) };
}

async function startSandbox(app: App, ghl: GhlSimulator): Promise<Sandbox> {
  const stickyCards = createStickyCardsSimulator({
    apiKey: SANDBOX_STICKY_KEY,
    webhookSecret: SANDBOX_WEBHOOK_SECRET,
    webhooks: { url: `${app.url()}/webhooks/sticky-cards` },
    deliveryIds: true,
  });
  await Promise.all([ghl.start(), stickyCards.start()]);
  ghl.setWebhookUrl(`${app.url()}/webhooks/ghl`);
  await connect(app, ghl, stickyCards);
  const people = playSmallDay(stickyCards).length;
  await stickyCards.flushWebhooks();
  const run = await app.schedule.run({ connectionId: SANDBOX_CONNECTION, direction: 'both', trigger: 'manual' });
  return {
    ghl,
    stickyCards,
    people,
    deliveries: stickyCards.webhooks.attempts.length,
    run,
    stop: async () => {
      await Promise.all([ghl.stop(), stickyCards.stop()]);
    },
  };
}

async function connect(app: App, ghl: GhlSimulator, stickyCards: StickyCardsSimulator): Promise<void> {
  const { connections, registry } = app;
  const settings = {
    dialect: 'report',
    ghlApiBaseUrl: ghl.url,
    ghlLocationId: SANDBOX_LOCATION,
    ghlAccessToken: SANDBOX_GHL_TOKEN,
    stickyCardsApiBaseUrl: stickyCards.url,
    stickyCardsApiKey: SANDBOX_STICKY_KEY,
    stickyCardsWebhookSecrets: [SANDBOX_WEBHOOK_SECRET],
    pipelineId: PIPELINE.id,
    stageId: PIPELINE.stages[0]?.id ?? null,
    defaultCountry: 'US',
    test: true,
  };
  const known = await connections.get(SANDBOX_CONNECTION);
  if (known) {
    await connections.patch(SANDBOX_CONNECTION, settings, 'sandbox');
    await connections.rebind(SANDBOX_CONNECTION, { keepLinks: false }, 'sandbox');
  } else {
    await connections.create(SANDBOX_CONNECTION, settings, 'sandbox', 'live');
  }
  await registry.refresh();
}
