import type { CommandRow } from '../../store/commands.ts';
import type { LogRow } from '../../store/runs.ts';
import type { AuditRow, TimelineEntry, TimelineEvent } from '../../store/timelineQueries.ts';
import type { PageContext } from '../context.ts';
import { type Html, html } from '../html.ts';
import { badge, id, time, type Tone } from './basics.ts';
import { logResult } from './logResult.ts';
import { factList } from './values.ts';
import { codeText, commandBadge, eventBadge, KIND_WORDS, SOURCE_WORDS, verificationBadge } from './words.ts';

interface Told {
  tone: Tone;
  /** Which step of the way it is: event → decision → call → echo. */
  step: string;
  title: Html;
  more: Html;
}

/** All that happened, newest first: what came, what became of it, what was called and what it answered. */
export const timelineList = (ctx: PageContext, connectionId: string, entries: readonly TimelineEntry[]): Html => html`
  <ol class="timeline">
    ${entries.map((entry) => {
      const { tone, step, title, more } = told(ctx, connectionId, entry);
      return html`<li class=${tone}>
        <p class="when">${time(ctx, entry.at, connectionId)} <span class="step">${step}</span></p>
        <div class="what">
          <p class="title">${title}</p>
          ${more}
        </div>
      </li>`;
    })}
  </ol>
`;

function told(ctx: PageContext, connectionId: string, entry: TimelineEntry): Told {
  switch (entry.kind) {
    case 'event':
      return toldEvent(ctx, connectionId, entry.event);
    case 'log':
      return toldLog(ctx, entry.log);
    case 'command':
      return toldCommand(ctx, connectionId, entry.command);
    case 'audit':
      return toldAudit(entry.audit);
  }
}

function toldEvent(ctx: PageContext, connectionId: string, event: TimelineEvent): Told {
  const echo = event.reason === 'echo';
  const ours = event.source === 'read' || event.source === 'self';
  const reason = event.reason === null ? null : (codeText(event.reason)?.title ?? event.reason.replaceAll('_', ' '));
  return {
    tone: event.status === 'rejected' ? 'bad' : event.status === 'folded' && !echo ? 'info' : 'mute',
    step: echo ? 'echo' : ours ? 'read' : 'event',
    title: html`<a href=${`/inbox/${event.id}`}>${event.type}</a>
      <span class="mute">${SOURCE_WORDS[event.source]}</span>`,
    more: html`<div class="row">
        ${ours ? null : verificationBadge(event.verification)} ${eventBadge(event.status)}
        ${reason === null ? null : html`<span>${reason}</span>`}
        ${event.duplicates > 0 ? badge('mute', `came ${event.duplicates + 1} times, counted once`) : null}
      </div>
      ${
        Math.abs(event.occurredAt.getTime() - event.receivedAt.getTime()) < 2000
          ? null
          : html`<p class="mute">Happened ${time(ctx, event.occurredAt, connectionId)}</p>`
      }`,
  };
}

function toldLog(ctx: PageContext, log: LogRow): Told {
  const tone = log.status === 'failed' ? 'bad' : log.status === 'skipped' ? 'mute' : 'ok';
  return {
    tone,
    step: log.status === 'skipped' ? 'decision' : 'call',
    title: html`${ACTIONS[log.action]} ${WHERE[log.direction]}
      ${log.entityId.startsWith('cmd_') ? html`<a class="sub" href=${`/commands/${log.entityId}`}>which one</a>` : null}
      <a class="sub" href=${`/runs/${log.runId}`}>in this run</a>`,
    more: logResult(ctx, log),
  };
}

const ACTIONS: Readonly<Record<LogRow['action'], string>> = {
  create: 'New',
  update: 'Write',
  tag: 'Tags',
  command: 'Command',
  skip: 'Left out',
  delete: 'Unlinked',
};
const WHERE = { stickycards_to_ghl: 'in GHL', ghl_to_stickycards: 'in Sticky Cards' } as const;

const COMMAND_TONES: Readonly<Partial<Record<CommandRow['state'], Tone>>> = {
  applied: 'ok',
  failed: 'bad',
  unknown: 'warn',
  held: 'warn',
  discarded: 'mute',
};

const toldCommand = (ctx: PageContext, connectionId: string, command: CommandRow): Told => ({
  tone: COMMAND_TONES[command.state] ?? 'info',
  step: 'once',
  title: html`<a href=${`/commands/${command.id}`}>${KIND_WORDS[command.kind]}</a> ${commandBadge(command.state)}`,
  more: html`${command.reason === null ? null : html`<p>${codeText(command.reason)?.title ?? command.reason}</p>`}
  ${command.decidedBy === null ? null : html`<p class="mute">Decided by ${command.decidedBy}</p>`}
  ${
    command.updatedAt.getTime() === command.createdAt.getTime()
      ? null
      : html`<p class="mute">Now so since ${time(ctx, command.updatedAt, connectionId)} ${id(command.id)}</p>`
  }`,
});

const toldAudit = (audit: AuditRow): Told => ({
  tone: 'mute',
  step: 'person',
  title: html`${audit.action} <span class="mute">by ${audit.actor}</span>`,
  more: factList(audit.after as Record<string, unknown> | null),
});
