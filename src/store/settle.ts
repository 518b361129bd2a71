import type { RaisedProblem } from './problems.ts';
import { clearPointsLimit } from './pointsLimit.ts';
import { clearProblems, raiseProblems } from './problems.ts';
import { failOpenCommands, insertCommands, moveCommand, type CommandRow, type NewCommand } from './commands.ts';
import type { CommandState } from '../../drizzle/tables/commands.ts';
import { type ContactRow, writeContacts } from './contacts.ts';
import type { Db } from './db.ts';
import { clearMark, markContacts, type MarkRow, type NewMark, postponeMark } from './marks.ts';
import { insertDeliveries, type NewInboxRow } from './inbox.ts';
import { dropLink, freeIdentities, type LinkRow, writeLinks } from './links.ts';
import { type CustomerMark, markCustomer, setOptIn } from './pairs.ts';
import { type NewLogRow, writeLogs } from './runs.ts';
import type { Store } from './store.ts';

/** What came of one step of a job, as data: stored all at once or not at all. */
export interface Settlement {
  link?: LinkRow | undefined;
  contact?: ContactRow | undefined;
  observations?: NewInboxRow[] | undefined;
  logs?: NewLogRow[];
  problems?: RaisedProblem[];
  /** Problems of these records that are over. */
  cleared?: { recordId: string; codes: readonly string[] }[];
  /** The customer whose `points_limit` is over, unless something of theirs still waits because of it. */
  limitOf?: string;
  commands?: NewCommand[];
  moved?: { id: string; from: readonly CommandState[]; set: Partial<CommandRow> & { state: CommandState } };
  /** The command whose claimed identities are free again. */
  freed?: string;
  customer?: CustomerMark;
  /** The target of open commands that can never be performed any more (SPEC §2.5, 0). */
  failedTarget?: { target: string; reason: string };
  /** A link in state `creating` that came to nothing. */
  droppedLinkId?: string;
  /** The contact's mark that is dealt with, or that waits for a later look. */
  mark?: { row: MarkRow; later?: { attempts: number; nextAttemptAt: Date | null; reason: string } };
  /** Contacts to be read before anything else is decided about them. */
  marks?: NewMark[];
  /** The preference that Sticky Cards has taken. */
  optIn?: { customerId: string; status: string };
}

export interface Settler {
  /** Resolves when it is on disk. Settlements that wait at the same moment share one commit. */
  settle(settlement: Settlement): Promise<void>;
  /** Work that has to look before it writes, in the same shared commit; it is done again where a neighbour's fails. */
  commit<T>(work: (db: Db) => Promise<T>): Promise<T>;
}

interface Waiting {
  write: { settlement: Settlement } | { work: (db: Db) => Promise<void> };
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Commits follow each other at least this far apart: what comes meanwhile shares the next one, a lone settlement waits
 * for nobody. Measured at twenty calls at once: a third of the commits, and pages that they share are written once.
 */
const SHARE_MS = 6;

/** Write-ahead and settle of the calls in flight share commits (SPEC §7). */
export function createSettler(store: Store, connectionId: string): Settler {
  let queue: Waiting[] = [];
  let committing = false;
  let committedAtMs = -Infinity;

  const flush = async () => {
    while (queue.length > 0) {
      const sinceMs = store.clock.nowMs() - committedAtMs;
      if (sinceMs >= 0 && sinceMs < SHARE_MS) await store.clock.sleep(SHARE_MS - sinceMs);
      const batch = queue;
      queue = [];
      committedAtMs = store.clock.nowMs();
      try {
        await store.tx((db) => applyAll(db, batch), { priority: 4 });
        for (const w of batch) w.resolve();
      } catch (error) {
        await settleOneByOne(batch, error);
      }
    }
    committing = false;
  };

  const applyAll = async (db: Db, batch: readonly Waiting[]) => {
    const settlements = batch.flatMap(({ write }) => ('settlement' in write ? [write.settlement] : []));
    if (settlements.length > 0) await apply(store, db, connectionId, settlements);
    for (const { write } of batch) if ('work' in write) await write.work(db);
  };

  /** One bad settlement must not take its neighbours down. */
  const settleOneByOne = async (batch: Waiting[], error: unknown) => {
    if (batch.length === 1) return batch[0]?.reject(error);
    for (const w of batch) {
      await store.tx((db) => applyAll(db, [w])).then(w.resolve, w.reject);
    }
  };

  const enqueue = (write: Waiting['write']) =>
    new Promise<void>((resolve, reject) => {
      queue.push({ write, resolve, reject });
      if (committing) return;
      committing = true;
      setImmediate(() => void flush());
    });

  return {
    settle: (settlement) => enqueue({ settlement }),
    commit: async <T>(work: (db: Db) => Promise<T>) => {
      let out: T | undefined;
      await enqueue({
        work: async (db) => {
          out = await work(db);
        },
      });
      return out as T;
    },
  };
}

async function apply(store: Store, db: Db, connectionId: string, batch: readonly Settlement[]): Promise<void> {
  // The last word about a link or a contact counts: one job speaks for one pair at a time.
  const links = new Map(batch.flatMap(({ link }) => (link ? [[link.id, link] as const] : [])));
  const contacts = new Map(batch.flatMap(({ contact }) => (contact ? [[contact.ghlContactId, contact] as const] : [])));
  const observations = batch.flatMap((s) => s.observations ?? []);
  await writeLinks(store, db, [...links.values()]);
  await writeContacts(store, db, [...contacts.values()]);
  if (observations.length > 0) await insertObservations(store, db, observations);
  await insertCommands(
    store,
    db,
    batch.flatMap(({ commands }) => commands ?? []),
  );
  for (const { moved, freed, droppedLinkId, failedTarget } of batch) {
    if (moved) await moveCommand(store, db, moved.id, moved.from, moved.set);
    if (freed !== undefined) await freeIdentities(store, db, freed);
    if (droppedLinkId !== undefined) await dropLink(store, db, droppedLinkId);
    if (failedTarget) await failOpenCommands(store, db, connectionId, failedTarget.target, failedTarget.reason);
  }
  await writeLogs(
    store,
    db,
    batch.flatMap(({ logs }) => logs ?? []),
  );
  await markContacts(
    store,
    db,
    connectionId,
    batch.flatMap(({ marks }) => marks ?? []),
  );
  for (const { mark, optIn } of batch) {
    if (mark?.later) await postponeMark(store, db, mark.row, mark.later);
    else if (mark) await clearMark(store, db, mark.row);
    if (optIn) await setOptIn(store, db, connectionId, optIn.customerId, optIn.status);
  }
  for (const { customer } of batch) if (customer) await markCustomer(store, db, connectionId, customer);
  for (const { recordId, codes } of batch.flatMap(({ cleared }) => cleared ?? []))
    await clearProblems(store, db, connectionId, recordId, codes);
  for (const { limitOf } of batch) if (limitOf !== undefined) await clearPointsLimit(store, db, connectionId, limitOf);
  const problems = batch.flatMap((s) => s.problems ?? []);
  if (problems.length > 0) await raiseProblems(store, db, connectionId, problems);
}

/** Their keys are new ids: none of them can be there already, so the plain insert does. */
async function insertObservations(store: Store, db: Db, rows: readonly NewInboxRow[]): Promise<void> {
  if (store.insertIntoInbox)
    store.insertIntoInbox(
      rows.map(() => store.newId('evt')),
      rows,
    );
  else await insertDeliveries(store, db, rows);
}
