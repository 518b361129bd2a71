// No list that is opened in a spreadsheet runs what somebody typed as their name (SPEC §6: exportable as CSV).
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Cell, csvLine } from '../../src/http/api/csv.ts';

/** RFC 4180, written afresh. */
function cellsOf(line: string): string[] {
  const cells: string[] = [];
  let at = 0;
  while (at <= line.length) {
    if (line[at] === '"') {
      let text = '';
      for (at += 1; !(line[at] === '"' && line[at + 1] !== '"'); at++) {
        if (line[at] === '"') at += 1;
        text += line[at];
      }
      cells.push(text);
      at += 2;
    } else {
      const end = line.indexOf(',', at) === -1 ? line.length : line.indexOf(',', at);
      cells.push(line.slice(at, end));
      at = end + 1;
    }
  }
  return cells;
}

const nasty = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('=1+1', '@SUM(A1)', '+49 171', '-5', '\t=cmd', '\r=x', ' =x', '＝1', 'a"b', 'a,b', 'a\nb', '', "'=x"),
  fc.tuple(fc.constantFrom('=', '+', '-', '@', '\t', '\r', '＝', '＋'), fc.string()).map(([a, b]) => a + b),
);

test('whatever stands in a cell is read back as it was, and none begins as a formula does', () => {
  fc.assert(
    fc.property(fc.array(nasty, { minLength: 1, maxLength: 6 }), (texts) => {
      const line = csvLine(texts);
      expect(line.endsWith('\r\n')).toBe(true);
      const cells = cellsOf(line.slice(0, -2));
      expect(cells).toHaveLength(texts.length);
      for (const [i, cell] of cells.entries()) {
        expect(cell).not.toMatch(/^\s*[=+\-@\t\r＝＋－＠]/);
        expect([texts[i], `'${texts[i] ?? ''}`]).toContain(cell);
      }
    }),
  );
});

test('numbers, times and nothing are what they are', () => {
  const cells: Cell[] = [-5, 0, new Date('2026-03-20T15:00:00.000Z'), null, 'x'];
  expect(csvLine(cells)).toBe('-5,0,2026-03-20T15:00:00.000Z,,x\r\n');
});
