import type { Connection } from '../domain/connection.ts';
import { type Setup, type SetupDeliveries, setupOf } from '../domain/setup.ts';
import { everHeard, heardLately, lastRefused } from '../store/heard.ts';
import type { Store } from '../store/store.ts';

export interface SetupNeeds {
  store: Store;
  /** PUBLIC_URL; null = not set. */
  publicUrl: string | null;
  /** Where this process listens, for as long as PUBLIC_URL is not set. */
  ownUrl(): string;
  /** GHL_CLIENT_ID is set. */
  appConfigured: boolean;
}

/** What has to be entered where for a connection, and what has arrived (SPEC §6). Reads only. */
export async function setup(needs: SetupNeeds, connection: Connection): Promise<Setup> {
  const { publicUrl, appConfigured } = needs;
  return setupOf(connection, await deliveriesOf(needs.store, connection.id), {
    publicUrl: publicUrl ?? needs.ownUrl(),
    publicUrlIsSet: publicUrl !== null,
    appConfigured,
  });
}

async function deliveriesOf(store: Store, connectionId: string): Promise<SetupDeliveries> {
  const lately = await heardLately(store, connectionId);
  const of = async (source: 'stickycards' | 'ghl' | 'ghl_workflow') => {
    const times = lately.filter((one) => one.source === source).map((one) => one.lastAt.getTime());
    if (times.length > 0) return { heard: true, lastAt: new Date(Math.max(...times)) };
    return { heard: await everHeard(store, connectionId, source), lastAt: null };
  };
  const refused = await lastRefused(store, connectionId);
  return {
    stickyCards: await of('stickycards'),
    ghlApp: await of('ghl'),
    ghlWorkflow: await of('ghl_workflow'),
    lastRefused: refused && { source: refused.source, reason: refused.reason, at: refused.receivedAt },
  };
}

/** How often the inbox is looked at while somebody waits for the first delivery. */
const LOOK_EVERY_MS = 500;

/**
 * Waits for the first delivery of Sticky Cards, or a newly refused one, for up to `patienceMs`. Answers whether one was
 * taken; at once when there is one already.
 */
export async function firstDelivery(
  store: Store,
  connectionId: string,
  patienceMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { clock } = store;
  const untilMs = clock.nowMs() + patienceMs;
  const refusedBefore = await lastRefused(store, connectionId);
  while (!signal.aborted) {
    if (await everHeard(store, connectionId, 'stickycards')) return true;
    const refused = await lastRefused(store, connectionId);
    if (refused && refused.receivedAt.getTime() !== refusedBefore?.receivedAt.getTime()) return false;
    if (clock.nowMs() >= untilMs) return false;
    await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
  }
  return false;
}
