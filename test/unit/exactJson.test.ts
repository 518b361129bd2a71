import { expect, test } from '@jest/globals';
import { parseExactly } from '../../src/domain/exactJson.ts';

test.each<[string, unknown]>([
  ['{"id":9007199254740991}', { id: 9_007_199_254_740_991 }],
  ['{"id":9007199254740993}', { id: '9007199254740993' }],
  ['{"id":-9007199254740993}', { id: '-9007199254740993' }],
  ['[1445678901234567890, {"a":[1445678901234567891]}]', ['1445678901234567890', { a: ['1445678901234567891'] }]],
  ['{"id":"1445678901234567890","n":12.0000000000000001,"big":1e30}', { id: '1445678901234567890', n: 12, big: 1e30 }],
  ['{"text":"say 1445678901234567890"}', { text: 'say 1445678901234567890' }],
])('%s keeps what a number would round, and nothing else changes', (text, value) => {
  expect(parseExactly(text)).toEqual(value);
});

test('what is no JSON is refused as ever, and depth is no reason to refuse', () => {
  for (const text of ['{', '{"id":1445678901234567890']) expect(() => parseExactly(text)).toThrow(SyntaxError);
  const deep = `${'['.repeat(100_000)}1445678901234567890${']'.repeat(100_000)}`;
  expect(Array.isArray(parseExactly(deep))).toBe(true);
});
