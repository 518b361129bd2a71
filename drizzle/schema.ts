// Every table, built once for each dialect.
import { type Kit, kits } from './kit.ts';
import { ghlCallBudgets } from './tables/callBudgets.ts';
import { formerDetails, waitingDeliveries } from './tables/clues.ts';
import { commands } from './tables/commands.ts';
import { connections } from './tables/connections.ts';
import { idempotencyKeys, leases, runRequests } from './tables/coordination.ts';
import { stagingCheckpoints, webhookEvents } from './tables/inbox.ts';
import { claimedIdentities, entityMappings } from './tables/links.ts';
import { oauthRefreshes, oauthStates } from './tables/oauth.ts';
import { problemRecords, problems } from './tables/problems.ts';
import { contactMarks, seenSegments } from './tables/reverse.ts';
import { syncAuditLogs, syncLogs, syncRunSummaries } from './tables/runs.ts';
import { ghlContacts, stickyCardsCards, stickyCardsCustomers } from './tables/staging.ts';
import { sessions, users } from './tables/users.ts';

const build = (kit: Kit) => ({
  connections: connections(kit),
  webhookEvents: webhookEvents(kit),
  stagingCheckpoints: stagingCheckpoints(kit),
  waitingDeliveries: waitingDeliveries(kit),
  formerDetails: formerDetails(kit),
  stickyCardsCustomers: stickyCardsCustomers(kit),
  stickyCardsCards: stickyCardsCards(kit),
  ghlContacts: ghlContacts(kit),
  contactMarks: contactMarks(kit),
  seenSegments: seenSegments(kit),
  entityMappings: entityMappings(kit),
  claimedIdentities: claimedIdentities(kit),
  commands: commands(kit),
  syncRunSummaries: syncRunSummaries(kit),
  syncLogs: syncLogs(kit),
  syncAuditLogs: syncAuditLogs(kit),
  problems: problems(kit),
  problemRecords: problemRecords(kit),
  leases: leases(kit),
  runRequests: runRequests(kit),
  idempotencyKeys: idempotencyKeys(kit),
  ghlCallBudgets: ghlCallBudgets(kit),
  oauthStates: oauthStates(kit),
  oauthRefreshes: oauthRefreshes(kit),
  users: users(kit),
  sessions: sessions(kit),
});

export type Schema = ReturnType<typeof build>;
export const postgresSchema: Schema = build(kits.postgres);
export const sqliteSchema: Schema = build(kits.sqlite);
