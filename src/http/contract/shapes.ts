import { z } from 'zod';
import { COMMAND_KINDS, COMMAND_STATES } from '../../../drizzle/tables/commands.ts';
import { PROBLEM_STATES } from '../../../drizzle/tables/problems.ts';
import { RUN_STATUSES, RUN_TRIGGERS } from '../../../drizzle/tables/runs.ts';
import { SYNC_STATUSES } from '../../../drizzle/tables/staging.ts';
import { COMMAND_DECISIONS } from '../../domain/commandStates.ts';
import { anything, instant, instantOrNull, named, numberOrNull, orNull, textOrNull } from './operation.ts';

// What the API answers, written afresh: the tests hold real answers against it, so that neither changes unseen.

const direction = z.enum(['stickycards_to_ghl', 'ghl_to_stickycards']);

export const run = named(
  'Run',
  z.strictObject({
    id: z.string(),
    connection: z.string(),
    direction: z.enum([...direction.options, 'both']),
    trigger: z.enum(RUN_TRIGGERS),
    status: z.enum(RUN_STATUSES),
    totalRecords: z.int(),
    createdCount: z.int(),
    updatedCount: z.int(),
    unchangedCount: z.int(),
    skippedCount: z.int(),
    failedCount: z.int(),
    apiCalls: z.int(),
    rateLimitWaits: z.int().meta({ description: 'Answers 429 of GHL.' }),
    startedAt: instant,
    heartbeatAt: instant,
    completedAt: instantOrNull,
    durationMs: numberOrNull,
    lastError: textOrNull,
  }),
);

const fieldValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export const log = named(
  'Log',
  z.strictObject({
    id: z.string(),
    runId: z.string(),
    connection: z.string(),
    entityType: z.string(),
    entityId: z.string(),
    direction,
    action: z.enum(['create', 'update', 'tag', 'command', 'skip', 'delete']),
    status: z.enum(['success', 'failed', 'skipped']),
    errorClass: textOrNull,
    errorCode: textOrNull,
    message: textOrNull,
    changes: z.array(z.strictObject({ field: z.string(), before: fieldValue, after: fieldValue })),
    tagsAdded: z.array(z.string()),
    tagsRemoved: z.array(z.string()),
    traceId: textOrNull.meta({ description: 'Of the remote side, for its support.' }),
    attempt: z.int(),
    nextAttemptAt: instantOrNull,
    durationMs: numberOrNull,
    createdAt: instant,
  }),
);

const eventHead = {
  id: z.string().meta({ description: 'The receiptId that the sender got.' }),
  connection: textOrNull.meta({ description: 'null = it named none that exists.' }),
  source: z.enum(['stickycards', 'ghl', 'ghl_workflow', 'sticker', 'self', 'read']),
  type: z.string(),
  occurredAt: instant,
  receivedAt: instant,
  foldedAt: instantOrNull.meta({ description: 'When it was worked in; null = it waits.' }),
  status: z.enum(['RECEIVED', 'FOLDED', 'WAITING', 'SKIPPED', 'REJECTED']),
  reason: textOrNull,
  flags: z.array(z.string()),
  verification: z.enum(['verified', 'unverified', 'failed', 'path_secret', 'self']),
  customerId: textOrNull,
  duplicates: z.int().meta({ description: 'How often it came again.' }),
};

export const event = named(
  'Event',
  z.strictObject({
    ...eventHead,
    payload: z.unknown().meta({ description: 'The body as it came; null once it was pruned, and of refused ones.' }),
  }),
);

const card = z.strictObject({
  cardId: z.string(),
  templateId: textOrNull,
  cardType: textOrNull,
  status: textOrNull,
  installed: textOrNull,
  balance: numberOrNull,
  installedDate: instantOrNull,
  issuedDate: instantOrNull,
});

