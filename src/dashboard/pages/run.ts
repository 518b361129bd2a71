import type { Request } from 'express';
import { AppError } from '../../errors.ts';
import { findLogs } from '../../store/activityQueries.ts';
import { getRun, type LogRow, type RunRow } from '../../store/runs.ts';
import type { PageContext } from '../context.ts';
import { html, type Html } from '../html.ts';
import type { DashboardNeeds } from '../needs.ts';
import { empty, facts, id, number, time } from '../parts/basics.ts';
import { pager, tabs } from '../parts/forms.ts';
import { logResult } from '../parts/logResult.ts';
import { type People, peopleOf, personLink } from '../parts/people.ts';
import { table } from '../parts/table.ts';
import { DIRECTION_WORDS, runBadge } from '../parts/words.ts';
import { durationText } from '../parts/zone.ts';
import type { Routes } from '../routes.ts';
import { progress } from './live.ts';

const PATH = '/runs';
const RECORDS = 50;

/** `/runs/:id`: one run while it goes on and afterwards, with what it did to each record: before → after, tags as + and −. */
export function runPage(routes: Routes, { store }: DashboardNeeds): void {
  const runOf = async (req: Request): Promise<RunRow> => {
    const run = await getRun(store, String(req.params['id'] ?? ''));
    if (run) return run;
    throw new AppError('unknown_run', 'There is no such run: old ones are removed after a while.', { httpStatus: 404 });
  };

  routes.page(`${PATH}/:id`, async (ctx, req) => {
    const run = await runOf(req);
    const { cursor } = ctx.query;
    const status = (['success', 'failed', 'skipped'] as const).find((each) => each === ctx.query['status']);
    const found = await findLogs(store, { runId: run.id, ...(status && { status }) }, RECORDS + 1, cursor);
    const logs = found.slice(0, RECORDS);
    const people = await peopleOf(
      store,
      logs.map(({ connectionId, customerId, contactId }) => ({ connectionId, ids: [customerId, contactId] })),
    );
    const next = found.length > RECORDS ? logs.at(-1)?.id : (found as { scannedTo?: string }).scannedTo;
    const path = `${PATH}/${run.id}`;
    return {
      title: 'Run',
      section: 'runs',
      trail: [{ href: PATH, text: 'Runs' }],
      scripts: ['live.js'],
      body: html`
        <div class="row lead">
          ${runBadge(run.status)} ${DIRECTION_WORDS[run.direction]} · ${run.trigger} · ${run.connectionId} ${id(run.id)}
        </div>
        ${
          run.lastError === null
            ? null
            : html`<section class="finding bad">
                <h3>Why it ended early</h3>
                <p class="said">${run.lastError}</p>
              </section>`
        }
        ${progress(run)}
        ${facts([
          ['Started', time(ctx, run.startedAt, run.connectionId, { age: true })],
          ['Ended', time(ctx, run.completedAt, run.connectionId)],
          ['Took', durationText(run.durationMs)],
          ['Waits for the rate limit', number(run.rateLimitWaits)],
        ])}
        <h2>Records</h2>
        ${tabs(
          ctx,
          path,
          'status',
          [
            ['', 'All'],
            ['success', 'Written'],
            ['failed', 'Failed'],
            ['skipped', 'Left out'],
          ],
          'Results',
        )}
        ${
          logs.length === 0
            ? empty('No records', 'Records that were the same on both sides are counted and not listed.')
            : recordTable(ctx, logs, people)
        }
        ${pager(ctx, path, next ?? null)}
      `,
    };
  });
}

const recordTable = (ctx: PageContext, logs: readonly LogRow[], people: People): Html =>
  table<LogRow>(
    'Records of this run',
    [
      {
        head: 'Record',
        cell: (log) =>
          html`${who(log, people)}
            <span class="sub"
              >${log.entityType === 'customer' ? '' : `${log.entityType}, `}${log.action}
              ${DIRECTION_WORDS[log.direction]}</span
            >`,
      },
      { head: 'What happened', cell: (log) => logResult(ctx, log) },
      { head: 'When', cell: (log) => time(ctx, log.createdAt, log.connectionId) },
    ],
    logs,
  );

function who({ connectionId, customerId, contactId, entityId }: LogRow, people: People): Html {
  const person = people(connectionId, customerId) ?? people(connectionId, contactId);
  const known = person?.customerId ?? customerId;
  return known === null ? id(entityId) : personLink(connectionId, known, person);
}
