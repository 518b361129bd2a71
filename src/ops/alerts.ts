import { every } from '../clock.ts';
import { alertMessage } from '../domain/alertText.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ProblemRow } from '../store/problems.ts';
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
/** Refusals that say nothing of the one message: the address, who asks, or how often. Other 4xx are about what was sent. */
const OF_THE_ADDRESS = [401, 403, 404, 405, 408, 410, 429];
/** The connection never stood, so nothing was told. */
const NEVER_LEFT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];
const RETRY_MS = 5_000;
const RETRY_MS_MAX = 10 * 60_000;

/**
 * One message for each change of state of a problem, opened (again) or over, never one per run (SPEC §6). What was told
 * is stored, so a restart tells nothing twice and forgets nothing; only where a process ends while a message is on its way is
 * it told once more. While the address does not answer everything waits; a message that it refuses for what it says waits
 * by itself, and holds up no other.
 */
export function createAlerts(needs: AlertsNeeds): Alerts {
  const { store, log } = needs;
  const closing = new AbortController();
  let failures = 0;
  let retryAtMs = 0;
  /** Messages that the address did not take for what they say, by problem and state. */
  const refusals = new Map<string, { failures: number; retryAtMs: number }>();
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
      if (answer.ok) return null;
      const ofMessage = answer.status >= 400 && answer.status < 500 && !OF_THE_ADDRESS.includes(answer.status);
      return { why: `HTTP ${answer.status}`, waitMs: retryAfterMs(answer), refused: true, ofMessage };
    } catch (error) {
      const why = reasonOf(error);
      return { why, waitMs: null, refused: NEVER_LEFT.includes(why), ofMessage: false };
    }
  };

  const pass = async (): Promise<void> => {
    const met = new Set<string>();
    for (let after: ProblemRow | undefined; ;) {
      const problems = await untoldProblems(store, needs.connectionIds(), PAGE, after);
      for (const problem of problems) {
        if (closing.signal.aborted) return;
        met.add(messageKey(problem));
        const failure = await tellOne(problem);
        if (failure) return failed(failure);
      }
      after = problems.at(-1);
      if (problems.length < PAGE) break;
    }
    for (const key of refusals.keys()) if (!met.has(key)) refusals.delete(key);
  };

  /** What keeps all of them from being told; null when there is no such thing. */
  const tellOne = async (problem: ProblemRow): Promise<Failure | null> => {
    const key = messageKey(problem);
    const state = problem.state === 'resolved' ? 'resolved' : 'open';
    if (store.clock.nowMs() < (refusals.get(key)?.retryAtMs ?? 0)) return null;
    // Written ahead: a process that ends in between tells once more, and says that it is over in any case.
    await markTold(store, problem.id, 'unsure');
    const failure = await post(alertMessage(problem, state, needs.publicUrl));
    if (failure?.refused) await markTold(store, problem.id, problem.toldState);
    if (failure?.ofMessage) keep(problem, key, failure);
    if (failure) return failure.ofMessage ? null : failure;
    await markTold(store, problem.id, state);
    refusals.delete(key);
    if (failures > 0) log.info('alerts are told again', { failures });
    failures = 0;
    return null;
  };

  /** One message waits, the others go on. */
  const keep = ({ id, connectionId, code }: ProblemRow, key: string, { why, waitMs }: Failure) => {
    const refused = (refusals.get(key)?.failures ?? 0) + 1;
    refusals.set(key, { failures: refused, retryAtMs: store.clock.nowMs() + backoffMs(refused, waitMs) });
    if (refused === 1)
      log.warn('ALERT_WEBHOOK_URL refuses one alert; it is tried again, the others are told', {
        problem: id,
        connection: connectionId,
        code,
        reason: why,
      });
  };

  const failed = ({ why, waitMs }: Pick<Failure, 'why' | 'waitMs'>) => {
    if (closing.signal.aborted) return;
    failures += 1;
    retryAtMs = store.clock.nowMs() + backoffMs(failures, waitMs);
    // Once, not each time: the address is the same, and so is the remedy.
    if (failures === 1)
      log.warn('an alert could not be told; it is tried again until ALERT_WEBHOOK_URL takes it', { reason: why });
  };

  const tell = (): Promise<void> => {
    if (closing.signal.aborted || store.clock.nowMs() < retryAtMs) return telling ?? Promise.resolve();
    telling ??= pass()
      .catch((error: unknown) => failed({ why: messageOf(error), waitMs: null }))
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
  /** For what it says: another one may be taken. */
  ofMessage: boolean;
}

/** What opened is another message than that it is over. */
const messageKey = ({ id, state }: ProblemRow) => `${id} ${state}`;

const backoffMs = (failures: number, askedMs: number | null) =>
  Math.max(askedMs ?? 0, Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(failures - 1, 10)));

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
