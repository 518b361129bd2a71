import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import type { Poster } from './poster.ts';
import type { WebhookAttempt, WebhookOptions } from './types.ts';

export interface Webhooks {
  publicKeyPem: string;
  /** What was tried, the last thousand. */
  attempts: WebhookAttempt[];
  /** Whether anything would be sent: building a body for nobody is not worth it. */
  wanted(): boolean;
  /** Queues an event; its body and signature are made now and never again, as a retry sends the original (ghl.md §9.3). */
  emit(type: string, payload: Record<string, unknown>): void;
  /** Tries everything queued once, due or not, and waits for the answers. `dueOnly`: what the clock says is due. */
  flush(options?: { dueOnly?: boolean }): Promise<void>;
  setUrl(url: string | undefined): void;
  setOptions(options: Partial<Omit<WebhookOptions, 'url'>>): void;
  /** Queued, and not in flight. */
  pending(): number;
  /** What is queued stays queued while the simulator is down. */
  stop(): void;
  start(): void;
}

interface Delivery {
  type: string;
  webhookId: string;
  body: Buffer;
  signature: string;
  attempt: number;
  dueAtMs: number;
}

/** ghl.md §9.3: up to 12 retries with exponential backoff and jitter; the spacing is not known. */
const retriesMax = 12;
const firstRetryMs = 1_000;
const attemptsKept = 1_000;
/** How many deliveries are under way at once when their order does not matter. */
const concurrency = 16;
const pumpEveryMs = 25;

interface Clock {
  now(): number;
  stampMs(): number;
}

export function createWebhooks(
  initial: WebhookOptions | undefined,
  appId: string,
  poster: Poster,
  clock: Clock,
): Webhooks {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  let options: WebhookOptions = { url: '', ...initial };
  let url = initial?.url;
  let queue: Delivery[] = [];
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  const attempts: WebhookAttempt[] = [];
  const random = (): number => (options.random ?? Math.random)();

  function shuffled(list: Delivery[]): Delivery[] {
    const out = [...list];
    for (let i = out.length - 1; i > 0; i -= 1) {
      const j = Math.floor(random() * (i + 1));
      [out[i], out[j]] = [out[j]!, out[i]!];
    }
    return out;
  }

  async function attempt(delivery: Delivery): Promise<void> {
    if (url === undefined) return;
    const headers = { 'X-GHL-Signature': delivery.signature };
    const { status } = await poster.post(url, delivery.body, headers);
    const { type, webhookId, attempt: nth, body } = delivery;
    attempts.push({ type, webhookId, attempt: nth, body: body.toString('utf8'), headers, status });
    if (attempts.length > attemptsKept) attempts.splice(0, attempts.length - attemptsKept);
    const delivered = status >= 200 && status < 300;
    if (delivered || options.retry === false || delivery.attempt > retriesMax) return;
    const waitMs = firstRetryMs * 2 ** (delivery.attempt - 1) * (0.5 + random());
    queue.push({ ...delivery, attempt: delivery.attempt + 1, dueAtMs: clock.now() + waitMs });
    pump();
  }

  async function deliver(list: Delivery[]): Promise<void> {
    // In order one waits for the other, as a reader of the test expects; shuffled ones overtake each other.
    const ordered = options.shuffle === true ? shuffled(list) : list;
    const workers = options.shuffle === true ? concurrency : 1;
    let next = 0;
    const work = async (): Promise<void> => {
      for (let each = ordered[next++]; each; each = ordered[next++]) {
        if (stopped) queue.push(each);
        else await attempt(each);
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
  }

  /** One round at a time; a second one waits for the first. */
  function round(all: boolean): Promise<void> {
    running = running.then(async () => {
      const at = clock.now();
      const due = all ? queue : queue.filter((each) => each.dueAtMs <= at);
      queue = all ? [] : queue.filter((each) => each.dueAtMs > at);
      await deliver(due);
    });
    return running;
  }

  /** Looks again and again while something is queued: the clock may be one that a test steps. */
  function pump(): void {
    if (timer || stopped || options.auto === false || queue.length === 0) return;
    timer = setTimeout(() => {
      void round(false).then(() => {
        timer = undefined;
        pump();
      });
    }, pumpEveryMs);
    timer.unref();
  }

  return {
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    attempts,
    wanted: () => url !== undefined,
    emit(type, payload) {
      if (url === undefined) return;
      if (random() < (options.lostRate ?? 0)) return;
      const webhookId = randomUUID();
      const timestamp = new Date(clock.stampMs()).toISOString();
      // Flat, envelope and payload on one level (ghl.md §9.1).
      const body = Buffer.from(JSON.stringify({ type, ...payload, appId, versionId: appId, timestamp, webhookId }));
      const signature = sign(null, body, privateKey).toString('base64');
      const dueAtMs = clock.now() + (options.lagMs ?? 0);
      const delivery: Delivery = { type, webhookId, body, signature, attempt: 1, dueAtMs };
      queue.push(delivery);
      if (random() < (options.duplicateRate ?? 0)) queue.push({ ...delivery });
      pump();
    },
    async flush({ dueOnly = false } = {}) {
      await round(!dueOnly);
    },
    setUrl(next) {
      url = next;
      if (next === undefined) queue = [];
    },
    setOptions(next) {
      options = { ...options, ...next };
      pump();
    },
    pending: () => queue.length,
    stop() {
      stopped = true;
      clearTimeout(timer);
      timer = undefined;
    },
    start() {
      stopped = false;
      pump();
    },
  };
}
