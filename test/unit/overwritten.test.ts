import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FieldSent } from '../../drizzle/tables/links.ts';
import { judgeSightings, type SightingsInput } from '../../src/domain/overwritten.ts';

/** GET at 10 s read 100, PUT answered at 12 s sent 130. */
const W: FieldSent = { getAtMs: 10_000, answeredAtMs: 12_000, read: 100, sent: 130, revision: 7 };

interface Given extends Partial<Omit<SightingsInput, 'sightings'>> {
  seen: [atMs: number, value: SightingsInput['current']][];
}
const judge = ({ seen, ...rest }: Given) =>
  judgeSightings({
    merge: 'counter',
    writes: [W],
    base: 130,
    pending: undefined,
    current: 130,
    sightings: seen.map(([atMs, value], i) => ({ atMs, value, eventId: `e${i}` })),
    ...rest,
  });
const kinds = (given: Given) => judge(given).map(({ kind }) => kind);

describe('an edit that our own write went over (SPEC §3.3)', () => {
  test('between the GET and the answer: the difference to what that GET read counts', () => {
    expect(judge({ seen: [[11_300, 120]] })).toEqual([
      { kind: 'overwritten', eventId: 'e0', value: 120, points: 20, revision: 7 },
    ]);
    expect(judge({ seen: [[11_300, 95]] })).toMatchObject([{ points: -5 }]);
  });
  test.each([
    [9_999, 'consumed'],
    [10_000, 'overwritten'],
    [10_999, 'overwritten'],
    [12_000, 'overwritten'],
    [14_000, 'overwritten'],
    [14_001, 'ambiguous'],
  ])('a delivery stamped %d is %s: the second of the GET counts whole, the answer has two seconds', (atMs, kind) => {
    expect(kinds({ seen: [[atMs, 120]] })).toEqual([kind]);
  });
  test('times with a fraction stand for their second', () => {
    const writes = [{ ...W, getAtMs: 10_700, answeredAtMs: 12_300 }];
    expect(
      kinds({
        writes,
        seen: [
          [10_100, 120],
          [14_200, 125],
        ],
      }),
    ).toEqual(['overwritten', 'ambiguous']);
  });
  test('what that GET read, what was sent, the base, what is on its way and what stands now are no lost edits', () => {
    const pending = { value: 140, sentAtMs: 1 };
    expect(
      kinds({
        pending,
        current: 150,
        base: 135,
        seen: [
          [11_000, 100],
          [11_000, 130],
          [11_000, 135],
          [11_000, 140],
          [11_000, 150],
        ],
      }),
    ).toEqual(Array.from({ length: 5 }, () => 'consumed'));
  });
  test('a value that stood there before the one that the GET read, within its second, was read with it', () => {
    expect(
      kinds({
        seen: [
          [10_100, 120],
          [10_300, 100],
        ],
      }),
    ).toEqual(['consumed', 'consumed']);
    expect(
      kinds({
        seen: [
          [10_500, 120],
          [10_300, 100],
        ],
      }),
    ).toEqual(['overwritten', 'consumed']);
  });
  test('it counts once, however many deliveries show it', () => {
    expect(
      kinds({
        seen: [
          [11_000, 120],
          [11_000, 120],
          [11_500, 120],
        ],
      }),
    ).toEqual(['consumed', 'consumed', 'overwritten']);
  });
  test('of two edits under one write the later one counts, whichever arrives first', () => {
    expect(
      kinds({
        seen: [
          [11_500, 120],
          [11_000, 110],
        ],
      }),
    ).toEqual(['overwritten', 'consumed']);
  });
  test('empty, or a word in a number: no difference', () => {
    expect(
      kinds({
        seen: [
          [11_000, null],
          [11_000, 'many'],
        ],
      }),
    ).toEqual(['consumed', 'consumed']);
  });
  test('a number over an empty field is a question, not a difference', () => {
    expect(judge({ writes: [{ ...W, read: null }], seen: [[11_000, 120]] })).toEqual([
      { kind: 'ambiguous', eventId: 'e0', value: 120, base: 130 },
    ]);
  });
  test('a command field is not judged here', () => {
    expect(kinds({ merge: 'command', seen: [[11_000, 120]] })).toEqual(['consumed']);
  });
});

