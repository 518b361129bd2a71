import { every } from '../clock.ts';
import { alertMessage } from '../domain/alertText.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Store } from '../store/store.ts';
import { markTold, untoldProblems } from '../store/toldProblems.ts';

export interface AlertsNeeds {
  store: Store;
  log: Pick<Logger, 'warn' | 'info'>;
  /** ALERT_WEBHOOK_URL. It is a secret: whoever knows it can post. */
  url: string;
  /** PUBLIC_URL, for links into the dashboard. */
  publicUrl: string | null;
  /** Those that this process speaks for: one instance tells, the others do not. */
  connectionIds(): string[];
}

export interface Alerts {
  /** Tells what changed since it was last told, one message each; nothing while the address is not to be tried yet. */
  tell(): Promise<void>;
  close(): Promise<void>;
}

/** A problem that opens and is over again within this time is not told. */
const LOOK_EVERY_MS = 5_000;
const PAGE = 20;
const ANSWERS_WITHIN_MS = 10_000;
/** The connection never stood, so nothing was told. */
const NEVER_LEFT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];
const RETRY_MS = 5_000;
const RETRY_MS_MAX = 10 * 60_000;

/**
 * One message for each change of state of a problem, opened (again) or over, never one per run (SPEC §6). What was told
 * is stored, so a restart tells nothing twice and forgets nothing; only where a process ends while a message is on its way is
 * it told once more. While the address does not answer everything waits.
 */
export function createAlerts(needs: AlertsNeeds): Alerts {
  const { store, log } = needs;
  const closing = new AbortController();
  let failures = 0;
  let retryAtMs = 0;
  let telling: Promise<void> | null = null;

  const post = async (body: unknown): Promise<Failure | null> => {
    try {
      const answer = await fetch(needs.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        redirect: 'manual',
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWERS_WITHIN_MS)]),
      });
      await answer.body?.cancel();
      return answer.ok ? null : { why: `HTTP ${answer.status}`, waitMs: retryAfterMs(answer), refused: true };
    } catch (error) {
      const why = reasonOf(error);
      return { why, waitMs: null, refused: NEVER_LEFT.includes(why) };
    }
  };

  const pass = async (): Promise<void> => {
    for (;;) {
      const problems = await untoldProblems(store, needs.connectionIds(), PAGE);
      for (const problem of problems) {
        if (closing.signal.aborted) return;
        const state = problem.state === 'resolved' ? 'resolved' : 'open';
        // Written ahead: a process that ends in between tells once more, and says that it is over in any case.
        await markTold(store, problem.id, 'unsure');
        const failure = await post(alertMessage(problem, state, needs.publicUrl));
        if (failure) {
          if (failure.refused) await markTold(store, problem.id, problem.toldState);
          return failed(failure);
        }
        await markTold(store, problem.id, state);
        if (failures > 0) log.info('alerts are told again', { failures });
        failures = 0;
      }
      if (problems.length < PAGE) return;
    }
  };

  const failed = ({ why, waitMs }: Failure) => {
    if (closing.signal.aborted) return;
    failures += 1;
    const backoffMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(failures - 1, 10));
    retryAtMs = store.clock.nowMs() + Math.max(waitMs ?? 0, backoffMs);
    // Once, not each time: the address is the same, and so is the remedy.
    if (failures === 1)
      log.warn('an alert could not be told; it is tried again until ALERT_WEBHOOK_URL takes it', { reason: why });
  };

  const tell = (): Promise<void> => {
    if (closing.signal.aborted || store.clock.nowMs() < retryAtMs) return telling ?? Promise.resolve();
    telling ??= pass()
      .catch((error: unknown) => failed({ why: messageOf(error), waitMs: null, refused: false }))
      .finally(() => {
        telling = null;
      });
    return telling;
  };

  const stop = every(LOOK_EVERY_MS, () => void tell());
  return {
    tell,
    close: async () => {
      stop();
      closing.abort();
      await telling;
    },
  };
}

interface Failure {
  why: string;
  /** What the other side asked for. */
  waitMs: number | null;
  /** It was certainly not told. */
  refused: boolean;
}

/** The code of a failed request; never its address. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  if (typeof cause?.code === 'string') return cause.code;
  return error instanceof Error ? error.name : 'it failed';
}

function retryAfterMs(answer: Response): number | null {
  const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, RETRY_MS_MAX) : null;
}

/**
 * Tells a dead man's switch (HEARTBEAT_URL) that the clock of the runs still ticks. A failure is said once and not repeated:
 * the next tick comes soon.
 */
export function createHeartbeat(needs: { url: string; log: Pick<Logger, 'warn'> }): () => Promise<void> {
  let failing = false;
  return async () => {
    const why = await fetch(needs.url, { redirect: 'follow', signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) }).then(
      async (answer) => {
        await answer.body?.cancel();
        return answer.ok ? null : `HTTP ${answer.status}`;
      },
      (error: unknown) => reasonOf(error),
    );
    if (why !== null && !failing) needs.log.warn('HEARTBEAT_URL does not answer', { reason: why });
    failing = why !== null;
  };
}
