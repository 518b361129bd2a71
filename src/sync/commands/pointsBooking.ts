import type { CommandRow } from '../../store/commands.ts';

/** Who gets how many points, as the ledger says it: target `card:<id>`, params `{points, customerId, contactId, …}`. */
export function bookingOf(command: Pick<CommandRow, 'target' | 'params'>) {
  const { points, customerId, contactId, field } = command.params;
  return {
    cardId: command.target.slice('card:'.length),
    points: typeof points === 'number' ? points : Number.NaN,
    customerId: typeof customerId === 'string' ? customerId : null,
    contactId: typeof contactId === 'string' ? contactId : null,
    /** The field of GHL that it comes from, or what else asked for it. */
    field: typeof field === 'string' ? field : 'points',
  };
}

/** What was read right before the send, kept with the command. */
export interface Before {
  balance: number;
  /** The read's `Date`, by their clock; null when the answer had none. */
  dateMs: number | null;
  /** When the read was asked for, by ours. */
  readAtMs: number;
}

export function beforeOf(command: Pick<CommandRow, 'before'>): Before | null {
  const { balance, dateMs, readAtMs } = command.before ?? {};
  if (typeof balance !== 'number' || typeof readAtMs !== 'number') return null;
  return { balance, readAtMs, dateMs: typeof dateMs === 'number' ? dateMs : null };
}
