import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Request, type Response, Router } from 'express';
import type { Clock } from '../clock.ts';
import type { Store } from '../store/store.ts';
import { sendProblem } from './problem.ts';

const FREE_BYTES_MIN = 200 * 1024 * 1024;
const DISK_CACHE_MS = 10_000;
const DATABASE_ANSWERS_WITHIN_MS = 3000;

/** Null = ready, else one line that says why not. */
export type Readiness = () => Promise<string | null>;

/** Ready = not stopping, the database answers, and its disk has 200 MB left (SPEC §8). */
export function createReadiness(needs: {
  store: Pick<Store, 'db' | 's' | 'file'>;
  clock: Clock;
  stopping: () => boolean;
  /** Bytes free on the disk that holds a folder. */
  freeBytes?: (folder: string) => Promise<number>;
}): Readiness {
  const { store, clock, freeBytes = freeBytesOf } = needs;
  let disk: { free: number; readAtMs: number } | null = null;

  const databaseAnswers = async (): Promise<boolean> => {
    const patience = new AbortController();
    const tooLate = clock.sleep(DATABASE_ANSWERS_WITHIN_MS, patience.signal).then(
      () => false,
      () => false,
    );
    const answer = (async () => {
      await store.db.select({ id: store.s.connections.id }).from(store.s.connections).limit(1);
      return true;
    })().catch(() => false);
    const answered = await Promise.race([answer, tooLate]);
    patience.abort();
    return answered;
  };

  return async () => {
    if (needs.stopping()) return 'stopping: this process is about to end';
    if (!(await databaseAnswers())) return 'database: it does not answer; check DATABASE_URL and the server behind it';
    if (store.file === null) return null;
    const now = clock.nowMs();
    if (disk === null || now - disk.readAtMs >= DISK_CACHE_MS) {
      disk = { free: await freeBytes(dirname(store.file)), readAtMs: now };
    }
    if (disk.free >= FREE_BYTES_MIN) return null;
    return `disk: ${Math.floor(disk.free / 1024 / 1024)} MB free, 200 MB are needed; make room on the disk of the database`;
  };
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** `GET /healthz`: the process runs. `GET /readyz`: it can take deliveries; else 503 with the reason. */
export function healthRouter(readiness: Readiness): Router {
  const router = Router();
  router.get('/healthz', (_req: Request, res: Response) => void res.json({ status: 'ok' }));
  router.get('/readyz', async (_req: Request, res: Response) => {
    const reason = await readiness();
    if (reason === null) res.json({ status: 'ready' });
    else sendProblem(res, { status: 503, code: 'not_ready', title: 'Not ready', detail: reason, retryAfterS: 10 });
  });
  return router;
}
