import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Connection } from '../../src/domain/connection.ts';
import {
  dueOf,
  type GhlGrant,
  graceWaitMs,
  locationOfPair,
  missingScopes,
  refreshAtMs,
  SCOPES_NEEDED,
  type TokenPair,
} from '../../src/domain/ghlGrant.ts';
import { silentLogger } from '../../src/log.ts';
import { OAuthError, type OAuthCalls } from '../../src/platforms/ghl/oauthCalls.ts';
import { createTokenKeeper, type TokenVault } from '../../src/platforms/ghl/tokens.ts';
import { createLeapingClock } from '../helpers/leapingClock.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 10, 21, 9);

const grantAt = (nowMs: number, over: Partial<GhlGrant> = {}): GhlGrant => ({
  userType: 'Location',
  locationId: 'LOC1',
  companyId: 'CO1',
  accessToken: 'a0',
  expiresAtMs: nowMs + DAY,
  refreshAtMs: nowMs + DAY - HOUR / 4,
  refreshToken: 'r0',
  company: null,
  scopes: [],
  revision: 1,
  ...over,
});

const pair = (n: number, over: Partial<TokenPair> = {}): TokenPair => ({
  userType: 'Location',
  locationId: 'LOC1',
  companyId: 'CO1',
  accessToken: `a${n}`,
  refreshToken: `r${n}`,
  expiresInMs: DAY,
  scopes: [],
  approvedLocations: [],
  ...over,
});

describe('when a token is renewed', () => {
  test('10 to 20 minutes before its end, at half of its life at the earliest', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 3 * DAY }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (life, random) => {
          const early = life - refreshAtMs(0, life, random);
          expect(early).toBeLessThanOrEqual(20 * 60_000 + 1);
          expect(early).toBeLessThanOrEqual(life / 2 + 1);
          expect(early).toBeGreaterThanOrEqual(life > HOUR ? 10 * 60_000 - 1 : 0);
        },
      ),
    );
  });

  test('a token that is about to end is not sent any more', () => {
    const grant = grantAt(0);
    expect(dueOf(grant, 0)).toBe('no');
    expect(dueOf(grant, grant.refreshAtMs)).toBe('soon');
    expect(dueOf(grant, grant.expiresAtMs - 30_000)).toBe('now');
  });

  test('a lost answer is asked for again only as long as GHL still knows the token, and not for ever', () => {
    fc.assert(
      fc.property(fc.nat(8_000), (answerMs) => {
        let atMs = 0;
        let tries = 1;
        for (;;) {
          atMs += Math.min(answerMs, 6_000);
          const waitMs = graceWaitMs(tries, atMs, 6_000);
          if (waitMs === null) break;
          atMs += waitMs;
          expect(atMs + 6_000).toBeLessThanOrEqual(30_000);
          tries += 1;
        }
        expect(tries).toBeLessThanOrEqual(4);
      }),
    );
  });
});

describe('the location of a pair', () => {
  test.each([
    [{ userType: 'Location', locationId: 'A', approvedLocations: [] }, null, { locationId: 'A' }],
    [{ userType: 'Location', locationId: 'A', approvedLocations: [] }, 'A', { locationId: 'A' }],
    [{ userType: 'Location', locationId: 'A', approvedLocations: [] }, 'B', { wrong: 'other_location', got: 'A' }],
    [{ userType: 'Location', locationId: null, approvedLocations: [] }, 'B', { wrong: 'choose_location', got: null }],
    [{ userType: 'Company', locationId: null, approvedLocations: [] }, 'B', { locationId: 'B' }],
    [{ userType: 'Company', locationId: null, approvedLocations: ['A'] }, null, { locationId: 'A' }],
    [
      { userType: 'Company', locationId: null, approvedLocations: ['A', 'B'] },
      null,
      { wrong: 'choose_location', got: null },
    ],
  ] as const)('%j for a connection of %s', (given, wanted, expected) => {
    expect(locationOfPair({ ...given, approvedLocations: [...given.approvedLocations] }, wanted)).toEqual(expected);
  });

  test('missing scopes are named only when GHL says which it granted', () => {
    expect(missingScopes([])).toEqual([]);
    expect(missingScopes(SCOPES_NEEDED.slice(1))).toEqual([SCOPES_NEEDED[0]]);
  });
});

