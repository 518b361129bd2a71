const MINUTE_MS = 60_000;
export const ATTEMPTS_MAX = 20;

/**
 * When a record whose call failed in passing is tried again (SPEC §2.6, transient): 1 minute × 2 up to 60 minutes,
 * ±20 %.
 * @param attempt how many attempts were made, from 1
 * @param random in [0, 1)
 */
export function backoffMs(attempt: number, random: number): number {
  const base = Math.min(MINUTE_MS * 2 ** Math.max(0, attempt - 1), 60 * MINUTE_MS);
  return Math.round(base * (0.8 + 0.4 * random));
}
