import { once } from 'node:events';
import type { Response } from 'express';
import { SYNC_STATUSES, type SyncStatus } from '../../../drizzle/tables/staging.ts';
import { customerCsvHead, customerCsvLine } from '../../http/api/csv.ts';
import { type CustomerShape, customerShape } from '../../http/api/customerShape.ts';
import { retryCustomers } from '../../store/customerActions.ts';
import {
  type CustomerFilter,
  type CustomerPosition,
  listCustomers,
  positionOf,
  positionText,
  withCardsAndLinks,
} from '../../store/customerQueries.ts';
import { type StatusCounts, statusCounts } from '../../store/overviewQueries.ts';
import type { PageContext } from '../context.ts';
import { html, type Html } from '../html.ts';
import type { DashboardNeeds } from '../needs.ts';
import { customerHref, empty, href, none, number, time } from '../parts/basics.ts';
import { button, connectionChoice, filters, pager, tabs } from '../parts/forms.ts';
import { table } from '../parts/table.ts';
import { codeText, SYNC_WORDS, syncBadge } from '../parts/words.ts';
import type { Routes } from '../routes.ts';

const PATH = '/customers';
const PAGE = 50;
const CSV_PAGE = 200;

const statusOf = (text: string | undefined): SyncStatus | undefined => SYNC_STATUSES.find((each) => each === text);

function filterOf(query: Readonly<Record<string, string>>): CustomerFilter {
  const { connection, q, code } = query;
  const syncStatus = statusOf(query['syncStatus']);
  const search = q?.trim().slice(0, 255);
  return {
    ...(connection && { connection }),
    ...(syncStatus && { syncStatus }),
    ...(code && { code }),
    ...(search && { q: search }),
  };
}

export const nameOf = (customer: { firstName: string | null; lastName: string | null; customerId: string }): string =>
  [customer.firstName, customer.lastName].filter(Boolean).join(' ') || customer.customerId;

/** `/customers`: everybody, in the three lists of SPEC §6 and those who wait, with search, reasons and CSV. */
export function customerPages(routes: Routes, { store }: DashboardNeeds): void {
  const shapes = async (filter: CustomerFilter, limit: number, after?: CustomerPosition) => {
    const { rows, next } = await listCustomers(store, filter, limit, after);
    const people = await withCardsAndLinks(store, rows);
    return { items: people.map((person) => customerShape(person, store.clock.nowMs())), next };
  };

  routes.page(PATH, async (ctx) => {
    const filter = filterOf(ctx.query);
    const { items, next } = await shapes(filter, PAGE, positionOf(ctx.query['cursor'] ?? ''));
    const [only] = items;
    if (filter.q !== undefined && only && items.length === 1 && next === null && ctx.query['cursor'] === undefined)
      return { elsewhere: customerHref(only.connection, only.customerId) };
    const counts = sumOf(await statusCounts(store), filter.connection);
    return {
      title: 'Customers',
      section: 'customers',
      body: html`
        ${tabs(
          ctx,
          PATH,
          'syncStatus',
          [
            ['', 'All', counts.SYNCED + counts.SKIPPED + counts.FAILED + counts.PENDING],
            ['SYNCED', 'In sync', counts.SYNCED],
            ['SKIPPED', 'Excluded on purpose', counts.SKIPPED],
            ['FAILED', 'Failing', counts.FAILED],
            ['PENDING', 'Waiting for a run', counts.PENDING],
          ],
          'Lists',
        )}
        ${filters(ctx, PATH, connectionChoice(ctx), {
          search: { name: 'q', label: 'Search', placeholder: 'Beginning of a name, e-mail, phone or id' },
          keep: ['syncStatus', 'code'],
        })}
        ${filter.code === undefined ? null : reasonFilter(ctx, filter.code)}
        <div class="row">
          <a class="button" href=${href('/customers.csv', { ...ctx.query, cursor: '', notice: '', n: '' })}
            >Export as CSV</a
          >
          ${
            filter.syncStatus === 'FAILED' && items.length > 0
              ? button(ctx, '/retry', 'Retry all of this list', {
                  fields: retryFields(filter),
                  ask: 'Everybody in this list is tried again by the next run. Go on?',
                })
              : null
          }
        </div>
        ${items.length === 0 ? nobody(ctx, filter) : people(ctx, items)}
        ${pager(ctx, PATH, next && positionText(next), 'More')}
      `,
    };
  });

  routes.action('/retry', async (ctx, _req, form) => {
    const filter: CustomerFilter = { ...filterOf(form), syncStatus: statusOf(form['syncStatus']) ?? 'FAILED' };
    return { notice: 'retried_all', n: await retryCustomers(store, filter, ctx.user.name) };
  });

  routes.raw('/customers.csv', (ctx, _req, res) => sendCsv(res, filterOf(ctx.query)));

  /** Page by page, no faster than the browser reads. */
  const sendCsv = async (res: Response, filter: CustomerFilter) => {
    let after: CustomerPosition | undefined;
    for (;;) {
      const { items, next } = await shapes(filter, CSV_PAGE, after);
      if (after === undefined) {
        const name = filter.syncStatus ? SYNC_WORDS[filter.syncStatus][1].replaceAll(' ', '-') : 'customers';
        res.set({
          'content-type': 'text/csv; charset=utf-8',
          'content-disposition': `attachment; filename="${name}.csv"`,
        });
        res.write(customerCsvHead());
      }
      if (!res.write(items.map(customerCsvLine).join(''))) await Promise.race([once(res, 'drain'), once(res, 'close')]);
      if (next === null || res.destroyed) break;
      after = next;
    }
    res.end();
  };
}

