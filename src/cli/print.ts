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
