import { and, eq, inArray, lte, sql } from 'drizzle-orm';
import { type Clock, every } from '../clock.ts';
import type { DayTold } from '../domain/dayTold.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Store } from './store.ts';

/** GHL's calls per day and location, where its answers do not say another number (reference/ghl.md, rate limits). */
const CALLS_PER_DAY = 200_000;
const DAY_MS = 86_400_000;
/** A write for all connections together, never one per call: what a killed process had counted since is lost. */
const KEEP_EVERY_MS = 5_000;
/** More calls of a connection are never under way at once, so that an answer overtaken by later ones is off by less. */
const OVERTAKEN_MAX = 20;

export interface DayBudget {
  usedToday: number;
  perDay: number;
}

/** How many calls each connection has made to GHL since midnight UTC, whatever for and by whichever process. */
export interface CallBudget {
  /** To be told of every call that left, and by which client: another one asks another location. Only counts. */
  heard(connectionId: string, told: DayTold, by: object): void;
  today(connectionIds: readonly string[]): Promise<Map<string, DayBudget>>;
  /** Writes what was counted since the last time. */
  keep(): Promise<void>;
  close(): Promise<void>;
}

interface Count {
  day: number;
  by: object;
  /** GHL's own count, which knows of calls that others made with the same app. */
  told: { used: number; perDay: number } | null;
  toldIsKept: boolean;
  /** Calls since `told`, or since the last write, that nothing was told of. */
  since: number;
}

export function createCallBudget({ store, log }: { store: Store; log: Pick<Logger, 'error'> }): CallBudget {
  const counts = new Map<string, Count>();
  let keeping: Promise<void> = Promise.resolve();

  const countOf = (connectionId: string, by: object): Count => {
    const day = dayOf(store.clock);
    let count = counts.get(connectionId);
    if (count?.day !== day || count.by !== by) {
      count = { day, by, told: null, toldIsKept: true, since: 0 };
      counts.set(connectionId, count);
    }
    return count;
  };

  const heard: CallBudget['heard'] = (connectionId, told, by) => {
    const count = countOf(connectionId, by);
    if (told === null) {
      count.since += 1;
      return;
    }
    const perDay = told.limit ?? CALLS_PER_DAY;
    const used = Math.max(0, perDay - told.left);
    // Answers overtake each other; only a much smaller number says that GHL counts anew.
    const behind = (count.told?.used ?? 0) - used;
    if (behind > 0 && behind <= OVERTAKEN_MAX) return;
    count.told = { used, perDay };
    count.toldIsKept = false;
    count.since = 0;
  };

  const today: CallBudget['today'] = async (connectionIds) => {
    const day = dayOf(store.clock);
    const kept = await keptOfDay(store, connectionIds, day);
    return new Map(connectionIds.map((id) => [id, sumOf(kept.get(id), dueOf(counts.get(id), day))] as const));
  };

  const keepNow = async (): Promise<void> => {
    const day = dayOf(store.clock);
    const due = [...counts].flatMap(([connectionId, count]) => {
      const news = dueOf(count, day);
      return news === null ? [] : [{ connectionId, count, news }];
    });
    if (due.length === 0) return;
    await write(
      store,
      day,
      due.map(({ connectionId, news }) => [connectionId, news]),
    );
    for (const { count, news } of due) {
      if (count.told !== news.from) continue;
      count.toldIsKept = true;
      count.since -= news.since;
    }
  };

  const keep = (): Promise<void> => {
    keeping = keeping.then(keepNow).catch((error: unknown) => {
      log.error('the calls of today cannot be written down; they are counted on', { reason: messageOf(error) });
    });
    return keeping;
  };

  const stop = every(KEEP_EVERY_MS, () => void keep());
  return {
    heard,
    today,
    keep,
    close: () => {
      stop();
      return keep();
    },
  };
}

const dayOf = (clock: Clock): number => Math.floor(clock.nowMs() / DAY_MS);

/** What the database does not know yet: GHL's word with the calls after it, or calls beside those that are kept. */
interface Due {
  from: Count['told'];
  told: Count['told'];
  since: number;
}

function dueOf(count: Count | undefined, day: number): Due | null {
  if (count?.day !== day || (count.toldIsKept && count.since === 0)) return null;
  return { from: count.told, told: count.toldIsKept ? null : count.told, since: count.since };
}

function sumOf(kept: { used: number; perDay: number | null } | undefined, due: Due | null): DayBudget {
  const usedBefore = due?.told?.used ?? kept?.used ?? 0;
  return {
    usedToday: usedBefore + (due?.since ?? 0),
    perDay: due?.told?.perDay ?? kept?.perDay ?? CALLS_PER_DAY,
  };
}

type Kept = Map<string, { used: number; perDay: number | null }>;

/** What all processes together have written down of a day. */
export async function keptOfDay({ db, s }: Store, connectionIds: readonly string[], day: number): Promise<Kept> {
  const { ghlCallBudgets: t } = s;
  if (connectionIds.length === 0) return new Map();
  const rows = await db
    .select({ id: t.connectionId, used: t.used, perDay: t.perDay })
    .from(t)
    .where(and(inArray(t.connectionId, [...connectionIds]), eq(t.day, day)));
  return new Map(rows.map(({ id, ...row }) => [id, row]));
}

/** One row each; a connection that was removed meanwhile gets none. */
const write = (store: Store, day: number, due: readonly (readonly [string, Due])[]): Promise<void> =>
  store.tx(async (db) => {
    const { ghlCallBudgets: t, connections: c } = store.s;
    const ids = due.map(([id]) => id);
    const there = new Set((await db.select({ id: c.id }).from(c).where(inArray(c.id, ids))).map(({ id }) => id));
    const updatedAt = store.clock.now();
    for (const [connectionId, { told, since }] of due) {
      if (!there.has(connectionId)) continue;
      const perDay = told?.perDay ?? null;
      const used = (told?.used ?? 0) + since;
      const added = told ? used : sql`case when ${t.day} = ${day} then ${t.used} + ${since} else ${since} end`;
      await db
        .insert(t)
        .values({ connectionId, day, used, perDay, updatedAt })
        .onConflictDoUpdate({
          target: t.connectionId,
          set: { day, used: added, perDay: sql`coalesce(excluded.per_day, ${t.perDay})`, updatedAt },
          // The clock of another machine may be in the new day already.
          setWhere: lte(t.day, day),
        });
    }
  });
