// Figures for Prometheus (SPEC §6): each says what happened, and none of them costs a scan.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { insertCommands } from '../../src/store/commands.ts';
import { raiseProblems } from '../../src/store/problems.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { delivery } from '../helpers/story.ts';
import { startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
const clock = movableClock();
beforeEach(async () => {
  t = await startTestApp({ overrides: { clock } });
});
afterEach(() => t.stop());

async function figures(): Promise<Map<string, number>> {
  // Read again after some seconds at the earliest.
  clock.ahead(6_000);
  const answer = await fetch(`${t.url}/metrics`, { headers: { authorization: 'Bearer admin-7f3b9d2e5c' } });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')]);
  const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      const [name = '', labels = ''] = line.slice(0, at).split('{');
      const sorted = labels.replace('}', '').split(',').toSorted().join(',');
      return [sorted === '' ? name : `${name}{${sorted}}`, Number(line.slice(at + 1))];
    }),
  );
}

test('deliveries are counted by source, verification and what became of them; answers are timed', async () => {
  const one = delivery('CardInstalledEvent', 1);
  await t.deliver(one);
  await t.deliver(one);
  await t.deliver(delivery('CardScannedEvent', 2));
  await fetch(`${t.url}/webhooks/sticky-cards`, { method: 'POST', body: '{}' });
  const now = await figures();
  const received = (verification: string, status: string) =>
    now.get(`sticky_ghl_deliveries_total{source="stickycards",status="${status}",verification="${verification}"}`);
  expect([received('verified', 'accepted'), received('verified', 'duplicate'), received('failed', 'rejected')]).toEqual(
    [2, 1, 1],
  );
  expect(now.get('sticky_ghl_acknowledgement_seconds_count')).toBe(3);
});

test('runs and calls are timed by what they were; the budget is what GHL said last', async () => {
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.run();
  const now = await figures();
  expect(now.get('sticky_ghl_run_duration_seconds_count{direction="both",status="completed",trigger="manual"}')).toBe(
    1,
  );
  expect(now.get('sticky_ghl_call_duration_seconds_count{class="ok",side="ghl"}')).toBeGreaterThan(2);
  expect(now.get('sticky_ghl_budget_left{connection="default"}')).toBeGreaterThan(9_000_000);
  expect(now.get('sticky_ghl_lease_held{connection="default"}')).toBe(1);
  expect(now.get('sticky_ghl_connection_info{connection="default",mode="live",state="ready"}')).toBe(1);
});

test('what waits is a figure with its age, and zero when nothing does', async () => {
  expect((await figures()).get('sticky_ghl_pending{connection="default"}')).toBe(0);
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.app.folder.foldAll(t.app.registry.get('default')!);
  clock.ahead(600_000);
  const waiting = await figures();
  expect(waiting.get('sticky_ghl_pending{connection="default"}')).toBe(1);
  expect(waiting.get('sticky_ghl_oldest_pending_seconds{connection="default"}')).toBeGreaterThan(600);
  expect(waiting.get('sticky_ghl_fold_lag_seconds{connection="default"}')).toBe(0);
  await t.run();
  const done = await figures();
  expect(done.get('sticky_ghl_pending{connection="default"}')).toBe(0);
  expect(done.get('sticky_ghl_oldest_pending_seconds{connection="default"}')).toBe(0);
});

test('open commands, open problems and the disk are figures too', async () => {
  const { store } = t.app;
  await store.tx(async (db) => {
    const order = { connectionId: 'default', kind: 'push' as const, target: 'customer:x', params: {} };
    await insertCommands(store, db, [{ ...order, sourceEvent: 'a', state: 'held' }]);
    await raiseProblems(store, db, 'default', [{ code: 'record_failed', recordId: 'x', sample: {} }]);
  });
  const now = await figures();
  expect(now.get('sticky_ghl_commands{connection="default",state="held"}')).toBe(1);
  expect(now.get('sticky_ghl_problems{code="record_failed",connection="default",state="open"}')).toBe(1);
  expect(now.get('sticky_ghl_disk_free_bytes')).toBeGreaterThan(1_000_000);
  expect(now.get('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  expect(now.get('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0);
});
