import { hash } from 'node:crypto';
import { and, asc, eq, isNull } from 'drizzle-orm';
import { isStale } from '../domain/ghlDelivery.ts';
import { AppError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { readGhlHead } from '../platforms/ghl/webhooks.ts';
import type { ConnectionStore } from '../store/connections.ts';
import type { Store } from '../store/store.ts';

export interface PendingInstallsNeeds {
  store: Store;
  log: Logger;
  connections: ConnectionStore;
  /** Of our app; null = unknown, then no connection is made: GHL signs the webhooks of every app with one key. */
  ghlAppId: string | null;
  /** Deliveries for no connection are stored under this name. */
  noConnection: string;
  /** The API that a new connection speaks to. */
  ghlApiBaseUrl: string;
}

const FINISH =
  'the app was installed in GHL: finish setting it up (Sticky Cards settings, GHL connection), then resume it';
const AT_ONCE = 50;

/**
 * Turns installations in locations that are not connected yet into connections that wait for a person (SPEC §5): paused,
 * in observe, with a problem. Their INSTALL moves to the new connection, which folds it like any other. Whoever dies in
 * between leaves the delivery as it was; the next sweep goes on.
 */
export async function takeInstalls(needs: PendingInstallsNeeds): Promise<void> {
  const { store } = needs;
  const { webhookEvents: e } = store.s;
  const rows = await store.db
    .select({
      id: e.id,
      payload: e.payload,
      dedupeKey: e.dedupeKey,
      occurredAt: e.occurredAt,
      receivedAt: e.receivedAt,
    })
    .from(e)
    .where(and(eq(e.connectionId, needs.noConnection), isNull(e.foldedAt), eq(e.source, 'ghl')))
    .orderBy(asc(e.id))
    .limit(AT_ONCE);
  for (const row of rows) {
    const stale = isStale(row.occurredAt.getTime(), row.receivedAt.getTime());
    const outcome: Outcome = stale ? { skipped: 'stale' } : await connectionFor(needs, row.payload);
    await store.tx(async (db) => {
      const skipped = (reason: string) => ({ status: 'skipped' as const, reason, foldedAt: store.clock.now() });
      let set;
      if ('skipped' in outcome) set = skipped(outcome.skipped);
      else {
        const { connectionId } = outcome;
        const same = and(eq(e.connectionId, connectionId), eq(e.source, 'ghl'), eq(e.dedupeKey, row.dedupeKey));
        const [again] = await db.select({ id: e.id }).from(e).where(same);
        // GHL sent it twice, and the second one found the connection there.
        set = again ? skipped('older_than_known') : { connectionId };
      }
      await db
        .update(e)
        .set(set)
        .where(and(eq(e.id, row.id), isNull(e.foldedAt)));
    });
  }
}

type Outcome = { connectionId: string } | { skipped: 'unknown_location' | 'other_app' | 'stale' };

async function connectionFor(needs: PendingInstallsNeeds, payload: string | null): Promise<Outcome> {
  const head = headOf(payload);
  if (head === null || head.locationId === null || needs.ghlAppId === null) return { skipped: 'unknown_location' };
  if (head.appId !== needs.ghlAppId) return { skipped: 'other_app' };
  const { locationId } = head;
  const known = (await needs.connections.all()).find(({ ghl }) => ghl.locationId === locationId);
  if (known) return { connectionId: known.id };
  try {
    const patch = { ghlLocationId: locationId, ghlApiBaseUrl: needs.ghlApiBaseUrl };
    const made = await needs.connections.create(nameOf(locationId), patch, 'ghl', 'observe', FINISH);
    needs.log.info('the app was installed in a new location; its connection waits to be set up', {
      connection: made.id,
    });
    return { connectionId: made.id };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // Another instance was faster, or somebody gave that name to something else.
    const there = await needs.connections.get(nameOf(locationId));
    return there?.ghl.locationId === locationId ? { connectionId: there.id } : { skipped: 'unknown_location' };
  }
}

/** Part of addresses, and the same in every instance: a second INSTALL makes no second connection. */
const nameOf = (locationId: string): string =>
  /^[\w.-]{1,60}$/.test(locationId) ? `ghl-${locationId}` : `ghl-${hash('sha256', locationId, 'hex').slice(0, 20)}`;

function headOf(payload: string | null) {
  try {
    return payload === null ? null : readGhlHead(JSON.parse(payload));
  } catch {
    return null;
  }
}
