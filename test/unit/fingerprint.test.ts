import { describe, expect, test } from '@jest/globals';
import {
  fingerprintOf,
  fingerprintReason,
  fingerprintVerdict,
  mergedFingerprint,
} from '../../src/domain/fingerprint.ts';

const at = (ghlLocationId: string | null, stickyAccount: string | null) => ({ ghlLocationId, stickyAccount });

describe('fingerprintVerdict', () => {
  test.each([
    ['nothing stored yet', null, at('loc1', 'a'), { kind: 'first' }],
    ['nothing stored and nothing known', null, at(null, null), { kind: 'first' }],
    ['equal', at('loc1', 'a'), at('loc1', 'a'), { kind: 'same' }],
    ['one side was not known before', at('loc1', null), at('loc1', 'a'), { kind: 'first' }],
    ['one side is not set today', at('loc1', 'a'), at('loc1', null), { kind: 'same' }],
    ['another location', at('loc1', 'a'), at('loc2', 'a'), { kind: 'changed', parts: ['ghlLocationId'] }],
    ['another account', at('loc1', 'a'), at('loc1', 'b'), { kind: 'changed', parts: ['stickyAccount'] }],
    ['both', at('loc1', 'a'), at('loc2', 'b'), { kind: 'changed', parts: ['ghlLocationId', 'stickyAccount'] }],
    ['learned one, changed the other', at(null, 'a'), at('loc1', 'b'), { kind: 'changed', parts: ['stickyAccount'] }],
  ] as const)('%s', (_name, stored, now, verdict) => {
    expect(fingerprintVerdict(stored, now)).toEqual(verdict);
  });

  test('a side that was taken out for a day and comes back as another one is a change', () => {
    const kept = mergedFingerprint(at('loc1', 'a'), at(null, 'a'));
    expect(fingerprintVerdict(kept, at('loc2', 'a'))).toEqual({ kind: 'changed', parts: ['ghlLocationId'] });
  });
});

describe('fingerprintOf', () => {
  const side = (apiBaseUrl: string | null, apiKey: string | null, workspace: string | null = null) =>
    fingerprintOf(
      { ghl: { locationId: 'loc1' }, stickyCards: { apiBaseUrl, apiKey, workspace } } as never,
      (key) => `mark-of-${key.length}`,
    ).stickyAccount;

  test('the account is its workspace, whatever key and host', () => {
    expect(side('https://a.example', 'key', 'ws1')).toBe(side('https://b.example', 'another key', 'ws1'));
  });
  test('without a workspace another host or another key is another account; the path is not', () => {
    const one = side('https://a.example/v1', 'key');
    expect(side('https://b.example/v1', 'key')).not.toBe(one);
    expect(side('https://a.example/v1', 'another key')).not.toBe(one);
    expect(side('https://a.example/v2', 'key')).toBe(one);
  });
  test('no key, no account', () => {
    expect(side('https://a.example', null)).toBeNull();
    expect(side(null, 'key')).toBeNull();
  });
});

test('the reason is one line that names the part, the connection and the ways on', () => {
  const reason = fingerprintReason('north', ['ghlLocationId']);
  expect(reason).not.toContain('\n');
  expect(reason).toContain('the GHL location');
  expect(reason).toContain('rebind north');
  expect(reason).toContain('--keep-links');
});
