import type { Request } from 'express';
import { AppError } from '../../errors.ts';
import { type CustomerShape, customerShape } from '../../http/api/customerShape.ts';
import { retryCustomer, setCustomerPaused } from '../../store/customerActions.ts';
import { type CustomerKey, customersById, type PersonRow, withCardsAndLinks } from '../../store/customerQueries.ts';
import { linkAndContact, problemsOfRecords } from '../../store/dashboardQueries.ts';
import { resyncCustomer } from '../../store/resync.ts';
import { customerTimeline, timelineKey } from '../../store/timelineQueries.ts';
import { contactUrl } from '../contactUrl.ts';
import type { PageContext } from '../context.ts';
import { explain } from '../explain.ts';
import { type FieldState, fieldStates } from '../fieldStates.ts';
import { html, type Html } from '../html.ts';
import type { DashboardNeeds } from '../needs.ts';
import { badge, empty, facts, id, none, number, time } from '../parts/basics.ts';
import { findingList } from '../parts/findings.ts';
import { button, pager } from '../parts/forms.ts';
import { table } from '../parts/table.ts';
import { timelineList } from '../parts/timeline.ts';
import { valueText } from '../parts/values.ts';
import { syncBadge } from '../parts/words.ts';
import { zoneOfConnection } from '../parts/zone.ts';
import type { Routes } from '../routes.ts';
import { nameOf } from './customers.ts';

const PATH = '/customers/:connection/:customerId';
const TIMELINE_PAGE = 50;

