import { type BalanceModeFact, balanceModeState } from '../../domain/points.ts';
import { readBalanceMode, writeBalanceMode } from '../../store/balanceMode.ts';
import type { CommandRow } from '../../store/commands.ts';
import type { RaisedProblem } from '../../store/problems.ts';
import type { CommandContext } from './performer.ts';
import { type Before, bookingOf } from './pointsBooking.ts';

export interface ModeNow {
  state: 'proved' | 'unproved' | 'stopped';
  /** To be raised again: the stop was resolved without the setting being put right. */
  problems: RaisedProblem[];
}

const wrongModeProblem = ({ connection }: CommandContext, fact: BalanceModeFact): RaisedProblem => ({
  code: 'balance_mode_wrong',
  recordId: connection.id,
  sample: { balanceMode: fact.mode, ...fact.seen },
});

/** Where bookings of the connection stand, by what is stored now. */
export async function modeNow(ctx: CommandContext): Promise<ModeNow> {
  const { store, connection } = ctx;
  const { fact, problemOpen } = await readBalanceMode(store, store.db, connection.id);
  const state = balanceModeState(fact, connection.stickyCards.balanceMode, problemOpen);
  return { state, problems: state === 'stopped' && fact && !problemOpen ? [wrongModeProblem(ctx, fact)] : [] };
}

/** A booking came out as the configured mode says: from now on bookings of different cards go side by side. */
export const proveMode = ({ store, connection }: CommandContext): Promise<void> =>
  store.tx((db) =>
    writeBalanceMode(store, db, connection.id, { mode: connection.stickyCards.balanceMode, state: 'proved' }),
  );

/**
 * The platform takes the number otherwise than configured: nothing more is booked until a person has looked. Stored at
 * once, not with the command's own settle: no other booking may leave meanwhile. Answers the problem to raise.
 */
export async function stopBookings(
  ctx: CommandContext,
  command: CommandRow,
  before: Before,
  total: number | null,
): Promise<RaisedProblem> {
  const { store, connection } = ctx;
  const { cardId, points } = bookingOf(command);
  const fact: BalanceModeFact = {
    mode: connection.stickyCards.balanceMode,
    state: 'wrong',
    seen: { commandId: command.id, cardId, before: before.balance, points, total },
  };
  await store.tx((db) => writeBalanceMode(store, db, connection.id, fact));
  return wrongModeProblem(ctx, fact);
}
