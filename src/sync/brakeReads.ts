import { isApiError } from '../platforms/apiError.ts';
import { BRAKE_LIMITS } from '../domain/brake.ts';
import type { GhlClient } from '../platforms/ghl/client.ts';
import type { ContactRow } from '../store/contacts.ts';
import { linkedCustomers } from '../store/links.ts';
import { dueMarks, type MarkRow } from '../store/marks.ts';
import { type Pair, pairsOfCustomers } from '../store/pairs.ts';
import { contactRow, type JobContext } from './jobContext.ts';
import type { JobQueue } from './jobQueue.ts';

const PAGE = 200;
/** An older read is made again by the job: in between a person may have typed something that our write would go over. */
const READ_HOLDS_MS = 10_000;
/** After so many failures in a row GHL counts as down: the run ends as it would with its jobs. */
const DOWN_AFTER_FAILURES = 5;
/** More are not kept: their contacts are read a second time. */
const KEPT_MAX = 2000;

type Read = Awaited<ReturnType<GhlClient['getContact']>>;

/** Contacts that were read to count what a run would change. */
export interface ContactReads {
  /** Customers whose contacts were read. */
  counted: ReadonlySet<string>;
  /** A client whose first read of each of these contacts is the one made before, while it is fresh. */
  over(ghl: GhlClient): GhlClient;
}

/**
 * Reads the linked contacts that are marked and hands each to `add` with its pair; null when fewer than `min` are due and
 * have few tags of ours: those are left to their jobs.
 */
export async function countMarked(
  ctx: JobContext,
  jobs: JobQueue,
  min: number,
  add: (pair: Pair, contact: ContactRow) => void,
): Promise<ContactReads | null> {
  const { store, connection } = ctx;
  const kept = new Map<string, { read: Read; atMs: number }>();
  const counted = new Set<string>();
  const health = { failedInARow: 0 };
  const first = await dueMarks(store, connection.id, '', min);
  if (first.length < min && ownedTags(await linkedPairs(ctx, first)) <= BRAKE_LIMITS.tagsOff) return null;
  for (let after = ''; ;) {
    ctx.signal.throwIfAborted();
    const marks = await dueMarks(store, connection.id, after, PAGE);
    const last = marks.at(-1);
    if (!last) break;
    after = last.ghlContactId;
    const pairs = await linkedPairs(ctx, marks);
    await Promise.all(
      [...pairs].map(([contactId, pair]) =>
        jobs.perform(async () => {
          const read = await readUnlessAway(ctx, contactId, health);
          if (!read) return;
          if (kept.size < KEPT_MAX) kept.set(contactId, { read, atMs: store.clock.nowMs() });
          counted.add(pair.customer.stickycardsId);
          add(pair, contactRow(ctx, read.contact, pair.contact, read.dateMs));
        }),
      ),
    );
  }
  return {
    counted,
    over: (ghl) => ({
      ...ghl,
      getContact: async (contactId, options) => {
        const known = kept.get(contactId);
        kept.delete(contactId);
        if (known && store.clock.nowMs() - known.atMs <= READ_HOLDS_MS) return known.read;
        return ghl.getContact(contactId, options);
      },
    }),
  };
}

/** More than these cannot be off, however few the contacts are. */
const ownedTags = (pairs: ReadonlyMap<string, Pair>): number =>
  [...pairs.values()].reduce((sum, { link }) => {
    const { base = [], pending } = link?.tags ?? {};
    return sum + new Set([...base, ...(pending?.add ?? []), ...(pending?.remove ?? [])]).size;
  }, 0);

async function linkedPairs(ctx: JobContext, marks: readonly MarkRow[]): Promise<Map<string, Pair>> {
  const { store, connection } = ctx;
  const ids = marks.map((mark) => mark.ghlContactId);
  const owners = await linkedCustomers(store, store.db, connection.id, ids);
  const pairs = await pairsOfCustomers(store, connection.id, [...new Set(owners.values())]);
  const byCustomer = new Map(pairs.map((pair) => [pair.customer.stickycardsId, pair]));
  return new Map(
    [...owners].flatMap(([contactId, customerId]) => {
      const pair = byCustomer.get(customerId);
      return pair?.link?.state === 'live' && !pair.customer.paused ? [[contactId, pair] as const] : [];
    }),
  );
}

/** null = this contact cannot be read now; its own job says why. What concerns all of GHL ends the run. */
async function readUnlessAway(
  ctx: JobContext,
  contactId: string,
  health: { failedInARow: number },
): Promise<Read | null> {
  try {
    const read = await ctx.ghl.getContact(contactId, { signal: ctx.signal });
    health.failedInARow = 0;
    return read;
  } catch (error) {
    if (ctx.signal.aborted || !isApiError(error)) throw error;
    if (error.class === 'transient' && ++health.failedInARow < DOWN_AFTER_FAILURES) return null;
    if (['gone', 'validation', 'field', 'conflict'].includes(error.class)) return null;
    throw error;
  }
}
