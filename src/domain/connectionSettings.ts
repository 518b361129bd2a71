import type { Connection, WebhookMode } from './connection.ts';
import type { GhlGrant } from './ghlGrant.ts';
import type { FieldMapOverrides, TagMapOverrides } from './fieldMap.ts';
import { POINTS_LIMIT } from './points.ts';

/** What may be shown of a connection's settings, by the names of the API (SPEC §6.1). */
export interface ConnectionSettings {
  ghlApiBaseUrl: string;
  ghlLocationId: string | null;
  pipelineId: string | null;
  stageId: string | null;
  stickyCardsApiBaseUrl: string | null;
  stickyCardsWorkspace: string | null;
  stickyCardsWebhookMode: WebhookMode;
  stickyCardsTemplateId: string | null;
  balanceMode: 'delta' | 'absolute';
  /** `all`, `tag:<name>` or `off`. */
  createCustomers: string;
  lowRating: number;
  pointsLimit: number;
  stickerPartnerOrgId: string | null;
  defaultCountry: string;
  timeZone: string | null;
  test: boolean;
  /** What differs from config/field-map.json and config/tag-map.json for this connection. */
  fieldMap: FieldMapOverrides | null;
  tagMap: TagMapOverrides | null;
}

/** What goes in and never comes out. */
export interface ConnectionSecrets {
  /** A Private Integration Token; the one of the two that was set last is the one that counts, the other is dropped. */
  ghlAccessToken: string | null;
  /** What OAuth gave; set by `/oauth/callback` and by renewals, never by hand. */
  ghlOAuth: GhlGrant | null;
  ghlWorkflowKey: string | null;
  stickyCardsApiKey: string | null;
  /** One or two live ones, the new one first. */
  stickyCardsWebhookSecrets: string[];
  stickerWebhookSecret: string | null;
}

/** A change of a connection: what is left out stays, null empties. */
export type ConnectionPatch = Partial<ConnectionSettings & ConnectionSecrets> & { dialect?: string };

export const DEFAULT_SETTINGS: ConnectionSettings = {
  ghlApiBaseUrl: 'https://services.leadconnectorhq.com',
  ghlLocationId: null,
  pipelineId: null,
  stageId: null,
  stickyCardsApiBaseUrl: null,
  stickyCardsWorkspace: null,
  stickyCardsWebhookMode: 'enforce',
  stickyCardsTemplateId: null,
  balanceMode: 'delta',
  createCustomers: 'all',
  lowRating: 2,
  pointsLimit: POINTS_LIMIT,
  stickerPartnerOrgId: null,
  defaultCountry: 'US',
  timeZone: null,
  test: false,
  fieldMap: null,
  tagMap: null,
};

export const NO_SECRETS: ConnectionSecrets = {
  ghlAccessToken: null,
  ghlOAuth: null,
  ghlWorkflowKey: null,
  stickyCardsApiKey: null,
  stickyCardsWebhookSecrets: [],
  stickerWebhookSecret: null,
};

/** Where a dialect's API is when the connection names no address; `report` differs from account to account. */
const API_OF_DIALECT: Record<string, string> = {
  digitalwallet: 'https://api.digitalwallet.cards/api/v2',
  sticky: 'https://api.sticky.co',
};

/** The parts of a Connection that settings and secrets decide. */
export function connectionParts(
  dialect: string,
  s: ConnectionSettings,
  secrets: ConnectionSecrets,
): Pick<
  Connection,
  | 'dialect'
  | 'defaultCountry'
  | 'timeZone'
  | 'test'
  | 'ghl'
  | 'stickyCards'
  | 'sticker'
  | 'createCustomers'
  | 'lowRating'
  | 'pointsLimit'
  | 'fieldMap'
  | 'tagMap'
> {
  return {
    dialect,
    defaultCountry: s.defaultCountry,
    timeZone: s.timeZone,
    test: s.test,
    ghl: {
      apiBaseUrl: s.ghlApiBaseUrl,
      locationId: s.ghlLocationId,
      accessToken: secrets.ghlAccessToken,
      oauth: secrets.ghlOAuth,
      workflowKey: secrets.ghlWorkflowKey,
      pipelineId: s.pipelineId,
      stageId: s.stageId,
    },
    stickyCards: {
      apiBaseUrl: s.stickyCardsApiBaseUrl ?? API_OF_DIALECT[dialect] ?? null,
      apiKey: secrets.stickyCardsApiKey,
      workspace: s.stickyCardsWorkspace,
      webhookSecrets: secrets.stickyCardsWebhookSecrets,
      webhookMode: s.stickyCardsWebhookMode,
      templateId: s.stickyCardsTemplateId,
      balanceMode: s.balanceMode,
    },
    sticker: { webhookSecret: secrets.stickerWebhookSecret, partnerOrgId: s.stickerPartnerOrgId },
    createCustomers: s.createCustomers,
    lowRating: s.lowRating,
    pointsLimit: s.pointsLimit,
    fieldMap: s.fieldMap,
    tagMap: s.tagMap,
  };
}

/** The settings of a connection by the names of the API: the other way round of `connectionParts`. */
export const settingsOf = (c: Connection): ConnectionSettings & { dialect: string } => ({
  dialect: c.dialect,
  ghlApiBaseUrl: c.ghl.apiBaseUrl,
  ghlLocationId: c.ghl.locationId,
  pipelineId: c.ghl.pipelineId,
  stageId: c.ghl.stageId,
  // The dialect's own address is none of the connection's.
  stickyCardsApiBaseUrl: c.stickyCards.apiBaseUrl === API_OF_DIALECT[c.dialect] ? null : c.stickyCards.apiBaseUrl,
  stickyCardsWorkspace: c.stickyCards.workspace,
  stickyCardsWebhookMode: c.stickyCards.webhookMode,
  stickyCardsTemplateId: c.stickyCards.templateId,
  balanceMode: c.stickyCards.balanceMode,
  createCustomers: c.createCustomers,
  lowRating: c.lowRating,
  pointsLimit: c.pointsLimit,
  stickerPartnerOrgId: c.sticker.partnerOrgId,
  defaultCountry: c.defaultCountry,
  timeZone: c.timeZone,
  test: c.test,
  fieldMap: c.fieldMap,
  tagMap: c.tagMap,
});

/** Path words that stand where a connection's name stands (SPEC §2.1, §3.1, §3.4). */
const RESERVED = [
  'workflow',
  'push',
  'issue-card',
  'add-points',
  'card-status',
  'segments',
  'preferences',
  'sync-contact',
];

/** What is wrong with a name for a connection, or null. It becomes part of addresses that people paste. */
export function nameMistake(name: string): string | null {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    return 'name: use up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit';
  }
  return RESERVED.includes(name) ? `name: "${name}" is part of our own addresses: choose another` : null;
}
