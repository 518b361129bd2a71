import type { Request } from 'express';
import type { Connection } from '../../domain/connection.ts';
import { stoppedBecause } from '../../domain/notConnected.ts';
import { AppError } from '../../errors.ts';
import { html, type Html } from '../html.ts';
import type { DashboardNeeds } from '../needs.ts';
import { connectionHref, empty, href, time } from '../parts/basics.ts';
import { checkTable, light } from '../parts/doctor.ts';
import { button } from '../parts/forms.ts';
import { table } from '../parts/table.ts';
import { zoneOfConnection } from '../parts/zone.ts';
import type { Routes } from '../routes.ts';
import { activateButton, settingsList, stateBadges, switches, WAYS } from './connectionBody.ts';
import { firstLinkBody } from './firstLink.ts';
import { setupBody } from './setup.ts';

const PATH = '/connections';

/** `/connections`: each pair of account and location: how it is set, what is missing, whether it works, and its switches. */
export function connectionPages(routes: Routes, needs: DashboardNeeds): void {
  const { connections, registry } = needs;

  const meant = async (req: Request): Promise<Connection> => {
    const connection = await connections.get(String(req.params['id'] ?? ''));
    if (connection) return connection;
    throw new AppError('unknown_connection', 'There is no such connection.', { httpStatus: 404 });
  };

  routes.page(PATH, async (ctx) => {
    const all = await connections.all();
    return {
      title: 'Connections',
      section: 'connections',
      body: html`
        ${
          all.length === 0
            ? empty(
                'No connection yet',
                html`Make one with <code>sticky-ghl connections add north</code>, or set the variables of the connection
                  <code>default</code> and start again.`,
              )
            : html`<div class="row">
                  ${button(ctx, `${PATH}/pause-all`, 'Pause everything', {
                    ask: 'Nothing is written for any connection until you resume. What arrives is kept. Pause everything?',
                  })}
                  ${button(ctx, `${PATH}/resume-all`, 'Resume everything')}
                </div>
                ${list(all)}`
        }
      `,
    };
  });

  routes.page(`${PATH}/:id`, async (ctx, req) => {
    const connection = await meant(req);
    return {
      title: connection.id,
      section: 'connections',
      trail: [{ href: PATH, text: 'Connections' }],
      body: html`${subNav(connection.id, '')} ${switches(ctx, connection)} ${settingsList(ctx, connection)}`,
    };
  });

  routes.page(`${PATH}/:id/setup`, async (ctx, req) => {
    const connection = await meant(req);
    const setup = await needs.setup(connection);
    const waiting = !setup.deliveries.stickyCards.heard;
    return {
      title: `Set up ${connection.id}`,
      section: 'connections',
      trail: trailOf(connection),
      scripts: ['copy.js', ...(waiting ? ['watch.js'] : [])],
      body: html`${subNav(connection.id, 'setup')} ${setupBody(ctx, setup)}`,
    };
  });

  routes.page(`${PATH}/:id/doctor`, async (ctx, req) => {
    const connection = await meant(req);
    const { status, checkedAt, checks } = await needs.doctor(connection);
    return {
      title: `Doctor of ${connection.id}`,
      section: 'connections',
      trail: trailOf(connection),
      body: html`
        ${subNav(connection.id, 'doctor')}
        <p>
          ${light(status)} looked at ${time(ctx, checkedAt, connection.id)}. Both sides were asked; nothing was written.
        </p>
        ${checkTable(checks)}
      `,
    };
  });

  // Takes as long as the location's contacts take to be read.
  routes.page(`${PATH}/:id/first-link`, async (ctx, req) => {
    const connection = await meant(req);
    const report = await needs.firstLink(connection);
    return {
      title: `What going live would do for ${connection.id}`,
      section: 'connections',
      trail: trailOf(connection),
      body: html`${subNav(connection.id, 'first-link')} ${firstLinkBody(ctx, report)}
      ${connection.mode === 'observe' ? activateButton(ctx, connection) : null}`,
    };
  });

  for (const [verb, mode, notice] of [
    ['activate', 'live', 'activated'],
    ['observe', 'observe', 'observing'],
  ] as const) {
    routes.action(`${PATH}/:id/${verb}`, async (ctx, req) => {
      const { id } = await meant(req);
      await connections.setMode(id, mode, ctx.user.name);
      await registry.refresh();
      return { to: connectionHref(id), notice };
    });
  }

  for (const [verb, notice] of [
    ['pause', 'paused'],
    ['resume', 'resumed'],
  ] as const) {
    routes.action(`${PATH}/:id/${verb}`, async (ctx, req, form) => {
      const { id } = await meant(req);
      const direction = WAYS.find(([each]) => each === form['direction'])?.[0];
      await connections[verb](id, ctx.user.name, direction);
      await registry.refresh();
      return { notice };
    });
    routes.action(`${PATH}/${verb}-all`, async (ctx) => {
      await connections[`${verb}All`](ctx.user.name);
      await registry.refresh();
      return { notice };
    });
  }
}

const trailOf = ({ id }: Connection) => [
  { href: PATH, text: 'Connections' },
  { href: connectionHref(id), text: id },
];

const subNav = (id: string, here: string): Html => {
  const pages = [
    ['', 'Settings'],
    ['setup', 'Set up'],
    ['doctor', 'Doctor'],
    ['first-link', 'What going live would do'],
  ] as const;
  return html`<nav class="tabs" aria-label=${`Connection ${id}`}>
    ${pages.map(
      ([page, text]) =>
        html`<a
          href=${`${connectionHref(id)}${page === '' ? '' : `/${page}`}`}
          aria-current=${page === here ? 'page' : null}
          >${text}</a
        >`,
    )}
    <a href=${href('/customers', { connection: id })}>Customers</a>
    <a href=${href('/runs', { connection: id })}>Runs</a>
  </nav>`;
};

const list = (all: readonly Connection[]): Html =>
  table<Connection>(
    'Connections',
    [
      {
        head: 'Connection',
        cell: (connection) => {
          const reason = stoppedBecause(connection);
          return html`<a href=${connectionHref(connection.id)}>${connection.id}</a>
            ${reason === null ? null : html`<span class="sub">${reason}</span>`}`;
        },
      },
      { head: 'State', cell: stateBadges },
      { head: 'GHL location', cell: ({ ghl }) => html`<code class="id">${ghl.locationId ?? 'not set'}</code>` },
      { head: 'Dialect', cell: ({ dialect }) => dialect },
      { head: 'Zone', cell: (connection) => zoneOfConnection(connection) },
      {
        head: 'More',
        cell: ({ id }) =>
          html`<a href=${`${connectionHref(id)}/setup`}>Set up<span class="away"> ${id}</span></a> ·
            <a href=${`${connectionHref(id)}/doctor`}>Doctor<span class="away"> of ${id}</span></a>`,
      },
    ],
    all,
  );
