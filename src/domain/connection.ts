import type { GhlGrant } from './ghlGrant.ts';

import type { FieldMapOverrides, TagMapOverrides } from './fieldMap.ts';

export type WebhookMode = 'enforce' | 'log-only' | 'path-secret';

/** What the GHL location told us about itself at provisioning; kept with the connection, read again when dropped. */
export interface LocationFacts {
  timeZone: string;
  allowDuplicateContact: boolean;
  /** Field-map key → id of the custom field. */
  fieldIds: Record<string, string>;
  readAtMs: number;
}

/** One Sticky Cards account tied to one GHL location (SPEC §1), as the program uses it: secrets in the clear, in memory only. */
export interface Connection {
  id: string;
  mode: 'observe' | 'live';
  dialect: string;
  state: 'ready' | 'paused' | 'fingerprint';
  reason: string | null;
  pausedDirections: string[];
  defaultCountry: string;
  /** Overrides the location's own zone. */
  timeZone: string | null;
  /** Sandbox events are folded only for a test connection. */
  test: boolean;
  ghl: {
    apiBaseUrl: string;
    locationId: string | null;
    /** A Private Integration Token. */
    accessToken: string | null;
    /** Instead of it: what OAuth gave. The token keeper knows the latest. */
    oauth: GhlGrant | null;
    workflowKey: string | null;
    pipelineId: string | null;
    stageId: string | null;
  };
  stickyCards: {
    apiBaseUrl: string | null;
    apiKey: string | null;
    workspace: string | null;
    /** One or two live secrets (rotation). */
    webhookSecrets: string[];
    webhookMode: WebhookMode;
    templateId: string | null;
    balanceMode: 'delta' | 'absolute';
  };
  sticker: { webhookSecret: string | null; partnerOrgId: string | null };
  createCustomers: string;
  /** Ratings up to this make a task (SPEC §2.3). */
  lowRating: number;
  /** A single change of points beyond this waits for a person (SPEC §3.3). */
  pointsLimit: number;
  /** What differs from the maps in `config/`; see mapOverrides.ts. */
  fieldMap: FieldMapOverrides | null;
  tagMap: TagMapOverrides | null;
  fingerprint: { ghlLocationId: string | null; stickyAccount: string | null } | null;
  location: LocationFacts | null;
  cursors: Record<string, unknown>;
  activatedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}
