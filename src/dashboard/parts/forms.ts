import type { PageContext } from '../context.ts';
import { type Html, html } from '../html.ts';
import { href } from './basics.ts';

export interface ButtonOptions {
  tone?: 'main' | 'danger';
  /** Asked before it is done, where scripts run. */
  ask?: string;
  fields?: Readonly<Record<string, string>>;
  /** What it is about, for those who hear only the button: `Retry Ana Lee`. */
  about?: string;
}

/** One button that does something: a form of its own, with its token. Nothing for viewers. */
export const button = (ctx: PageContext, action: string, label: string, options: ButtonOptions = {}): Html =>
  ctx.mayWrite
    ? html`<form method="post" action=${action} class="inline" data-ask=${options.ask ?? null}>
        <input type="hidden" name="csrf" value=${ctx.csrf} />
        <input type="hidden" name="back" value=${ctx.url} />
        ${Object.entries(options.fields ?? {}).map(
          ([name, value]) => html`<input type="hidden" name=${name} value=${value} />`,
        )}
        <button type="submit" class=${options.tone ?? ''}>
          ${label}${options.about === undefined ? null : html`<span class="away"> ${options.about}</span>`}
        </button>
      </form>`
    : null;

export interface Choice {
  name: string;
  label: string;
  /** Value → text; the first one, '', means all. */
  values: readonly (readonly [value: string, text: string])[];
}

/** Filters of a list, as a form that needs no script. `keep` goes along unseen. */
export const filters = (
  ctx: PageContext,
  path: string,
  choices: readonly Choice[],
  options: { search?: { name: string; label: string; placeholder: string }; keep?: readonly string[] } = {},
): Html => html`
  <form method="get" action=${path} class="filters">
    ${(options.keep ?? []).map((name) =>
      ctx.query[name] ? html`<input type="hidden" name=${name} value=${ctx.query[name]} />` : null,
    )}
    ${
      options.search
        ? html`<label class="grow"
            ><span>${options.search.label}</span>
            <input
              type="search"
              name=${options.search.name}
              value=${ctx.query[options.search.name] ?? ''}
              placeholder=${options.search.placeholder}
          /></label>`
        : null
    }
    ${choices.map(
      ({ name, label, values }) =>
        html`<label
          ><span>${label}</span>
          <select name=${name}>
            ${values.map(
              ([value, text]) =>
                html`<option value=${value} selected=${(ctx.query[name] ?? '') === value}>${text}</option>`,
            )}
          </select></label
        >`,
    )}
    <button type="submit">Show</button>
  </form>
`;

/** The connections as a filter; nothing where there is only one. */
export const connectionChoice = (ctx: PageContext): Choice[] =>
  ctx.connectionIds.length < 2
    ? []
    : [
        {
          name: 'connection',
          label: 'Connection',
          values: [['', 'all'] as const, ...ctx.connectionIds.map((each) => [each, each] as const)],
        },
      ];

/** Lists side by side: `[value, text, count]`, the value of the query parameter `name`. */
export const tabs = (
  ctx: PageContext,
  path: string,
  name: string,
  values: readonly (readonly [value: string, text: string, count?: number | null])[],
  label: string,
): Html => html`
  <nav class="tabs" aria-label=${label}>
    ${values.map(([value, text, count]) => {
      const { cursor: _, notice: __, n: ___, ...rest } = ctx.query;
      const here = (ctx.query[name] ?? '') === value;
      return html`<a href=${href(path, { ...rest, [name]: value })} aria-current=${here ? 'page' : null}
        >${text}${
          count === undefined || count === null
            ? null
            : html` <span class="count">${count.toLocaleString('en-GB')}</span>`
        }</a
      >`;
    })}
  </nav>
`;

/** Leads to the next page of a list; nothing on its last one. */
export const pager = (ctx: PageContext, path: string, next: string | null, text = 'Older'): Html => {
  const { notice: _, n: __, ...rest } = ctx.query;
  return html`<nav class="pager" aria-label="Pages">
    ${ctx.query['cursor'] ? html`<a href=${href(path, { ...rest, cursor: '' })}>Back to the start</a>` : null}
    ${next === null ? null : html`<a rel="next" href=${href(path, { ...rest, cursor: next })}>${text} →</a>`}
  </nav>`;
};
