import type { Value } from '../../drizzle/tables/links.ts';

/** What `PUT …/balance` means by its number: `delta` adds it, `absolute` makes it the balance (SPEC §3.5). */
export type BalanceMode = 'delta' | 'absolute';

/** A single change of points beyond this waits for a person, where the connection says nothing else (SPEC §3.3). */
export const POINTS_LIMIT = 1000;

/** Why a counter is held that nobody can tell the difference of, until a person has put the right number into GHL… */
export const POINTS_AMBIGUOUS = 'points_ambiguous';
/** …and said so. */
export const POINTS_DECIDED = 'points_decided';

/** After a lost answer "it is not there" is believed only by a read at least this long after the send (SPEC §3.5). */
export const SECOND_LOOK_MS = 120_000;

/** What becomes of points that somebody typed in GHL. */
export type PointsDecision =
  | { kind: 'nothing' }
  /** To be booked: `points` to add, negative to take off. */
  | { kind: 'ok'; points: number }
  /** The same, but only after a person confirmed it. */
  | { kind: 'held'; reason: 'points_limit'; points: number }
  /** No number that could ever be booked: a person corrects it in GHL. */
  | { kind: 'refused'; reason: 'points_limit' };

const bounded = (points: number, limit: number): PointsDecision =>
  Math.abs(points) > limit ? { kind: 'held', reason: 'points_limit', points } : { kind: 'ok', points };

/**
 * loyalty_points edited in GHL: "add to − from" (SPEC §3.3).
 * @param from the base
 * @param to what a GET showed
 * @param limit the greatest change that needs no person
 */
export function decidePointsEdit(from: number, to: Value, limit = POINTS_LIMIT): PointsDecision {
  if (to === from) return { kind: 'nothing' };
  if (typeof to !== 'number' || !Number.isSafeInteger(to) || to < 0 || !Number.isSafeInteger(to - from))
    return { kind: 'refused', reason: 'points_limit' };
  return bounded(to - from, limit);
}

/** bonus_points set to n: a positive whole number up to the limit is paid (SPEC §3.3). */
export function decideBonusPoints(points: number, limit = POINTS_LIMIT): PointsDecision {
  if (!Number.isSafeInteger(points) || points <= 0) return { kind: 'refused', reason: 'points_limit' };
  return bounded(points, limit);
}

/** The number to send: what is added, or the new total. */
export const numberToSend = (mode: BalanceMode, before: number, points: number): number =>
  mode === 'delta' ? points : before + points;

export interface BalanceWrite {
  mode: BalanceMode;
  /** The connection's mode was proved by an earlier write. */
  proved: boolean;
  /** The balance that was read right before the write. */
  before: number;
  points: number;
  /** The total that the answer tells; null when it tells none. */
  answered: number | null;
  /** The balance that a read after the answer showed; null = not read. */
  read: number | null;
}

/** What the number means if the platform takes it the other way round. */
const totalOfOtherMode = ({ mode, before, points }: Pick<BalanceWrite, 'mode' | 'before' | 'points'>): number =>
  mode === 'delta' ? points : before + before + points;

/**
 * Whether the card has to be read after the write: always until the mode is proved, then only when the answer is not the
 * total that was expected. An answer alone proves little: a platform may just repeat the number that it got.
 */
export const needsReadBack = ({ proved, before, points, answered }: Omit<BalanceWrite, 'read'>): boolean =>
  !proved || answered !== before + points;

/**
 * What the totals after an accepted write say (SPEC §3.5). The points were booked in every case but `mode_wrong`.
 * `applied_and_proved`: before ≠ 0 and read back as before + points. `mode_wrong`: before ≠ 0 and the total is what the
 * other mode would make of the number. Any other difference is somebody else's movement. A read goes before the answer,
 * except that an answer of before + points in delta mode was computed by the platform and cannot be a repetition.
 */
export function judgeBalanceWrite(
  write: BalanceWrite,
): 'applied' | 'applied_and_proved' | 'mode_wrong' | 'other_movement' {
  const { mode, proved, before, points, answered, read } = write;
  const expected = before + points;
  if (read === expected) return before !== 0 && !proved ? 'applied_and_proved' : 'applied';
  if (answered === expected && (mode === 'delta' || read === null)) return 'applied';
  if (before !== 0 && (read ?? answered) === totalOfOtherMode(write)) return 'mode_wrong';
  return 'other_movement';
}

export interface BalanceLook {
  before: number;
  points: number;
  /** Every read of the card since the send, oldest first, this one last. */
  reads: readonly { balance: number; afterSendMs: number }[];
  /** Balances that deliveries and other reads showed since the send. */
  others: readonly number[];
  /** A delivery since the send bears the marker of the command. */
  marked: boolean;
}

/**
 * What a look after a lost answer tells (SPEC §3.5): the card shows exactly before + points (or a delivery names the
 * command) → `there`; it still shows `before` on two reads, the second at least two minutes after the send, and nothing
 * else showed another balance since → `absent`: it may be sent again. Anything else → an operator.
 */
export function judgeBalanceLook(look: BalanceLook): 'there' | 'absent' | 'look_again' | 'cannot_tell' {
  const { before, points, reads, others, marked } = look;
  const last = reads.at(-1);
  if (marked || last?.balance === before + points) return 'there';
  const onlyBefore = reads.every((read) => read.balance === before) && others.every((balance) => balance === before);
  if (!onlyBefore) return 'cannot_tell';
  return reads.length >= 2 && last !== undefined && last.afterSendMs >= SECOND_LOOK_MS ? 'absent' : 'look_again';
}

/** What a connection knows of its balance mode: kept with it, void as soon as the setting says another mode. */
export interface BalanceModeFact {
  mode: BalanceMode;
  state: 'proved' | 'wrong';
  /** Of a wrong one: the numbers that showed it, for the operator. */
  seen?: { commandId: string; cardId: string; before: number; points: number; total: number | null };
}

/** Where balance writes of a connection stand: one at a time until the mode is proved, none while it was found wrong. */
export function balanceModeState(
  fact: BalanceModeFact | null,
  configured: BalanceMode,
  problemOpen: boolean,
): 'proved' | 'unproved' | 'stopped' {
  if (fact?.state === 'wrong') return problemOpen || fact.mode === configured ? 'stopped' : 'unproved';
  return fact?.mode === configured ? 'proved' : 'unproved';
}
