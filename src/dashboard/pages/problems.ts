import type { Request } from 'express';
import { type ProblemState, PROBLEM_STATES } from '../../../drizzle/tables/problems.ts';
import { problemText } from '../../domain/problemCodes.ts';
import { AppError } from '../../errors.ts';
import { retryCustomersById } from '../../store/customerActions.ts';
import { peopleOfRecords, problemCounts, recordsOfProblem } from '../../store/dashboardQueries.ts';
import { confirmProblem, decideProblem, getProblem } from '../../store/problemActions.ts';
import { listProblems, type ProblemFilter, type ProblemRow } from '../../store/problems.ts';
import type { PageContext } from '../context.ts';
import { html, type Html } from '../html.ts';
import type { DashboardNeeds } from '../needs.ts';
import { customerHref, empty, facts, id, plural, time } from '../parts/basics.ts';
import { button, connectionChoice, filters, pager, tabs } from '../parts/forms.ts';
import { problemButtons } from '../parts/problemButtons.ts';
import { table } from '../parts/table.ts';
import { factList } from '../parts/values.ts';
import { problemBadge } from '../parts/words.ts';
import type { Routes } from '../routes.ts';

const PATH = '/problems';
const PAGE = 25;
const RECORDS = 100;
/** So many customers are tried again at once; more are taken by the list of failing ones. */
const RETRY_PAGE = 200;

const DECISIONS = { acknowledge: 'acknowledged', resolve: 'resolved', ignore: 'ignored' } as const;

/** `/problems`: what needs somebody, the cause once and not record by record, with what to do in plain words. */
export function problemPages(routes: Routes, { store }: DashboardNeeds): void {
  const problemOf = async (req: Request): Promise<ProblemRow> => {
    const problem = await getProblem(store, String(req.params['id'] ?? ''));
    if (problem) return problem;
    throw new AppError('unknown_problem', 'There is no such problem: it may belong to a connection that was removed.', {
      httpStatus: 404,
    });
  };

  routes.page(PATH, async (ctx) => {
    const { connection, cursor } = ctx.query;
    const state = (PROBLEM_STATES as readonly string[]).includes(ctx.query['state'] ?? '')
      ? (ctx.query['state'] as ProblemState)
      : 'open';
    const filter: ProblemFilter = { state, ...(connection && { connection }) };
    const found = await listProblems(store, filter, PAGE + 1, cursor);
    const rows = found.slice(0, PAGE);
    const counts = await problemCounts(store);
    const count = (wanted: ProblemState) =>
      [...counts].reduce((sum, [name, each]) => (connection && name !== connection ? sum : sum + each[wanted]), 0);
    return {
      title: 'Problems',
      section: 'problems',
      body: html`
        ${tabs(
          ctx,
          PATH,
          'state',
          PROBLEM_STATES.map((each) => [
            each === 'open' ? '' : each,
            `${each.slice(0, 1).toUpperCase()}${each.slice(1)}`,
            count(each),
          ]),
          'States',
        )}
        ${ctx.connectionIds.length < 2 ? null : filters(ctx, PATH, connectionChoice(ctx), { keep: ['state'] })}
        ${rows.length === 0 ? nothing(state) : rows.map((row) => card(ctx, row))}
        ${pager(ctx, PATH, found.length > PAGE ? (rows.at(-1)?.id ?? null) : null)}
      `,
    };
  });

  routes.page(`${PATH}/:id`, async (ctx, req) => {
    const problem = await problemOf(req);
    const { title, remedy } = problemText(problem.code);
    const found = await recordsOfProblem(store, problem.id, RECORDS + 1, ctx.query['cursor'] ?? '');
    const records = found.slice(0, RECORDS);
    const people = await peopleOfRecords(
      store,
      problem.connectionId,
      records.map(({ recordId }) => recordId),
    );
    return {
      title,
      section: 'problems',
      trail: [{ href: PATH, text: 'Problems' }],
      body: html`
        <div class="row lead">
          ${problemBadge(problem.state)} <code>${problem.code}</code>
          <span class="mute">in ${problem.connectionId}</span>
        </div>
        <section class=${`finding ${problem.state === 'open' ? 'bad' : 'mute'}`}>
          <p><b>What to do:</b> ${remedy}</p>
          <div class="row">
            ${
              people.size === 0 || problem.state === 'resolved'
                ? null
                : button(ctx, `${PATH}/${problem.id}/retry`, 'Retry all affected customers', { tone: 'main' })
            }
            ${problemButtons(ctx, problem)}
          </div>
        </section>
        ${facts([
          ['Affected', plural(problem.affected, 'record')],
          ['First seen', time(ctx, problem.firstSeenAt, problem.connectionId, { age: true })],
          ['Last seen', time(ctx, problem.lastSeenAt, problem.connectionId, { age: true })],
        ])}
        <h2>Sample</h2>
        ${factList(problem.sample) ?? html`<p class="mute">The title says it all.</p>`}
        <h2>Records</h2>
        ${
          records.length === 0
            ? html`<p class="mute">None is affected any more.</p>`
            : recordTable(ctx, problem, records, people)
        }
        ${pager(ctx, `${PATH}/${problem.id}`, found.length > RECORDS ? (records.at(-1)?.recordId ?? null) : null, 'More')}
      `,
    };
  });

  for (const [verb, state] of Object.entries(DECISIONS)) {
    routes.action(`${PATH}/:id/${verb}`, async (ctx, req) => {
      const { id: problemId } = await problemOf(req);
      await decideProblem(store, problemId, state, ctx.user.name);
      return { notice: `problem_${state}` };
    });
  }

  routes.action(`${PATH}/:id/confirm`, async (ctx, req) => {
    const { id: problemId } = await problemOf(req);
    const confirmed = await confirmProblem(store, problemId, ctx.user.name);
    if (confirmed?.kind === 'done') return { notice: 'problem_confirmed' };
    throw new AppError(
      'nothing_to_confirm',
      'Nothing waits for a confirmation of this problem: its remedy says what to do instead.',
      { httpStatus: 409 },
    );
  });

  routes.action(`${PATH}/:id/retry`, async (ctx, req) => {
    const problem = await problemOf(req);
    let n = 0;
    for (let after = ''; ;) {
      const records = await recordsOfProblem(store, problem.id, RETRY_PAGE, after);
      const ids = records.map(({ recordId }) => recordId);
      const people = await peopleOfRecords(store, problem.connectionId, ids);
      const customerIds = [...new Set([...people.values()].map(({ customerId }) => customerId))];
      n += await retryCustomersById(store, problem.connectionId, customerIds, ctx.user.name);
      if (records.length < RETRY_PAGE) return { notice: 'retried_all', n };
      after = ids.at(-1) ?? '';
    }
  });
}

