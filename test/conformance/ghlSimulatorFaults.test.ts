import { describe, expect, test } from '@jest/globals';
import { useGhlSimulator } from './ghlSimulatorClient.ts';

const gh = useGhlSimulator();
const call = gh.call.bind(gh);
const create = (fields: object = {}) => call('POST', '/contacts/', { locationId: 'LOC1', ...fields });
const names = () => gh.sim.state.contacts('LOC1').map((contact) => contact.firstName);

describe('faults on request', () => {
  test('a status, for so many calls, every n-th call, on one path', async () => {
    gh.sim.faults.add({ kind: 'status', path: /^\/contacts/, method: 'post', status: 503, times: 1, every: 2 });
    const statuses = [];
    for (const firstName of ['A', 'B', 'C', 'D']) statuses.push((await create({ firstName })).status);
    expect(statuses).toEqual([201, 503, 201, 201]);
    expect(names()).toEqual(['A', 'C', 'D']);
    expect((await call('GET', '/locations/LOC1')).status).toBe(200);
    expect(gh.sim.callCount({ method: 'POST', path: '/contacts', status: 201 })).toBe(3);
  });

  test('a given body and headers', async () => {
    gh.sim.faults.add({ kind: 'status', status: 429, body: { message: 'slow' }, headers: { 'Retry-After': '7' } });
    const { status, body, headers } = await create();
    expect([status, body.message, headers.get('retry-after')]).toEqual([429, 'slow', '7']);
    gh.sim.faults.clear();
    expect((await create()).status).toBe(201);
  });

  test('an HTML page instead of JSON', async () => {
    gh.sim.faults.add({ kind: 'html', times: 1 });
    const { status, headers } = await create();
    expect([status, headers.get('content-type')]).toEqual([502, 'text/html; charset=utf-8']);
  });

  test('a reset before changes nothing, a reset after loses only the answer', async () => {
    gh.sim.faults.add({ kind: 'reset_before', times: 1 });
    await expect(create({ firstName: 'Before' })).rejects.toThrow('fetch failed');
    gh.sim.faults.add({ kind: 'reset_after', times: 1 });
    await expect(create({ firstName: 'After' })).rejects.toThrow('fetch failed');
    expect(names()).toEqual(['After']);
    expect(gh.sim.journal.map(({ status }) => status)).toEqual([0, 0]);
  });

  test('no answer at all, with and without the change', async () => {
    for (const kind of ['timeout', 'timeout_after'] as const) {
      gh.sim.faults.add({ kind, times: 1 });
      const abort = AbortSignal.timeout(150);
      const asked = fetch(`${gh.sim.url}/contacts/`, {
        method: 'POST',
        headers: { authorization: 'Bearer token-1', version: '2021-07-28', 'content-type': 'application/json' },
        body: JSON.stringify({ locationId: 'LOC1', firstName: kind }),
        signal: abort,
      });
      await expect(asked).rejects.toThrow('aborted due to timeout');
    }
    expect(names()).toEqual(['timeout_after']);
  });

  test('a delay', async () => {
    gh.sim.faults.add({ kind: 'delay', delayMs: 60, times: 1 });
    const before = performance.now();
    expect((await create()).status).toBe(201);
    expect(performance.now() - before).toBeGreaterThan(50);
  });

  test('being down for a while: nothing is lost', async () => {
    await create({ firstName: 'Before' });
    const port = Number(new URL(gh.sim.url).port);
    await gh.sim.stop();
    await expect(create({ firstName: 'Meanwhile' })).rejects.toThrow('fetch failed');
    await gh.sim.start(port);
    expect((await create({ firstName: 'After' })).status).toBe(201);
    expect(names()).toEqual(['Before', 'After']);
  });

  test('only where the body says so', async () => {
    gh.sim.faults.add({ kind: 'status', status: 500, when: ({ body }) => 'phone' in (body as object) });
    expect((await create({ firstName: 'A' })).status).toBe(201);
    expect((await create({ phone: '+14155550100' })).status).toBe(500);
  });
});

