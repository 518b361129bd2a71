import type { Connection, LocationFacts } from '../domain/connection.ts';
import { knownSegmentsOf } from '../domain/segmentPlan.ts';
import type { GhlSide } from '../platforms/ghl/sides.ts';
import { isApiError } from '../platforms/apiError.ts';
import type { StickySide } from '../platforms/stickycards/sides.ts';
import type { RunCounts } from '../store/runs.ts';
import { segmentNames } from '../store/segments.ts';
import { createSettler } from '../store/settle.ts';
import { consentNow } from './actions/consentNow.ts';
import type { Capabilities } from './capabilities.ts';
import type { JobContext } from './jobContext.ts';
import { locationFacts } from './locationFacts.ts';
import { performCommands, type CommandSelection } from './performCommands.ts';
import type { RunBatchNeeds } from './runNeeds.ts';
import type { StickyHealth } from './stickyHealth.ts';

export interface RunParts {
  connection: Connection;
  facts: LocationFacts;
  ghl: GhlSide;
  sticky: StickySide | null;
  halves: JobContext['halves'];
  health: StickyHealth;
  capabilities: Capabilities;
  runId: string;
  counts: RunCounts;
  signal: AbortSignal;
}

/** What all jobs of one run share. */
export async function createRunContext(needs: RunBatchNeeds, parts: RunParts): Promise<JobContext> {
  const { store } = needs;
  const { connection, facts, ghl, sticky, counts, signal } = parts;
  let refreshing: Promise<void> | null = null;
  const ctx: JobContext = {
    store,
    log: needs.log,
    connection,
    facts,
    locale: { defaultCountry: connection.defaultCountry, timeZone: connection.timeZone ?? facts.timeZone },
    rows: needs.rows,
    tagMap: needs.tagMap,
    ghl: ghl.client,
    sticky: sticky && { client: sticky.client, dialect: needs.dialectOf(connection) },
    halves: parts.halves,
    knownSegments: knownSegmentsOf(needs.tagMap, await segmentNames(store, connection.id)),
    consentWords: needs.consentWords,
    perform: async (filter) => {
      await performLedger(ctx, parts.health, filter);
    },
    capabilities: parts.capabilities,
    stickyFailed: (error) => parts.health.failed(error),
    emptyWith: { value: '' },
    settler: createSettler(store, connection.id),
    runId: parts.runId,
    counts,
    random: () => needs.random(),
    signal,
    // Once per run, for all jobs that meet it; they share the object.
    refreshFacts: () => {
      refreshing ??= locationFacts(needs, connection, ghl, { again: true }).then(
        (now) => void Object.assign(facts, now),
      );
      return refreshing;
    },
    waited: new Set(),
    health: { succeeded: 0, failedInARow: 0 },
  };
  return ctx;
}

/**
 * Performs what is due in the ledger (SPEC §3.5). Sticky Cards being closed ends only its own half; what closes GHL ends
 * the run.
 */
export async function performLedger(ctx: JobContext, health: StickyHealth, only: CommandSelection = {}): Promise<void> {
  const { store, log, connection, facts, locale, ghl, runId, signal } = ctx;
  try {
    const done = await performCommands(
      {
        store,
        log,
        connection,
        facts,
        locale,
        ghl: ctx.halves.toGhl ? ghl : null,
        sticky: ctx.halves.toSticky ? ctx.sticky : null,
        runId,
        signal,
        optedOut: (contactId) =>
          consentNow({ ghl, fieldIds: facts.fieldIds, rows: ctx.rows, words: ctx.consentWords, signal }, contactId),
        random: () => ctx.random(),
      },
      only,
    );
    // What a job has performed for its own record is counted with the record.
    if (only.target === undefined) {
      ctx.counts.updatedCount += done.applied;
      ctx.counts.failedCount += done.failed;
    }
  } catch (error) {
    if (!isApiError(error) || error.side !== 'stickycards') throw error;
    health.failed(error);
  }
}
