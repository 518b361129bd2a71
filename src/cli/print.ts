import CliTable from 'cli-table3';
import type { Cli } from './context.ts';

export type Cell = string | number | Date | null | undefined;

/** What comes from outside must not steer the terminal. */
const CONTROL = /\p{Cc}+/gu;

const text = (cell: Cell): string => {
  if (cell === null || cell === undefined) return '';
  if (cell instanceof Date) return `${cell.toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return String(cell).replace(CONTROL, ' ');
};

/** Rows in aligned columns under their names; the last column is as long as it is. */
export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [columns, ...rows.map((row) => row.map(text))];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return `${lines.map(line).join('\n')}\n`;
}

const LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '─',
  'mid-mid': '─',
  right: '',
  'right-mid': '',
  middle: '  ',
};
const NARROW = 20;

/** A list for whoever looks at it: lines that fit the terminal, or aligned columns where another program reads. */
export function list(cli: Cli, columns: readonly string[], rows: readonly (readonly Cell[])[], none: string): void {
  if (rows.length === 0) cli.out(`${none}\n`);
  else cli.out(cli.columns === undefined ? table(columns, rows) : fitted(columns, rows, cli.columns));
}

/** The last column, which says why, is broken into lines where the terminal ends. */
function fitted(columns: readonly string[], rows: readonly (readonly Cell[])[], width: number): string {
  const cells = rows.map((row) => row.map(text));
  const widths = columns.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + 2, 0);
  const last = Math.max(NARROW, width - before - 1);
  const made = new CliTable({
    head: [...columns],
    chars: LINES,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colWidths: [...widths.slice(0, -1), Math.min(widths.at(-1) ?? last, last)],
    wordWrap: true,
  });
  made.push(...cells);
  return `${made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n')}\n`;
}

/** A record's fields, one on each line. */
export const fields = (record: Record<string, unknown>): string => {
  const names = Object.keys(record);
  const width = Math.max(...names.map((name) => name.length));
  const shown = (value: unknown): string => {
    if (value === null || value === undefined) return '';
    if (value instanceof Date || typeof value === 'string' || typeof value === 'number') return text(value);
    return JSON.stringify(value).replace(CONTROL, ' ');
  };
  return names.map((name) => `${name.padEnd(width)}  ${shown(record[name])}`.trimEnd() + '\n').join('');
};

export const json = (cli: Cli, value: unknown): void => cli.out(`${JSON.stringify(value, null, 2)}\n`);

/** `2.4 s`, `3 min 20 s`. */
export function duration(ms: number | null): string {
  if (ms === null) return '';
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
