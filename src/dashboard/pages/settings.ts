import type { FieldRow, TagMap } from '../../domain/fieldMap.ts';
import { html, type Html } from '../html.ts';
import type { DashboardNeeds } from '../needs.ts';
import { connectionHref, empty, facts, none } from '../parts/basics.ts';
import { connectionChoice, filters } from '../parts/forms.ts';
import { table } from '../parts/table.ts';
import type { Routes } from '../routes.ts';

const PATH = '/settings';

/** `/settings`: which value goes where, who owns it, and which tags are ours. */
export function settingsPage(routes: Routes, needs: DashboardNeeds): void {
  routes.page(PATH, (ctx) => {
    const wanted = ctx.query['connection'] || ctx.connectionIds[0];
    const connection = wanted === undefined ? undefined : needs.registry.get(wanted);
    const own = connection && (connection.fieldMap !== null || connection.tagMap !== null);
    return {
      title: 'Field map',
      section: 'settings',
      body: html`
        <p class="intro">
          What goes where, in which direction, and who wins when both sides changed. It stands in
          <code>config/field-map.json</code> and <code>config/tag-map.json</code>; a connection may differ.
        </p>
        ${
          ctx.connectionIds.length < 2
            ? null
            : filters(
                ctx,
                PATH,
                connectionChoice(ctx).map((choice) => ({ ...choice, values: choice.values.slice(1) })),
              )
        }
        ${
          connection === undefined
            ? empty(
                'No connection yet',
                html`The field map is shown for a connection. Make one first: <a href="/connections">Connections</a>.`,
              )
            : html`
                <p>
                  As it holds for
                  <a href=${connectionHref(connection.id)}>${connection.id}</a
                  >${own ? ', which differs from the tables of config/' : ''}.
                </p>
                ${fieldMap(needs.mapsOf(connection).rows)}
                <h2>Tags</h2>
                ${tagMap(needs.mapsOf(connection).tagMap)}
                <h2>Consent</h2>
                ${facts([
                  ['opt_in_status says yes by', needs.consentWords.in.join(', ')],
                  ['opt_in_status says no by', needs.consentWords.out.join(', ')],
                  ['DND that counts', ['the whole contact', ...needs.consentWords.channels].join(', ')],
                ])}
              `
        }
      `,
    };
  });
}

const DIRECTIONS: Readonly<Record<FieldRow['direction'], string>> = {
  to_ghl: 'Sticky Cards → GHL',
  both: 'both ways',
  from_ghl: 'GHL → Sticky Cards',
};
const OWNERS: Readonly<Record<FieldRow['owner'], string>> = {
  stickycards: 'Sticky Cards',
  ghl: 'GHL',
  us: 'this service',
};

const MERGES: Readonly<Record<FieldRow['merge'], string | null>> = {
  value: null,
  counter: 'Counts: when both sides change it, both changes count.',
  command: 'Acts once: a number typed here is booked, then the field is emptied.',
};

const fieldMap = (rows: readonly FieldRow[]): Html =>
  table<FieldRow>(
    'Field map',
    [
      {
        head: 'Field in GHL',
        cell: (row) =>
          html`${row.label ?? row.key.replaceAll('_', ' ')}
            <span class="sub"
              >${row.ghl === 'custom' ? `contact.${row.key}, ${row.type}` : `contact.${row.ghl}`}</span
            >`,
      },
      {
        head: 'In Sticky Cards',
        cell: (row) => (row.staging === undefined ? none() : html`<code>${row.staging}</code>`),
      },
      { head: 'Direction', cell: (row) => DIRECTIONS[row.direction] },
      {
        head: 'Who wins when both changed',
        cell: (row) => (row.merge === 'counter' ? 'both changes count' : OWNERS[row.owner]),
      },
      {
        head: 'Note',
        cell: (row) =>
          [MERGES[row.merge], row.ofCard ? 'Belongs to the card that the contact shows.' : null]
            .filter(Boolean)
            .join(' ') || none(),
      },
    ],
    rows,
  );

const tagMap = ({ derived, commands, segments }: TagMap): Html =>
  facts([
    ['Has an installed card', html`<span class="tag">${derived.card_holder}</span>`],
    ['A card expired and none is valid', html`<span class="tag">${derived.card_expired}</span>`],
    ['Referred somebody', html`<span class="tag">${derived.referrer}</span>`],
    ['Not active for 30 days', html`<span class="tag">${derived.inactive}</span>`],
    ['Sets all cards inactive when added', html`<span class="tag">${commands.churned}</span>`],
    ['Sets all cards active when added', html`<span class="tag">${commands.reactivated}</span>`],
    [
      'Segments that become tags',
      `${segments.include.join(', ')}${segments.exclude.length === 0 ? '' : `, but not ${segments.exclude.join(', ')}`}${segments.prefix === '' ? '' : `, with “${segments.prefix}” before the name`}`,
    ],
  ]);
