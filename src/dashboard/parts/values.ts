import type { FieldChange } from '../../../drizzle/tables/runs.ts';
import { html, type Html } from '../html.ts';
import { none } from './basics.ts';

/** A value as people read it; empty is a dash, so that it is not taken for a missing cell. */
export const valueText = (value: string | number | boolean | null | undefined): Html =>
  value === null || value === undefined || value === '' ? none() : html`<span class="value">${String(value)}</span>`;

/** What a write changed: `loyalty_points 100 → 120`, and tags with + and −. */
export const changeList = (
  changes: readonly FieldChange[],
  tagsAdded: readonly string[],
  tagsRemoved: readonly string[],
): Html =>
  changes.length + tagsAdded.length + tagsRemoved.length === 0
    ? null
    : html`<ul class="changes">
        ${changes.map((change) => html`<li>${fieldChange(change)}</li>`)}
        ${tagsAdded.map((tag) => html`<li><span class="tag plus">+ ${tag}</span></li>`)}
        ${tagsRemoved.map((tag) => html`<li><span class="tag minus">− ${tag}</span></li>`)}
      </ul>`;

const fieldChange = ({ field, before, after }: FieldChange): Html => {
  const name = html`<span class="field">${field.replaceAll('_', ' ')}</span>`;
  const was = before === null || before === '' ? null : html`<del>${valueText(before)}</del> ${becomes()} `;
  return html`${name} ${was}<ins>${valueText(after)}</ins>`;
};

const becomes = (): Html => html`<span aria-hidden="true">→</span><span class="away">becomes</span>`;

/** Facts of a sample, a command or an audit row: names and values, one level deep; deeper ones as JSON. */
export const factList = (values: Readonly<Record<string, unknown>> | null | undefined): Html => {
  const entries = Object.entries(values ?? {}).filter(([, value]) => value !== null && value !== undefined);
  return entries.length === 0
    ? null
    : html`<dl class="pairs">
        ${entries.map(
          ([name, value]) =>
            html`<div>
              <dt>${name}</dt>
              <dd>${factText(value)}</dd>
            </div>`,
        )}
      </dl>`;
};

export const factText = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object')) return value.join(', ');
  return JSON.stringify(value);
};
