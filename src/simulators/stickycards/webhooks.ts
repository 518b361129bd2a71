import { createHmac, randomUUID } from 'node:crypto';
import { flatEnvelope } from './flatEnvelope.ts';
import { nativeEnvelope } from './nativeEnvelope.ts';
import { createPoster } from './poster.ts';
import type { Happening, StickyCardsSimulatorOptions, WebhookAttempt, WebhookOptions } from './types.ts';

export interface Webhooks {
  /** What was tried, the last thousand. */
  attempts: WebhookAttempt[];
  /** Queues a delivery; body and signature are made now and never again. */
  emit(happening: Happening): void;
  /** Posts everything queued once, due or not, and waits for the answers. `dueOnly`: what the clock says is due. */
  flush(options?: { dueOnly?: boolean }): Promise<void>;
  /** The next delivery stays behind until the returned function is called: those after it overtake it. */
  holdNext(): () => void;
  /** Queues the last delivery once more, byte for byte. */
  repeatLast(): void;
  setUrl(url: string | undefined): void;
  setOptions(options: Partial<Omit<WebhookOptions, 'url'>>): void;
  /** Queued, and not in flight. */
  pending(): number;
  stop(): void;
}

interface Delivery {
  type: string;
  body: Buffer;
  headers: Record<string, string>;
  dueAtMs: number;
}

const ATTEMPTS_KEPT = 1_000;
/** How many deliveries are under way at once when their order does not matter. */
const CONCURRENCY = 16;
const PUMP_EVERY_MS = 25;

function toDelivery(happening: Happening, options: StickyCardsSimulatorOptions, dueAtMs: number): Delivery {
  const envelope =
    options.envelope === 'native'
      ? nativeEnvelope(happening, options.isSandbox ?? false)
      : { ...flatEnvelope(happening, options.timestamps), ...(options.isSandbox === true && { is_sandbox: true }) };
  const body = Buffer.from(JSON.stringify(envelope));
  const headers: Record<string, string> = {
    [options.signatureHeader ?? 'X-Sticky-Signature']: createHmac('sha256', options.webhookSecret)
      .update(body)
      .digest('hex'),
  };
  if (options.deliveryIds === true) headers['X-Sticky-Delivery-ID'] = randomUUID();
  return { type: happening.type, body, headers, dueAtMs };
}

/** Fisher–Yates on a copy. */
function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

export function createWebhooks(simulator: StickyCardsSimulatorOptions, now: () => number): Webhooks {
  const poster = createPoster();
  let options: WebhookOptions = { url: '', ...simulator.webhooks };
  let url = simulator.webhooks?.url;
  let queue: Delivery[] = [];
  let last: Delivery | undefined;
  let holding: Delivery[] | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  const attempts: WebhookAttempt[] = [];
  const random = (): number => (options.random ?? Math.random)();

  async function attempt({ type, body, headers }: Delivery): Promise<void> {
    if (url === undefined) return;
    const status = await poster.post(url, body, headers);
    attempts.push({ type, body: JSON.parse(body.toString()) as Record<string, unknown>, headers, status });
    if (attempts.length > ATTEMPTS_KEPT) attempts.splice(0, attempts.length - ATTEMPTS_KEPT);
  }

  async function deliver(list: Delivery[]): Promise<void> {
    // In order one waits for the other, as a reader of the test expects; shuffled ones overtake each other.
    const ordered = options.shuffle === true ? shuffled(list, random) : list;
    let next = 0;
    const work = async (): Promise<void> => {
      for (let each = ordered[next++]; each && !stopped; each = ordered[next++]) await attempt(each);
    };
    await Promise.all(Array.from({ length: options.shuffle === true ? CONCURRENCY : 1 }, work));
  }

  /** One round at a time; a second one waits for the first. */
  function round(all: boolean): Promise<void> {
    running = running.then(async () => {
      const at = now();
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
    }, PUMP_EVERY_MS);
    timer.unref();
  }

  function enqueue(delivery: Delivery): void {
    queue.push(delivery);
    pump();
  }

  return {
    attempts,
    emit(happening) {
      if (url === undefined || stopped || random() < (options.lostRate ?? 0)) return;
      const delivery = toDelivery(happening, simulator, now() + (options.lagMs ?? 0));
      last = delivery;
      if (holding) {
        holding.push(delivery);
        holding = undefined;
        return;
      }
      enqueue(delivery);
      if (random() < (options.duplicateRate ?? 0)) enqueue({ ...delivery });
    },
    flush: ({ dueOnly = false } = {}) => round(!dueOnly),
    holdNext() {
      const held: Delivery[] = [];
      holding = held;
      return () => {
        if (holding === held) holding = undefined;
        for (const delivery of held.splice(0)) enqueue(delivery);
      };
    },
    repeatLast() {
      if (last) enqueue({ ...last });
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
      queue = [];
      poster.close();
    },
  };
}
