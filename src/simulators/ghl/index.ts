import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createControl } from './control.ts';
import { findContact } from './contactStore.ts';
import { simulatedContact } from './contactViews.ts';
import { createFaults, type Faults } from './faults.ts';
import { createJournal } from './journal.ts';
import { appIdOf, createOAuth, type OAuth } from './oauth.ts';
import { createPoster, type Posted } from './poster.ts';
import { createRateLimit } from './rateLimit.ts';
import { createServerApp } from './server.ts';
import { createUi, locationNamed, seedContacts, type Ui } from './ui.ts';
import { createWebhooks, type Webhooks } from './webhooks.ts';
import { runWorkflow, type WorkflowCall } from './workflowAction.ts';
import { createWorld, type World } from './world.ts';
import type {
  CallFilter,
  Exchange,
  GhlSimulatorOptions,
  OAuthOptions,
  SeedContact,
  SimulatedContact,
  SimulatedCustomField,
  SimulatedNote,
  SimulatedOpportunity,
  SimulatedTask,
} from './types.ts';

export type * from './types.ts';
export type { Ui, Faults, OAuth, Webhooks, WorkflowCall, Posted };

/** What the simulated GHL holds now, without search lag: custom fields by key, empty fields absent. */
export interface SimulatedState {
  contacts(locationId: string): SimulatedContact[];
  contact(id: string): SimulatedContact | undefined;
  notes(contactId: string): SimulatedNote[];
  tasks(contactId: string): SimulatedTask[];
  opportunities(locationId: string): SimulatedOpportunity[];
  customFields(locationId: string): SimulatedCustomField[];
  tagsOf(contactId: string): string[];
}

export interface GhlSimulator {
  /** Base URL of the API, known after `start`. */
  readonly url: string;
  readonly webhookPublicKeyPem: string;
  readonly appId: string;
  readonly journal: Exchange[];
  readonly state: SimulatedState;
  readonly ui: Ui;
  readonly faults: Pick<Faults, 'add' | 'clear' | 'list'>;
  readonly oauth: Pick<OAuth, 'issueCode' | 'revoke' | 'revokeLocation' | 'setScopes'>;
  readonly webhooks: Pick<Webhooks, 'attempts' | 'pending' | 'setOptions'>;
  start(port?: number): Promise<string>;
  /** Keeps everything: started again, on the same port or another, it goes on where it was. */
  stop(): Promise<void>;
  flushWebhooks(options?: { dueOnly?: boolean }): Promise<void>;
  setWebhookUrl(url: string | undefined): void;
  /** Answers the ids. */
  seedContacts(locationId: string, contacts: readonly SeedContact[]): string[];
  callCount(filter?: CallFilter): number;
  /** Tells the webhook URL that the app was put in or taken out (ghl.md §9.1); taking out revokes the OAuth tokens. */
  sendAppEvent(type: 'INSTALL' | 'UNINSTALL', locationId: string): void;
  /** The standard workflow action "Webhook" (ghl.md §10.1). */
  runWorkflow(contactId: string, url: string, call?: WorkflowCall): Promise<Posted>;
}

const defaultOAuth: OAuthOptions = { clientId: 'simapp-1', clientSecret: 'sim-client-secret' };

function stateOf(world: World): SimulatedState {
  return {
    contacts: (locationId) =>
      [...locationNamed(world, locationId).contacts.values()].map((contact) => simulatedContact(world, contact)),
    contact(id) {
      const contact = findContact(world, id);
      return contact && simulatedContact(world, contact);
    },
    notes: (contactId) => [...(world.notes.get(contactId) ?? [])],
    tasks: (contactId) => [...(world.tasks.get(contactId) ?? [])],
    opportunities: (locationId) => [...world.opportunities.values()].filter((each) => each.locationId === locationId),
    customFields: (locationId) => [...locationNamed(world, locationId).customFields.values()],
    tagsOf: (contactId) => [...(findContact(world, contactId)?.tags ?? [])],
  };
}

/** GoHighLevel as reference/ghl.md describes it: over real HTTP, with state, signed webhooks, faults on request. */
export function createGhlSimulator(options: GhlSimulatorOptions = {}): GhlSimulator {
  const now = options.now ?? Date.now;
  const oauthOptions = options.oauth ?? defaultOAuth;
  const appId = appIdOf(oauthOptions);
  const poster = createPoster();
  const stampMs = (): number => now() + (options.clockSkewMs ?? 0);
  const webhooks = createWebhooks(options.webhooks, appId, poster, { now, stampMs });
  const world = createWorld(options, webhooks);
  const parts = {
    world,
    oauth: createOAuth(oauthOptions, options.locations ?? [], now),
    rateLimit: createRateLimit(options.rateLimit, now),
    faults: createFaults(),
    journal: createJournal(options.journal === true),
  };
  const ui = createUi(world);
  const app = createServerApp(parts, createControl(parts, ui));
  let server: Server | undefined;
  let url = '';

  return {
    get url() {
      return url;
    },
    webhookPublicKeyPem: webhooks.publicKeyPem,
    appId,
    journal: parts.journal.exchanges,
    state: stateOf(world),
    ui,
    faults: parts.faults,
    oauth: parts.oauth,
    webhooks,
    async start(port = 0) {
      const started = createServer(app);
      await new Promise<void>((resolve, reject) => {
        started.once('error', reject);
        started.listen(port, options.host ?? '127.0.0.1', resolve);
      });
      server = started;
      webhooks.start();
      const address = started.address() as AddressInfo;
      url = `http://${options.host ?? '127.0.0.1'}:${address.port}`;
      return url;
    },
    async stop() {
      webhooks.stop();
      const stopping = server;
      server = undefined;
      if (stopping) {
        await new Promise<void>((resolve) => {
          stopping.close(() => resolve());
          stopping.closeAllConnections();
        });
      }
      poster.close();
    },
    flushWebhooks: (flush) => webhooks.flush(flush),
    setWebhookUrl: (next) => webhooks.setUrl(next),
    seedContacts: (locationId, contacts) => seedContacts(world, locationId, contacts),
    callCount: (filter) => parts.journal.count(filter),
    sendAppEvent(type, locationId) {
      const location = locationNamed(world, locationId);
      if (type === 'UNINSTALL') {
        parts.oauth.revokeLocation(locationId);
        webhooks.emit(type, { locationId });
        return;
      }
      webhooks.emit(type, {
        installType: 'Location',
        locationId,
        companyId: location.companyId,
        userId: 'user-sim',
        companyName: location.options.name ?? locationId,
        isWhitelabelCompany: false,
      });
    },
    runWorkflow: (contactId, target, call) => runWorkflow(world, poster, contactId, target, call),
  };
}
