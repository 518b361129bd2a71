import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type ConsentInput, decideConsent, dndOn, isOptedOut, parseConsentWords } from '../../src/domain/consent.ts';
import { projectRoot } from '../../src/paths.ts';

const shipped: unknown = JSON.parse(readFileSync(join(projectRoot, 'config', 'consent.json'), 'utf8'));
const words = parseConsentWords(shipped);
const nothing = { write: null, rebase: {} };

const decide = (base: Partial<ConsentInput['base']>, now: Partial<ConsentInput['now']>, by = words) =>
  decideConsent({ base: { optIn: null, dnd: false, ...base }, now: { optIn: null, dnd: false, ...now }, words: by });
const atFirstLink = (now: Partial<ConsentInput['now']>) => decide({ optIn: undefined, dnd: undefined }, now);

describe('opt_in_status edited (SPEC §3.2)', () => {
  test.each(['no', 'False', '0', 0, false, ' OUT ', 'opted_out'])('%p opts out', (optIn) => {
    expect(decide({ optIn: 'yes' }, { optIn })).toEqual({ write: false, rebase: { opt_in_status: optIn } });
  });
  test.each(['Yes', 'TRUE', '1', 1, true, 'in', 'opted_in'])('%p opts in while DND is off', (optIn) => {
    expect(decide({ optIn: 'no' }, { optIn })).toEqual({ write: true, rebase: { opt_in_status: optIn } });
  });
  test('what stood there already says nothing', () => {
    expect(decide({ optIn: 'yes' }, { optIn: 'yes' })).toEqual(nothing);
    expect(decide({ optIn: 'no' }, { optIn: 'no' })).toEqual(nothing);
  });
  test('an in-word is used up, without effect, while DND is on', () => {
    expect(decide({ optIn: 'no', dnd: true }, { optIn: 'yes', dnd: true })).toEqual({
      write: null,
      rebase: { opt_in_status: 'yes' },
    });
  });
  test('an in-word waits while nobody tells whether DND is on', () => {
    expect(decide({}, { optIn: 'yes', dnd: null })).toEqual(nothing);
    expect(decide({}, { optIn: 'yes', dnd: undefined })).toEqual(nothing);
  });
  test('deleting the word says nothing', () => {
    expect(decide({ optIn: 'no' }, { optIn: null })).toEqual({ write: null, rebase: { opt_in_status: null } });
  });
  test('an unknown word is told once and changes nothing', () => {
    const first = decide({ optIn: 'yes' }, { optIn: 'maybe' });
    expect(first).toEqual({ write: null, rebase: { opt_in_status: 'maybe' }, problem: 'opt_in_unknown' });
    expect(decide({ optIn: 'maybe' }, { optIn: 'maybe' })).toEqual(nothing);
    expect(decide({ optIn: 'maybe' }, { optIn: 'yes' }).write).toBe(true);
  });
});

describe('DND switched', () => {
  test('on opts out, whatever the word says', () => {
    expect(decide({ optIn: 'no' }, { optIn: 'yes', dnd: true })).toEqual({
      write: false,
      rebase: { opt_in_status: 'yes', dnd: true },
    });
    expect(decide({ optIn: 'yes' }, { optIn: 'hm', dnd: true })).toMatchObject({
      write: false,
      problem: 'opt_in_unknown',
    });
  });
  test('off changes nothing', () => {
    expect(decide({ optIn: 'yes', dnd: true }, { optIn: 'yes' })).toEqual({ write: null, rebase: { dnd: false } });
  });
  test('off together with an in-word opts in', () => {
    expect(decide({ optIn: 'no', dnd: true }, { optIn: 'yes' }).write).toBe(true);
  });
  test('an answer without DND leaves its base alone', () => {
    expect(decide({ dnd: true }, { dnd: null })).toEqual(nothing);
  });
});

