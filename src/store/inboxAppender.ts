import { inboxCommit } from './inboxInsert.ts';
import type { NewInboxRow, Receipt } from './inboxRow.ts';
import type { Store } from './store.ts';

interface Waiting {
  row: NewInboxRow;
  resolve: (receipt: Receipt) => void;
  reject: (error: unknown) => void;
}

/** No commit grows beyond this, so that one flood does not make every delivery in it wait. */
const COMMIT_ROWS_MAX = 256;

/** Several in one commit means that they come faster than commits do; one commit like that says so for this long. */
const ROWS_OF_A_RUSH = 4;
const RUSH_LASTS_MS = 50;

export interface InboxAppender {
  /** Resolves when the row is on disk. Deliveries that wait at the same moment share one commit. */
  append(row: NewInboxRow): Promise<Receipt>;
  /** Deliveries that wait for their commit: background work yields while there are any. */
  waiting(): number;
  /** Deliveries are coming fast: background work on this thread should do little, and seldom, until it is over. */
  busy(): boolean;
  /** Ends after the commits that are waiting; before the store is closed. */
  close(): Promise<void>;
}

/**
 * The receivers' way in: append, commit, answer (SPEC §2.1). Batches form by themselves: what arrives while a commit
 * is under way is the next one, and a lone delivery waits for nobody.
 */
export function createInboxAppender(store: Store): InboxAppender {
  const commit = inboxCommit(store);
  let queue: Waiting[] = [];
  let underWay = 0;
  let flushing: Promise<void> | null = null;
  let rushUntilMs = 0;

  const takeBatch = (): Waiting[] => {
    const batch = queue.length <= COMMIT_ROWS_MAX ? queue : queue.slice(0, COMMIT_ROWS_MAX);
    queue = queue.slice(batch.length);
    underWay = batch.length;
    if (underWay >= ROWS_OF_A_RUSH) rushUntilMs = store.clock.nowMs() + RUSH_LASTS_MS;
    return batch;
  };

  /** Lets the event loop turn for as long as each turn brings more: they share the commit. Idle, that is one turn. */
  const gather = async () => {
    for (let seen = 0; queue.length > seen && queue.length < COMMIT_ROWS_MAX;) {
      seen = queue.length;
      await new Promise(setImmediate);
    }
  };

  const flush = async () => {
    await gather();
    let answer = () => {};
    do {
      const batch = takeBatch();
      const writing = batch.length === 0 ? null : commit(batch.map((w) => w.row));
      // The batch before is answered while the disk writes this one.
      answer();
      answer = () => {};
      if (writing)
        answer = await writing.then(
          (outcomes) => resolveAll(batch, outcomes),
          (error: unknown) => rejectAll(batch, error),
        );
    } while (underWay > 0);
    flushing = null;
  };

  return {
    append: (row) =>
      new Promise((resolve, reject) => {
        queue.push({ row, resolve, reject });
        flushing ??= flush();
      }),
    waiting: () => queue.length + underWay,
    busy: () => queue.length + underWay > 0 || store.clock.nowMs() < rushUntilMs,
    close: async () => {
      while (flushing) await flushing;
    },
  };
}

const resolveAll = (batch: readonly Waiting[], outcomes: readonly (Receipt | Error)[]) => () =>
  batch.forEach((w, i) => {
    const outcome = outcomes[i] as Receipt | Error;
    if (outcome instanceof Error) w.reject(outcome);
    else w.resolve(outcome);
  });

const rejectAll = (batch: readonly Waiting[], error: unknown) => () => {
  for (const w of batch) w.reject(error);
};
