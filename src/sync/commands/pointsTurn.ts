import type { CommandRow } from '../../store/commands.ts';
import { pointsSentSince, pointsUnderWay } from '../../store/pointsUnderWay.ts';
import type { CommandContext, Performed } from './performer.ts';
import type { Before } from './pointsBooking.ts';
import { modeNow } from './pointsMode.ts';

export type Waits = Extract<Performed, { kind: 'wait' }>;

/**
 * Why a booking may not be sent now; null = it may (SPEC §3.5: bookings of one card go one at a time, and of the whole
 * connection until the balance mode is proved).
 * @param before what was read for it, to see whether that still holds; null = nothing yet
 */
export async function waitsFor(ctx: CommandContext, command: CommandRow, before: Before | null): Promise<Waits | null> {
  const { store, connection } = ctx;
  const { state, problems } = await modeNow(ctx);
  if (state === 'stopped') {
    const reason = 'all bookings of points are stopped: see the problem balance_mode_wrong';
    return { kind: 'wait', reason, ...(problems.length > 0 && { problems }) };
  }
  const target = state === 'proved' ? command.target : null;
  const other = await pointsUnderWay(store, store.db, connection.id, command.id, target);
  if (other !== null) {
    const why =
      other.target === command.target
        ? 'of the same card'
        : 'is first: until the balance mode is proved they go one at a time;';
    return { kind: 'wait', reason: `the booking ${other.id} ${why} is not over yet` };
  }
  if (before === null) return null;
  const later = await pointsSentSince(
    store,
    store.db,
    connection.id,
    command.target,
    command.id,
    new Date(before.readAtMs),
  );
  return later === null
    ? null
    : { kind: 'wait', reason: `the booking ${later} changed the card meanwhile: it is read again`, untilMs: 0 };
}

/** It was found right before the send that it is not its turn: nothing has left. */
export class NotItsTurn extends Error {
  readonly waits: Waits;
  constructor(waits: Waits) {
    super(waits.reason);
    this.waits = waits;
  }
}

const turns = new WeakMap<object, Map<string, Promise<unknown>>>();

/**
 * One after the other per connection: of two bookings that leave at the same moment (a run and a workflow's action) the
 * second has to find the first one under way. Only the lease's holder sends, so that one process is enough.
 */
export function inTurn<T>({ store, connection }: CommandContext, work: () => Promise<T>): Promise<T> {
  const ofStore = turns.get(store) ?? new Map<string, Promise<unknown>>();
  turns.set(store, ofStore);
  const mine = (ofStore.get(connection.id) ?? Promise.resolve()).then(work);
  ofStore.set(
    connection.id,
    mine.catch(() => undefined),
  );
  return mine;
}
