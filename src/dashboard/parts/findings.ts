import type { PageContext } from '../context.ts';
import type { Finding } from '../explain.ts';
import { type Html, html } from '../html.ts';
import { time } from './basics.ts';
import { problemButtons } from './problemButtons.ts';
import { problemBadge } from './words.ts';

/** What stands in the way, with the remedy and its buttons; the worst reason is the first thing that one reads. */
export const findingList = (ctx: PageContext, connectionId: string, findings: readonly Finding[]): Html =>
  findings.map(
    ({ tone, title, detail, remedy, nextAttemptAt, problem }) =>
      html`<section class=${`finding ${tone}`}>
        <h3>${title}</h3>
        ${detail === null ? null : html`<p class="said">${detail}</p>`}
        <p><b>What to do:</b> ${remedy}</p>
        ${nextAttemptAt ? html`<p>Next attempt: ${time(ctx, nextAttemptAt, connectionId, { age: true })}</p>` : null}
        ${
          problem
            ? html`<div class="row">
                ${problemBadge(problem.state)}
                <a href=${`/problems/${problem.id}`}>The problem, and everybody it touches</a>
                ${problemButtons(ctx, problem)}
              </div>`
            : null
        }
      </section>`,
  );
