import { type Html, html } from '../html.ts';

export interface Column<Row> {
  head: string;
  cell: (row: Row) => Html;
  /** Numbers stand on the right. */
  number?: true;
}

/**
 * Rows in a table that becomes a list of cards on a phone. `caption` is for those who do not see the heading above; `kind`
 * names its own look on a phone.
 */
export const table = <Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  kind = '',
): Html => html`
  <div class=${`table-box ${kind}`}>
    <table>
      <caption class="away">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(({ head, number }) => html`<th scope="col" class=${number ? 'num' : ''}>${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map(
                ({ head, cell, number }) =>
                  html`<td class=${number ? 'num' : ''} data-label=${head}><div>${cell(row)}</div></td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>
`;
