import { parseExactly } from '../../domain/exactJson.ts';
import { AppError } from '../../errors.ts';
import { NO_CONNECTION } from '../../http/rejections.ts';
import { findEvents } from '../../store/activityQueries.ts';
import { getEvent, type InboxRow } from '../../store/inbox.ts';
import { replayEvent } from '../../store/replay.ts';
import type { PageContext } from '../context.ts';
import { html, type Html } from '../html.ts';
import type { DashboardNeeds } from '../needs.ts';
import { badge, empty, facts, id, none, number, time } from '../parts/basics.ts';
import { button, connectionChoice, filters, pager, tabs } from '../parts/forms.ts';
import { type People, peopleOf, personLink } from '../parts/people.ts';
import { table } from '../parts/table.ts';
import { codeText, eventBadge, SOURCE_WORDS, verificationBadge } from '../parts/words.ts';
import type { Routes } from '../routes.ts';

const PATH = '/inbox';
const PAGE = 50;
const STATUSES = ['received', 'folded', 'waiting', 'skipped', 'rejected'] as const;

/** `/inbox`: everything that came, whether it could be verified, and what became of it; and what was refused at the door. */
export function inboxPages(routes: Routes, { store }: DashboardNeeds): void {
  const people = (rows: readonly InboxRow[]) =>
    peopleOf(
      store,
      rows
        .filter(({ status }) => status !== 'rejected')
        .map(({ connectionId, customerId, contactId }) => ({ connectionId, ids: [customerId, contactId] })),
    );

  routes.page(PATH, async (ctx) => {
    const { connection, source, type, cursor } = ctx.query;
    const status = STATUSES.find((each) => each === ctx.query['status']);
    const filter = {
      ...(connection && { connection }),
      ...(status && { status }),
      ...(source && { source }),
      ...(type?.trim() && { type: type.trim() }),
    };
    const found = await findEvents(store, filter, PAGE + 1, cursor);
    const rows = found.slice(0, PAGE);
    const next = found.length > PAGE ? rows.at(-1)?.id : (found as { scannedTo?: string }).scannedTo;
    return {
      title: 'Inbox',
      section: 'inbox',
      body: html`
        ${tabs(
          ctx,
          PATH,
          'status',
          [
            ['', 'All'],
            ['folded', 'Worked in'],
            ['waiting', 'Waiting'],
            ['skipped', 'Left out'],
            ['rejected', 'Rejected'],
          ],
          'States',
        )}
        ${filters(
          ctx,
          PATH,
          [
            ...connectionChoice(ctx),
            {
              name: 'source',
              label: 'From',
              values: [['', 'everywhere'], ...Object.entries(SOURCE_WORDS)],
            },
          ],
          { search: { name: 'type', label: 'Type', placeholder: 'CardBalanceUpdatedEvent' }, keep: ['status'] },
        )}
        ${rows.length === 0 ? nothing(status ?? null) : eventTable(ctx, rows, await people(rows))}
        ${pager(ctx, PATH, next ?? null)}
      `,
    };
  });

  routes.page(`${PATH}/:id`, async (ctx, req) => {
    const event = await getEvent(store, String(req.params['id'] ?? ''));
    if (!event) throw new AppError('unknown_event', 'There is no such delivery.', { httpStatus: 404 });
    return {
      title: event.type,
      section: 'inbox',
      trail: [{ href: PATH, text: 'Inbox' }],
      body: eventBody(ctx, event, await people([event])),
    };
  });

  routes.action(`${PATH}/:id/replay`, async (ctx, req) => {
    const replayed = await replayEvent(store, String(req.params['id'] ?? ''), ctx.user.name);
    if (!replayed) throw new AppError('unknown_event', 'There is no such delivery.', { httpStatus: 404 });
    if (replayed.kind === 'replayed') return { notice: 'replayed' };
    throw new AppError('not_replayable', WHY_NOT[replayed.why], { httpStatus: 409 });
  });
}

const WHY_NOT = {
  rejected: 'A rejected delivery left no body behind: let its sender send it again.',
  pruned: 'The body of this delivery was removed when it got old: there is nothing left to take again.',
  no_connection: 'This delivery belongs to no connection: connect its location, then let its sender send it again.',
} as const;

const connectionOf = ({ connectionId }: InboxRow): string | null =>
  connectionId === NO_CONNECTION ? null : connectionId;

