import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { grantOfPair } from '../../src/domain/ghlGrant.ts';
import { silentLogger } from '../../src/log.ts';
import { createOAuthCalls } from '../../src/platforms/ghl/oauthCalls.ts';
import { createGhlSimulator } from '../../src/simulators/ghl/index.ts';
import { createConnectionStore } from '../../src/store/connections.ts';
import { createSecretBox } from '../../src/store/secrets.ts';
import { openStore } from '../../src/store/store.ts';
import { databases } from '../helpers/databases.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { LOCATION, startTestApp, type TestApp, type TestAppOptions } from '../helpers/testApp.ts';

const HOUR = 3_600_000;
const INSTALL_URL = 'https://app.whitelabel.example/v2/oauth/chooselocation';
const PUBLIC_URL = 'https://sync.example.com';
const CLIENT = { clientId: 'simapp-1', clientSecret: 'sim-client-secret' };
const TOKEN = 'admin-7f3b9d2e5c';

let t: TestApp;
let clock: ReturnType<typeof movableClock>;
afterEach(async () => {
  await t?.stop();
  t = undefined as unknown as TestApp;
});

/** The service with an app at the marketplace and no Private Integration Token. */
async function start(options: TestAppOptions = {}): Promise<void> {
  clock = movableClock();
  t = await startTestApp({
    ...options,
    env: {
      GHL_ACCESS_TOKEN: '',
      GHL_CLIENT_ID: CLIENT.clientId,
      GHL_CLIENT_SECRET: CLIENT.clientSecret,
      GHL_INSTALL_URL: INSTALL_URL,
      PUBLIC_URL,
      ...options.env,
    },
    overrides: { clock },
    ghl: { now: () => clock.nowMs(), ...options.ghl },
  });
}

const basic = (password: string) => `Basic ${Buffer.from(`anna:${password}`).toString('base64')}`;

const install = (connection: string, authorization: string | null = basic(TOKEN)) =>
  fetch(`${t.url}/oauth/install?connection=${connection}`, {
    redirect: 'manual',
    headers: authorization === null ? {} : { authorization },
  });

async function stateFor(connection = 'default'): Promise<string> {
  const answer = await install(connection);
  return new URL(answer.headers.get('location') ?? '').searchParams.get('state') ?? '';
}

async function callback(query: Record<string, string>): Promise<{ status: number; code: string; page: string }> {
  const answer = await fetch(`${t.url}/oauth/callback?${new URLSearchParams(query).toString()}`);
  const page = await answer.text();
  return { status: answer.status, code: /data-code="(\w+)"/.exec(page)?.[1] ?? '', page };
}

/** The whole way of a browser: install, choose, come back. */
const connect = async (
  connection = 'default',
  grant: Parameters<TestApp['ghl']['oauth']['issueCode']>[0] = { locationId: LOCATION },
) => callback({ state: await stateFor(connection), code: t.ghl.oauth.issueCode(grant) });

const tokenCalls = (grantType: string) =>
  t.ghl.journal.filter(
    ({ path, body }) => path === '/oauth/token' && (body as { grant_type?: string }).grant_type === grantType,
  ).length;

const person = (n: number) => ({
  event_type: 'CardInstalledEvent',
  event_id: `e${n}-${clock.nowMs()}`,
  timestamp: Math.floor(clock.nowMs() / 1000),
  customer_id: `cus-${n}`,
  card_id: `card-${n}`,
  email: `person${n}@example.com`,
  first_name: `P${n}`,
  balance: 10,
});

const grant = async (id = 'default') => (await t.app.connections.get(id))?.ghl.oauth ?? null;

async function openProblems(): Promise<{ code: string; sample: Record<string, unknown>; connection: string }[]> {
  const { body } = await t.api('/problems?state=open');
  return body.items as never;
}

