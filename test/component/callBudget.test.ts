// The meter of the day's calls shows what GHL was really asked (SPEC §6), whatever it was asked for.
import { afterEach, expect, test } from '@jest/globals';
import { createCore } from '../../src/core.ts';
import { silentLogger } from '../../src/log.ts';
import { callAction, linkedPerson } from '../helpers/actions.ts';
import { startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
afterEach(() => t.stop());

const budget = async () =>
  ((await t.api('/overview')).body['items'] as { budget: { usedToday: number; perDay: number } }[])[0]?.budget;

test('ticks, runs, pushes, the doctor and the report before going live count, calls to Sticky Cards do not', async () => {
  t = await startTestApp({ ghl: { rateLimit: { max: 100_000, intervalMs: 10_000, daily: 150_000 } } });
  expect(await budget()).toEqual({ usedToday: 0, perDay: 200_000 });
  const asked = async (work: () => Promise<unknown>): Promise<number> => {
    const before = t.ghl.callCount();
    await work();
    expect(await budget()).toEqual({ usedToday: t.ghl.callCount(), perDay: 150_000 });
    return t.ghl.callCount() - before;
  };
  expect(
    await asked(async () => {
      for (let i = 0; i < 5; i++) await t.app.schedule.tick();
    }),
  ).toBeGreaterThanOrEqual(5);
  let contactId = '';
  expect(await asked(async () => void ({ contactId } = await linkedPerson(t)))).toBeGreaterThan(2);
  const push = () => callAction(t.url, 'push', { contact_id: contactId, message: 'Hello' });
  expect(await asked(push)).toBeGreaterThan(0);
  expect(await asked(() => t.api('/connections/default/doctor'))).toBeGreaterThan(0);
  expect(await asked(() => t.api('/connections/default/first-link'))).toBeGreaterThan(0);
  expect(t.stickyCards.callCount()).toBeGreaterThan(0);

  // An answer that never came was a call too, and the next one puts it right.
  t.ghl.faults.add({ kind: 'status', status: 500, times: 1 });
  await asked(() => t.run());

  const used = await budget();
  await t.restart();
  expect(await budget()).toEqual(used);
  // Another instance asks the database.
  const other = await createCore(t.app.config, { log: silentLogger });
  expect((await other.callBudget.today(['default'])).get('default')).toEqual(used);
  await other.close();
});
