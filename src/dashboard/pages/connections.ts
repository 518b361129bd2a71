import type { Request } from 'express';
import type { Connection } from '../../domain/connection.ts';
import type { Check } from '../../domain/doctor.ts';
import { AppError } from '../../errors.ts';
import { connectionShape } from '../../http/api/connections.ts';
import type { PageContext } from '../context.ts';
import { html, type Html } from '../html.ts';
import type { DashboardNeeds } from '../needs.ts';
import { badge, connectionHref, empty, facts, href, time, type Tone } from '../parts/basics.ts';
import { button } from '../parts/forms.ts';
import { table } from '../parts/table.ts';
import { factText } from '../parts/values.ts';
import { zoneOfConnection } from '../parts/zone.ts';
import type { Routes } from '../routes.ts';
import { firstLinkBody } from './firstLink.ts';
import { setupBody } from './setup.ts';

const PATH = '/connections';
const WAYS = [
  ['stickycards_to_ghl', 'GHL'],
  ['ghl_to_stickycards', 'Sticky Cards'],
] as const;

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

const stateBadges = ({ mode, state, pausedDirections }: Connection): Html =>
  html`${mode === 'live' ? badge('ok', 'live') : badge('info', 'observes')}
  ${state === 'ready' ? null : badge('warn', state === 'paused' ? 'paused' : 'points elsewhere')}
  ${pausedDirections.map((each) => badge('warn', `${each === 'stickycards_to_ghl' ? 'to GHL' : 'to Sticky Cards'} paused`))}`;

const list = (all: readonly Connection[]): Html =>
  table<Connection>(
    'Connections',
    [
      {
        head: 'Connection',
        cell: ({ id, reason }) =>
          html`<a href=${connectionHref(id)}>${id}</a>
            ${reason === null ? null : html`<span class="sub">${reason}</span>`}`,
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

const activateButton = (ctx: PageContext, { id }: Connection): Html =>
  button(ctx, `${connectionHref(id)}/activate`, 'Activate', {
    tone: 'main',
    ask: `From now on ${id} writes to GHL and Sticky Cards. Did you look at what going live would do?`,
  });

function switches(ctx: PageContext, connection: Connection): Html {
  const { id, mode, state, reason, pausedDirections } = connection;
  const base = connectionHref(id);
  return html`
    <div class="row lead">${stateBadges(connection)}</div>
    ${
      reason === null
        ? null
        : html`<section class="finding warn">
            <h3>${reason}</h3>
            ${
              state === 'fingerprint'
                ? html`<p>
                    <b>What to do:</b> It points at another account or location than before. If that was a mistake, set
                    the old key or address again. If it is meant:
                    <code>sticky-ghl connections rebind ${id}</code> starts anew, <code>--keep-links</code> keeps who is
                    linked to whom.
                  </p>`
                : null
            }
          </section>`
    }
    <div class="row">
      ${mode === 'observe' ? activateButton(ctx, connection) : null}
      ${
        state === 'ready'
          ? button(ctx, `${base}/pause`, 'Pause', {
              ask: `Nothing is written for ${id} until somebody resumes it. Pause it?`,
            })
          : state === 'paused'
            ? button(ctx, `${base}/resume`, 'Resume', { tone: 'main' })
            : null
      }
      ${WAYS.map(([direction, towards]) =>
        pausedDirections.includes(direction)
          ? button(ctx, `${base}/resume`, `Resume writing to ${towards}`, { fields: { direction } })
          : button(ctx, `${base}/pause`, `Pause writing to ${towards}`, { fields: { direction } }),
      )}
      ${
        mode === 'live'
          ? button(ctx, `${base}/observe`, 'Back to observing', {
              ask: `${id} then writes nothing and only shows. Links stay. Go on?`,
              tone: 'danger',
            })
          : null
      }
    </div>
  `;
}

function settingsList(ctx: PageContext, connection: Connection): Html {
  const { secretsSet, activatedAt, fieldMap, tagMap, ...shape } = connectionShape(connection) as ReturnType<
    typeof connectionShape
  > & { fieldMap?: unknown; tagMap?: unknown };
  const differs = [fieldMap ? 'field map' : '', tagMap ? 'tag map' : ''].filter(Boolean);
  return html`
    <h2>Settings</h2>
    <p class="mute">
      Changed with <code>sticky-ghl connections set ${connection.id} --set name=value</code> or by the API; a running
      service sees it within a second.
    </p>
    ${facts([
      ['Active since', time(ctx, activatedAt, connection.id)],
      ['Secrets that are set', secretsSet.length === 0 ? 'none' : secretsSet.join(', ')],
      [
        'Differs from config/',
        differs.length === 0
          ? 'no'
          : html`<a href=${href('/settings', { connection: connection.id })}>${differs.join(', ')}</a>`,
      ],
      ...Object.entries(shape)
        .filter(([name]) => !['id', 'mode', 'state', 'reason', 'paused'].includes(name))
        .map(([name, value]): [string, Html] => [name, value === null ? null : factText(value)]),
    ])}
  `;
}

const LIGHTS: Readonly<Record<Check['status'], readonly [Tone, string]>> = {
  green: ['ok', 'green'],
  yellow: ['warn', 'yellow'],
  red: ['bad', 'red'],
};
const light = (status: Check['status']): Html => badge(...LIGHTS[status]);

const checkTable = (checks: readonly Check[]): Html =>
  table<Check>(
    'Checks',
    [
      { head: '', cell: ({ status }) => light(status) },
      { head: 'Check', cell: ({ title }) => title },
      { head: 'Found', cell: ({ found }) => found },
      { head: 'What to do', cell: ({ remedy }) => remedy ?? html`<span class="mute">nothing</span>` },
    ],
    checks.toSorted((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status)),
  );

const ORDER: readonly Check['status'][] = ['red', 'yellow', 'green'];