const card = (ctx: PageContext, problem: ProblemRow): Html => {
  const { title, remedy } = problemText(problem.code);
  return html`<article
    class=${`finding ${problem.state === 'open' ? 'bad' : problem.state === 'acknowledged' ? 'warn' : 'mute'}`}
  >
    <h2><a href=${`${PATH}/${problem.id}`}>${title}</a></h2>
    <p class="mute">
      ${problem.connectionId} · ${plural(problem.affected, 'record')} · first seen
      ${time(ctx, problem.firstSeenAt, problem.connectionId)} · last seen
      ${time(ctx, problem.lastSeenAt, problem.connectionId, { age: true })}
    </p>
    ${factList(problem.sample)}
    <p><b>What to do:</b> ${remedy}</p>
    <div class="row">${problemButtons(ctx, problem)}</div>
  </article>`;
};

const recordTable = (
  ctx: PageContext,
  { connectionId, affected }: ProblemRow,
  records: readonly { recordId: string; at: Date }[],
  people: ReadonlyMap<string, { customerId: string; name: string }>,
): Html =>
  table<{ recordId: string; at: Date }>(
    `Affected records, ${affected}`,
    [
      {
        head: 'Record',
        cell: ({ recordId }) => {
          const person = people.get(recordId);
          if (person)
            return html`<a href=${customerHref(connectionId, person.customerId)}>${person.name || person.customerId}</a>
              <span class="sub">${recordId}</span>`;
          if (recordId.startsWith('cmd_')) return html`<a href=${`/commands/${recordId}`}>Command</a> ${id(recordId)}`;
          if (recordId.startsWith('evt_')) return html`<a href=${`/inbox/${recordId}`}>Delivery</a> ${id(recordId)}`;
          return recordId === connectionId ? html`the whole connection` : id(recordId);
        },
      },
      { head: 'Since', cell: ({ at }) => time(ctx, at, connectionId, { age: true }) },
    ],
    records,
  );

function nothing(state: ProblemState): Html {
  if (state !== 'open') return empty('None here', html`<a href=${PATH}>Show the open ones</a>`);
  return empty('Nothing needs you', 'A cause that stops records appears here once, with what to do about it.');
}
