import type { CommandState } from '../../drizzle/tables/commands.ts';

/** Where a command may go from where it stands (SPEC §3.5). What is applied, failed or discarded is over for good. */
export const TRANSITIONS: Readonly<Record<CommandState, readonly CommandState[]>> = {
  pending: ['held', 'sending', 'applied', 'failed', 'unknown', 'discarded'],
  held: ['pending', 'failed', 'discarded'],
  sending: ['applied', 'failed', 'pending', 'unknown'],
  unknown: ['applied', 'pending', 'sending', 'held', 'failed', 'discarded'],
  applied: [],
  failed: [],
  discarded: [],
};

/** What a person may decide about a command: "it happened", "send again", "discard". */
export const COMMAND_DECISIONS = ['confirm', 'resend', 'discard'] as const;
export type CommandDecision = (typeof COMMAND_DECISIONS)[number];

/**
 * A request that has left is given up after a minute, one that was told to slow down waits a quarter of an hour at most: a
 * command that is still `sending` after this long belongs to nobody any more.
 */
export const SENDING_STALE_MS = 30 * 60_000;

const DECISIONS: Readonly<Record<CommandDecision, { from: readonly CommandState[]; to: CommandState }>> = {
  confirm: { from: ['unknown', 'sending'], to: 'applied' },
  resend: { from: ['unknown', 'held'], to: 'pending' },
  discard: { from: ['pending', 'held', 'unknown'], to: 'discarded' },
};

export interface DecidableCommand {
  state: CommandState;
  /** When it last left; null = never. */
  sentAtMs: number | null;
}

/** The state that a decision leads to; null when it is not possible as things are. */
export function decided(decision: CommandDecision, command: DecidableCommand, nowMs: number): CommandState | null {
  const { from, to } = DECISIONS[decision];
  if (!from.includes(command.state)) return null;
  // Its answer may still come: nobody decides over a request on its way.
  if (command.state === 'sending' && nowMs - (command.sentAtMs ?? nowMs) < SENDING_STALE_MS) return null;
  return to;
}

/** What a person may decide about a command as it stands, for its buttons and for a refusal's words. */
export const possibleDecisions = (command: DecidableCommand, nowMs: number): CommandDecision[] =>
  COMMAND_DECISIONS.filter((decision) => decided(decision, command, nowMs) !== null);
