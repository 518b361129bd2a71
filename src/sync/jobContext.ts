import { createHash } from 'node:crypto';
import type { Connection, LocationFacts } from '../domain/connection.ts';
import type { FieldRow, TagMap } from '../domain/fieldMap.ts';
import { tagsOfContact, valuesOfContact } from '../domain/observe.ts';
import { comparableDigits } from '../domain/phone.ts';
import type { Locale } from '../domain/canonical.ts';
import type { Values } from '../domain/plan.ts';
import type { ConsentWords } from '../domain/consent.ts';
import type { GhlClient, GhlContactSeen } from '../platforms/ghl/client.ts';
import type { ApiError } from '../platforms/apiError.ts';
import type { Dialect } from '../platforms/stickycards/dialect.ts';
import type { ReportClient } from '../platforms/stickycards/report/client.ts';
import type { Logger } from '../log.ts';
import type { ContactRow } from '../store/contacts.ts';
import type { NewInboxRow } from '../store/inbox.ts';
import type { NewLogRow, RunCounts } from '../store/runs.ts';
import type { Settler } from '../store/settle.ts';
import type { Store } from '../store/store.ts';
import type { Capabilities } from './capabilities.ts';

/** What every job of one run shares. */
export interface JobContext {
  store: Store;
  log: Logger;
  connection: Connection;
  /** Replaced in place by `refreshFacts`. */
  facts: LocationFacts;
  /** GHL does not know one of our fields: list, adopt and make them again, once per run (SPEC §2.4). */
  refreshFacts(): Promise<void>;
  locale: Locale;
  rows: readonly FieldRow[];
  tagMap: TagMap;
  ghl: GhlClient;
  /** null = Sticky Cards is not configured, paused, or its dialect has no client. */
  sticky: { client: ReportClient; dialect: Dialect } | null;
  /** A run for one direction performs its half and leaves the other open (SPEC §2.6). */
  halves: { toGhl: boolean; toSticky: boolean };
  /** Tag → segment as Sticky Cards spells it: what a tag of GHL may become (SPEC §3.2). */
  knownSegments: ReadonlyMap<string, string>;
  consentWords: ConsentWords;
  /** Performs commands of the ledger now, as far as they are due. */
  perform(filter: { target: string }): Promise<void>;
  /** What the token or the key was refused a moment ago is left alone; the rest goes on. */
  capabilities: Capabilities;
  /** Sticky Cards refused or did not answer a write: the run finds out whether it is there at all. */
  stickyFailed(error: ApiError): void;
  /** How this location's API empties a custom field: found out once per run (ghl.md §5.6: not documented). */
  emptyWith: { value: '' | null };
  settler: Settler;
  runId: string;
  counts: RunCounts;
  /** A random number in [0, 1). */
  random(): number;
  signal: AbortSignal;
  /** People who wait for another's creation: they are taken once more at the end of the run. */
  waited: Set<string>;
  /** Calls that succeeded so far: an attempt only counts while others get through (SPEC §2.6). */
  health: { succeeded: number; failedInARow: number };
}

const LOG_DEFAULTS = {
  errorClass: null,
  errorCode: null,
  errorMessage: null,
  changes: [],
  tagsAdded: [],
  tagsRemoved: [],
  traceId: null,
  attempt: 1,
  nextAttemptAt: null,
  durationMs: null,
} satisfies Partial<NewLogRow>;

/** A log row of this run about one person. */
export const customerLog = (
  ctx: Pick<JobContext, 'runId'> & { connection: Pick<Connection, 'id'> },
  customerId: string,
  contactId: string | null,
  log: Pick<NewLogRow, 'action' | 'status'> & Partial<NewLogRow>,
): NewLogRow => ({
  ...LOG_DEFAULTS,
  runId: ctx.runId,
  connectionId: ctx.connection.id,
  entityType: 'customer',
  entityId: customerId,
  customerId,
  contactId,
  direction: 'stickycards_to_ghl',
  ...log,
});

/** A contact as an answer shows it, as the row that planning reads. */
export function contactRow(
  ctx: JobContext,
  seen: GhlContactSeen,
  before: ContactRow | null,
  dateMs: number | null,
): ContactRow {
  const now = ctx.store.clock.now();
  const values = valuesOfContact(seen, ctx.rows, ctx.facts.fieldIds, ctx.locale);
  const changed = before?.seenBy === 'answer' && JSON.stringify(before.values) !== JSON.stringify(values);
  return {
    connectionId: ctx.connection.id,
    ghlContactId: seen.id,
    ...keysOfValues(values, ctx.connection.defaultCountry),
    values: {
      ...values,
      dnd: seen.dnd === undefined ? (before?.values['dnd'] ?? null) : seen.dnd,
      dnd_channels: seen.dndSettings ? channelsOn(seen.dndSettings) : (before?.values['dnd_channels'] ?? null),
    },
    tags: seen.hasTags ? tagsOfContact(seen.tags) : (before?.tags ?? []),
    seenBy: 'answer',
    deleted: false,
    version: (before?.version ?? 0) + (changed || !before ? 1 : 0),
    pushedVersion: before?.pushedVersion ?? 0,
    syncStatus: before?.syncStatus ?? 'SYNCED',
    syncError: before?.syncError ?? null,
    attempts: before?.attempts ?? 0,
    nextAttemptAt: before?.nextAttemptAt ?? null,
    readWanted: false,
    dateAdded: seen.dateAdded ?? before?.dateAdded ?? null,
    dateUpdated: seen.dateUpdated ?? before?.dateUpdated ?? null,
    observedAt: dateMs === null ? now : new Date(dateMs),
    createdAt: before?.createdAt ?? now,
    updatedAt: now,
  };
}

/** The channels whose DND is on, in one order. */
const channelsOn = (settings: NonNullable<GhlContactSeen['dndSettings']>): string =>
  Object.entries(settings)
    .filter(([, { status }]) => status === 'active' || status === 'permanent')
    .map(([channel]) => channel)
    .toSorted()
    .join(',');

/** The columns that contacts are matched by. */
export function keysOfValues(values: Values, defaultCountry: string) {
  const phone = typeof values['phone'] === 'string' ? values['phone'] : null;
  return {
    phone,
    phoneDigits: phone === null ? null : comparableDigits(phone, defaultCountry),
    email: typeof values['email'] === 'string' ? values['email'] : null,
    stickycardsCustomerId:
      typeof values['stickycards_customer_id'] === 'string' ? values['stickycards_customer_id'] : null,
  };
}

/** An answer of ours to be kept in the inbox like a delivery (SPEC §1, observations). */
export function observation(
  ctx: JobContext,
  source: 'self' | 'read',
  customerId: string | null,
  seen: GhlContactSeen,
  answer: { traceId: string | null; dateMs: number | null },
): NewInboxRow {
  const now = ctx.store.clock.now();
  const payload = JSON.stringify(seen);
  const bodyHash = createHash('sha256').update(payload).digest('hex');
  return {
    connectionId: ctx.connection.id,
    source,
    dedupeKey: ctx.store.newId('evt'),
    deliveryId: answer.traceId,
    type: source === 'self' ? 'ContactWritten' : 'ContactRead',
    occurredAt: answer.dateMs === null ? now : new Date(answer.dateMs),
    receivedAt: now,
    customerId,
    cardId: null,
    contactId: seen.id,
    verification: 'self',
    flags: [],
    headers: null,
    bodyHash,
    payload,
    status: 'folded',
    foldedAt: now,
  };
}