export const customer = named(
  'Customer',
  z.strictObject({
    customerId: z.string(),
    connection: z.string(),
    email: textOrNull,
    mobile: textOrNull,
    firstName: textOrNull,
    lastName: textOrNull,
    cards: z.array(card),
    cardId: textOrNull.meta({ description: 'The card that the contact shows.' }),
    cardStatus: textOrNull,
    cardInstalled: textOrNull,
    loyaltyPoints: numberOrNull,
    cardInstalledDate: instantOrNull,
    cardIssuedDate: instantOrNull,
    lastActivity: instantOrNull,
    lastPurchaseDate: instantOrNull,
    referralCount: numberOrNull,
    segments: z.array(z.string()),
    optInStatus: textOrNull,
    inactiveDays: numberOrNull,
    ghlContactId: textOrNull,
    paused: z.boolean().meta({ description: 'Left out of the runs by a person.' }),
    syncStatus: z.enum(SYNC_STATUSES),
    syncError: z.strictObject({ class: z.string(), code: z.string(), message: z.string() }).nullable(),
    attempts: z.int(),
    nextAttemptAt: instantOrNull,
  }),
);

export const command = named(
  'Command',
  z.strictObject({
    id: z.string(),
    connection: z.string(),
    kind: z.enum(COMMAND_KINDS),
    target: z.string(),
    sourceEvent: z.string(),
    state: z.enum(COMMAND_STATES),
    reason: textOrNull,
    attempts: z.int(),
    params: anything.nullable(),
    before: anything.nullable(),
    result: anything.nullable(),
    decidedBy: textOrNull,
    possible: z.array(z.enum(COMMAND_DECISIONS)).meta({ description: 'What may be decided about it now.' }),
    sentAt: instantOrNull,
    nextAttemptAt: instantOrNull,
    createdAt: instant,
    updatedAt: instant,
  }),
);

export const problemRow = named(
  'OperatorProblem',
  z.strictObject({
    id: z.string(),
    connection: z.string(),
    code: z.string(),
    title: z.string(),
    remedy: z.string(),
    state: z.enum(PROBLEM_STATES),
    firstSeen: instant,
    lastSeen: instant,
    affected: z.int(),
    sample: anything,
  }),
);

const audit = z.strictObject({
  id: z.string(),
  connection: textOrNull,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  before: z.unknown(),
  after: z.unknown(),
  createdAt: instant,
});

const entry = <K extends string>(kind: K, value: z.ZodType) =>
  z.strictObject({ id: z.string(), at: instant, kind: z.literal(kind), [kind]: value });

export const timelineEntry = named(
  'TimelineEntry',
  z.union([
    entry('event', z.strictObject(eventHead)),
    entry('log', log),
    entry('command', command),
    entry('audit', audit),
  ]),
);

/** Loose: a setting more is no breach of what is promised here. */
export const connection = named(
  'Connection',
  z.looseObject({
    id: z.string(),
    mode: z.enum(['observe', 'live']),
    dialect: z.string(),
    ghlLocationId: textOrNull,
    stickyCardsApiBaseUrl: textOrNull,
    defaultCountry: z.string(),
    timeZone: textOrNull,
    pipelineId: textOrNull,
    stageId: textOrNull,
    paused: z.array(direction),
    state: z.enum(['ready', 'paused', 'fingerprint']),
    reason: textOrNull,
    activatedAt: instantOrNull,
    secretsSet: z.array(z.string()).meta({ description: 'Secrets go in and never come out: only which are set.' }),
  }),
);

export const overview = named(
  'Overview',
  z.strictObject({
    id: z.string(),
    mode: z.enum(['observe', 'live']),
    state: z.enum(['ready', 'paused', 'fingerprint']),
    reason: textOrNull,
    paused: z.array(direction),
    lagSeconds: numberOrNull.meta({ description: 'Age of the oldest change that has not reached the other side.' }),
    pending: z.int(),
    inSync: z.int(),
    excluded: z.int(),
    failing: z.int(),
    budget: z.strictObject({ usedToday: z.int(), perDay: z.int() }).meta({
      description:
        'Calls to GHL since midnight UTC, whatever for, as GHL told last; counted here where it does not tell.',
    }),
    lastRun: orNull(run),
  }),
);