describe('connecting', () => {
  test('a person who may is sent to choose the location, and comes back connected', async () => {
    await start();
    expect((await install('default', null)).status).toBe(401);
    expect((await install('default', basic('wrong'))).status).toBe(401);
    const sent = await install('default');
    expect(sent.status).toBe(302);
    const location = new URL(sent.headers.get('location') ?? '');
    expect(`${location.origin}${location.pathname}`).toBe(INSTALL_URL);
    expect(Object.fromEntries(location.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'simapp-1',
      version_id: 'simapp',
      redirect_uri: `${PUBLIC_URL}/oauth/callback`,
      scope: expect.stringContaining('contacts.readonly contacts.write locations.readonly'),
      state: expect.stringMatching(/^[\w-]{43}$/),
    });
    const back = await callback({
      state: location.searchParams.get('state') ?? '',
      code: t.ghl.oauth.issueCode({ locationId: LOCATION }),
    });
    expect([back.status, back.code]).toEqual([200, 'connected']);
    await t.deliver(person(1));
    expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 1 });
    const stored = await t.app.store.db.select().from(t.app.store.s.connections);
    const { accessToken, refreshToken } = (await grant()) ?? {};
    expect(accessToken).toMatch(/^oauth-/);
    expect(JSON.stringify(stored)).not.toContain(accessToken);
    expect(JSON.stringify(stored)).not.toContain(refreshToken);
    expect((await t.api('/connections/default')).body.secretsSet).toContain('ghlOAuth');
    await t.restart();
    await t.deliver(person(2));
    expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 1 });
    expect(await grant()).toMatchObject({ accessToken, refreshToken });
  });

  test('an unknown connection, or an app without credentials, is said on a page', async () => {
    await start();
    expect((await install('nowhere')).status).toBe(404);
    await t.stop();
    await start({ env: { GHL_CLIENT_ID: '', GHL_CLIENT_SECRET: '', GHL_ACCESS_TOKEN: 'pit-5f2c' } });
    const page = await install('default');
    expect(page.status).toBe(409);
    expect(await page.text()).toContain('GHL_CLIENT_ID');
  });

  test('a token in the environment would come back at the next start: it has to go first', async () => {
    await start({ env: { GHL_ACCESS_TOKEN: 'pit-5f2c' } });
    const page = await install('default');
    expect(page.status).toBe(409);
    expect(await page.text()).toContain('take it out of the environment');
  });

  test('a state works once, for ten minutes, and only if it was made here', async () => {
    await start();
    const code = () => t.ghl.oauth.issueCode({ locationId: LOCATION });
    expect((await callback({ state: 'x'.repeat(43), code: code() })).code).toBe('oauth_state_unknown');
    expect((await callback({ code: code() })).code).toBe('oauth_state_missing');
    expect((await callback({})).code).toBe('oauth_nothing');
    expect((await callback({ error: 'access_denied', state: await stateFor() })).code).toBe('oauth_denied');
    const late = await stateFor();
    clock.ahead(10 * 60_000 + 1);
    expect((await callback({ state: late, code: code() })).code).toBe('oauth_state_expired');
    const state = await stateFor();
    expect((await callback({ state, code: code() })).status).toBe(200);
    const before = await grant();
    const again = await callback({ state, code: code() });
    expect([again.status, again.code]).toEqual([400, 'oauth_state_used']);
    expect(again.page).toContain('/oauth/install?connection=default');
    expect(await grant()).toEqual(before);
  });

  test('two returns with one state at the same time: one connects', async () => {
    await start();
    const state = await stateFor();
    const returns = Array.from({ length: 5 }, () =>
      callback({ state, code: t.ghl.oauth.issueCode({ locationId: LOCATION }) }),
    );
    const statuses = (await Promise.all(returns)).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 400, 400, 400, 400]);
  });

  test('a code that GHL refuses, and a GHL that does not answer, change nothing', async () => {
    await start();
    expect(await callback({ state: await stateFor(), code: 'made-up' })).toMatchObject({
      status: 409,
      code: 'oauth_refused',
    });
    t.ghl.faults.add({ kind: 'status', status: 502, path: '/oauth/token', times: 1 });
    expect(await connect()).toMatchObject({ status: 502, code: 'oauth_lost' });
    expect(await grant()).toBeNull();
  });

  test('another location than that of the connection is refused; an empty one is filled in', async () => {
    await start({
      ghl: {
        locations: [
          { id: LOCATION, tokens: [], companyId: 'CO1' },
          { id: 'LOC2', tokens: [], companyId: 'CO1' },
        ],
      },
    });
    const refused = await connect('default', { locationId: 'LOC2' });
    expect(refused).toMatchObject({ status: 409, code: 'oauth_other_location' });
    expect(refused.page).toContain('LOC2');
    expect(await grant()).toBeNull();
    await t.app.connections.create('north', {}, 'test');
    expect((await connect('north', { locationId: 'LOC2' })).status).toBe(200);
    expect((await t.app.connections.get('north'))?.ghl.locationId).toBe('LOC2');
    await t.app.connections.create('south', {}, 'test');
    expect(await connect('south', { locationId: 'LOC2' })).toMatchObject({ status: 409, code: 'location_taken' });
  });

  test("an agency's token is exchanged for that of the location", async () => {
    await start({ ghl: { locations: [{ id: LOCATION, tokens: [], companyId: 'CO1' }] } });
    expect((await connect('default', { companyId: 'CO1' })).status).toBe(200);
    expect(await grant()).toMatchObject({ userType: 'Company', locationId: LOCATION, companyId: 'CO1' });
    await t.deliver(person(1));
    expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 1 });
    clock.ahead(25 * HOUR);
    await t.deliver(person(2));
    expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 1 });
    expect(tokenCalls('refresh_token')).toBe(1);
    await t.app.connections.create('east', {}, 'test');
    expect(await connect('east', { companyId: 'CO1' })).toMatchObject({ code: 'oauth_choose_location' });
  });

  test('the token that was set last counts: OAuth drops a private one, a private one drops OAuth', async () => {
    await start();
    await t.app.connections.patch('default', { ghlAccessToken: 'pit-first' }, 'test');
    expect((await connect()).status).toBe(200);
    expect((await t.app.connections.get('default'))?.ghl).toMatchObject({ accessToken: null, oauth: {} });
    await t.app.connections.patch('default', { ghlAccessToken: 'pit-5f2c' }, 'test');
    expect((await t.app.connections.get('default'))?.ghl).toMatchObject({ accessToken: 'pit-5f2c', oauth: null });
    await t.deliver(person(1));
    expect(await t.run()).toMatchObject({ status: 'completed' });
    const audit = await t.app.store.db.select().from(t.app.store.s.syncAuditLogs);
    expect(audit.map(({ actor }) => actor)).toContain('oauth');
    expect(JSON.stringify(audit)).not.toMatch(/oauth-[\w-]{20}|refresh-[\w-]{20}|pit-5f2c/);
  });
});

