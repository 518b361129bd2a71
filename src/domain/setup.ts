import { type ActionName, ACTIONS } from './actionCall.ts';
import type { Connection } from './connection.ts';
import { EVENT_EFFECTS } from './eventEffects.ts';

/** Where to enter what. Addresses are whole; secrets are never in them, only where they belong. */
export interface SetupPlace {
  url: string;
  /** Where this is entered, click by click. */
  where: string;
  /** Event types to tick; empty when there is nothing to choose. */
  events: string[];
  notes: string[];
}

export interface SetupAction {
  action: ActionName;
  url: string;
  method: 'POST';
  headers: Record<string, string>;
  /** To paste as the raw JSON body of a Custom Webhook action. */
  body: Record<string, unknown>;
}

/** What an operator needs to connect one client (SPEC §6, set-up page). */
export interface Setup {
  connection: string;
  mode: Connection['mode'];
  stickyCards: SetupPlace;
  ghlApp: SetupPlace;
  ghlWorkflow: SetupPlace & { body: Record<string, unknown> };
  actions: SetupAction[];
  /** What is still to be done, in order, in words. */
  missing: string[];
  deliveries: SetupDeliveries;
}

/** What has arrived so far. */
export interface SetupDeliveries {
  stickyCards: { heard: boolean; lastAt: Date | null };
  ghlApp: { heard: boolean; lastAt: Date | null };
  ghlWorkflow: { heard: boolean; lastAt: Date | null };
  /** The newest refused delivery; null = none was refused. */
  lastRefused: { source: string; reason: string | null; at: Date } | null;
}

const GHL_EVENTS = ['ContactCreate', 'ContactUpdate', 'ContactTagUpdate', 'ContactDndUpdate', 'ContactDelete'];
const KEY_HERE = '<workflow key>';

/** Parameters of each action, as an example that works once the values are changed. */
const EXAMPLES: Record<ActionName, Record<string, unknown>> = {
  push: { title: 'Hello {{contact.first_name}}', message: 'Your points are waiting.' },
  'issue-card': {},
  'add-points': { points: 50 },
  'card-status': { status: 'active' },
  segments: { add: ['VIP'], remove: [] },
  preferences: { opt_in: true },
  'sync-contact': {},
};

/**
 * Everything that has to be entered elsewhere for a connection, with what is still missing. Pure.
 * @param publicUrl the address under which the service is reached from outside
 */
export function setupOf(
  connection: Connection,
  deliveries: SetupDeliveries,
  { publicUrl, publicUrlIsSet, appConfigured }: { publicUrl: string; publicUrlIsSet: boolean; appConfigured: boolean },
): Setup {
  const name = encodeURIComponent(connection.id);
  const byPath = connection.stickyCards.webhookMode === 'path-secret';
  const workflowUrl = `${publicUrl}/webhooks/ghl/workflow/${name}`;
  const workflowHeaders = { Authorization: `Bearer ${KEY_HERE}` };
  return {
    connection: connection.id,
    mode: connection.mode,
    stickyCards: {
      url: `${publicUrl}/webhooks/sticky-cards/${name}${byPath ? '/<webhook secret>' : ''}`,
      where: 'Sticky Cards: the webhook settings of the account. Method POST, JSON.',
      events: Object.keys(EVENT_EFFECTS),
      notes: byPath
        ? ['The account does not sign: put the webhook secret of the connection at the end of the address.']
        : ['Set the signing secret there to the webhook secret of the connection (stickyCardsWebhookSecrets).'],
    },
    ghlApp: {
      url: `${publicUrl}/webhooks/ghl`,
      where: 'GHL marketplace: your app > Advanced Settings > Webhooks. One address for all locations.',
      events: GHL_EVENTS,
      notes: [
        'Only an installed app gets these. With a Private Integration Token alone, changes are found by asking GHL in every run.',
        `Install the app in the location: ${publicUrl}/oauth/install?connection=${name}`,
      ],
    },
    ghlWorkflow: {
      url: workflowUrl,
      where: 'GHL: Automation > Workflows, trigger "Contact Changed", action "Webhook", method POST.',
      events: [],
      notes: [
        `Put the workflow key of the connection (ghlWorkflowKey) into the header "Authorization: Bearer ${KEY_HERE}", or under Custom Data as "key".`,
      ],
      body: { customData: { key: KEY_HERE } },
    },
    actions: ACTIONS.map((action) => ({
      action,
      url: `${publicUrl}/actions/${name}/${action}`,
      method: 'POST',
      headers: { ...workflowHeaders, 'Content-Type': 'application/json' },
      body: {
        contact_id: '{{contact.id}}',
        location_id: '{{location.id}}',
        ...EXAMPLES[action],
      },
    })),
    missing: missingOf(connection, deliveries, publicUrlIsSet, appConfigured),
    deliveries,
  };
}

function missingOf(
  { id, mode, ghl, stickyCards }: Connection,
  deliveries: SetupDeliveries,
  publicUrlIsSet: boolean,
  appConfigured: boolean,
): string[] {
  const steps: [boolean, string][] = [
    [
      !publicUrlIsSet,
      'Set PUBLIC_URL to the address under which this service is reached from outside: the addresses here are guesses.',
    ],
    [ghl.locationId === null, 'Set ghlLocationId: Settings > Business Profile of the location in GHL.'],
    [
      ghl.accessToken === null && ghl.oauth === null,
      `Set ghlAccessToken (a Private Integration Token)${appConfigured ? `, or install the app: /oauth/install?connection=${encodeURIComponent(id)}` : ''}.`,
    ],
    [
      stickyCards.webhookSecrets.length === 0 && stickyCards.webhookMode !== 'log-only',
      'Set stickyCardsWebhookSecrets to the secret that Sticky Cards signs with.',
    ],
    [
      stickyCards.apiBaseUrl === null || stickyCards.apiKey === null,
      'Set stickyCardsApiBaseUrl and stickyCardsApiKey: without them what changes in GHL does not reach Sticky Cards.',
    ],
    [ghl.workflowKey === null, 'Set ghlWorkflowKey if workflows are to call this service.'],
    [!deliveries.stickyCards.heard, 'Enter the webhook address in Sticky Cards and wait for the first delivery.'],
    [
      mode === 'observe',
      `Look at what going live would do (sticky-ghl connections first-link ${id}), then activate the connection.`,
    ],
  ];
  return steps.filter(([open]) => open).map(([, text]) => text);
}