/** `/customers/:connection/:customerId`: what is wrong with one person and what to do, field by field, and their timeline. */
export function customerPage(routes: Routes, needs: DashboardNeeds): void {
  const { store, registry } = needs;

  const keyOf = (req: Request): CustomerKey => ({
    connectionId: String(req.params['connection'] ?? ''),
    customerId: String(req.params['customerId'] ?? ''),
  });

  const personOf = async (key: CustomerKey): Promise<PersonRow> => {
    const [person] = await withCardsAndLinks(store, await customersById(store, key.customerId, key.connectionId));
    if (person) return person;
    throw new AppError('unknown_customer', 'This connection knows no such customer: look for them by name or e-mail.', {
      httpStatus: 404,
    });
  };

  routes.page(PATH, async (ctx, req) => {
    const key = keyOf(req);
    const person = await personOf(key);
    const { row, cards } = person;
    const shape = customerShape(person, ctx.nowMs);
    const connection = registry.get(key.connectionId);
    const { link, contact } = await linkAndContact(store, key);
    const recordIds = [key.customerId, ...(link?.ghlId ? [link.ghlId] : []), ...cards.map(({ cardId }) => cardId)];
    const entries = await customerTimeline(store, key, TIMELINE_PAGE + 1, ctx.query['cursor']);
    const commandIds = entries.flatMap((entry) => (entry.kind === 'command' ? [entry.command.id] : []));
    const problems = await problemsOfRecords(store, key.connectionId, [...recordIds, ...commandIds]);
    const findings = explain({ connection: connection ?? null, customer: row, problems, stopped: needs.stopped });
    const maps = connection && needs.mapsOf(connection);
    const fields =
      maps === undefined
        ? []
        : fieldStates({
            rows: maps.rows,
            customer: row,
            locale: { defaultCountry: connection?.defaultCountry ?? 'US', timeZone: zoneOfConnection(connection) },
            fields: link?.state === 'live' ? link.fields : null,
            ghl: contact?.values ?? null,
            fieldIds: connection?.location?.fieldIds ?? null,
          });
    const shown = entries.slice(0, TIMELINE_PAGE);
    const last = entries.length > TIMELINE_PAGE ? shown.at(-1) : undefined;
    const url = link?.ghlId ? contactUrl(connection, link.ghlId) : null;
    return {
      title: nameOf(shape),
      section: 'customers',
      trail: [{ href: '/customers', text: 'Customers' }],
      body: html`
        <div class="row lead">
          ${syncBadge(row.syncStatus)} ${row.paused ? badge('warn', 'paused') : null} ${id(row.stickycardsId)}
          <span class="mute">in ${key.connectionId}</span>
          ${
            url === null
              ? html`<span class="mute"
                  >${link?.state === 'gone' ? 'contact deleted in GHL' : 'no contact in GHL yet'}</span
                >`
              : html`<a href=${url} target="_blank" rel="noreferrer">Open the contact in GHL ↗</a>`
          }
        </div>
        ${findingList(ctx, key.connectionId, findings)}
        ${findings.length === 0 ? allWell(ctx, shape, row.syncedAt) : null} ${buttons(ctx, key, person)}
        <h2>Field by field</h2>
        ${fieldTable(fields)}
        <h2>Who it is</h2>
        ${details(ctx, shape, contact?.tags ?? null)} ${cardTable(ctx, shape)}
        <h2 id="timeline">Timeline</h2>
        ${
          shown.length === 0
            ? empty('Nothing happened yet', 'Deliveries, decisions and calls about this customer appear here.')
            : timelineList(ctx, key.connectionId, shown)
        }
        ${pager(ctx, ctx.url.split('?')[0] ?? '', last ? timelineKey(last.id) : null)}
      `,
    };
  });

  routes.action(`${PATH}/retry`, async (ctx, req) => {
    const { row } = await personOf(keyOf(req));
    await retryCustomer(store, { connectionId: row.connectionId, customerId: row.stickycardsId }, ctx.user.name);
    return { notice: 'retried' };
  });

  routes.action(`${PATH}/resync`, async (ctx, req) => {
    const key = keyOf(req);
    await personOf(key);
    await resyncCustomer(store, key, ctx.user.name);
    return { notice: 'resync' };
  });

  for (const [verb, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    routes.action(`${PATH}/${verb}`, async (ctx, req) => {
      const key = keyOf(req);
      await personOf(key);
      await setCustomerPaused(store, key, paused, ctx.user.name);
      return { notice: paused ? 'record_paused' : 'record_resumed' };
    });
  }
}

function buttons(ctx: PageContext, key: CustomerKey, { row }: PersonRow): Html {
  const base = `/customers/${encodeURIComponent(key.connectionId)}/${encodeURIComponent(key.customerId)}`;
  const troubled = row.syncStatus === 'FAILED' || row.syncStatus === 'SKIPPED' || row.syncError !== null;
  return html`<div class="row">
    ${button(ctx, `${base}/retry`, 'Retry', troubled ? { tone: 'main' } : {})}
    ${button(ctx, `${base}/resync`, 'Read both sides anew')}
    ${
      row.paused
        ? button(ctx, `${base}/resume`, 'Resume')
        : button(ctx, `${base}/pause`, 'Pause', {
            ask: 'Nothing is written for this customer until somebody resumes it.',
          })
    }
  </div>`;
}

const allWell = (ctx: PageContext, { syncStatus, connection }: CustomerShape, syncedAt: Date | null): Html =>
  html`<section class="finding ok">
    <h3>${syncStatus === 'PENDING' ? 'A change waits for the next run' : 'Nothing is in the way'}</h3>
    <p>
      ${
        syncStatus === 'PENDING'
          ? 'It goes out by itself within minutes; to have it now, start a run on the page Runs.'
          : html`Everything that is known was
            written${syncedAt === null ? null : html`, last on ${time(ctx, syncedAt, connection, { age: true })}`}.`
      }
    </p>
  </section>`;

const DIRECTIONS = { to_ghl: '→ GHL', both: '↔', from_ghl: '← GHL' } as const;

const fieldTable = (fields: readonly FieldState[]): Html =>
  table<FieldState>(
    'What each side holds, field by field',
    [
      { head: 'Field', cell: ({ label, key }) => html`<span title=${key}>${label}</span>` },
      { head: 'Sticky Cards', cell: ({ sticky }) => valueText(sticky) },
      { head: 'Way', cell: ({ direction }) => html`<span class="mute whole">${DIRECTIONS[direction]}</span>` },
      { head: 'GHL', cell: ({ ghl }) => valueText(ghl) },
      { head: 'State', cell: ({ tone, state }) => html`<span class=${`state ${tone}`}>${state}</span>` },
    ],
    fields,
    'compare',
  );

const details = (ctx: PageContext, c: CustomerShape, tags: readonly string[] | null): Html =>
  facts([
    ['E-mail', c.email],
    ['Phone', c.mobile],
    ['GHL contact', c.ghlContactId === null ? null : id(c.ghlContactId)],
    ['Segments', c.segments.length === 0 ? null : c.segments.join(', ')],
    ['Tags in GHL', tags === null || tags.length === 0 ? null : tags.join(', ')],
    ['Last activity', time(ctx, c.lastActivity, c.connection)],
    ['Days inactive', c.inactiveDays === null ? null : number(c.inactiveDays)],
    ['Referrals', c.referralCount === null ? null : number(c.referralCount)],
  ]);

const cardTable = (ctx: PageContext, { cards, cardId, connection }: CustomerShape): Html =>
  cards.length === 0
    ? null
    : table<CustomerShape['cards'][number]>(
        'Cards',
        [
          {
            head: 'Card',
            cell: (card) => html`${id(card.cardId)} ${card.cardId === cardId ? badge('mute', 'shown in GHL') : null}`,
          },
          { head: 'Status', cell: (card) => card.status ?? none() },
          { head: 'Balance', number: true, cell: (card) => (card.balance === null ? none() : number(card.balance)) },
          { head: 'Installed', cell: (card) => time(ctx, card.installedDate, connection) },
          { head: 'Issued', cell: (card) => time(ctx, card.issuedDate, connection) },
        ],
        cards,
      );