const retryFields = (filter: CustomerFilter): Record<string, string> =>
  Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as Record<string, string>;

function sumOf(all: Map<string, StatusCounts>, connection: string | undefined): StatusCounts {
  const sum: StatusCounts = { PENDING: 0, SYNCED: 0, FAILED: 0, SKIPPED: 0 };
  for (const [id, counts] of all) {
    if (connection !== undefined && connection !== id) continue;
    for (const status of SYNC_STATUSES) sum[status] += counts[status];
  }
  return sum;
}

const reasonFilter = (ctx: PageContext, code: string): Html => {
  const { code: _, cursor: __, ...rest } = ctx.query;
  return html`<p class="chosen">
    Only with the reason “${codeText(code)?.title ?? code}” <a href=${href(PATH, rest)}>show all</a>
  </p>`;
};

const people = (ctx: PageContext, items: readonly CustomerShape[]): Html =>
  table<CustomerShape>(
    'Customers',
    [
      {
        head: 'Customer',
        cell: (c) =>
          html`<a href=${customerHref(c.connection, c.customerId)}>${nameOf(c)}</a>
            <span class="sub">${[c.email, c.mobile].filter(Boolean).join(' · ') || 'no e-mail, no phone'}</span>`,
      },
      ...(ctx.connectionIds.length > 1 ? [{ head: 'Connection', cell: (c: CustomerShape): Html => c.connection }] : []),
      {
        head: 'State',
        cell: (c) =>
          html`${syncBadge(c.syncStatus)}
          ${
            c.syncError === null
              ? null
              : html`<a class="sub" href=${href(PATH, { ...ctx.query, code: c.syncError.code, cursor: '' })}
                  >${codeText(c.syncError.code)?.title ?? c.syncError.message}</a
                >`
          }`,
      },
      { head: 'Points', number: true, cell: (c) => (c.loyaltyPoints === null ? none() : number(c.loyaltyPoints)) },
      { head: 'Card', cell: (c) => c.cardStatus ?? none() },
      { head: 'Last activity', cell: (c) => time(ctx, c.lastActivity, c.connection) },
    ],
    items,
  );

function nobody(ctx: PageContext, filter: CustomerFilter): Html {
  if (filter.q !== undefined)
    return empty(
      `Nobody found for “${filter.q}”`,
      html`The search takes a whole e-mail, phone number, customer or card id, or the beginning of a name. Somebody of
        whom Sticky Cards has sent nothing yet is not known here: look into the <a href="/inbox">inbox</a>.`,
    );
  if (filter.syncStatus === 'FAILED') return empty('Nobody is failing', 'Everybody who can be written was written.');
  if (filter.syncStatus !== undefined || filter.code !== undefined)
    return empty('This list is empty', html`<a href=${PATH}>Show all customers</a>`);
  return empty(
    'No customers yet',
    html`They appear with the first delivery of Sticky Cards. The page of the
      <a href="/connections">connection</a> shows the address that it has to be sent to.`,
  );
}
