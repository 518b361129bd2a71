import type { Setup, SetupAction, SetupPlace } from '../../domain/setup.ts';
import { codeText } from '../parts/words.ts';
import type { PageContext } from '../context.ts';
import { html, type Html } from '../html.ts';
import { time } from '../parts/basics.ts';

/** What is to be entered where, ready to copy, with what is still missing and a watch for the first delivery. */
export const setupBody = (ctx: PageContext, setup: Setup): Html => html`
  ${
    setup.missing.length === 0
      ? html`<section class="finding ok"><h2>Nothing is missing</h2></section>`
      : html`<section class="finding warn">
          <h2>Still to do</h2>
          <ol>
            ${setup.missing.map((step) => html`<li>${step}</li>`)}
          </ol>
        </section>`
  }
  ${heard(ctx, setup)}
  <p class="mute">Secrets are never shown here: where one belongs, its place is marked with ${'<…>'}.</p>
  ${place('Sticky Cards', setup.stickyCards)} ${place('GHL app webhooks', setup.ghlApp)}
  ${place('GHL workflow webhook', setup.ghlWorkflow, setup.ghlWorkflow.body)}
  <h2>Actions for GHL workflows</h2>
  <p>Action “Custom Webhook” of a workflow, method POST, content type application/json.</p>
  ${setup.actions.map(action)}
`;

const heard = (ctx: PageContext, { connection, deliveries }: Setup): Html => {
  const { stickyCards, ghlApp, ghlWorkflow, lastRefused } = deliveries;
  const line = (name: string, { heard: yes, lastAt }: { heard: boolean; lastAt: Date | null }) =>
    html`<li>
      ${name}: ${yes ? html`last heard ${time(ctx, lastAt, connection, { age: true })}` : 'nothing came yet'}
    </li>`;
  return html`<section class=${`finding ${stickyCards.heard ? 'ok' : 'info'}`}>
    <h2>What has arrived</h2>
    <ul class="plain">
      ${line('Sticky Cards', stickyCards)} ${line('GHL app webhooks', ghlApp)} ${line('GHL workflows', ghlWorkflow)}
    </ul>
    ${
      lastRefused === null
        ? null
        : html`<p>
            The last one that was refused came ${time(ctx, lastRefused.at, connection, { age: true })}:
            ${codeText(lastRefused.reason ?? '')?.title ?? lastRefused.reason ?? 'no reason was kept'}.
            <a href="/inbox?status=rejected">Rejected deliveries</a>
          </p>`
    }
    ${
      stickyCards.heard
        ? null
        : html`<p data-watch role="status">
            Waiting for the first delivery of Sticky Cards. This page looks again by itself.
          </p>`
    }
  </section>`;
};

const place = (name: string, { url, where, events, notes }: SetupPlace, body?: Record<string, unknown>): Html => html`
  <h2>${name}</h2>
  <p>${where}</p>
  ${copyable(url, `Address for ${name}`)}
  ${events.length === 0 ? null : html`<p>Events to tick: ${events.map((event) => html`<code>${event}</code> `)}</p>`}
  ${notes.map((note) => html`<p>${note}</p>`)}
  ${body === undefined ? null : copyable(JSON.stringify(body, null, 2), `Body for ${name}`)}
`;

const action = ({ action: name, url, headers, body }: SetupAction): Html => html`
  <details>
    <summary>${name}</summary>
    ${copyable(url, `Address of ${name}`)}
    ${copyable(
      Object.entries(headers)
        .map(([header, value]) => `${header}: ${value}`)
        .join('\n'),
      `Headers of ${name}`,
    )}
    ${copyable(JSON.stringify(body, null, 2), `Body of ${name}`)}
  </details>
`;

/** Text to be copied; the button appears where scripts run. */
const copyable = (text: string, label: string): Html =>
  html`<div class="copyable"><pre tabindex="0" aria-label=${label}>${text}</pre></div>`;
