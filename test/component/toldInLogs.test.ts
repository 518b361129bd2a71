// A run's rows and logs say what was tried, by which attempt, and what came of it (SPEC §2.6).
import { afterEach, expect, test } from '@jest/globals';
import { findLogs } from '../../src/store/activityQueries.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { delivery } from '../helpers/story.ts';
import { onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

const HOUR = 3_600_000;
let t: TestApp;
let clock: ReturnType<typeof movableClock>;
afterEach(() => t.stop());

async function start(): Promise<void> {
  clock = movableClock();
  t = await startTestApp({ overrides: { clock } });
}
const refused = {
  kind: 'status',
  status: 422,
  body: { statusCode: 422, message: ['not today'], error: 'Unprocessable Entity' },
  times: 1,
} as const;
const logs = async () =>
  (await findLogs(t.app.store, { customerId: 'cus_1' }, 9)).map(
    ({ action, status, attempt, tagsAdded, durationMs }) => ({
      action,
      status,
      attempt,
      tagsAdded,
      timed: durationMs !== null,
    }),
  );

test('a contact that is refused was to be made', async () => {
  await start();
  await t.deliver(delivery('CardInstalledEvent', 1));
  t.ghl.faults.add({ ...refused, method: 'POST', path: /^\/contacts\/$/ });
  expect(await t.run()).toMatchObject({ failedCount: 1, createdCount: 0 });
  expect(await logs()).toMatchObject([{ action: 'create', status: 'failed', attempt: 1 }]);
});

test('tags that are refused are named, with the time that it took', async () => {
  await start();
  await t.deliver(delivery('CardInstalledEvent', 1));
  t.ghl.faults.add({ ...refused, path: /tags/ });
  await t.run();
  expect((await logs())[0]).toMatchObject({ action: 'tag', status: 'failed', tagsAdded: ['card holder'], timed: true });
  await t.api('/customers/cus_1/retry', {});
  await t.run();
  expect((await logs())[0]).toMatchObject({
    action: 'tag',
    status: 'success',
    tagsAdded: ['card holder'],
    timed: true,
  });
  expect(onlyContact(t).tags).toEqual(['card holder']);
});

test('a contact whose creating answer was lost is told of by the run that finds it', async () => {
  await start();
  await t.deliver(delivery('CardInstalledEvent', 1));
  t.ghl.faults.add({ kind: 'reset_after', method: 'POST', path: /^\/contacts\/$/, times: 1 });
  await t.run();
  clock.ahead(HOUR);
  expect(await t.run()).toMatchObject({ createdCount: 1, failedCount: 0 });
  expect(await logs()).toEqual(
    expect.arrayContaining([expect.objectContaining({ action: 'create', status: 'success' })]),
  );
});