describe('by the dateUpdated of the contact, to the millisecond', () => {
  const exact: FieldSent = { ...W, answeredAtMs: 10_000, readUpdatedAtMs: 10_200, writtenAtMs: 10_500 };
  test.each([
    [10_100, 130, 'consumed'],
    [10_200, 130, 'consumed'],
    [10_201, 130, 'overwritten'],
    [10_500, 130, 'overwritten'],
    // Stamped late: ours stands, so it was there before.
    [10_900, 130, 'overwritten'],
    // A person's number stands: a step on the way to it.
    [10_900, 150, 'consumed'],
    [10_300, 150, 'overwritten'],
    [12_501, 130, 'ambiguous'],
  ])('a delivery of %d while GHL shows %d: %s', (atMs, current, kind) => {
    expect(kinds({ writes: [exact], current, seen: [[atMs, 120]] })).toEqual([kind]);
  });
  test('typed after one write and read before the next: counted by that GET', () => {
    const next: FieldSent = { getAtMs: 14_000, answeredAtMs: 14_000, read: 140, sent: 160, revision: 8 };
    expect(kinds({ writes: [next, exact], base: 160, current: 160, seen: [[10_900, 140]] })).toEqual(['consumed']);
  });
  test('the last read had seen it already', () => {
    const seen: Given['seen'] = [[20_300, 120]];
    expect(kinds({ seen, lastReadAtMs: 20_000, lastReadUpdatedAtMs: 20_400 })).toEqual(['consumed']);
    expect(kinds({ seen, lastReadAtMs: 20_000, lastReadUpdatedAtMs: 20_200 })).toEqual(['ambiguous']);
  });
  test('it is booked on the card that the field showed', () => {
    expect(judge({ writes: [{ ...exact, cardId: 'card_1' }], seen: [[10_300, 120]] })).toMatchObject([
      { kind: 'overwritten', cardId: 'card_1' },
    ]);
  });
});

describe('with several writes', () => {
  const W2: FieldSent = { getAtMs: 20_000, answeredAtMs: 20_000, read: 130, sent: 135, revision: 8 };
  const given = { writes: [W2, W], base: 135, current: 135 };
  test('each edit belongs to the write that went over it, and each write makes one', () => {
    expect(
      judge({
        ...given,
        seen: [
          [11_000, 120],
          [20_500, 150],
        ],
      }),
    ).toMatchObject([
      { kind: 'overwritten', points: 20, revision: 7 },
      { kind: 'overwritten', points: 20, revision: 8 },
    ]);
  });
  test('their order does not matter', () => {
    const seen: Given['seen'] = [
      [11_000, 120],
      [20_500, 150],
    ];
    expect(judge({ ...given, writes: [W, W2], seen })).toEqual(judge({ ...given, seen }));
  });
  test('between two writes: the GET of the later one has seen it', () => {
    expect(kinds({ ...given, seen: [[16_000, 120]] })).toEqual(['consumed']);
  });
  test('a late echo of an earlier write is no edit', () => {
    expect(
      kinds({
        ...given,
        seen: [
          [12_900, 130],
          [13_900, 130],
        ],
      }),
    ).toEqual(['consumed', 'consumed']);
  });
  test('an edit that the earlier GET took is not counted again for a write of the same second', () => {
    const writes = [
      { getAtMs: 10_000, answeredAtMs: 10_000, read: 130, sent: 135, revision: 8 },
      { getAtMs: 10_000, answeredAtMs: 10_000, read: 120, sent: 130, revision: 7 },
    ];
    expect(kinds({ ...given, writes, seen: [[10_100, 120]] })).toEqual(['consumed']);
  });
  test('two writes of one second that would make different differences: a question, never a guess', () => {
    const writes = [
      { getAtMs: 10_000, answeredAtMs: 10_000, read: 130, sent: 135, revision: 8 },
      { getAtMs: 10_000, answeredAtMs: 10_000, read: 100, sent: 130, revision: 7 },
    ];
    expect(kinds({ ...given, writes, seen: [[10_100, 120]] })).toEqual(['ambiguous']);
  });
});

describe('later than the last write, and gone', () => {
  test('the base stands again: nobody can say what became of it', () => {
    expect(judge({ seen: [[30_000, 120]] })).toEqual([{ kind: 'ambiguous', eventId: 'e0', value: 120, base: 130 }]);
  });
  test('it is asked once, about the last of them', () => {
    expect(
      kinds({
        seen: [
          [30_000, 120],
          [31_000, 140],
        ],
      }),
    ).toEqual(['consumed', 'ambiguous']);
  });
  test('another number stands: its difference to the base counts the steps on its way', () => {
    expect(kinds({ current: 150, seen: [[30_000, 140]] })).toEqual(['consumed']);
    expect(kinds({ current: 150, seen: [[13_500, 140]] })).toEqual(['consumed']);
  });
  test('an edit before an overwriting write counts although another one was made since', () => {
    expect(judge({ current: 150, seen: [[11_000, 120]] })).toMatchObject([{ kind: 'overwritten', points: 20 }]);
  });
  test('a read since has taken it: a delivery that is late asks nothing', () => {
    expect(kinds({ lastReadAtMs: 40_000, seen: [[30_000, 120]] })).toEqual(['consumed']);
    expect(kinds({ lastReadAtMs: 30_000, seen: [[30_500, 120]] })).toEqual(['ambiguous']);
  });
  test('where we never wrote, nothing of it was overwritten', () => {
    expect(kinds({ writes: [], seen: [[30_000, 120]] })).toEqual(['consumed']);
  });
});

