import type { LogRow } from '../../store/runs.ts';
import type { PageContext } from '../context.ts';
import { type Html, html } from '../html.ts';
import { badge, id, time } from './basics.ts';
import { changeList } from './values.ts';
import { codeText } from './words.ts';
import { durationText } from './zone.ts';

/** What a log row tells of one record: how it ended, why, what it changed, how long it took and under which trace id. */
export const logResult = (ctx: PageContext, log: LogRow): Html => {
  const text = log.errorCode === null ? null : codeText(log.errorCode);
  return html`<div class="row">
      ${log.status === 'success' ? badge('ok', 'done') : badge(log.status === 'failed' ? 'bad' : 'mute', log.status)}
      ${text === null && log.errorMessage === null ? null : html`<span>${text?.title ?? log.errorMessage}</span>`}
    </div>
    ${
      text !== null && log.errorMessage !== null && log.errorMessage.toLowerCase() !== text.title.toLowerCase()
        ? html`<p class="said">${log.errorMessage}</p>`
        : null
    }
    ${changeList(log.changes, log.tagsAdded, log.tagsRemoved)}
    <p class="mute small">
      ${[
        log.errorClass,
        log.durationMs === null ? '' : durationText(log.durationMs),
        log.attempt > 1 ? `attempt ${log.attempt}` : '',
      ]
        .filter(Boolean)
        .join(' · ')}
      ${log.traceId === null ? null : html` trace ${id(log.traceId)}`}
      ${log.nextAttemptAt === null ? null : html` next attempt ${time(ctx, log.nextAttemptAt, log.connectionId)}`}
    </p>`;
};