/** One database that all keepers of a test share, with the rules of the real one. */
function memoryVault(nowMs: () => number, first: GhlGrant): TokenVault & { stored: GhlGrant | null; log: string[] } {
  let lock: { holder: string; untilMs: number } | null = null;
  let rest: { untilMs: number; failure: { code: string; message: string } } | null = null;
  const vault = {
    stored: first as GhlGrant | null,
    log: [] as string[],
    read: async () => vault.stored,
    claim: async (_id: string, holder: string, refused: string | null) => {
      const grant = vault.stored;
      if (!grant) return { kind: 'none' as const };
      const still = refused === null ? dueOf(grant, nowMs()) !== 'no' : grant.accessToken === refused;
      if (!still) return { kind: 'fresh' as const, grant };
      if (lock && lock.untilMs > nowMs()) return { kind: 'busy' as const };
      if (rest && rest.untilMs > nowMs()) return { kind: 'resting' as const, ...rest };
      lock = { holder, untilMs: nowMs() + 15_000 };
      return { kind: 'yours' as const, grant };
    },
    keep: async (_id: string, holder: string) => {
      if (lock?.holder !== holder) return false;
      lock.untilMs = nowMs() + 15_000;
      return true;
    },
    put: async (_id: string, holder: string, used: GhlGrant, next: GhlGrant, done: boolean) => {
      if (done && lock?.holder === holder) lock = null;
      if (!vault.stored) throw new Error('gone');
      if (vault.stored.revision !== used.revision) return vault.stored;
      vault.stored = { ...next, revision: used.revision + 1 };
      vault.log.push(`put ${next.refreshToken}`);
      return vault.stored;
    },
    release: async (_id: string, holder: string, failure?: { code: string; message: string; restMs: number }) => {
      if (lock?.holder !== holder) return;
      lock = null;
      if (failure) rest = { untilMs: nowMs() + failure.restMs, failure };
    },
  };
  return vault;
}

