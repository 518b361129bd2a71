import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Request, type Response, Router } from 'express';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import type { Heard } from './heard.ts';
import { createQuickHistogram } from './quickHistogram.ts';
import { createStateGauges, type StateNeeds } from './metricsOfState.ts';

/** A run that has ended, as far as it is measured. */
export interface MeasuredRun {
  direction: string;
  trigger: string;
  status: string;
  durationMs: number | null;
}

/** A call that left, as far as it is measured; `class` null = it succeeded. */
export interface MeasuredCall {
  side: string;
  class: string | null;
  durationMs: number;
}

export interface Metrics {
  /** `GET /metrics`, to be put behind its authentication. */
  router: Router;
  delivery: Heard;
  run(run: MeasuredRun): void;
  call(call: MeasuredCall): void;
  close(): void;
}

export interface MetricsNeeds extends StateNeeds {
  clock: Clock;
}

/** What is read from the database is read again after this long at the earliest, however often somebody asks. */
const FRESH_MS = 5_000;

const ACK_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const CALL_BUCKETS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 30, 60];
const RUN_BUCKETS = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 1800, 3600, 14_400];

/** Figures for Prometheus (SPEC §6): counted here as they happen, or read from the database when somebody asks. */
export function createMetrics(needs: MetricsNeeds): Metrics {
  const registry = new Registry();
  const registers = [registry];
  // Told to the library when somebody asks: its own counting costs more than all else that is done about a delivery here.
  const tallies = new Map<string, { labels: Record<'source' | 'verification' | 'status', string>; count: number }>();
  new Counter({
    name: 'sticky_ghl_deliveries_total',
    help: 'Deliveries by source, result of their verification and what became of them (accepted, duplicate, rejected, not_stored)',
    labelNames: ['source', 'verification', 'status'],
    registers,
    collect() {
      this.reset();
      for (const { labels, count } of tallies.values()) this.inc(labels, count);
    },
  });
  const acknowledgements = createQuickHistogram(registry, {
    name: 'sticky_ghl_acknowledgement_seconds',
    help: 'From the verified delivery to its answer, the commit included',
    bounds: ACK_BUCKETS,
  });
  const runs = new Histogram({
    name: 'sticky_ghl_run_duration_seconds',
    help: 'Runs that ended in this process',
    labelNames: ['direction', 'trigger', 'status'],
    buckets: RUN_BUCKETS,
    registers,
  });
  const calls = new Histogram({
    name: 'sticky_ghl_call_duration_seconds',
    help: 'Calls of either side by class of their outcome (ok, rate_limited, auth, transient …), from leaving to the answer',
    labelNames: ['side', 'class'],
    buckets: CALL_BUCKETS,
    registers,
  });
  const stopProcess = processMetrics(registry);
  const state = createStateGauges(registry, needs);
  let readAtMs = -Infinity;
  let reading: Promise<void> | null = null;
  const fresh = async () => {
    if (needs.clock.nowMs() - readAtMs < FRESH_MS) return;
    reading ??= state.read().finally(() => {
      readAtMs = needs.clock.nowMs();
      reading = null;
    });
    await reading;
  };

  const router = Router();
  router.get('/metrics', async (_req: Request, res: Response) => {
    await fresh();
    res.set({ 'content-type': registry.contentType, 'cache-control': 'no-store' }).send(await registry.metrics());
  });

  return {
    router,
    delivery: ({ source, verification, status, tookMs }) => {
      const key = `${source} ${verification} ${status}`;
      const tally = tallies.get(key);
      if (tally) tally.count += 1;
      else tallies.set(key, { labels: { source, verification, status }, count: 1 });
      if (tookMs !== null) acknowledgements.observe(tookMs / 1000);
    },
    run: ({ direction, trigger, status, durationMs }) =>
      runs.labels(direction, trigger, status).observe((durationMs ?? 0) / 1000),
    call: ({ side, class: failure, durationMs }) => calls.labels(side, failure ?? 'ok').observe(durationMs / 1000),
    close: () => {
      stopProcess();
      registry.clear();
    },
  };
}

/** Memory, processor time and how late the event loop is; by the names that everybody's boards know. */
function processMetrics(registry: Registry): () => void {
  const registers = [registry];
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory of the process',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time of the process',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: 'nodejs_eventloop_lag_p99_seconds',
    help: 'How late the event loop was since it was last asked, 99th percentile',
    registers,
    collect() {
      const p99 = delay.percentile(99);
      delay.reset();
      this.set(Number.isFinite(p99) ? p99 / 1e9 : 0);
    },
  });
  return () => delay.disable();
}
