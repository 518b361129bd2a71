/** What a caller of the simulator sees: its options, what it kept, and the faults that can be asked of it. */

export interface PipelineOptions {
  id: string;
  name: string;
  stages: { id: string; name: string }[];
}

export interface LocationOptions {
  id: string;
  companyId?: string;
  name?: string;
  timezone?: string;
  country?: string;
  /** Location setting "Allow Duplicate Contact" (ghl.md §5.2); off by default, as for a new location. */
  allowDuplicateContact?: boolean;
  /** What counts as the same person, and in which order it is asked (ghl.md §5.2). */
  uniqueIdentifierOrder?: ('email' | 'phone')[];
  allowDuplicateOpportunity?: boolean;
  tokens: string[];
  /** Scopes of those tokens; all when left out. */
  scopes?: string[];
  pipelines?: PipelineOptions[];
}

export interface RateLimitOptions {
  max: number;
  intervalMs: number;
  daily: number;
  /** Whether a 429 carries `Retry-After`: not known of GHL (ghl.md §3), so off by default. */
  retryAfter?: boolean;
}

export interface WebhookOptions {
  url: string;
  /** How long after its change a delivery is due. */
  lagMs?: number;
  /** Share of deliveries sent twice, with the same body. */
  duplicateRate?: number;
  /** Deliver in random order. */
  shuffle?: boolean;
  /** Share of deliveries that never leave. */
  lostRate?: number;
  /** Repeat what was not answered 2xx, with the same body (ghl.md §9.3); on by default. */
  retry?: boolean;
  /** Deliver by itself when due; `false` leaves it to `flushWebhooks`. On by default. */
  auto?: boolean;
  /** Send ContactUpdate beside ContactTagUpdate when only tags changed (ghl.md §9.1: not known); off by default. */
  tagChangeSendsContactUpdate?: boolean;
  random?: () => number;
}

export interface OAuthOptions {
  /** The part before the first "-" is the app id, as in GHL (ghl.md §2.1). */
  clientId: string;
  clientSecret: string;
  /** How long a used refresh token still answers with the pair that it gave (ghl.md §2.1, claimed once); 30 s by default. */
  refreshGraceMs?: number;
}

export interface GhlSimulatorOptions {
  /** Milliseconds; all timestamps, the rate window and the search lag use it. */
  now?: () => number;
  /** Added to `Date` headers and timestamps only. */
  clockSkewMs?: number;
  locations?: LocationOptions[];
  /** Per location; `false` switches limit and headers off. */
  rateLimit?: RateLimitOptions | false;
  /** Searches answer as of this long ago (ghl.md §5.3). */
  searchLagMs?: number;
  /** Contact properties that search answers leave out, e.g. `phone` (ghl.md §5.1: "fewer fields"). */
  searchOmits?: string[];
  /** Which value empties a custom field; the other one is ignored silently (ghl.md §5.6: not known). */
  clearWith?: 'empty' | 'null' | 'both';
  /** How DATE custom fields are read back (ghl.md §5.6: both were seen). */
  datesReadAs?: 'day' | 'epochMs';
  webhooks?: WebhookOptions;
  oauth?: OAuthOptions;
  /** Keep every exchange; otherwise only the last 200 are kept. */
  journal?: boolean;
  host?: string;
}

export interface Exchange {
  atMs: number;
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body: unknown;
  /** 0 when no answer left the simulator. */
  status: number;
  responseBody: unknown;
  responseHeaders: Record<string, string>;
}

export interface CallFilter {
  method?: string;
  path?: RegExp | string;
  status?: number;
}

/**
 * `reset_after` and `timeout_after` apply the change and lose the answer; `reset_before` and `timeout` change nothing.
 * A `timeout` never answers: the caller has to give up.
 */
export interface Fault {
  kind: 'status' | 'delay' | 'reset_before' | 'reset_after' | 'timeout' | 'timeout_after' | 'html';
  method?: string;
  /** A string is a prefix of the path. */
  path?: RegExp | string;
  /** Narrower than method and path. */
  when?: (call: { query: Record<string, string>; body: unknown }) => boolean;
  /** How often it strikes before it is spent; for ever when left out. */
  times?: number;
  /** Strikes each n-th matching call only. */
  every?: number;
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  delayMs?: number;
}

export type CustomValue = string | number | readonly string[] | Readonly<Record<string, unknown>>;

export type DndChannel = 'Call' | 'Email' | 'SMS' | 'WhatsApp' | 'GMB' | 'FB';
export interface DndSetting {
  status: string;
  message?: string;
  code?: string;
}
export type DndSettings = Partial<Record<DndChannel, DndSetting>>;

/** A contact as tests and people see it: empty fields are absent, custom fields go by key without `contact.`. */
export interface SimulatedContact {
  id: string;
  locationId: string;
  firstName?: string;
  lastName?: string;
  name?: string;
  email?: string;
  phone?: string;
  dnd: boolean;
  dndSettings: DndSettings;
  tags: string[];
  customFields: Record<string, CustomValue>;
  dateAdded: string;
  dateUpdated: string;
  [other: string]: unknown;
}

export interface SimulatedNote {
  id: string;
  contactId: string;
  body: string;
  dateAdded: string;
  userId?: string;
  title?: string;
  color?: string;
  pinned?: boolean;
}

export interface SimulatedTask {
  id: string;
  contactId: string;
  title: string;
  dueDate: string;
  completed: boolean;
  body?: string;
  assignedTo?: string;
}

export interface SimulatedCustomField {
  id: string;
  name: string;
  /** `contact.<snake_case of name>`, given by GHL (ghl.md §6). */
  fieldKey: string;
  dataType: string;
  model: 'contact' | 'opportunity';
  placeholder: string;
  position: number;
  picklistOptions: string[];
  locationId: string;
}

export interface SimulatedOpportunity {
  id: string;
  locationId: string;
  contactId: string;
  name: string;
  pipelineId: string;
  pipelineStageId: string;
  status: string;
  monetaryValue: number;
  assignedTo?: string;
  lostReasonId?: string;
  source?: string;
  customFields: { id: string; fieldValue: CustomValue }[];
  createdAt: string;
  updatedAt: string;
  lastStatusChangeAt: string;
  lastStageChangeAt: string;
}

/** One attempt to deliver a webhook. */
export interface WebhookAttempt {
  type: string;
  webhookId: string;
  attempt: number;
  /** What was posted, to the byte: the signature is over it. */
  body: string;
  /** Beside its content type. */
  headers: Record<string, string>;
  /** 0 when nobody answered. */
  status: number;
}

/** What a person writes in the GHL UI: standard fields by name, custom fields by key or id; `null` or `''` empties. */
export interface ContactEdit {
  firstName?: string | null;
  lastName?: string | null;
  name?: string | null;
  email?: string | null;
  phone?: string | null;
  address1?: string | null;
  city?: string | null;
  state?: string | null;
  postalCode?: string | null;
  country?: string | null;
  website?: string | null;
  timezone?: string | null;
  companyName?: string | null;
  source?: string | null;
  assignedTo?: string | null;
  dateOfBirth?: string | null;
  tags?: string[];
  dnd?: boolean;
  dndSettings?: DndSettings;
  customFields?: Record<string, unknown>;
}

/** For bulk seeding: with an id and times when the test needs them. */
export interface SeedContact extends ContactEdit {
  id?: string;
  dateAdded?: string | number;
  dateUpdated?: string | number;
}
