import { listAudits } from '../../store/dashboardQueries.ts';
import type { AuditRow } from '../../store/timelineQueries.ts';
import type { PageContext } from '../context.ts';
import { html, type Html } from '../html.ts';
import type { DashboardNeeds } from '../needs.ts';
import { connectionHref, customerHref, empty, id, none, time } from '../parts/basics.ts';
import { connectionChoice, filters, pager } from '../parts/forms.ts';
import { table } from '../parts/table.ts';
import { factList } from '../parts/values.ts';
import type { Routes } from '../routes.ts';

const PATH = '/audit';
const PAGE = 50;

/** `/audit`: who pressed which button, and what it changed. */
export function auditPages(routes: Routes, { store }: DashboardNeeds): void {
  routes.page(PATH, async (ctx) => {
    const { connection, cursor } = ctx.query;
    const found = await listAudits(store, connection ? { connection } : {}, PAGE + 1, cursor);
    const rows = found.slice(0, PAGE);
    return {
      title: 'Audit log',
      section: 'audit',
      body: html`
        <p class="intro">Everything that was changed by hand: at this dashboard, by the command line and by the API.</p>
        ${ctx.connectionIds.length < 2 ? null : filters(ctx, PATH, connectionChoice(ctx))}
        ${
          rows.length === 0
            ? empty(
                'Nothing was changed by hand yet',
                'Every button that is pressed leaves a line here, with who pressed it.',
              )
            : auditTable(ctx, rows)
        }
        ${pager(ctx, PATH, found.length > PAGE ? (rows.at(-1)?.id ?? null) : null)}
      `,
    };
  });
}

const auditTable = (ctx: PageContext, rows: readonly AuditRow[]): Html =>
  table<AuditRow>(
    'Audit log',
    [
      { head: 'When', cell: (row) => time(ctx, row.createdAt, row.connectionId) },
      { head: 'Who', cell: (row) => row.actor },
      { head: 'What', cell: (row) => html`<code>${row.action}</code>` },
      { head: 'About', cell: subject },
      { head: 'Before', cell: (row) => factsOf(row.before) },
      { head: 'After', cell: (row) => factsOf(row.after) },
    ],
    rows,
  );

const LINKS: Readonly<Record<string, string>> = { prb: '/problems', cmd: '/commands', evt: '/inbox', run: '/runs' };

function subject({ subject: text, action, connectionId }: AuditRow): Html {
  if (connectionId === text) return html`<a href=${connectionHref(text)}>${text}</a>`;
  if (action.startsWith('customer.') && connectionId !== null)
    return html`<a href=${customerHref(connectionId, text)}>${text}</a>`;
  const path = LINKS[text.slice(0, 3)];
  return path !== undefined && text[3] === '_' ? html`<a href=${`${path}/${text}`}>${text}</a>` : id(text);
}

const factsOf = (value: unknown): Html =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (factList(value as Record<string, unknown>) ?? none())
    : value === null || value === undefined
      ? none()
      : JSON.stringify(value);
