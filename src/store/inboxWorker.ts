// A thread of its own for the receivers' commits on SQLite, so that HTTP goes on while the disk writes. Takes batches of
// rows, commits each batch once, answers with the receipts. Nothing but this file and the driver is loaded here.
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import type { WorkerAnswer, WorkerData, WorkerRow } from './inboxWriter.ts';

const { file, columns } = workerData as WorkerData;
const port = parentPort as NonNullable<typeof parentPort>;

const db = new Database(file);
db.pragma('busy_timeout = 5000');
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.pragma('cache_size = -16000');
// 16 MB of log before it is folded into the file: the same index pages are then written once instead of many times.
db.pragma('wal_autocheckpoint = 4000');
db.pragma('journal_size_limit = 67108864');

const insert = db.prepare(
  `insert into webhook_events (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})
   on conflict (connection_id, source, dedupe_key) do nothing`,
);
// Not part of the insert: `returning` costs more than the insert itself, and duplicates are rare.
const countDuplicate = db
  .prepare(
    `update webhook_events set duplicates = duplicates + 1
     where connection_id = ? and source = ? and dedupe_key = ? returning id`,
  )
  .pluck();
const begin = db.prepare('begin immediate');
const commit = db.prepare('commit');
const rollback = db.prepare('rollback');

/** Null for a row that is new, else the id of the first one. */
function write(row: WorkerRow): string | null {
  if (insert.run(row).changes === 1) return null;
  return countDuplicate.get(row[1], row[2], row[3]) as string;
}

port.on('message', (message: string) => {
  if (message === 'close') {
    db.close();
    port.close();
    return;
  }
  let answer: WorkerAnswer;
  try {
    const rows = JSON.parse(message) as WorkerRow[];
    begin.run();
    const firstIds = rows.map(write);
    commit.run();
    answer = { firstIds: firstIds.some((id) => id !== null) ? firstIds : null };
  } catch (error) {
    if (db.inTransaction) rollback.run();
    answer = { error: error instanceof Error ? error.message : String(error) };
  }
  port.postMessage(answer);
});
