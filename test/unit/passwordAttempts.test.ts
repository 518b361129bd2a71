import { beforeEach, expect, test } from '@jest/globals';
import { createPasswordAttempts, type PasswordAttempts } from '../../src/http/passwordAttempts.ts';

const QUARTER_MS = 15 * 60_000;
let nowMs: number;
let attempts: PasswordAttempts;
beforeEach(() => {
  nowMs = 1_000 * QUARTER_MS;
  attempts = createPasswordAttempts({ nowMs: () => nowMs });
});

const guess = async (address: string, times = 1): Promise<string[]> => {
  const kinds: string[] = [];
  for (let n = 0; n < times; n++) kinds.push((await attempts.check(address, () => null)).kind);
  return kinds;
};
const right = (address: string) => attempts.check(address, () => Promise.resolve('ana'));

test('five wrong ones close the door to an address for a quarter of an hour from the first, and to no other address', async () => {
  expect(await guess('192.0.2.1', 6)).toEqual([...Array(5).fill('wrong'), 'closed']);
  nowMs += 5 * 60_000;
  expect(await right('192.0.2.1')).toEqual({ kind: 'closed', waitS: 600 });
  expect(await right('192.0.2.2')).toEqual({ kind: 'right', found: 'ana' });
  nowMs += 10 * 60_000;
  expect(await right('192.0.2.1')).toEqual({ kind: 'right', found: 'ana' });
});

test('behind a closed door nothing is compared', async () => {
  await guess('192.0.2.1', 5);
  let compared = 0;
  await attempts.check('192.0.2.1', () => (compared += 1));
  expect(compared).toBe(0);
});

test('guesses under way count already', async () => {
  const many = Array.from({ length: 60 }, () => attempts.check('192.0.2.1', () => Promise.resolve(null)));
  const kinds = (await Promise.all(many)).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'wrong')).toHaveLength(5);
});

test('what could not be compared is no wrong password', async () => {
  for (let n = 0; n < 9; n++)
    await expect(attempts.check('192.0.2.1', () => Promise.reject(new Error('no database')))).rejects.toThrow(
      'no database',
    );
  expect(await guess('192.0.2.1', 6)).toEqual([...Array(5).fill('wrong'), 'closed']);
});

test('one that was right in the next window takes nothing back there', async () => {
  await guess('192.0.2.1', 4);
  let answer: (found: string) => void = () => undefined;
  const slow = attempts.check('192.0.2.1', () => new Promise<string>((resolve) => (answer = resolve)));
  nowMs += QUARTER_MS;
  await guess('192.0.2.1', 5);
  answer('ana');
  expect((await slow).kind).toBe('right');
  expect((await right('192.0.2.1')).kind).toBe('closed');
});

test('whoever has a whole site of IPv6 has fifty guesses, not five from each of its networks', async () => {
  const kinds: string[] = [];
  for (let n = 1; n <= 12; n++) kinds.push(...(await guess(`2001:db8:7:${n}::1`, 6)));
  expect(kinds.filter((kind) => kind === 'wrong')).toHaveLength(50);
  expect((await right('2001:db8:7:99::1')).kind).toBe('closed');
  expect((await right('2001:db8:8:1::1')).kind).toBe('right');
});

test('a stranger with very many networks takes no place of anybody else', async () => {
  for (let n = 0; n < 40_000; n++) await attempts.check(`2001:db8:7:${n.toString(16)}::1`, () => null);
  expect((await right('192.0.2.1')).kind).toBe('right');
  expect(await guess('192.0.2.1', 6)).toEqual([...Array(5).fill('wrong'), 'closed']);
});