describe('the token keeper', () => {
  let leap: ReturnType<typeof createLeapingClock>;
  let vault: ReturnType<typeof memoryVault>;
  let asked: string[];
  let answers: Partial<{ [K in keyof OAuthCalls]: (...args: string[]) => unknown }>;

  const lostAnswer = new OAuthError('lost', 'no answer in time');
  const invalid = new OAuthError('grant', '400 invalid_grant');

  const answer = async (name: keyof OAuthCalls, ...args: string[]): Promise<never> => {
    asked.push([name, ...args].join(' '));
    await leap.clock.sleep(50);
    const found = answers[name]?.(...args);
    if (found === undefined) throw new Error(`${name} was not expected`);
    if (found instanceof Error) throw found;
    return found as never;
  };
  const calls: OAuthCalls = {
    exchangeCode: (code) => answer('exchangeCode', code),
    refresh: (token) => answer('refresh', token),
    locationToken: (token, company, location) => answer('locationToken', token, company, location),
    reconnect: (of) => answer('reconnect', Object.values(of)[0] as string),
    close: () => undefined,
  };

  let holders = 0;
  const keeper = (given: OAuthCalls | null = calls) =>
    createTokenKeeper({
      vault,
      calls: given,
      clock: leap.clock,
      log: silentLogger,
      random: () => 0.5,
      newHolder: () => `h${(holders += 1)}`,
      reconnectUrl: (id) => `https://sync.example/oauth/install?connection=${id}`,
      timeoutMs: 6_000,
    });
  const connection = (over: Partial<Connection['ghl']> = {}) =>
    ({ id: 'north', ghl: { accessToken: null, oauth: vault.stored, ...over } }) as Connection;

  beforeEach(() => {
    leap = createLeapingClock(START);
    vault = memoryVault(() => leap.clock.nowMs(), grantAt(START - DAY));
    asked = [];
    answers = {};
  });

  const failureOf = (work: Promise<unknown>) =>
    leap.until(
      work.then(
        () => null,
        (error: Error & { code: string; class: string }) => error,
      ),
    );

  test('a Private Integration Token is sent as it is, and no other is there when it is refused', async () => {
    const pit = connection({ oauth: null, accessToken: 'pit-1' });
    expect(await keeper().tokenOf(pit)).toBe('pit-1');
    expect(await keeper().renew(pit, 'pit-1')).toBe(false);
    expect(asked).toEqual([]);
  });

  test('20 workers of two processes meet an expired token: one refresh, nobody fails, and it is stored before it is used', async () => {
    answers.refresh = () => pair(1);
    const keepers = [keeper(), keeper()];
    const given = connection();
    const tokens = await leap.until(
      Promise.all(Array.from({ length: 20 }, (_, i) => (keepers[i % 2] as (typeof keepers)[0]).tokenOf(given))),
    );
    expect(new Set(tokens)).toEqual(new Set(['a1']));
    expect(asked).toEqual(['refresh r0']);
    expect(vault.log).toEqual(['put r1']);
  });

  test('20 workers meet a refused token that should be good: one refresh, all go on', async () => {
    vault.stored = grantAt(START);
    answers.refresh = () => pair(1);
    const [one, two] = [keeper(), keeper()];
    const given = connection();
    const renewed = await leap.until(
      Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? one : two).renew(given, 'a0'))),
    );
    expect(new Set(renewed)).toEqual(new Set([true]));
    expect(await one.tokenOf(given)).toBe('a1');
    expect(await two.tokenOf(given)).toBe('a1');
    expect(asked).toEqual(['refresh r0']);
  });

  test('a token that was renewed a moment ago and is refused all the same is not renewed again', async () => {
    answers.refresh = () => pair(asked.length);
    const only = keeper();
    const given = connection();
    expect(await leap.until(only.tokenOf(given))).toBe('a1');
    expect(await only.renew(given, 'a1')).toBe(false);
    expect(asked).toHaveLength(1);
  });

  test('a lost answer is asked for again with the same token', async () => {
    answers.refresh = () => (asked.length < 3 ? lostAnswer : pair(1));
    expect(await leap.until(keeper().tokenOf(connection()))).toBe('a1');
    expect(asked).toEqual(['refresh r0', 'refresh r0', 'refresh r0']);
  });

  test('when the grace is over GHL is asked for a new code', async () => {
    answers = { refresh: () => invalid, reconnect: () => 'code-1', exchangeCode: () => pair(7) };
    expect(await leap.until(keeper().tokenOf(connection()))).toBe('a7');
    expect(asked).toEqual(['refresh r0', 'reconnect LOC1', 'exchangeCode code-1']);
  });

  test('a refused refresh token looks first whether another process has renewed it', async () => {
    answers.refresh = () => {
      vault.stored = grantAt(START, { accessToken: 'theirs', refreshToken: 'r9', revision: 9 });
      return invalid;
    };
    expect(await leap.until(keeper().tokenOf(connection()))).toBe('theirs');
    expect(asked).toEqual(['refresh r0']);
  });

  test('when GHL gives no code either, a person is asked, and nobody tries again meanwhile', async () => {
    answers = { refresh: () => invalid, reconnect: () => new OAuthError('grant', '400 API endpoint has been removed') };
    const only = keeper();
    const failure = await failureOf(only.tokenOf(connection()));
    expect(failure).toMatchObject({ code: 'ghl_reconnect_needed', class: 'auth', side: 'ghl', mayHaveLanded: false });
    expect(failure?.message).toContain('https://sync.example/oauth/install?connection=north');
    for (let i = 0; i < 50; i++) await failureOf(only.tokenOf(connection()));
    await failureOf(keeper().tokenOf(connection()));
    expect(asked).toHaveLength(2);
    await leap.advance(61_000);
    await failureOf(only.tokenOf(connection()));
    expect(asked).toHaveLength(4);
  });

  test('what a person connects anew is used at once', async () => {
    answers = { refresh: () => invalid, reconnect: () => invalid };
    const only = keeper();
    const given = connection();
    await failureOf(only.tokenOf(given));
    vault.stored = grantAt(START, { accessToken: 'new', revision: 50 });
    expect(await only.tokenOf(given)).toBe('new');
  });

  test('GHL down: the error is one in passing, and the same refresh token is tried later', async () => {
    answers.refresh = () => lostAnswer;
    const only = keeper();
    expect(await failureOf(only.tokenOf(connection()))).toMatchObject({ class: 'transient', mayHaveLanded: false });
    expect(asked).toHaveLength(4);
    await leap.advance(60_000);
    answers.refresh = () => pair(1);
    expect(await leap.until(only.tokenOf(connection()))).toBe('a1');
    expect(asked.at(-1)).toBe('refresh r0');
  });

  test('as long as the present token is good a renewal that fails harms nobody', async () => {
    vault.stored = grantAt(START, { expiresAtMs: START + 5 * 60_000, refreshAtMs: START });
    answers.refresh = () => lostAnswer;
    const only = keeper();
    expect(await leap.until(only.tokenOf(connection()))).toBe('a0');
    expect(await only.tokenOf(connection())).toBe('a0');
    expect(asked).toHaveLength(4);
  });

  test('a process that died while it renewed is taken over from, within the grace', async () => {
    answers.refresh = () => pair(1);
    const given = connection();
    await vault.claim('north', 'dead', null);
    expect(await leap.until(keeper().tokenOf(given))).toBe('a1');
    expect(leap.clock.nowMs() - START).toBeLessThan(30_000);
  });

  test('an app that GHL does not accept is no lost grant: no code is asked for', async () => {
    answers.refresh = () => new OAuthError('client', '401 Invalid client');
    expect(await failureOf(keeper().tokenOf(connection()))).toMatchObject({
      code: 'ghl_client_rejected',
      class: 'auth',
    });
    expect(await failureOf(keeper(null).tokenOf(connection()))).toMatchObject({ code: 'ghl_client_rejected' });
    expect(asked).toEqual(['refresh r0']);
  });

  describe("with an agency's grant", () => {
    const company = (over: Partial<GhlGrant> = {}) =>
      grantAt(START - DAY, {
        userType: 'Company',
        company: { accessToken: 'c0', expiresAtMs: START + HOUR },
        ...over,
      });
    const locationToken = (n: number) => ({ accessToken: `l${n}`, expiresInMs: DAY, scopes: [] });

    test("the location's token is exchanged for the agency's while that one is good", async () => {
      vault.stored = company();
      answers.locationToken = () => locationToken(1);
      expect(await leap.until(keeper().tokenOf(connection()))).toBe('l1');
      expect(asked).toEqual(['locationToken c0 CO1 LOC1']);
      expect(vault.stored).toMatchObject({ refreshToken: 'r0', company: { accessToken: 'c0' } });
    });

    test("the agency's new pair is stored before it is used", async () => {
      vault.stored = company({ company: { accessToken: 'c0', expiresAtMs: START } });
      answers.refresh = () => pair(1, { userType: 'Company', locationId: null, accessToken: 'c1' });
      answers.locationToken = () => {
        expect(vault.stored).toMatchObject({ refreshToken: 'r1', company: { accessToken: 'c1' } });
        return locationToken(2);
      };
      expect(await leap.until(keeper().tokenOf(connection()))).toBe('l2');
      expect(asked).toEqual(['refresh r0', 'locationToken c1 CO1 LOC1']);
    });

    test('a refused agency token is renewed, a refused location ends with a person', async () => {
      vault.stored = company();
      answers.refresh = () => pair(1, { userType: 'Company', locationId: null, accessToken: 'c1' });
      answers.locationToken = () => invalid;
      expect(await failureOf(keeper().tokenOf(connection()))).toMatchObject({ code: 'ghl_reconnect_needed' });
      expect(asked).toEqual(['locationToken c0 CO1 LOC1', 'refresh r0', 'locationToken c1 CO1 LOC1']);
      expect(vault.stored).toMatchObject({ refreshToken: 'r1' });
    });
  });
});
