import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Connection } from '../domain/connection.ts';
import { type Check, type DoctorReport, red, worst, yellow } from '../domain/doctor.ts';
import type { FieldRow } from '../domain/fieldMap.ts';
import type { ConnectionMaps } from '../domain/mapOverrides.ts';
import { messageOf } from '../errors.ts';
import type { GhlSide } from '../platforms/ghl/sides.ts';
import type { StickySide } from '../platforms/stickycards/sides.ts';
import type { ConnectionStore } from '../store/connections.ts';
import type { Store } from '../store/store.ts';
import { GHL_CHECKS } from './doctorGhl.ts';
import { OWN_CHECKS } from './doctorOwn.ts';
import type { Patient, ServiceFacts } from './doctorPatient.ts';
import { balanceMode, stickyKey } from './doctorSticky.ts';

export type { ServiceFacts } from './doctorPatient.ts';

export interface DoctorNeeds {
  store: Store;
  connections: Pick<ConnectionStore, 'get' | 'remembered'>;
  mapsOf(connection: Connection): ConnectionMaps;
  ghlSideOf(connection: Connection): GhlSide | null;
  stickySideOf(connection: Connection): StickySide | null;
  service: ServiceFacts;
}

/** A check that takes longer says so and is over. */
const PATIENCE_MS = 10_000;

/**
 * Looks at everything that a connection needs, both remote sides included (SPEC §5, doctor): reads only, all checks at
 * once, each within 10 s. Never rejects: what goes wrong is a finding.
 */
export async function examine(needs: DoctorNeeds, connection: Connection): Promise<DoctorReport> {
  const { store, connections, service } = needs;
  const { clock } = store;
  const found: Check[] = [];
  let rows: readonly FieldRow[] = [];
  try {
    ({ rows } = needs.mapsOf(connection));
  } catch (error) {
    found.push(
      red(
        'maps',
        'Field map and tag map',
        messageOf(error),
        'Correct fieldMap or tagMap of the connection: until then it does not run.',
      ),
    );
  }
  const patient: Patient = {
    store,
    connections,
    service,
    clock,
    connection,
    rows,
    freeBytes: () => freeBytesOf(store),
  };
  const ghl = needs.ghlSideOf(connection);
  const sticky = needs.stickySideOf(connection);
  if (!ghl)
    found.push(
      red(
        'ghl_location',
        'GHL token and location',
        'the connection has no GHL location or token yet',
        'Set ghlLocationId and ghlAccessToken, or connect it with OAuth.',
      ),
    );
  const jobs: [string, (signal: AbortSignal) => Promise<Check[]>][] = [
    ...(ghl
      ? GHL_CHECKS.map((one): (typeof jobs)[number] => [
          `ghl_${one.name}`,
          (signal) => one(patient, ghl.client, signal),
        ])
      : []),
    ['sticky_key', (signal) => stickyKey(patient, sticky, signal)],
    ['balance_mode', () => balanceMode(patient)],
    ...OWN_CHECKS.map((one): (typeof jobs)[number] => [one.name, () => one(patient)]),
  ];
  const results = await Promise.all(jobs.map(([name, work]) => boxed(clock, name, work)));
  const checks = [...found, ...results.flat()];
  return {
    connection: connection.id,
    status: worst(checks.map((check) => check.status)),
    checkedAt: clock.now(),
    checks,
  };
}

async function boxed(clock: Clock, name: string, work: (signal: AbortSignal) => Promise<Check[]>): Promise<Check[]> {
  const patience = new AbortController();
  const over = new AbortController();
  const title = `Check ${name}`;
  const tooLong = clock.sleep(PATIENCE_MS, over.signal).then(
    () => {
      patience.abort();
      return [
        red(
          name,
          title,
          `no answer within ${PATIENCE_MS / 1000} s`,
          'Ask again in a minute. If it stays, that side is down, or very slow, or a run is using up its pace.',
        ),
      ];
    },
    () => [],
  );
  try {
    return await Promise.race([work(patience.signal), tooLong]);
  } catch (error) {
    return [
      yellow(
        name,
        title,
        `could not be made: ${messageOf(error)}`,
        'Ask again; if it stays, look at the log of this service.',
      ),
    ];
  } finally {
    over.abort();
  }
}

async function freeBytesOf(store: Pick<Store, 'file'>): Promise<number | null> {
  if (store.file === null) return null;
  const { bavail, bsize } = await statfs(dirname(store.file));
  return bavail * bsize;
}
