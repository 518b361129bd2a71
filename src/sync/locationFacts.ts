import type { Connection, LocationFacts } from '../domain/connection.ts';
import type { FieldRow } from '../domain/fieldMap.ts';
import type { Logger } from '../log.ts';
import { isApiError } from '../platforms/apiError.ts';
import type { GhlSide } from '../platforms/ghl/sides.ts';
import type { ConnectionStore } from '../store/connections.ts';
import { askForRunOfAll } from '../store/inactivity.ts';
import { raiseProblems } from '../store/problems.ts';
import type { Store } from '../store/store.ts';
import type { Capabilities } from './capabilities.ts';
import { provisionFields } from './provisionFields.ts';

export interface LocationFactsNeeds {
  store: Store;
  log: Logger;
  connections: ConnectionStore;
  rows: readonly FieldRow[];
  capabilities?: Capabilities;
}

/** A field that could not be had is asked for again this often, not in every run. */
const PROVISION_AGAIN_MS = 15 * 60_000;

/**
 * What is known of the location; provisioned on its first sync, when the field map grew, and when GHL says that it does
 * not know a field any more (`again`, SPEC §2.4). Everybody who is linked already gets a value of a field that is new.
 */
export async function locationFacts(
  needs: LocationFactsNeeds,
  connection: Connection,
  side: GhlSide,
  options: { again: boolean },
): Promise<LocationFacts> {
  const known = (await needs.connections.remembered(connection.id))?.location ?? null;
  const missing = needs.rows.some((row) => row.ghl === 'custom' && known?.fieldIds[row.key] === undefined);
  const fresh = known !== null && needs.store.clock.nowMs() - known.readAtMs < PROVISION_AGAIN_MS;
  if (known && !options.again && (!missing || fresh)) return known;
  if (known && needs.capabilities?.isRefused('custom_fields')) return known;
  const found = await provisionFields(side.client, needs.rows, {
    connectionId: connection.id,
    nowMs: needs.store.clock.nowMs(),
    timeZone: connection.timeZone,
    log: needs.log,
  }).catch((error: unknown) => {
    // The fields that are known go on being written (SPEC §2.6: a capability is refused, not the side).
    if (!known || !isApiError(error, 'scope')) throw error;
    needs.capabilities?.refuse('custom_fields', error);
    return null;
  });
  if (!found) return known as LocationFacts;
  const { facts, problems, created } = found;
  needs.capabilities?.allow('custom_fields');
  // Before it is remembered: after a crash in between it is found out again.
  if (known && hasNewSource(needs.rows, known, facts)) await askForRunOfAll(needs.store, connection.id);
  if (created.length > 0) needs.log.info('custom fields made in GHL', { connection: connection.id, created });
  await needs.connections.rememberLocation(connection.id, facts);
  if (problems.length > 0) await needs.store.tx((db) => raiseProblems(needs.store, db, connection.id, problems));
  return facts;
}

/** A field that people have values for and that GHL could not be sent so far: a new row of the map, or one put right. */
const hasNewSource = (rows: readonly FieldRow[], known: LocationFacts, now: LocationFacts): boolean =>
  rows.some(
    ({ key, staging }) => staging !== undefined && known.fieldIds[key] === undefined && now.fieldIds[key] !== undefined,
  );
