// A live connection without GHL token or location says so, everywhere, and by itself when it is over (SPEC §6).
import { afterEach, expect, test } from '@jest/globals';
import { listRuns } from '../../src/store/runs.ts';
import { delivery } from '../helpers/story.ts';
import { Visitor } from '../helpers/visitor.ts';
import { onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
afterEach(() => t.stop());

const PASSWORD = 'correct horse battery';

type Items = Record<string, unknown>[];
const listed = async (path: string) => (await t.api(path)).body['items'] as Items;
const openProblems = () => listed('/problems?state=open');
const overview = async (id: string) => (await listed('/overview')).find((each) => each['id'] === id);
const call = async (method: string, path: string, body: unknown = {}) => {
  const answer = await fetch(`${t.url}/api${path}`, {
    method,
    headers: { authorization: 'Bearer admin-7f3b9d2e5c' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};
const runNow = async (connection: string) =>
  ((await t.api('/runs', { connection, wait: true })).body['runs'] as Items)[0];

test('a token that was taken out is a problem with a remedy and a failed run, and over by itself once it is back', async () => {
  t = await startTestApp({ env: { ADMIN_PASSWORD: PASSWORD } });
  await call('PATCH', '/connections/default', { ghlAccessToken: null });
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.app.schedule.tick();
  expect(await listRuns(t.app.store, {}, 9)).toEqual([]);
  expect(await openProblems()).toMatchObject([
    {
      code: 'not_connected',
      connection: 'default',
      affected: 1,
      remedy: expect.stringContaining('sticky-ghl connections set'),
      sample: { missing: ['ghlAccessToken'] },
    },
  ]);
  const why = expect.stringMatching(/^GHL is not connected: ghlAccessToken is missing; set GHL_ACCESS_TOKEN and start/);
  expect(await overview('default')).toMatchObject({ state: 'ready', reason: why, pending: 1 });
  expect(await runNow('default')).toMatchObject({ status: 'failed', lastError: why, totalRecords: 0 });
  await t.app.schedule.tick();
  expect(await openProblems()).toHaveLength(1);
  const visitor = new Visitor(t);
  await visitor.signIn('admin', PASSWORD);
  for (const page of ['/', '/connections', '/connections/default'])
    expect((await visitor.get(page)).text).toMatch(
      /not connected[^]*ghlAccessToken is missing|ghlAccessToken is missing[^]*not connected/,
    );

  await call('PATCH', '/connections/default', { ghlAccessToken: 'pit-5f2c' });
  expect(await overview('default')).toMatchObject({ reason: null });
  await t.app.schedule.tick();
  expect(await openProblems()).toEqual([]);
  expect(onlyContact(t).email).toBe('ana@example.com');
});

test('a bare connection that is made live names its own ways to be connected, not the variables of default', async () => {
  t = await startTestApp();
  await call('POST', '/connections', { name: 'north' });
  await runNow('north');
  expect(await openProblems()).toEqual([]);
  const why = expect.stringMatching(
    /^GHL is not connected: ghlLocationId and ghlAccessToken are missing; set it with sticky-ghl connections set north, PATCH \/api\/connections\/north /,
  );
  expect(await call('POST', '/connections/north/activate')).toMatchObject({
    status: 200,
    body: { mode: 'live', reason: why },
  });
  expect(await runNow('north')).toMatchObject({ status: 'failed', lastError: why });
  expect(await openProblems()).toMatchObject([{ code: 'not_connected', connection: 'north' }]);
  expect(JSON.stringify(await runNow('north'))).not.toContain('GHL_');
});

test('whoever observes, or paused it, wants it so: no failed run, and observing ends the problem', async () => {
  t = await startTestApp();
  await call('PATCH', '/connections/default', { ghlAccessToken: null });
  await call('POST', '/connections/default/pause');
  expect(await runNow('default')).toMatchObject({ status: 'completed', lastError: expect.stringMatching(/paused/) });
  expect(await openProblems()).toEqual([]);
  await call('POST', '/connections/default/resume');
  expect(await runNow('default')).toMatchObject({ status: 'failed' });
  expect(await openProblems()).toHaveLength(1);
  await call('POST', '/connections/default/pause');
  await runNow('default');
  expect(await openProblems()).toHaveLength(1);
  await call('POST', '/connections/default/resume');
  await call('POST', '/connections/default/observe');
  expect(await runNow('default')).toMatchObject({ status: 'completed' });
  expect(await openProblems()).toEqual([]);
  expect(await overview('default')).toMatchObject({ mode: 'observe', reason: null });
});
