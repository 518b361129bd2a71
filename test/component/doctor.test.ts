// One look at everything that a connection needs, with what to do (SPEC §5, doctor).
import { afterEach, expect, test } from '@jest/globals';
import { runCli } from '../../src/cli/program.ts';
import { SCOPES_NEEDED } from '../../src/domain/ghlGrant.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { delivery } from '../helpers/story.ts';
import { LOCATION, startTestApp, type TestApp, type TestAppOptions } from '../helpers/testApp.ts';

interface Check {
  id: string;
  status: 'green' | 'yellow' | 'red';
  found: string;
  remedy: string | null;
}

const TOKEN = 'pit-5f2c';
const STRONG = { GHL_WORKFLOW_KEY: 'wf-8c1f4e7d29b3', STICKY_CARDS_WEBHOOK_SECRET: 'whsec_7d1f0c' };

let t: TestApp;
afterEach(() => t.stop());

const start = async (options: TestAppOptions = {}) => {
  t = await startTestApp({ ...options, env: { ...STRONG, ...options.env } });
};

async function doctor(): Promise<{ status: string; of: (id: string) => Check; checks: Check[]; text: string }> {
  const { status, body } = await t.api('/connections/default/doctor');
  expect(status).toBe(200);
  const checks = body['checks'] as Check[];
  return {
    status: body['status'] as string,
    checks,
    text: JSON.stringify(body),
    of: (id) => {
      const found = checks.find((check) => check.id === id);
      if (!found) throw new Error(`no check ${id}: ${checks.map((check) => check.id).join(', ')}`);
      return found;
    },
  };
}

async function cli(...args: string[]) {
  let out = '';
  let err = '';
  const code = await runCli(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    config: () => t.app.config,
  });
  return { code, out, err };
}

test('a connection that works is green where something can be known; the command ends with 0', async () => {
  await start();
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.run();
  const found = await doctor();
  expect(found.checks.filter((check) => check.status === 'red')).toEqual([]);
  for (const id of [
    'ghl_location',
    'ghl_scope_contacts',
    'ghl_fields',
    'ghl_field_types',
    'ghl_duplicates',
    'ghl_pipeline',
  ])
    expect(found.of(id).status).toBe('green');
  for (const id of [
    'sticky_key',
    'sticky_webhooks',
    'clock_ghl',
    'clock_sticky_cards',
    'paused',
    'lag',
    'commands',
    'disk',
  ])
    expect(found.of(id).status).toBe('green');
  expect(found.of('sticky_webhooks').found).toContain('not seen lately: CustomerCreatedEvent');
  // What nobody can know yet is said, and is no alarm.
  expect(found.of('balance_mode')).toMatchObject({ status: 'yellow', remedy: expect.any(String) });
  for (const secret of [TOKEN, 'sk_7a9e', ...Object.values(STRONG)]) expect(found.text).not.toContain(secret);
  const { code, out } = await cli('doctor', 'default');
  expect(code).toBe(0);
  expect(out).toMatch(/^default: yellow\n {2}ok {4}GHL token and location/);
});

test('reads only: neither side is written to, and no run is left behind', async () => {
  await start();
  await doctor();
  expect(t.ghl.journal.filter(({ method, path }) => method !== 'GET' && path !== '/contacts/search')).toEqual([]);
  expect(t.stickyCards.journal.filter(({ method }) => method !== 'GET')).toEqual([]);
  expect((await t.api('/runs')).body['items']).toEqual([]);
});

test('a token that GHL refuses and a key that Sticky Cards refuses are red, each with what to do; the command ends with 1', async () => {
  await start({ env: { GHL_ACCESS_TOKEN: 'pit-revoked', STICKY_CARDS_API_KEY: 'sk_old' } });
  const found = await doctor();
  expect(found.status).toBe('red');
  expect(found.of('ghl_location')).toMatchObject({
    status: 'red',
    remedy: expect.stringContaining('Private Integration'),
  });
  expect(found.of('sticky_key')).toMatchObject({ status: 'red', remedy: expect.stringContaining('API key') });
  const { code, out } = await cli('doctor', '--json');
  expect(code).toBe(1);
  expect((JSON.parse(out) as { items: { status: string }[] }).items).toMatchObject([{ status: 'red' }]);
});