/** Of a rejected delivery nothing is shown that could be about a person. */
const whoOf = (event: InboxRow, people: People): Html => {
  const connection = connectionOf(event);
  if (event.status === 'rejected' || connection === null) return none();
  const person = people(connection, event.customerId) ?? people(connection, event.contactId);
  const customerId = person?.customerId ?? event.customerId;
  if (customerId !== null) return personLink(connection, customerId, person);
  if (event.contactId !== null) return html`contact ${id(event.contactId)}`;
  return event.cardId === null ? none() : html`card ${id(event.cardId)}`;
};

const reasonOf = ({ reason }: InboxRow): string | null =>
  reason === null ? null : (codeText(reason)?.title ?? reason.replaceAll('_', ' '));

const eventTable = (ctx: PageContext, rows: readonly InboxRow[], people: People): Html =>
  table<InboxRow>(
    'Deliveries and observations',
    [
      { head: 'Received', cell: (event) => time(ctx, event.receivedAt, connectionOf(event)) },
      {
        head: 'What',
        cell: (event) =>
          html`<a href=${`${PATH}/${event.id}`}>${event.type}</a>
            <span class="sub"
              >${SOURCE_WORDS[event.source]}${connectionOf(event) === null ? ', no connection' : ctx.connectionIds.length > 1 ? `, ${event.connectionId}` : ''}</span
            >`,
      },
      { head: 'Verification', cell: (event) => verificationBadge(event.verification) },
      {
        head: 'Result',
        cell: (event) =>
          html`${eventBadge(event.status)}
          ${event.duplicates > 0 ? badge('mute', `${number(event.duplicates)}× repeated`) : null}
          ${reasonOf(event) === null ? null : html`<span class="sub">${reasonOf(event)}</span>`}`,
      },
      { head: 'About', cell: (event) => whoOf(event, people) },
    ],
    rows,
  );

function eventBody(ctx: PageContext, event: InboxRow, people: People): Html {
  const connection = connectionOf(event);
  const text = event.reason === null ? null : codeText(event.reason);
  const rejected = event.status === 'rejected';
  return html`
    <div class="row lead">
      ${eventBadge(event.status)} ${verificationBadge(event.verification)}
      <span class="mute">${SOURCE_WORDS[event.source]}</span> ${id(event.id)}
    </div>
    ${
      event.reason === null
        ? null
        : html`<section class=${`finding ${rejected ? 'bad' : 'mute'}`}>
            <h3>${text?.title ?? reasonOf(event)}</h3>
            ${text ? html`<p><b>What to do:</b> ${text.remedy}</p>` : null}
          </section>`
    }
    ${
      rejected
        ? null
        : html`<div class="row">
            ${button(ctx, `${PATH}/${event.id}/replay`, 'Replay', {
              ask: 'It is worked in once more. Nothing that happens once is done twice. Go on?',
            })}
          </div>`
    }
    ${facts([
      ['Connection', connection],
      ['About', whoOf(event, people)],
      ['Happened', time(ctx, event.occurredAt, connection)],
      ['Received', time(ctx, event.receivedAt, connection, { age: true })],
      ['Worked in', time(ctx, event.foldedAt, connection)],
      ['Came again', number(event.duplicates)],
      ['Delivery id', event.deliveryId === null || rejected ? null : id(event.deliveryId)],
      ['Flags', event.flags.length === 0 ? null : event.flags.join(', ')],
    ])}
    <h2>As it came</h2>
    ${
      rejected
        ? html`<p class="mute">The body of a rejected delivery is not kept.</p>`
        : event.payload === null
          ? html`<p class="mute">The body was removed when it got old.</p>`
          : html`<pre tabindex="0" aria-label="Body">${pretty(event.payload)}</pre>`
    }
  `;
}

function pretty(text: string): string {
  try {
    return JSON.stringify(parseExactly(text), null, 2);
  } catch {
    return text;
  }
}

function nothing(status: string | null): Html {
  if (status === 'rejected')
    return empty('Nothing was rejected', 'Every delivery that came could be verified and read.');
  if (status !== null) return empty('None here', html`<a href=${PATH}>Show everything that came</a>`);
  return empty(
    'Nothing came yet',
    html`The set-up page of a <a href="/connections">connection</a> shows the addresses to enter in Sticky Cards and
      GHL.`,
  );
}
