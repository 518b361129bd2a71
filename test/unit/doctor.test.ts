import { describe, expect, test } from '@jest/globals';
import { ago, judgeDisk, judgeLag, judgeSkew, worst } from '../../src/domain/doctor.ts';

const NOW = Date.UTC(2026, 10, 21, 9);
const MB = 1024 * 1024;

describe('what the doctor makes of a number', () => {
  test.each([
    [0, 'green'],
    [30_000, 'green'],
    [-61_000, 'yellow'],
    [61_000, 'yellow'],
    [-301_000, 'red'],
  ] as const)('a clock that is %i ms off is %s', (offMs, status) => {
    expect(judgeSkew('clock_ghl', 'GHL', NOW + offMs, NOW).status).toBe(status);
  });

  test('a side that tells no time is looked at by a person', () => {
    expect(judgeSkew('clock_ghl', 'GHL', null, NOW)).toMatchObject({ status: 'yellow' });
  });

  test.each([
    [null, 'live', 'green'],
    [10, 'live', 'green'],
    [16, 'live', 'yellow'],
    [61, 'live', 'red'],
    [600, 'observe', 'green'],
  ] as const)('what has waited for %p min in %s is %s', (minutes, mode, status) => {
    expect(judgeLag(minutes === null ? null : NOW - minutes * 60_000, NOW, mode).status).toBe(status);
  });

  test.each([
    [null, 'green'],
    [199 * MB, 'red'],
    [500 * MB, 'yellow'],
    [2000 * MB, 'green'],
  ] as const)('%p bytes of disk are %s', (free, status) => {
    expect(judgeDisk(free).status).toBe(status);
  });

  test('the worst of all is the colour of the whole', () => {
    expect(worst([])).toBe('green');
    expect(worst(['green', 'yellow', 'green'])).toBe('yellow');
    expect(worst(['yellow', 'red', 'green'])).toBe('red');
  });

  test('time is said as people say it', () => {
    expect([5_000, 600_000, 3 * 3_600_000, 3 * 86_400_000].map(ago)).toEqual(['5 s', '10 min', '3 h', '3 days']);
  });
});
