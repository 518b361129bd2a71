import { eq } from 'drizzle-orm';
import type { Db } from '../store/db.ts';
import { clearProblems, raiseProblems } from '../store/problems.ts';
import type { Store } from '../store/store.ts';
import { PROBE_EVERY_MS, SIDE_PAUSE_CURSOR, type SidePause } from './sidePause.ts';

const CURSOR = 'ghlApp';
const CODE = 'ghl_uninstalled';

/** Whether the app is in the location, by the newest INSTALL or UNINSTALL. */
interface AppState {
  installed: boolean;
  atMs: number;
}

/** What an installation puts right, besides its own absence: the app's tokens ended with it. */
const OVER_WITH_INSTALL: readonly string[] = [CODE, 'ghl_reconnect_needed', 'ghl_token_rejected'];

type Cursors = Record<string, unknown>;

async function cursorsOf(store: Store, db: Db, connectionId: string): Promise<Cursors> {
  const { connections: t } = store.s;
  const [row] = await db.select({ cursors: t.cursors }).from(t).where(eq(t.id, connectionId));
  return row?.cursors ?? {};
}

/** The app was taken out of the location and not put in again. */
export const isUninstalled = async (store: Store, db: Db, connectionId: string): Promise<boolean> =>
  ((await cursorsOf(store, db, connectionId))[SIDE_PAUSE_CURSOR] as SidePause | undefined)?.code === CODE;

/**
 * Takes an INSTALL or UNINSTALL in (SPEC §3.1), in the caller's transaction. Taken out: GHL's side is paused, with a
 * problem; it is probed like every paused side, so that a connection with a token of its own goes on. Put in again: the
 * pause and the problem are over. Deliveries come late and in any order: only the newest counts. Answers whether it did.
 */
export async function takeAppEvent(
  store: Store,
  db: Db,
  connectionId: string,
  event: { installed: boolean; atMs: number },
): Promise<boolean> {
  const cursors = await cursorsOf(store, db, connectionId);
  const known = cursors[CURSOR] as AppState | undefined;
  if (known && known.atMs >= event.atMs) return false;
  const next: Cursors = { ...cursors, [CURSOR]: { installed: event.installed, atMs: event.atMs } satisfies AppState };
  const pause = cursors[SIDE_PAUSE_CURSOR] as SidePause | undefined;
  const now = store.clock.nowMs();
  if (!event.installed) {
    next[SIDE_PAUSE_CURSOR] = {
      code: CODE,
      message: 'the app was taken out of the location in GHL',
      sinceMs: now,
      probeAtMs: now + PROBE_EVERY_MS,
    } satisfies SidePause;
    await raiseProblems(store, db, connectionId, [
      { code: CODE, recordId: connectionId, sample: { at: new Date(event.atMs).toISOString() } },
    ]);
  } else {
    // What does not answer even so pauses itself again with the next run.
    if (pause && OVER_WITH_INSTALL.includes(pause.code)) delete next[SIDE_PAUSE_CURSOR];
    await clearProblems(store, db, connectionId, connectionId, OVER_WITH_INSTALL);
  }
  const { connections: t } = store.s;
  await db.update(t).set({ cursors: next }).where(eq(t.id, connectionId));
  return true;
}