describe('a contact field', () => {
  const text: Omit<Given, 'seen'> = {
    merge: 'value',
    writes: [{ ...W, read: 'Ann', sent: 'Anna' }],
    base: 'Anna',
    current: 'Anna',
  };
  test('goes back to GHL, the last one typed', () => {
    expect(
      judge({
        ...text,
        seen: [
          [11_500, 'Anja'],
          [11_000, 'Anita'],
        ],
      }),
    ).toEqual([
      { kind: 'overwritten', eventId: 'e0', value: 'Anja', points: 0, revision: 7 },
      { kind: 'consumed', eventId: 'e1' },
    ]);
  });
  test('the last one counts over several writes too', () => {
    const writes = [
      { getAtMs: 20_000, answeredAtMs: 20_000, read: 'Anna', sent: 'Hanna', revision: 8 },
      ...(text.writes ?? []),
    ];
    const given = { ...text, writes, base: 'Hanna', current: 'Hanna' };
    expect(
      kinds({
        ...given,
        seen: [
          [11_000, 'Anita'],
          [20_500, 'Anja'],
        ],
      }),
    ).toEqual(['consumed', 'overwritten']);
    expect(kinds({ ...given, seen: [[11_000, 'Anita']] })).toEqual(['overwritten']);
  });
  test('does not go over what somebody typed since', () => {
    expect(kinds({ ...text, current: 'Johanna', seen: [[11_000, 'Anja']] })).toEqual(['consumed']);
  });
  test('put back by a person after our write, it is nobody’s question', () => {
    expect(kinds({ ...text, seen: [[30_000, 'Anja']] })).toEqual(['consumed']);
  });
});

/**
 * GHL with a clock of its own, people typing numbers, and our jobs that GET and PUT with people in between. Deliveries
 * arrive late and out of order. What people added or took off, as far as our writes hid it, is found again.
 */
test('differences that our writes hid are found, each once, and none that were seen', () => {
  const edit = fc.integer({ min: -5, max: 5 }).filter((n) => n !== 0);
  const round = fc.record({ before: fc.option(edit), between: fc.option(edit), own: edit });
  const shuffle = fc.infiniteStream(fc.nat());
  fc.assert(
    fc.property(fc.array(round, { minLength: 1, maxLength: 3 }), shuffle, (rounds, random) => {
      let nowMs = 1_000_000;
      let shown = 10_000;
      let base = shown;
      let typed = 0;
      let taken = 0;
      const seen: SightingsInput['sightings'][number][] = [];
      const writes: FieldSent[] = [];
      const type = (by: number) => {
        nowMs += 3000;
        shown += by;
        typed += by;
        seen.push({ atMs: nowMs + 400, value: shown, eventId: `e${seen.length}` });
      };
      for (const { before, between, own } of rounds) {
        if (before !== null) type(before);
        nowMs += 3000;
        const getAtMs = Math.floor(nowMs / 1000) * 1000;
        const read = shown;
        taken += read - base;
        // Distinct sums keep a value from being another one's echo, which no sighting could tell apart.
        if (between !== null) type(between * 1000 + seen.length * 17 + 1);
        nowMs += 500;
        shown = read + own * 100_000;
        base = shown;
        writes.unshift({
          getAtMs,
          answeredAtMs: Math.floor(nowMs / 1000) * 1000,
          read,
          sent: shown,
          revision: writes.length,
        });
        seen.push({ atMs: nowMs + 100, value: shown, eventId: `e${seen.length}` });
        nowMs += 10_000;
      }
      const sightings = seen.toSorted(() => (Number(random.next().value) % 2) - 0.5);
      const judged = judgeSightings({ merge: 'counter', sightings, writes, base, pending: undefined, current: shown });
      const found = judged.reduce((sum, each) => sum + (each.kind === 'overwritten' ? each.points : 0), 0);
      expect(judged.map(({ eventId }) => eventId)).toEqual(sightings.map(({ eventId }) => eventId));
      expect(taken + found).toBe(typed);
      expect(judged.some(({ kind }) => kind === 'ambiguous')).toBe(false);
    }),
  );
});