describe('renewing', () => {
  test('many people meet an expired token: one refresh, nobody fails', async () => {
    await start();
    await connect();
    clock.ahead(25 * HOUR);
    for (let n = 0; n < 20; n++) await t.deliver(person(n));
    expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 20, failedCount: 0 });
    expect(tokenCalls('refresh_token')).toBe(1);
  });

  test('a token that GHL revoked is renewed in the middle of a run', async () => {
    await start();
    await connect();
    t.ghl.oauth.revoke((await grant())?.accessToken ?? '');
    await t.deliver(person(1));
    expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 1 });
    expect(tokenCalls('refresh_token')).toBe(1);
  });

  test('it is renewed early, before anybody is refused', async () => {
    await start();
    await connect();
    clock.ahead(24 * HOUR - 5 * 60_000);
    await t.deliver(person(1));
    await t.run();
    expect(tokenCalls('refresh_token')).toBe(1);
    expect(t.ghl.journal.filter(({ status }) => status === 401)).toEqual([]);
  });

  test('a refresh whose answer was lost is recovered within the grace', async () => {
    await start();
    await connect();
    clock.ahead(25 * HOUR);
    t.ghl.faults.add({ kind: 'reset_after', path: '/oauth/token', times: 1 });
    await t.deliver(person(1));
    expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 1 });
    expect(tokenCalls('refresh_token')).toBe(2);
  });

  test('a process that ended with the answer in its hands: the next one asks again, or for a new code', async () => {
    await start();
    await connect();
    const old = (await grant())?.refreshToken ?? '';
    const used = await fetch(`${t.ghl.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        grant_type: 'refresh_token',
        refresh_token: old,
      }),
    });
    expect(used.status).toBe(200);
    clock.ahead(25 * HOUR);
    await t.deliver(person(1));
    expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 1 });
    expect(t.ghl.callCount({ path: '/oauth/reconnect' })).toBe(1);
    expect((await grant())?.refreshToken).not.toBe(old);
  });

  test('when only a person can help GHL is paused with a link, nothing is lost, and connecting anew goes on', async () => {
    await start();
    await connect();
    t.ghl.oauth.revokeLocation(LOCATION);
    const removed = { statusCode: 400, message: 'API endpoint has been removed', error: 'Bad Request' };
    t.ghl.faults.add({ kind: 'status', status: 400, path: '/oauth/reconnect', body: removed });
    for (let n = 0; n < 5; n++) await t.deliver(person(n));
    const run = await t.run();
    expect(run).toMatchObject({ status: 'failed', failedCount: 0 });
    const [problem] = await openProblems();
    expect(problem).toMatchObject({ code: 'ghl_reconnect_needed', connection: 'default' });
    expect(problem?.sample.message).toContain(`${PUBLIC_URL}/oauth/install?connection=default`);
    await t.run();
    await t.run();
    expect(tokenCalls('refresh_token')).toBe(1);
    expect((await connect()).status).toBe(200);
    expect(await openProblems()).toEqual([]);
    expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 5 });
  });

  test('an app that GHL does not accept is told from a lost grant', async () => {
    await start();
    await connect();
    const client = {
      statusCode: 401,
      message: 'Invalid client: client_id or client_secret is invalid',
      error: 'Unauthorized',
    };
    t.ghl.faults.add({ kind: 'status', status: 401, path: '/oauth/token', body: client });
    clock.ahead(25 * HOUR);
    await t.deliver(person(1));
    await t.run();
    expect(await openProblems()).toMatchObject([{ code: 'ghl_client_rejected' }]);
    t.ghl.faults.clear();
    clock.ahead(16 * 60_000);
    expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 1 });
    expect(await openProblems()).toEqual([]);
  });

  test.each([
    ['ghl_wrong_location', 403, 'The token does not have access to this location.'],
    ['ghl_location_inactive', 400, 'Location is not active'],
    ['ghl_scope_missing', 401, 'The token is not allowed to access this scope.'],
  ])('%s: the side is paused with words of its own, and nobody refreshes in circles', async (code, status, message) => {
    await start();
    await connect();
    t.ghl.faults.add({ kind: 'status', status, path: '/contacts', body: { statusCode: status, message } });
    await t.deliver(person(1));
    await t.run();
    expect(await openProblems()).toMatchObject([{ code }]);
    expect(tokenCalls('refresh_token')).toBe(0);
    t.ghl.faults.clear();
    expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 1 });
    expect(await openProblems()).toEqual([]);
  });
});

describe('two processes on one database', () => {
  const box = createSecretBox([{ version: 1, key: Buffer.alloc(32, 7) }]);
  const entry = fileURLToPath(new URL('../helpers/tokenProcess.ts', import.meta.url));
  const quickImports = new URL('../../src/quickImports.ts', import.meta.url).href;
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  async function startProcess(databaseUrl: string, apiBaseUrl: string) {
    const child = spawn(process.execPath, ['--no-warnings', '--import', quickImports, entry, databaseUrl, apiBaseUrl], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(child);
    const line = async () => String(((await once(child.stdout, 'data')) as [Buffer])[0]).trim();
    expect(await line()).toBe('ready');
    return async () => {
      const said = line();
      child.stdin.write('go\n');
      return JSON.parse(await said) as string[];
    };
  }

  test.each(Object.entries(databases))(
    '%s: 20 workers meet an expired token: one refresh, nobody fails',
    async (_name, newDatabase) => {
      const ghl = createGhlSimulator({ journal: true, rateLimit: false, locations: [{ id: LOCATION, tokens: [] }] });
      const apiBaseUrl = await ghl.start();
      const url = await newDatabase();
      const store = await openStore(url, systemClock);
      const calls = createOAuthCalls({ apiBaseUrl, ...CLIENT }, { clock: systemClock, log: silentLogger });
      try {
        const pair = await calls.exchangeCode(ghl.oauth.issueCode({ locationId: LOCATION }), null, 'Location');
        ghl.oauth.revoke(pair.accessToken);
        const expired = grantOfPair({ ...pair, expiresInMs: -1000 }, LOCATION, {
          nowMs: systemClock.nowMs(),
          random: 0,
        });
        const patch = { ghlLocationId: LOCATION, ghlApiBaseUrl: apiBaseUrl, ghlOAuth: { ...expired, revision: 1 } };
        const connections = createConnectionStore(store, box);
        await connections.create('north', patch, 'test');
        const processes = await Promise.all([startProcess(url, apiBaseUrl), startProcess(url, apiBaseUrl)]);
        const got = await Promise.all(processes.map((go) => go()));
        expect(got.flat()).toEqual(Array.from({ length: 20 }, () => 'ok'));
        const tokenRequests = ghl.journal.filter(({ path }) => path === '/oauth/token');
        expect(tokenRequests.map(({ status }) => status)).toEqual([200, 200]);
        expect((await connections.get('north'))?.ghl.oauth?.refreshToken).not.toBe(pair.refreshToken);
      } finally {
        calls.close();
        await store.close();
        await ghl.stop();
      }
    },
    // Two processes start, on a machine that may be busy.
    90_000,
  );
});

describe('an installation that was started at the marketplace', () => {
  const locations = [
    { id: LOCATION, tokens: [], companyId: 'CO1' },
    { id: 'LOC-new', tokens: [], companyId: 'CO1' },
  ];
  const pending = () => t.app.connections.get('ghl-LOC-new');
  const until = async (true_: () => Promise<boolean>) => {
    for (let i = 0; i < 60 && !(await true_()); i++) await clock.sleep(50);
  };
  const installs = async () => {
    await t.ghl.flushWebhooks();
    const { body } = await t.api('/events?source=ghl');
    return (body.items as { type: string; status: string; reason: string | null; connection: string | null }[])
      .filter(({ type }) => type === 'INSTALL')
      .map(({ status, reason, connection }) => [status.toLowerCase(), reason, connection]);
  };

  test('a new location becomes a paused connection with a problem; a person completes it', async () => {
    await start({ ghl: { locations } });
    t.ghl.sendAppEvent('INSTALL', 'LOC-new');
    t.ghl.sendAppEvent('INSTALL', 'LOC-new');
    await t.ghl.flushWebhooks();
    await until(async () => (await pending()) !== null && (await installs()).every(([status]) => status === 'folded'));
    expect(await pending()).toMatchObject({
      mode: 'observe',
      state: 'paused',
      reason: expect.stringContaining('finish setting it up'),
      ghl: { locationId: 'LOC-new', oauth: null },
    });
    expect(await openProblems()).toMatchObject([{ code: 'connection_pending', connection: 'ghl-LOC-new' }]);
    expect((await t.app.connections.all()).map(({ id }) => id).toSorted()).toEqual(['default', 'ghl-LOC-new']);
    expect((await connect('ghl-LOC-new', { locationId: 'LOC-new' })).page).toContain('is paused');
    expect((await t.api('/connections/ghl-LOC-new/resume', {})).status).toBe(200);
    expect(await openProblems()).toEqual([]);
    expect(await pending()).toMatchObject({
      state: 'ready',
      mode: 'observe',
      ghl: { oauth: { locationId: 'LOC-new' } },
    });
  });

  test("another app's installation makes none", async () => {
    await start({ ghl: { locations }, env: { GHL_CLIENT_ID: 'ours-1', GHL_CLIENT_SECRET: 's' } });
    t.ghl.sendAppEvent('INSTALL', 'LOC-new');
    await t.ghl.flushWebhooks();
    await until(async () => (await installs()).some(([status]) => status === 'skipped'));
    expect(await installs()).toEqual([['skipped', 'other_app', null]]);
    expect(await pending()).toBeNull();
  });

  test('installed again after it was taken out: GHL is asked again by the next run', async () => {
    await start({ ghl: { locations } });
    await connect();
    t.ghl.sendAppEvent('UNINSTALL', LOCATION);
    await t.ghl.flushWebhooks();
    await t.deliver(person(1));
    t.ghl.faults.add({
      kind: 'status',
      status: 400,
      path: '/oauth/reconnect',
      body: { statusCode: 400, message: 'no' },
    });
    clock.ahead(16 * 60_000);
    await t.run();
    expect(await openProblems()).toMatchObject([{ code: 'ghl_reconnect_needed' }]);
    t.ghl.faults.clear();
    clock.ahead(2 * 60_000);
    t.ghl.sendAppEvent('INSTALL', LOCATION);
    await t.ghl.flushWebhooks();
    await until(async () => (await openProblems()).length === 0);
    expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 1 });
  });
});
