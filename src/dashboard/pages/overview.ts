import { overviewOf } from '../../http/api/overview.ts';
import { commandsForPeople, NO_PROBLEMS, problemCounts } from '../../store/dashboardQueries.ts';
import { listProblems } from '../../store/problems.ts';
import { problemText } from '../../domain/problemCodes.ts';
import type { PageContext } from '../context.ts';
import { html, type Html } from '../html.ts';
import type { DashboardNeeds } from '../needs.ts';
import { badge, connectionHref, empty, href, none, number, plural, time } from '../parts/basics.ts';
import { table } from '../parts/table.ts';
import { runBadge } from '../parts/words.ts';
import { spanText } from '../parts/zone.ts';
import type { Routes } from '../routes.ts';

type Line = Awaited<ReturnType<typeof overviewOf>>[number] & { problems: number; commands: number };

/** Older than this, what waits is worth a look: three ticks of the default clock. */
const LAG_WARN_S = 15 * 60;
const PROBLEMS_SHOWN = 5;

/** `/`: every connection on one line, those that need somebody first. */
export function overviewPage(routes: Routes, { store, connections, callBudget, syncCron }: DashboardNeeds): void {
  routes.page('/', async (ctx) => {
    const all = await connections.all();
    const lines = await overviewOf({ store, callBudget }, all);
    const problems = await problemCounts(store);
    const commands = await commandsForPeople(
      store,
      all.map(({ id }) => id),
    );
    const shown = lines
      .map((line): Line => ({
        ...line,
        problems: (problems.get(line.id) ?? NO_PROBLEMS).open,
        commands: commands.get(line.id) ?? 0,
      }))
      .toSorted((a, b) => urgency(b) - urgency(a) || (a.id < b.id ? -1 : 1));
    const open = await listProblems(store, { state: 'open' }, PROBLEMS_SHOWN);
    return {
      title: 'Overview',
      section: 'overview',
      body: html`
        ${totals(shown)}
        ${
          open.length === 0
            ? null
            : html`<section class="finding bad">
                <h2>Needs somebody</h2>
                <ul class="plain">
                  ${open.map(
                    (problem) =>
                      html`<li>
                        <a href=${`/problems/${problem.id}`}>${problemText(problem.code).title}</a>
                        <span class="mute">
                          ${problem.connectionId}, ${plural(problem.affected, 'record')}, last seen
                          ${time(ctx, problem.lastSeenAt, problem.connectionId, { age: true })}</span
                        >
                      </li>`,
                  )}
                </ul>
                <p><a href="/problems">All problems</a></p>
              </section>`
        }
        <h2>Connections</h2>
        ${shown.length === 0 ? noConnections() : connectionTable(ctx, shown)}
        <p class="mute">Runs start by the clock <code>${syncCron}</code> (UTC).</p>
      `,
    };
  });
}

const urgency = (line: Line): number =>
  line.problems * 1000 +
  line.failing +
  (line.state === 'ready' ? 0 : 500) +
  ((line.lagSeconds ?? 0) > LAG_WARN_S ? 200 : 0);

function totals(lines: readonly Line[]): Html {
  const sum = (of: (line: Line) => number) => lines.reduce((total, line) => total + of(line), 0);
  const cells: [label: string, count: number, link: string, tone: string][] = [
    ['in sync', sum((l) => l.inSync), '/customers?syncStatus=SYNCED', 'ok'],
    ['waiting', sum((l) => l.pending), '/customers?syncStatus=PENDING', 'info'],
    ['excluded', sum((l) => l.excluded), '/customers?syncStatus=SKIPPED', 'mute'],
    ['failing', sum((l) => l.failing), '/customers?syncStatus=FAILED', 'bad'],
    ['open problems', sum((l) => l.problems), '/problems', 'bad'],
    ['commands for you', sum((l) => l.commands), '/commands?list=people', 'warn'],
  ];
  return html`<ul class="totals">
    ${cells.map(
      ([label, count, link, tone]) =>
        html`<li>
          <a href=${link} class=${count === 0 ? 'zero' : tone}><strong>${number(count)}</strong> ${label}</a>
        </li>`,
    )}
  </ul>`;
}

const connectionTable = (ctx: PageContext, lines: readonly Line[]): Html =>
  table<Line>(
    'Connections',
    [
      {
        head: 'Connection',
        cell: (l) =>
          html`<a href=${connectionHref(l.id)}>${l.id}</a>
            ${l.reason === null ? null : html`<span class="sub">${l.reason}</span>`}`,
      },
      { head: 'State', cell: stateCell },
      { head: 'Lag', cell: lagCell },
      { head: 'In sync', number: true, cell: (l) => listLink(l, 'SYNCED', l.inSync) },
      { head: 'Excluded', number: true, cell: (l) => listLink(l, 'SKIPPED', l.excluded) },
      { head: 'Failing', number: true, cell: (l) => listLink(l, 'FAILED', l.failing) },
      {
        head: 'Problems',
        number: true,
        cell: (l) =>
          l.problems === 0 ? '0' : html`<a href=${href('/problems', { connection: l.id })}>${number(l.problems)}</a>`,
      },
      { head: "Today's GHL calls", cell: budgetCell },
      { head: 'Last run', cell: (l) => runCell(ctx, l) },
    ],
    lines,
  );

const stateCell = ({ mode, state, reason, paused }: Line): Html =>
  html`${mode === 'live' ? badge('ok', 'live') : badge('info', 'observes')}
  ${state === 'ready' && reason !== null ? badge('bad', 'not connected') : null}
  ${state === 'ready' ? null : badge('warn', state === 'paused' ? 'paused' : 'points elsewhere')}
  ${paused.map((each) => badge('warn', `${each === 'stickycards_to_ghl' ? 'to GHL' : 'to Sticky Cards'} paused`))}`;

const lagCell = ({ lagSeconds, pending }: Line): Html =>
  lagSeconds === null
    ? html`<span class="mute">none</span>`
    : html`<span class=${lagSeconds > LAG_WARN_S ? 'state warn' : ''}>${spanText(lagSeconds * 1000)}</span>
        ${pending === 0 ? null : html`<span class="sub">${number(pending)} waiting</span>`}`;

const listLink = ({ id }: Line, syncStatus: string, count: number): Html =>
  count === 0 ? '0' : html`<a href=${href('/customers', { connection: id, syncStatus })}>${number(count)}</a>`;

const budgetCell = ({ id, budget: { usedToday, perDay } }: Line): Html =>
  html`<meter
      min="0"
      max=${perDay}
      low=${perDay * 0.7}
      high=${perDay * 0.9}
      optimum="0"
      value=${usedToday}
      aria-label=${`GHL calls of ${id} today`}
    ></meter>
    <span class="sub">${number(usedToday)} of ${number(perDay)}</span>`;

const runCell = (ctx: PageContext, { id, lastRun }: Line): Html =>
  lastRun === null
    ? none()
    : html`<a href=${`/runs/${lastRun.id}`}>${time(ctx, lastRun.startedAt, id)}</a> ${runBadge(lastRun.status)}
        <span class="sub"
          >${`${number(lastRun.createdCount + lastRun.updatedCount)} written, ${number(lastRun.failedCount)} failed`}</span
        >`;

const noConnections = (): Html =>
  empty(
    'No connection yet',
    html`A connection ties one Sticky Cards account to one GHL location. Make one with
      <code>sticky-ghl connections add north</code>, or set the variables of the connection <code>default</code> and
      start again. It begins by observing: it writes nothing until you activate it.`,
  );
