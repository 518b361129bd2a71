import type { PageContext } from '../context.ts';
import { type Html, html } from '../html.ts';
import { fullText, localText, spanText } from './zone.ts';

export type Tone = 'ok' | 'warn' | 'bad' | 'info' | 'mute';

/** A state in a word. The colour only repeats what the word says. */
export const badge = (tone: Tone, text: string): Html => html`<span class=${`badge ${tone}`}>${text}</span>`;

/** An instant in the connection's zone, with UTC behind it; `age` adds how long ago it was. */
export function time(
  ctx: PageContext,
  at: Date | null,
  connectionId: string | null,
  options: { age?: boolean } = {},
): Html {
  if (at === null) return none();
  const zone = ctx.zoneOf(connectionId);
  const shown = localText(at, zone, ctx.nowMs);
  const away = ctx.nowMs - at.getTime();
  const age = away >= 0 ? `${spanText(away)} ago` : `in ${spanText(-away)}`;
  const stamp = html`<time datetime=${at.toISOString()} title=${fullText(at, zone)}>${shown}</time>`;
  return options.age === true ? html`${stamp}${' '}<span class="mute">(${age})</span>` : stamp;
}

/** Where there is no value. */
export const none = (): Html => html`<span class="none" aria-hidden="true">–</span><span class="away">none</span>`;

export const number = (value: number): string => value.toLocaleString('en-GB');

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`;

/** An id: may be broken anywhere, and selected with one click. */
export const id = (text: string): Html => html`<code class="id">${text}</code>`;

/** What an empty place says: what it means and what to do next. */
export const empty = (title: string, text: Html): Html =>
  html`<div class="empty">
    <p class="empty-title">${title}</p>
    <p>${text}</p>
  </div>`;

/** Names and values of one thing. */
export const facts = (rows: readonly (readonly [name: string, value: Html])[]): Html =>
  html`<dl class="facts">
    ${rows.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value === null || value === '' ? none() : value}</dd>
        </div>`,
    )}
  </dl>`;

/** A path with its parts escaped; what is undefined or empty is left out of the query. */
export function href(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? path : `${path}?${text}`;
}

export const customerHref = (connectionId: string, customerId: string): string =>
  `/customers/${encodeURIComponent(connectionId)}/${encodeURIComponent(customerId)}`;

export const connectionHref = (connectionId: string): string => `/connections/${encodeURIComponent(connectionId)}`;
