import { RUN_STATUSES } from '../../../drizzle/tables/runs.ts';
import { AppError, messageOf } from '../../errors.ts';
import { idFloor } from '../../ids.ts';
import { findRuns } from '../../store/activityQueries.ts';
import { writeRunsAsked } from '../../store/runAsked.ts';
import { listRuns, type RunRow } from '../../store/runs.ts';
import type { PageContext } from '../context.ts';
import { html, type Html } from '../html.ts';
import type { DashboardNeeds } from '../needs.ts';
import { empty, number, time } from '../parts/basics.ts';
import { connectionChoice, filters, pager } from '../parts/forms.ts';
import { table } from '../parts/table.ts';
import { DIRECTION_WORDS, runBadge, runWord } from '../parts/words.ts';
import { durationText } from '../parts/zone.ts';
import type { Routes } from '../routes.ts';

const PATH = '/runs';
const PAGE = 50;
/** A run that was asked for is looked for so long before the list is shown in its place. */
const PATIENCE_MS = 2000;

/** `/runs`: what was done, run by run, with a chart, and a button for one more. */
export function runPages(routes: Routes, needs: DashboardNeeds): void {
  const { store } = needs;

  routes.page(PATH, async (ctx) => {
    const { connection, cursor } = ctx.query;
    const status = RUN_STATUSES.find((each) => each === ctx.query['status']);
    const filter = { ...(connection && { connection }), ...(status && { status }) };
    const found = await findRuns(store, filter, PAGE + 1, cursor);
    const rows = found.slice(0, PAGE);
    const next = found.length > PAGE ? rows.at(-1)?.id : (found as { scannedTo?: string }).scannedTo;
    return {
      title: 'Runs',
      section: 'runs',
      scripts: ['uplot/uPlot.iife.min.js', 'chart.js'],
      styles: ['uplot/uPlot.min.css'],
      body: html`
        ${startForm(ctx)}
        ${filters(ctx, PATH, [
          ...connectionChoice(ctx),
          {
            name: 'status',
            label: 'Status',
            values: [['', 'all'], ...RUN_STATUSES.map((each) => [each, runWord(each)] as const)],
          },
        ])}
        ${rows.length < 2 ? null : chart(rows)}
        ${
          rows.length === 0
            ? empty(
                'No runs yet',
                'One starts by the clock as soon as there is something to do. “Run now” starts one at once.',
              )
            : runTable(ctx, rows)
        }
        ${pager(ctx, PATH, next ?? null)}
      `,
    };
  });

  routes.action(PATH, async (ctx, _req, form) => {
    const connectionId = form['connection'] ?? '';
    if (!needs.registry.get(connectionId))
      throw new AppError('unknown_connection', 'Choose a connection to run.', { httpStatus: 404 });
    const ways = ['stickycards_to_ghl', 'ghl_to_stickycards'] as const;
    const direction = ways.find((each) => each === form['direction']) ?? 'both';
    await writeRunsAsked(store, [connectionId], direction, ctx.user.name);
    const floor = idFloor('run', store.clock.nowMs());
    const patience = new AbortController();
    const whole = needs.schedule.run({ connectionId, direction, trigger: 'manual' }).catch((error: unknown) => {
      if (error instanceof AppError) throw error;
      needs.log.error('a run asked for at the dashboard failed', {
        connection: connectionId,
        reason: messageOf(error),
      });
      return null;
    });
    const run = await Promise.race([whole, newRun(needs, connectionId, floor, patience.signal)]).finally(() =>
      patience.abort(),
    );
    // What fails later is told by the run's own page and by the log.
    whole.catch(() => undefined);
    return run === null ? { to: PATH, notice: 'run_asked' } : { to: `${PATH}/${run.id}` };
  });
}

/** The connection's run that began since `floor`; null when none did in time. */
async function newRun(
  { store }: DashboardNeeds,
  connection: string,
  floor: string,
  signal: AbortSignal,
): Promise<RunRow | null> {
  const endMs = store.clock.nowMs() + PATIENCE_MS;
  while (store.clock.nowMs() < endMs && !signal.aborted) {
    const [run] = await listRuns(store, { connection }, 1);
    if (run && run.id > floor && run.status !== 'skipped-overlap') return run;
    await store.clock.sleep(50, signal).catch(() => undefined);
  }
  return null;
}

const startForm = (ctx: PageContext): Html =>
  !ctx.mayWrite || ctx.connectionIds.length === 0
    ? null
    : html`<form method="post" action=${PATH} class="filters">
        <input type="hidden" name="csrf" value=${ctx.csrf} />
        <input type="hidden" name="back" value=${PATH} />
        ${
          ctx.connectionIds.length === 1
            ? html`<input type="hidden" name="connection" value=${ctx.connectionIds[0] ?? ''} />`
            : html`<label
                ><span>Run</span>
                <select name="connection">
                  ${ctx.connectionIds.map((each) => html`<option value=${each}>${each}</option>`)}
                </select></label
              >`
        }
        <label
          ><span>Direction</span>
          <select name="direction">
            <option value="">both ways</option>
            <option value="stickycards_to_ghl">to GHL</option>
            <option value="ghl_to_stickycards">to Sticky Cards</option>
          </select></label
        >
        <button type="submit" class="main">Run now</button>
      </form>`;

/** Oldest first: seconds since 1970, written, failed. The table below says the same in numbers. */
function chart(rows: readonly RunRow[]): Html {
  const points = rows
    .toReversed()
    .map((run) => [Math.floor(run.startedAt.getTime() / 1000), run.createdCount + run.updatedCount, run.failedCount]);
  return html`<figure class="chart">
    <figcaption>Records written and failed by the last ${rows.length} runs</figcaption>
    <div
      id="run-chart"
      role="img"
      aria-label="Chart of the runs listed below"
      data-points=${JSON.stringify(points)}
    ></div>
  </figure>`;
}

const runTable = (ctx: PageContext, rows: readonly RunRow[]): Html =>
  table<RunRow>(
    'Runs',
    [
      {
        head: 'Started',
        cell: (run) =>
          html`<a href=${`${PATH}/${run.id}`}>${time(ctx, run.startedAt, run.connectionId)}</a>
            <span class="sub">${run.trigger}, ${DIRECTION_WORDS[run.direction]}</span>`,
      },
      ...(ctx.connectionIds.length > 1 ? [{ head: 'Connection', cell: (run: RunRow): Html => run.connectionId }] : []),
      {
        head: 'Status',
        cell: (run) =>
          html`${runBadge(run.status)}
          ${run.lastError === null ? null : html`<span class="sub">${run.lastError}</span>`}`,
      },
      { head: 'Made', number: true, cell: (run) => number(run.createdCount) },
      { head: 'Changed', number: true, cell: (run) => number(run.updatedCount) },
      { head: 'Left out', number: true, cell: (run) => number(run.skippedCount) },
      {
        head: 'Failed',
        number: true,
        cell: (run) => (run.failedCount > 0 ? html`<span class="state bad">${number(run.failedCount)}</span>` : '0'),
      },
      { head: 'Calls', number: true, cell: (run) => number(run.apiCalls) },
      { head: 'Took', number: true, cell: (run) => durationText(run.durationMs) },
    ],
    rows,
  );
