import type { Clock } from '../../clock.ts';

/**
 * What `work` comes to; `late` when it takes longer than `ms`. Its signal is aborted then, and whatever it still comes to
 * is nobody's concern: it may only read.
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | 'late'> {
  const over = new AbortController();
  const mine = work(AbortSignal.any([signal, over.signal]));
  try {
    return await Promise.race([mine, clock.sleep(Math.max(0, ms), over.signal).then(() => 'late' as const)]);
  } finally {
    over.abort();
  }
}
