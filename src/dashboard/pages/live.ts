import type { Response } from 'express';
import { getRun, type RunRow } from '../../store/runs.ts';
import { html, type Html } from '../html.ts';
import type { DashboardNeeds } from '../needs.ts';
import { number } from '../parts/basics.ts';
import type { Routes } from '../routes.ts';

const LOOK_EVERY_MS = 500;
/** A line now and then, so that no proxy in between takes the stream for dead. */
const PING_EVERY_MS = 15_000;

const COUNTS = [
  ['totalRecords', 'taken'],
  ['createdCount', 'made'],
  ['updatedCount', 'changed'],
  ['unchangedCount', 'unchanged'],
  ['skippedCount', 'left out'],
  ['failedCount', 'failed'],
  ['apiCalls', 'calls'],
] as const satisfies readonly (readonly [keyof RunRow, string])[];

/** A run's counts; while it runs they follow it, where scripts run (public/live.js). */
export const progress = (run: RunRow): Html => html`
  <div class="progress" data-live=${run.status === 'running' ? `/runs/${run.id}/live` : null} aria-live="off">
    ${
      run.status === 'running'
        ? html`<p class="running" role="status">
            It is running. This page follows it. <noscript>Reload it to see how far it is.</noscript>
          </p>`
        : null
    }
    <ul class="totals small">
      ${COUNTS.map(
        ([name, label]) =>
          html`<li>
            <span><strong data-count=${name}>${number(run[name])}</strong> ${label}</span>
          </li>`,
      )}
    </ul>
  </div>
`;

/**
 * `/runs/:id/live`: server-sent events, `counts` whenever they change and `over` once at the end. Ends when the browser
 * goes, when the run is over, or when `closing` says that the service stops.
 */
export function liveRuns(routes: Routes, { store, closing }: DashboardNeeds): void {
  routes.raw('/runs/:id/live', async (_ctx, req, res) => {
    const id = String(req.params['id'] ?? '');
    const gone = new AbortController();
    res.on('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, closing]);
    res.set({ 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    res.flushHeaders();
    let sent = '';
    let sentAtMs = store.clock.nowMs();
    while (!signal.aborted) {
      const run = await getRun(store, id);
      if (!run) break;
      const counts = JSON.stringify(Object.fromEntries(COUNTS.map(([name]) => [name, run[name]])));
      const nowMs = store.clock.nowMs();
      if (counts !== sent || nowMs - sentAtMs >= PING_EVERY_MS) {
        send(res, 'counts', counts);
        sent = counts;
        sentAtMs = nowMs;
      }
      if (run.status !== 'running') {
        send(res, 'over', JSON.stringify({ status: run.status }));
        break;
      }
      await store.clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    }
    res.end();
  });
}

const send = (res: Response, event: string, data: string): boolean => res.write(`event: ${event}\ndata: ${data}\n\n`);
