import type { Connection } from '../../domain/connection.ts';
import { notConnected, stoppedBecause } from '../../domain/notConnected.ts';
import { connectionShape } from '../../http/api/connections.ts';
import type { PageContext } from '../context.ts';
import { html, type Html } from '../html.ts';
import { badge, connectionHref, facts, href, time } from '../parts/basics.ts';
import { button } from '../parts/forms.ts';
import { factText } from '../parts/values.ts';

/** The two directions, each by the side that is written to. */
export const WAYS = [
  ['stickycards_to_ghl', 'GHL'],
  ['ghl_to_stickycards', 'Sticky Cards'],
] as const;

/** How a connection stands, in words. */
export const stateBadges = (connection: Connection): Html => {
  const { mode, state, pausedDirections } = connection;
  return html`${mode === 'live' ? badge('ok', 'live') : badge('info', 'observes')}
  ${notConnected(connection) === null ? null : badge('bad', 'not connected')}
  ${state === 'ready' ? null : badge('warn', state === 'paused' ? 'paused' : 'points elsewhere')}
  ${pausedDirections.map((each) => badge('warn', `${each === 'stickycards_to_ghl' ? 'to GHL' : 'to Sticky Cards'} paused`))}`;
};

/** Makes it live, after a question. */
export const activateButton = (ctx: PageContext, { id }: Connection): Html =>
  button(ctx, `${connectionHref(id)}/activate`, 'Activate', {
    tone: 'main',
    ask: `From now on ${id} writes to GHL and Sticky Cards. Did you look at what going live would do?`,
  });

/** What can be switched at a connection, and why it stands still. */
export function switches(ctx: PageContext, connection: Connection): Html {
  const { id, mode, state, pausedDirections } = connection;
  const reason = stoppedBecause(connection);
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

/** How it is set; of secrets only which are set. */
export function settingsList(ctx: PageContext, connection: Connection): Html {
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
