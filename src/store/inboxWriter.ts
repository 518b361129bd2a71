import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError, messageOf } from '../errors.ts';
import { newId } from '../ids.ts';
import type { NewInboxRow, Receipt } from './inboxRow.ts';
import type { Store } from './store.ts';

type Value = string | number | null;
/** The columns in the order of `COLUMNS`; the first four are id, connection, source and dedupe key. */
export type WorkerRow = Value[];
export interface WorkerData {
  file: string;
  columns: string[];
}
export type WorkerAnswer = { firstIds: (string | null)[] | null } | { error: string };

const COLUMNS = [
  'id',
  'connection_id',
  'source',
  'dedupe_key',
  'delivery_id',
  'type',
  'occurred_at',
  'received_at',
  'customer_id',
  'card_id',
  'contact_id',
  'status',
  'reason',
  'verification',
  'flags',
  'duplicates',
  'headers',
  'body_hash',
  'payload',
  'folded_at',
];

const toWorkerRow = (id: string, row: NewInboxRow): WorkerRow => [
  id,
  row.connectionId,
  row.source,
  row.dedupeKey,
  row.deliveryId,
  row.type,
  row.occurredAt.getTime(),
  row.receivedAt.getTime(),
  row.customerId,
  row.cardId,
  row.contactId,
  row.status ?? 'received',
  row.reason ?? null,
  row.verification,
  row.flags.length === 0 ? '[]' : JSON.stringify(row.flags),
  0,
  row.headers === null ? null : JSON.stringify(row.headers),
  row.bodyHash,
  row.payload,
  row.foldedAt?.getTime() ?? null,
];

export interface InboxWriter {
  /** One commit for all rows; an Error in place of a receipt, or a rejection, says what is not known to be on disk. */
  write(rows: readonly NewInboxRow[]): Promise<(Receipt | Error)[]>;
  close(): Promise<void>;
}

/** Beside this file, in the same form: `.ts` from the sources, `.js` once built. */
const workerUrl = new URL(`./inboxWorker${extname(import.meta.url)}`, import.meta.url);

/** Commits on SQLite in a thread of its own, taking turns with the program's other writes. Made again if it dies. */
export function sqliteInboxWriter(store: Store, file: string): InboxWriter {
  let worker: Worker | null = null;
  let pending: { from: Worker; settle: (answer: WorkerAnswer) => void } | null = null;

  const settle = (from: Worker, answer: WorkerAnswer) => {
    if (pending?.from !== from) return;
    const { settle: resolve } = pending;
    pending = null;
    resolve(answer);
  };

  const start = (): Worker => {
    const data: WorkerData = { file, columns: COLUMNS };
    const started = new Worker(workerUrl, { workerData: data });
    started.unref();
    const lost = (reason: string) => {
      if (worker === started) worker = null;
      settle(started, { error: reason });
    };
    started.on('message', (answer: WorkerAnswer) => settle(started, answer));
    started.on('error', (error) => lost(messageOf(error)));
    started.on('exit', () => lost('the inbox thread ended'));
    return started;
  };

  const commit = (rows: WorkerRow[]): Promise<WorkerAnswer> =>
    new Promise((resolve) => {
      worker ??= start();
      pending = { from: worker, settle: resolve };
      // As text: measured at a third of what cloning arrays of arrays costs this thread.
      worker.postMessage(JSON.stringify(rows));
    });

  worker = start();

  return {
    write: async (rows) => {
      // One time for all, so that the ids of a batch only count up: random bytes for each are not free.
      const atMs = store.clock.nowMs();
      const batch = rows.map((row) => toWorkerRow(newId('evt', atMs), row));
      const answer = await store.turn(() => commit(batch), { priority: 10 });
      if ('error' in answer) throw new AppError('commit_failed', answer.error, { retry: 'later', httpStatus: 503 });
      const { firstIds } = answer;
      return batch.map((row, i) => {
        const first = firstIds === null ? null : (firstIds[i] as string | null);
        return first === null
          ? { receiptId: row[0] as string, duplicate: false }
          : { receiptId: first, duplicate: true };
      });
    },
    close: () =>
      store.turn(async () => {
        const closing = worker;
        worker = null;
        if (!closing) return;
        await new Promise<void>((resolve) => {
          closing.once('exit', () => resolve());
          closing.postMessage('close');
        });
      }),
  };
}
