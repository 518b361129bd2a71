import { expect, test } from '@jest/globals';
import { type Explained, explain } from '../../src/dashboard/explain.ts';
import type { ProblemRow } from '../../src/store/problems.ts';

const at = new Date('2026-03-20T15:00:00Z');
const connection = { id: 'north', mode: 'live', state: 'ready', reason: null, pausedDirections: [] } as const;
const customer = { syncStatus: 'SYNCED', syncError: null, nextAttemptAt: null, paused: false } as const;
const problem = (code: string, state: ProblemRow['state'] = 'open') => ({ id: 'prb_1', code, state }) as ProblemRow;

const titles = (over: Partial<{ [K in keyof Explained]: unknown }> = {}) =>
  explain({
    connection: { ...connection, pausedDirections: [] },
    customer,
    problems: [],
    stopped: null,
    ...over,
  } as Explained).map(({ tone, title }) => `${tone}: ${title}`);

test('nobody in the way, nothing said', () => expect(titles()).toEqual([]));

test('the widest reason comes first', () => {
  expect(
    titles({
      stopped: 'SYNC_PAUSED is on',
      connection: { ...connection, pausedDirections: ['stickycards_to_ghl'] },
      customer: { ...customer, paused: true },
      problems: [problem('field_wrong_type')],
    }),
  ).toEqual([
    'warn: Everything is paused',
    'warn: Writing to GHL is paused for the connection north',
    'warn: This customer is paused',
    'bad: A custom field in GHL has the wrong type',
  ]);
});

test('observing and pointing elsewhere explain everything below them', () => {
  expect(titles({ connection: { ...connection, mode: 'observe', state: 'paused' } })).toEqual([
    'info: The connection north only observes',
  ]);
  expect(titles({ connection: { ...connection, state: 'fingerprint', reason: 'another account' } })).toEqual([
    'warn: The connection north is paused',
  ]);
});

test('a failure and its problem are one finding, with what the other side said', () => {
  const syncError = { class: 'validation', code: 'validation', message: '422 no such option' };
  const failing = { ...customer, syncStatus: 'FAILED', syncError } as const;
  const [finding, ...more] = explain({
    connection: { ...connection, pausedDirections: [] },
    customer: failing,
    problems: [problem('record_failed')],
    stopped: null,
  });
  expect(more).toEqual([]);
  expect(finding).toMatchObject({ detail: '422 no such option', problem: { id: 'prb_1' } });
  expect(titles({ customer: failing })).toEqual(['bad: Customers could not be written to GHL and wait for you']);
});

test('what is tried again by itself says when', () => {
  const syncError = { class: 'transient', code: 'http_503', message: 'GHL did not answer' };
  const [finding] = explain({
    connection: { ...connection, pausedDirections: [] },
    customer: { syncStatus: 'PENDING', syncError, nextAttemptAt: at, paused: false },
    problems: [],
    stopped: null,
  });
  expect(finding).toMatchObject({ tone: 'warn', nextAttemptAt: at, remedy: expect.stringContaining('by itself') });
});

test('who is left out on purpose is told why, and what would change it', () => {
  const syncError = {
    class: 'skipped',
    code: 'no_contact_info',
    message: 'the customer has neither a phone nor an e-mail',
  };
  const [finding] = explain({
    connection: { ...connection, pausedDirections: [] },
    customer: { ...customer, syncStatus: 'SKIPPED', syncError },
    problems: [],
    stopped: null,
  });
  expect(finding).toMatchObject({
    tone: 'mute',
    detail: null,
    remedy: expect.stringContaining('Add one in Sticky Cards'),
  });
});
