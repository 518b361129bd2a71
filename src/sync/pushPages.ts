import { isApiError } from '../platforms/apiError.ts';
import type { GhlSide } from '../platforms/ghl/sides.ts';
import type { ConnectionStore } from '../store/connections.ts';
import { claimPairs, type Pair } from '../store/pairs.ts';
import { indexContacts, isIndexed } from './indexContacts.ts';
import type { JobContext } from './jobContext.ts';
import type { JobQueue } from './jobQueue.ts';
import { candidatesFor } from './linkContact.ts';
import type { Candidates } from './linkOutcomes.ts';
import { pushContact, type TagWork } from './pushContact.ts';
import { pushTags } from './pushTags.ts';

const PAGE = 200;
/** While the last jobs of one page and its tags go out, the next page keeps the connections busy. */
const PAGES_AT_ONCE = 2;

interface Page {
  pairs: Pair[];
  candidates: Candidates;
}

export interface PushPagesNeeds {
  connections: Pick<ConnectionStore, 'rememberCursor' | 'remembered'>;
  pace: GhlSide['pace'];
  jobs: JobQueue;
  /** After each page: the run's row shows how far it is. */
  onPage(): Promise<void>;
}

/** Everybody who is due, in pages; rejects with what ended the run early, once nothing of it is under way any more. */
export async function pushPages(ctx: JobContext, needs: PushPagesNeeds): Promise<void> {
  const { jobs } = needs;
  for (let sweep = 0; sweep < 2; sweep++) {
    ctx.waited.clear();
    const next = pagesOf(ctx, needs.connections);
    const work = async () => {
      try {
        for (let page = await next(); page; page = await next()) await pushPage(ctx, needs, page);
      } catch (error) {
        jobs.halt(error);
      }
    };
    await Promise.all(Array.from({ length: PAGES_AT_ONCE }, work));
    await jobs.idle();
    jobs.signal.throwIfAborted();
    // Two people with one phone: the second waited for the first one's creation, and can be matched now.
    if (ctx.waited.size === 0) break;
  }
}

/** Claims one page after the other, whoever asks; null when there is none left. */
function pagesOf(ctx: JobContext, connections: PushPagesNeeds['connections']): () => Promise<Page | null> {
  let after = '';
  // Of all pages: a contact that somebody of one page got is not free for those of the next.
  const taken: Candidates['taken'] = new Map();
  const claim = async (): Promise<Page | null> => {
    ctx.signal.throwIfAborted();
    const claimed = await claimPairs(ctx.store, ctx.connection.id, after, PAGE);
    const last = claimed.at(-1);
    if (!last) return null;
    after = last.customer.stickycardsId;
    // Without the half that writes to GHL nobody is linked: only what waits for Sticky Cards is tried again.
    const pairs = ctx.halves.toGhl ? claimed : claimed.filter((pair) => pair.link?.state === 'live');
    const known = pairs.filter((pair) => pair.link);
    const all = known.length === pairs.length || (await canSearch(ctx, connections));
    const page = all ? pairs : known;
    return { pairs: page, candidates: await candidatesFor(ctx, page, taken) };
  };
  let turn: Promise<unknown> = Promise.resolve();
  return () => {
    const page = turn.then(claim);
    turn = page.catch(() => undefined);
    return page;
  };
}

/** Whether the location's contacts are known, so that nobody is made twice; without, people who are not linked wait. */
async function canSearch(ctx: JobContext, connections: PushPagesNeeds['connections']): Promise<boolean> {
  if (ctx.capabilities.isRefused('search') && !(await isIndexed(ctx, connections))) return false;
  try {
    await indexContacts(ctx, connections);
    return true;
  } catch (error) {
    if (!isApiError(error, 'scope')) throw error;
    ctx.capabilities.refuse('search', error);
    return false;
  }
}

async function pushPage(ctx: JobContext, needs: PushPagesNeeds, { pairs, candidates }: Page): Promise<void> {
  const { jobs, pace } = needs;
  const heldBefore = pace.held;
  const tagWorks: TagWork[] = [];
  await Promise.all(
    pairs.map((pair) =>
      jobs.perform(async () => {
        const work = await pushContact(ctx, pair, candidates);
        if (work) tagWorks.push(work);
      }),
    ),
  );
  await pushTags(ctx, tagWorks, jobs.perform);
  ctx.signal.throwIfAborted();
  // A whole page went through without the pace holding anything back: more at a time would be used (SPEC §2.6).
  if (pace.held === heldBefore && pairs.length === PAGE) {
    pace.setConcurrency(pace.concurrency * 2);
    jobs.resize();
  }
  await needs.onPage();
}