describe('OAuth', () => {
  const token = (form: Record<string, string>) =>
    call(
      'POST',
      '/oauth/token',
      new URLSearchParams({ client_id: 'simapp-1', client_secret: 'sim-client-secret', ...form }),
      {
        'content-type': 'application/x-www-form-urlencoded',
      },
    );
  const refresh = (refreshToken: string) => token({ grant_type: 'refresh_token', refresh_token: refreshToken });
  const statusWith = async (accessToken: string) =>
    (await call('GET', '/locations/LOC1', undefined, { authorization: `Bearer ${accessToken}` })).status;

  test('a code works once, its token for a day', async () => {
    const code = gh.sim.oauth.issueCode({ locationId: 'LOC1' });
    const { status, body } = await token({ grant_type: 'authorization_code', code });
    expect([status, body.userType, body.locationId, body.expires_in]).toEqual([200, 'Location', 'LOC1', 86_399]);
    expect((await token({ grant_type: 'authorization_code', code })).status).toBe(400);
    expect(await statusWith(body.access_token)).toBe(200);
    gh.clock.ms += 86_400_000;
    expect(await statusWith(body.access_token)).toBe(401);
  });

  test('a refresh token is good for one pair: again within the grace, never after', async () => {
    const code = gh.sim.oauth.issueCode({ locationId: 'LOC1' });
    const first = (await token({ grant_type: 'authorization_code', code })).body;
    const second = (await refresh(first.refresh_token)).body;
    expect((await refresh(first.refresh_token)).body.refresh_token).toBe(second.refresh_token);
    gh.clock.ms += 30_000;
    const late = await refresh(first.refresh_token);
    expect([late.status, late.body.message]).toEqual([400, 'invalid_grant: this refresh token is invalid']);
    expect((await refresh(second.refresh_token)).status).toBe(200);
    gh.sim.oauth.revokeLocation('LOC1');
    expect(await statusWith(second.access_token)).toBe(401);
    expect(await statusWith('token-1')).toBe(200);
  });

  test('an agency token is exchanged for that of a location of its own', async () => {
    const code = gh.sim.oauth.issueCode({ companyId: 'CO1' });
    const agency = (await token({ grant_type: 'authorization_code', code })).body;
    expect(agency.userType).toBe('Company');
    const authorization = `Bearer ${agency.access_token}`;
    const exchange = (locationId: string) =>
      call('POST', '/oauth/locationToken', new URLSearchParams({ companyId: 'CO1', locationId }), {
        authorization,
        'content-type': 'application/x-www-form-urlencoded',
      });
    expect(await statusWith((await exchange('LOC1')).body.access_token)).toBe(200);
    expect((await exchange('LOC2')).status).toBe(403);
    const search = { locationId: 'LOC1', pageLimit: 1 };
    expect((await call('POST', '/contacts/search', search, { authorization })).status).toBe(403);
    const installed = await call('GET', '/oauth/installedLocations?companyId=CO1&appId=simapp', undefined, {
      authorization,
    });
    expect(installed.body.locations).toMatchObject([{ _id: 'LOC1' }]);
  });

  test('lost tokens are replaced by a new code', async () => {
    const body = { clientKey: 'simapp-1', clientSecret: 'sim-client-secret', locationId: 'LOC1' };
    const { authorizationCode } = (await call('POST', '/oauth/reconnect', body)).body;
    expect((await token({ grant_type: 'authorization_code', code: authorizationCode })).status).toBe(200);
    expect((await token({ grant_type: 'authorization_code', code: '', client_secret: 'x' })).status).toBe(401);
  });
});

describe('the control API', () => {
  test('contacts are listed, made, edited, merged and deleted, off the rate limit and the journal', async () => {
    await gh.restart({ rateLimit: { max: 1, intervalMs: 10_000, daily: 1 } });
    gh.sim.ui.addCustomField('LOC1', { name: 'Points', dataType: 'NUMERICAL' });
    const made = await call('POST', '/__sim/contacts', { firstName: 'Ann', email: 'ann@example.com', tags: ['VIP'] });
    expect(made.status).toBe(201);
    const edited = await call('PATCH', `/__sim/contacts/${made.body.id}`, {
      customFields: { points: 7 },
      addTags: ['b'],
      removeTags: ['vip'],
      dnd: true,
    });
    expect(edited.body).toMatchObject({ tags: ['b'], customFields: { points: 7 }, dnd: true });
    const other = await call('POST', '/__sim/contacts', { firstName: 'Bob' });
    await call('POST', `/__sim/contacts/${made.body.id}/merge`, { loserId: other.body.id });
    expect((await call('GET', '/__sim/contacts?q=ann')).body).toMatchObject({ total: 1, contacts: [{ name: 'Ann' }] });
    await call('DELETE', `/__sim/contacts/${made.body.id}`);
    expect((await call('GET', `/__sim/contacts/${made.body.id}`)).status).toBe(400);
    expect((await call('PATCH', '/__sim/contacts/x', { nick: 'x' })).status).toBe(422);
    expect(gh.sim.callCount()).toBe(0);
  });

  test('faults are added and cleared, requests are shown, webhooks are switched', async () => {
    await call('POST', '/__sim/faults', { kind: 'status', status: 500, pattern: '^/contacts', times: 1 });
    expect((await create()).status).toBe(500);
    await call('POST', '/__sim/faults', { kind: 'status', status: 500 });
    expect((await call('DELETE', '/__sim/faults')).body.faults).toEqual([]);
    const { requests, total } = (await call('GET', '/__sim/requests')).body;
    expect([total, requests[0].path, requests[0].status]).toEqual([1, '/contacts/', 500]);
    const on = await call('PUT', '/__sim/webhooks', { url: 'http://127.0.0.1:1/hook', lagMs: 100 });
    expect(on.body.on).toBe(true);
    expect((await call('PUT', '/__sim/webhooks', { url: null })).body.on).toBe(false);
    expect((await call('GET', '/__sim/locations')).body.locations[0]).not.toHaveProperty('tokens');
  });

  test('the page escapes what people typed', async () => {
    gh.sim.ui.createContact('LOC1', { firstName: '<script>alert("x")</script>' });
    const { body, headers } = await call('GET', '/__sim/');
    expect(headers.get('content-type')).toContain('text/html');
    expect(body.text).toContain('&lt;script&gt;');
    expect(body.text).not.toContain('<script>');
  });
});
