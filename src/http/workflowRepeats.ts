import type { InboxRow } from '../store/inbox.ts';

/** For so long the same body is the same call (SPEC §3.1). */
const SAME_FOR_MS = 60_000;

export interface Repeats {
  /** The dedupe key of a body received now: that of the call which it repeats, else a new one. */
  keyOf(connectionId: string, bodyHash: string, nowMs: number): Promise<string>;
}

/**
 * Keys name the minute of a call, so that the inbox itself refuses a repetition within it, also from two requests at
 * once and on two instances. One in the minute before counts while it is less than 60 s old. What this process received
 * is kept in memory: it may not be committed yet when its repetition comes.
 */
export function createRepeats(
  receivedAtOf: (connectionId: string, source: InboxRow['source'], dedupeKey: string) => Promise<Date | null>,
): Repeats {
  const recent = new Map<string, { key: string; atMs: number }>();

  const forget = (nowMs: number) => {
    // Oldest first, by the order of their insertion.
    for (const [name, { atMs }] of recent) {
      if (nowMs - atMs < SAME_FOR_MS) return;
      recent.delete(name);
    }
  };

  return {
    keyOf: async (connectionId, bodyHash, nowMs) => {
      forget(nowMs);
      const name = `${connectionId} ${bodyHash}`;
      const known = recent.get(name);
      if (known && nowMs - known.atMs < SAME_FOR_MS) return known.key;
      const minute = Math.floor(nowMs / SAME_FOR_MS);
      const keyIn = (n: number) => `body ${n.toString(36)} ${bodyHash}`;
      const own = { key: keyIn(minute), atMs: nowMs };
      const before = keyIn(minute - 1);
      // A database that does not answer now will not store the call either, and that is what its sender is told.
      const beforeAt = await receivedAtOf(connectionId, 'ghl_workflow', before).catch(() => null);
      // Another request with this body may have come first while the database was asked.
      const meanwhile = recent.get(name);
      if (meanwhile && meanwhile !== known) return meanwhile.key;
      const repeats = beforeAt !== null && nowMs - beforeAt.getTime() < SAME_FOR_MS;
      const taken = repeats ? { key: before, atMs: beforeAt.getTime() } : own;
      recent.delete(name);
      recent.set(name, taken);
      return taken.key;
    },
  };
}
