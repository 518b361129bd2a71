import { AppError } from '../errors.ts';
import type { Side } from '../platforms/apiError.ts';
import type { ConnectionStore } from '../store/connections.ts';
import { clearProblems, raiseProblems } from '../store/problems.ts';
import type { Store } from '../store/store.ts';

/** The side cannot be written to at all now: the run ends early, nothing of what is left has been attempted. */
export class RunHalted extends AppError {
  constructor(code: HaltCode, message: string, cause?: unknown) {
    super(code, message, { retry: 'later', ...(cause === undefined ? {} : { cause }) });
    this.name = 'RunHalted';
  }
}

/** Why a side is paused by itself (SPEC §2.6); each is a problem of that name while it lasts. */
const CODES = {
  ghl: [
    'ghl_token_rejected',
    'ghl_reconnect_needed',
    'ghl_client_rejected',
    'ghl_wrong_location',
    'ghl_location_inactive',
    'ghl_scope_missing',
    'ghl_daily_budget',
    'ghl_down',
    'ghl_uninstalled',
  ],
  stickycards: ['sticky_key_rejected', 'sticky_scope_missing', 'sticky_down'],
} as const satisfies Record<Side, readonly string[]>;
export type HaltCode = (typeof CODES)[Side][number];
export const HALT_CODES: readonly HaltCode[] = [...CODES.ghl, ...CODES.stickycards];

const sideOf = (halt: HaltCode): Side => ((CODES.ghl as readonly string[]).includes(halt) ? 'ghl' : 'stickycards');

export interface SidePause {
  code: HaltCode;
  message: string;
  sinceMs: number;
  /** The next scheduled run after this tries again; a run that a person asks for tries at once. */
  probeAtMs: number;
}

/** A paused side is tried again this often, and resumes by itself (SPEC §2.6). */
export const PROBE_EVERY_MS = 15 * 60_000;
/** Of the connection: where the pause of each side is kept. */
const CURSORS = { ghl: 'ghlPause', stickycards: 'stickyPause' } as const satisfies Record<Side, string>;
export const SIDE_PAUSE_CURSOR = CURSORS.ghl;

/** Why a side of a connection is paused by itself; null when it is not. */
export const sidePauseOf = async (
  connections: Pick<ConnectionStore, 'remembered'>,
  connectionId: string,
  side: Side = 'ghl',
): Promise<SidePause | null> =>
  ((await connections.remembered(connectionId))?.cursors[CURSORS[side]] as SidePause | undefined) ?? null;

/** Pauses the side and says so once, as a problem; staging goes on. A side that is merely down is tried by every run. */
export async function pauseSide(
  store: Store,
  connections: Pick<ConnectionStore, 'rememberCursor' | 'remembered'>,
  connectionId: string,
  halt: RunHalted,
): Promise<void> {
  const code = halt.code as HaltCode;
  const side = sideOf(code);
  const known = await sidePauseOf(connections, connectionId, side);
  const now = store.clock.nowMs();
  const pause: SidePause = {
    code,
    message: halt.message,
    sinceMs: known?.code === code ? known.sinceMs : now,
    probeAtMs: code.endsWith('_down') ? now : now + PROBE_EVERY_MS,
  };
  await connections.rememberCursor(connectionId, CURSORS[side], pause);
  await store.tx(async (db) => {
    await clearProblems(
      store,
      db,
      connectionId,
      connectionId,
      CODES[side].filter((other) => other !== code),
    );
    await raiseProblems(store, db, connectionId, [{ code, recordId: connectionId, sample: { message: halt.message } }]);
  });
}

/** The side answers again. */
export async function resumeSide(
  store: Store,
  connections: Pick<ConnectionStore, 'rememberCursor'>,
  connectionId: string,
  side: Side = 'ghl',
): Promise<void> {
  await connections.rememberCursor(connectionId, CURSORS[side], undefined);
  await store.tx((db) => clearProblems(store, db, connectionId, connectionId, CODES[side]));
}
