import type { Value } from './canonical.ts';

const WRITABLE = ['active', 'inactive', 'suspended'] as const;

export type CardStatusEdit =
  /** The card that the contact showed gets this status. */
  | { kind: 'write'; status: (typeof WRITABLE)[number] }
  /** Nothing that a card can be set to: GHL gets the card's own status again. */
  | { kind: 'put_back'; problem: 'not_writable' }
  /** Emptied: filled again, never an order (SPEC §3.1). */
  | { kind: 'refill' };

/**
 * What a card_status typed in GHL means (SPEC §3.2). For values that differ from a base only: what is found at the first
 * link is no edit. After a write the base is the word as typed; what the card then shows (`installed` for an active one)
 * goes to GHL by the ordinary rule.
 */
export function cardStatusEdit(typed: Value): CardStatusEdit {
  if (typed === null || String(typed).trim() === '') return { kind: 'refill' };
  const status = WRITABLE.find((each) => each === String(typed).trim().toLowerCase());
  return status === undefined ? { kind: 'put_back', problem: 'not_writable' } : { kind: 'write', status };
}
