import type { CommandState } from '../../drizzle/tables/commands.ts';
import type { Value } from './canonical.ts';
import { decideBonusPoints, POINTS_LIMIT } from './points.ts';

export interface BonusInput {
  /** The link's base of bonus_points: n of the last command, null = empty, undefined = none yet (first link). */
  base: Value | undefined;
  /** What a GET just made shows. */
  current: Value;
  /**
   * The command that the base was made a command of: `state:<link>:bonus_points:<revision before that base>`. none = the
   * base made none, it was found at the first link.
   */
  command: CommandState | 'none';
  /** A clear of ours was sent whose answer never came. */
  clearLost: boolean;
  /** A delivery with a timestamp after that clear showed the field empty; says nothing without `clearLost`. */
  seenEmptySinceClear: boolean;
  /** `overlap` was answered before, and the field has not been seen empty since. */
  overlapped: boolean;
  hasCard: boolean;
  /** Most points that are paid without a person. */
  limit?: number;
}

export type BonusDecision =
  | { kind: 'nothing' }
  /**
   * One command of +points, `held` for a person when it is beyond the limit; the base becomes the number in the
   * transaction that creates it. `again`: an older bonus is still the base. It goes to null first, or the revision, and
   * with it the command's key, would not move.
   */
  | { kind: 'pay'; points: number; held: boolean; again: boolean }
  /** no_card: paid by a later read, when there is one. points_limit: no number that could ever be paid. */
  | { kind: 'hold'; reason: 'no_card' | 'points_limit' }
  /** Taken back or corrected while it waited for a person: discard the held command, base null, decide again. */
  | { kind: 'withdraw' }
  /** The base becomes null; nothing is sent. */
  | { kind: 'emptied' }
  /** The command is over: empty the field. */
  | { kind: 'clear' }
  /** Problem bonus_overlap; the field is left as it is, and nothing is paid or cleared until it is seen empty. */
  | { kind: 'overlap' };

/** People and workflows type 0 for "none", and a cleared number may be shown as one. */
const emptied = (value: Value): Value => (value === 0 ? null : value);

/**
 * What bonus_points says (SPEC §3.3): pays only on empty → n seen by a GET, once, then the field is cleared. To be asked
 * before the edit of loyalty_points: when one edit changed both fields, the bonus goes first.
 */
export function decideBonus(input: BonusInput): BonusDecision {
  // What stands there at the first link was not typed to us (SPEC §2.5); it only becomes the base.
  if (input.base === undefined) return { kind: 'nothing' };
  const base = emptied(input.base);
  const current = emptied(input.current);
  const { command } = input;
  if (base === null) return current === null ? { kind: 'nothing' } : pay(input, current, false);
  if (command === 'held' && current !== base) return { kind: 'withdraw' };
  // By our clear or by a person: a command that is under way goes on, and the next number is a new bonus.
  if (current === null) return { kind: 'emptied' };
  // The lost clear had arrived, so this number was typed into an empty field.
  if (input.clearLost && input.seenEmptySinceClear) return pay(input, current, true);
  if (input.clearLost || input.overlapped || current !== base) return { kind: 'overlap' };
  // What a person discarded is over too. A failed one stays to be seen: it is emptied and typed again.
  return command === 'applied' || command === 'discarded' ? { kind: 'clear' } : { kind: 'nothing' };
}

function pay({ hasCard, limit = POINTS_LIMIT }: BonusInput, current: Value, again: boolean): BonusDecision {
  const checked = typeof current === 'number' ? decideBonusPoints(current, limit) : null;
  if (checked?.kind !== 'ok' && checked?.kind !== 'held') return { kind: 'hold', reason: 'points_limit' };
  if (!hasCard) return { kind: 'hold', reason: 'no_card' };
  return { kind: 'pay', points: checked.points, held: checked.kind === 'held', again };
}