describe('found at the first link', () => {
  test('an in-word or an unknown word has no effect but becomes the base', () => {
    expect(atFirstLink({ optIn: 'yes' })).toEqual({ write: null, rebase: { opt_in_status: 'yes', dnd: false } });
  });
  test('DND on, and an out-word, opt out: whoever said no is not written to', () => {
    expect(atFirstLink({ dnd: true })).toEqual({ write: false, rebase: { opt_in_status: null, dnd: true } });
    expect(atFirstLink({ optIn: 'no' }).write).toBe(false);
  });
  test('of a field that was added to the map later the same holds', () => {
    expect(decide({ optIn: undefined }, { optIn: 'yes' }).write).toBeNull();
  });
});

describe('DND of single channels', () => {
  const bySms = parseConsentWords({ ...(shipped as object), channels: ['SMS'] });
  test.each(['active', 'permanent'])('counts where configured (%s), in any spelling of the channel', (status) => {
    for (const name of ['SMS', 'sms']) {
      expect(dndOn({ dnd: false, dndSettings: { [name]: { status } } }, bySms)).toBe(true);
      expect(decide({}, { dndSettings: { [name]: { status } } }, bySms)).toEqual({
        write: false,
        rebase: { dnd: true },
      });
    }
  });
  test('does not count where not configured, or while it is off', () => {
    expect(dndOn({ dnd: false, dndSettings: { SMS: { status: 'active' } } }, words)).toBe(false);
    expect(
      dndOn({ dnd: false, dndSettings: { SMS: { status: 'inactive' }, Email: { status: 'active' } } }, bySms),
    ).toBe(false);
  });
});

describe('may a push go out', () => {
  test.each([
    [{ optIn: null, dnd: true }, true],
    [{ optIn: 'no', dnd: false }, true],
    [{ optIn: 'no', dnd: null }, true],
    [{ optIn: 'yes', dnd: false }, false],
    [{ optIn: null, dnd: false }, false],
    [{ optIn: 'yes', dnd: null }, 'unknown'],
    [{ optIn: 'perhaps', dnd: false }, 'unknown'],
    [null, 'unknown'],
  ])('%p: opted out %p', (now, expected) => {
    expect(isOptedOut(now, words)).toBe(expected);
  });
});

test('nobody is opted in while DND is on, against an out-word, or without an edit', () => {
  const value = fc.constantFrom<(string | null | undefined)[]>('yes', 'in', 'no', 'maybe', null, undefined);
  const dnd = fc.constantFrom<(boolean | null | undefined)[]>(true, false, null, undefined);
  fc.assert(
    fc.property(value, dnd, value, dnd, (baseOptIn, baseDnd, optIn, nowDnd) => {
      const now = { optIn: optIn ?? null, dnd: nowDnd };
      const decision = decideConsent({ base: { optIn: baseOptIn, dnd: baseDnd }, now, words });
      const optsIn = decision.write === true;
      expect(optsIn && (isOptedOut(now, words) !== false || baseOptIn === undefined || baseOptIn === now.optIn)).toBe(
        false,
      );
      // Told and stored once: with the new bases nothing is left to say.
      const base = {
        optIn: baseOptIn,
        dnd: baseDnd,
        ...('dnd' in decision.rebase ? { dnd: decision.rebase.dnd } : {}),
      };
      if (decision.rebase.opt_in_status !== undefined) base.optIn = now.optIn;
      expect(decideConsent({ base, now, words })).toEqual(nothing);
    }),
  );
});

describe('config/consent.json', () => {
  test('a word that would mean both is named', () => {
    expect(() => parseConsentWords({ out: ['no', 'X'], in: ['x'], channels: [] })).toThrow(
      'config/consent.json: "x" stands under in and under out; remove one',
    );
  });
  test('every mistake has a line with its place', () => {
    const mistakes = { out: [0], in: [], channels: ['Fax'], more: 1 };
    expect(() => parseConsentWords(mistakes)).toThrow(/^config\/consent\.json out\.0: write words in quotes/m);
    expect(() => parseConsentWords(mistakes)).toThrow(/^config\/consent\.json in: name at least one word$/m);
    expect(() => parseConsentWords(mistakes)).toThrow(/^config\/consent\.json channels\.0: use Call, Email, SMS/m);
    expect(() => parseConsentWords(mistakes)).toThrow(/^config\/consent\.json \(root\): .*more/m);
  });
});
