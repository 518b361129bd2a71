import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { PROBLEMS, problemText } from '../../src/domain/problemCodes.ts';
import { reasonText, REJECTIONS, SKIP_REASONS } from '../../src/domain/reasonCodes.ts';
import { projectRoot } from '../../src/paths.ts';

const sources = ['domain', 'sync', 'ops', 'store'].flatMap((folder) =>
  globSync(join(projectRoot, 'src', folder, '**/*.ts'))
    .filter((file) => !/(problem|reason)Codes\.ts$/.test(file))
    .map((file) => readFileSync(file, 'utf8')),
);

const literals = (text: string) => [...text.matchAll(/'([a-z]+(?:_[a-z]+)*)'/g)].map((m) => m[1] as string);
const found = (pattern: RegExp): Set<string> =>
  new Set(sources.flatMap((text) => [...text.matchAll(pattern)].flatMap((m) => literals(m[1] ?? ''))));

/** `'x'`, or the two outcomes of `… ? 'x' : 'y'`. */
const value = String.raw`(?:[^,;{}\n]*\? )?('[a-z_]+'(?: : '[a-z_]+')?)`;
/** What settle stores as a problem, a reason or a log's code. */
const stored = found(new RegExp(String.raw`\bcode(?::| =) ${value}(?=[,;\n ])`, 'g'));
/** Those that stand in one object with the record they are about: problems. */
const raised = found(new RegExp(String.raw`\{\s*code: ${value},\s*(?:cause[^{}]{0,80}?,\s*)?recordId`, 'g'));
const skipped = new Set([
  ...found(/#mark\([^()]*, '(?:skipped|waiting)', ('[a-z_]+')/g),
  ...found(/type NobodyReason = ([^;]*);/g),
  ...found(/#skipReason\(event: StickyCardsEvent\)([\s\S]*?)\n {2}\}/g),
  ...found(/kind: 'excluded'[;,] reason: ('[a-z_]+'(?: \| '[a-z_]+')*)/g),
]);

describe('problem codes', () => {
  test('the search finds what is known to be raised, so that the tests below can fail', () => {
    expect([...raised]).toEqual(
      expect.arrayContaining([
        'value_not_taken',
        'identity_conflict',
        'field_refused',
        'record_failed',
        'field_wrong_type',
        'customer_unknown',
      ]),
    );
    expect([...stored]).toEqual(expect.arrayContaining(['already_linked', 'deleted_in_ghl', 'waiting']));
    expect([...skipped]).toEqual(
      expect.arrayContaining([
        'no_contact_info',
        'invalid_phone',
        'sandbox_event',
        'fold_failed',
        'card_not_known_yet',
        'several_customers',
      ]),
    );
  });

  test('every problem that is raised has a title and a remedy', () => {
    expect([...raised].filter((code) => !Object.hasOwn(PROBLEMS, code))).toEqual([]);
  });

  test('every code that is stored with a record can be said in words', () => {
    expect([...stored].filter((code) => !Object.hasOwn(PROBLEMS, code) && reasonText(code) === null)).toEqual([]);
  });

  test('every reason to leave something out can be said in words', () => {
    expect([...skipped].filter((reason) => !Object.hasOwn(SKIP_REASONS, reason))).toEqual([]);
  });

  test('a record that is skipped with a problem has both', () => {
    for (const code of ['already_linked', 'deleted_in_ghl']) {
      expect(Object.hasOwn(PROBLEMS, code) && Object.hasOwn(SKIP_REASONS, code)).toBe(true);
    }
  });

  test.each(Object.entries({ ...PROBLEMS, ...SKIP_REASONS, ...REJECTIONS }))(
    '%s is said in whole sentences',
    (_code, text) => {
      expect(text.title).toMatch(/^[A-Z].*[^.]$/);
      expect(text.remedy).toMatch(/^[A-Z][\s\S]*\.$/);
    },
  );

  test('a code of an older version gets general words instead of none', () => {
    expect(problemText('constructor').title).toBe(problemText('no_such_code').title);
    expect(problemText('no_such_code').remedy).not.toBe('');
    expect(reasonText('toString')).toBeNull();
  });
});
