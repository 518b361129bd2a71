import { join } from 'node:path';
import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import type { Connection } from '../../src/domain/connection.ts';
import { silentLogger } from '../../src/log.ts';
import { loadMaps } from '../../src/maps.ts';
import { projectRoot } from '../../src/paths.ts';
import { createGhlSides, type GhlSide } from '../../src/platforms/ghl/sides.ts';
import type { Dialect } from '../../src/platforms/stickycards/dialect.ts';
import { createStickySides, type StickySide } from '../../src/platforms/stickycards/sides.ts';
import { noCounts } from '../../src/store/runs.ts';
import { createSettler } from '../../src/store/settle.ts';
import { capabilitiesOf } from '../../src/sync/capabilities.ts';
import type { JobContext } from '../../src/sync/jobContext.ts';
import { locationFacts } from '../../src/sync/locationFacts.ts';
import { performLedger } from '../../src/sync/runContext.ts';
import { createStickyHealth } from '../../src/sync/stickyHealth.ts';
import type { TestApp } from './testApp.ts';

const maps = loadMaps(join(projectRoot, 'config'));

/** What a run hands to its jobs, for tests that call one job by itself. */
export async function jobContext(
  test: TestApp,
  options: { clock?: Clock; connection?: Partial<Connection> } = {},
): Promise<JobContext> {
  const { store, connections } = test.app;
  const needs = { clock: options.clock ?? systemClock, log: silentLogger };
  const connection = { ...((await connections.get('default')) as Connection), ...options.connection };
  const dialect = maps.dialects.get('report') as Dialect;
  const ghl = createGhlSides(needs).of(connection) as GhlSide;
  const { client } = createStickySides({ ...needs, dialectOf: () => dialect }).of(connection) as StickySide;
  const facts = await locationFacts({ store, log: silentLogger, connections, rows: maps.rows }, connection, ghl, {
    again: false,
  });
  const health = createStickyHealth(() => {
    ctx.halves.toSticky = false;
  });
  const ctx: JobContext = {
    store,
    log: silentLogger,
    connection,
    facts,
    refreshFacts: async () => undefined,
    locale: { defaultCountry: connection.defaultCountry, timeZone: facts.timeZone },
    rows: maps.rows,
    tagMap: maps.tagMap,
    ghl: ghl.client,
    sticky: { client, dialect },
    halves: { toGhl: true, toSticky: true },
    knownSegments: new Map(),
    consentWords: maps.consentWords,
    perform: (filter) => performLedger(ctx, health, filter),
    capabilities: capabilitiesOf(store, connection.id, { tryAll: true }),
    stickyFailed: (error) => health.failed(error),
    emptyWith: { value: '' },
    settler: createSettler(store, connection.id),
    runId: 'run_test',
    counts: noCounts(),
    random: () => 0.5,
    signal: new AbortController().signal,
    waited: new Set(),
    health: { succeeded: 0, failedInARow: 0 },
  };
  return ctx;
}