test('a permission that is missing is named', async () => {
  await start({ location: { scopes: ['locations.readonly', 'contacts.readonly', 'contacts.write'] } });
  const found = await doctor();
  expect(found.of('ghl_location').status).toBe('green');
  expect(found.of('ghl_fields')).toMatchObject({
    status: 'red',
    found: expect.stringContaining('locations/customFields.readonly'),
  });
});

test('an app that was not granted every scope is red, named with the link that asks for them again', async () => {
  await start();
  const HOUR = 3_600_000;
  const granted = (scopes: string[]) =>
    t.app.connections.patch(
      'default',
      {
        ghlOAuth: {
          userType: 'Location',
          locationId: LOCATION,
          companyId: null,
          accessToken: TOKEN,
          expiresAtMs: Date.now() + 24 * HOUR,
          refreshAtMs: Date.now() + 23 * HOUR,
          refreshToken: 'refresh-1',
          company: null,
          scopes,
          revision: Date.now(),
        },
      },
      'test',
    );
  expect((await doctor()).checks.map((check) => check.id)).not.toContain('ghl_scopes');
  await granted(SCOPES_NEEDED.filter((scope) => !/^(contacts|locations\/tags)\.write$/.test(scope)));
  const found = await doctor();
  expect(found.status).toBe('red');
  expect(found.of('ghl_scopes')).toMatchObject({
    status: 'red',
    found: 'not granted: contacts.write, locations/tags.write',
    remedy: expect.stringContaining('/oauth/install?connection=default'),
  });
  expect(found.of('ghl_scope_contacts')).toMatchObject({ status: 'green' });
  await granted([...SCOPES_NEEDED]);
  expect((await doctor()).of('ghl_scopes')).toMatchObject({ status: 'green', remedy: null });
});

test('a field of a wrong type, duplicates that are allowed and a pipeline that is gone are found', async () => {
  await start({
    location: { allowDuplicateContact: true },
    env: { GHL_PIPELINE_ID: 'PIPE1', GHL_PIPELINE_STAGE_ID: 'STAGE1' },
  });
  const made = await fetch(`${t.ghl.url}/locations/${LOCATION}/customFields`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, version: '2021-07-28', 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Loyalty Points', dataType: 'TEXT', model: 'contact' }),
  });
  expect(made.status).toBeLessThan(300);
  const found = await doctor();
  expect(found.of('ghl_field_types')).toMatchObject({
    status: 'red',
    found: expect.stringContaining('loyalty_points'),
  });
  expect(found.of('ghl_duplicates').status).toBe('yellow');
  expect(found.of('ghl_pipeline')).toMatchObject({ status: 'red', found: expect.stringContaining('PIPE1') });
});

test('deliveries that are refused are red: the secret differs', async () => {
  await start();
  await t.deliver(delivery('CardInstalledEvent', 1), { 'x-sticky-signature': 'ab'.repeat(32) });
  expect((await doctor()).of('sticky_webhooks')).toMatchObject({
    status: 'red',
    found: expect.stringContaining('refused'),
  });
});

test('a clock that is off, a pause and a lag are found', async () => {
  const clock = movableClock();
  await start({ overrides: { clock } });
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.app.folder.foldAll(t.app.registry.get('default') as never);
  await t.api('/connections/default/pause', { direction: 'stickycards_to_ghl' });
  clock.ahead(2 * 3_600_000);
  const found = await doctor();
  expect(found.of('clock_ghl')).toMatchObject({ status: 'red', found: expect.stringContaining('ahead') });
  expect(found.of('paused_directions').status).toBe('yellow');
  expect(found.of('lag').status).toBe('red');
});

test('a side that says nothing costs ten seconds, and everything else is told', async () => {
  await start();
  t.stickyCards.faults.add({ kind: 'delay', delayMs: 11_000 });
  const began = performance.now();
  const found = await doctor();
  expect(performance.now() - began).toBeLessThan(20_000);
  expect(found.of('sticky_key')).toMatchObject({
    status: 'red',
    found: expect.stringContaining('no answer within 10 s'),
  });
  expect(found.of('ghl_location').status).toBe('green');
}, 40_000);
