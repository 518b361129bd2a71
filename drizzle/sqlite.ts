// What drizzle-kit reads to generate migrations/sqlite.
import { sqliteSchema } from './schema.ts';

export const {
  connections,
  webhookEvents,
  stagingCheckpoints,
  stickyCardsCustomers,
  stickyCardsCards,
  ghlContacts,
  contactMarks,
  seenSegments,
  entityMappings,
  claimedIdentities,
  commands,
  syncRunSummaries,
  syncLogs,
  syncAuditLogs,
  problems,
  problemRecords,
  leases,
  runRequests,
  idempotencyKeys,
  oauthStates,
  oauthRefreshes,
  users,
  sessions,
} = sqliteSchema;
