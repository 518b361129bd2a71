import { afterEach, describe, expect, test } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { createCore } from '../../src/core.ts';
import { silentLogger } from '../../src/log.ts';
import { listRuns, openRun } from '../../src/store/runs.ts';
import { databases } from '../helpers/databases.ts';
import { delivery, person } from '../helpers/story.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
afterEach(() => t.stop());

describe.each(Object.entries(databases))('on %s', (_name, makeUrl) => {
  test('deliveries become contacts, also of many people at once, and again after a restart', async () => {
    t = await startTestApp({ databaseUrl: await makeUrl() });
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) => t.deliver(delivery('CardInstalledEvent', 1, person(n)))),
    );
    expect(answers.map((a) => a.status)).toEqual(Array.from({ length: 60 }, () => 202));
    expect(await t.run()).toMatchObject({ status: 'completed', totalRecords: 60, createdCount: 60 });
    expect(t.ghl.state.contacts(LOCATION).filter((c) => t.ghl.state.tagsOf(c.id).includes('card holder'))).toHaveLength(
      60,
    );
    await t.restart();
    await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { ...person(7), balance: 70 }));
    expect(await t.run()).toMatchObject({ updatedCount: 1, totalRecords: 1 });
    const seven = t.ghl.state.contacts(LOCATION).find((c) => c.email === 'person7@example.com');
    expect(seven?.customFields).toMatchObject({ loyalty_points: 70 });
  });

  test('a delivery with what a database cannot hold stops nobody: not itself, not the others', async () => {
    t = await startTestApp({ databaseUrl: await makeUrl() });
    const odd = [
      '{"event_type":"CardScannedEvent","customer_id":"s\\ud800","email":"sur@example.com","first_name":"\\udc00Z\\u0000","\\ud800":"\\udfff"}',
      '{"event_type":"CardBalanceUpdatedEvent","customer_id":"b","email":"b@example.com","card_id":"k","balance":-7,"referral_count":9007199254740991}',
      `{"event_type":"CardScannedEvent","customer_id":"d","email":"d@example.com","x":${'['.repeat(5000)}${']'.repeat(5000)}}`,
    ];
    for (const raw of odd) expect((await t.deliverRaw(raw)).status).toBe(202);
    await t.deliver(delivery('CardInstalledEvent', 1));
    expect(await t.run()).toMatchObject({ failedCount: 0, createdCount: 4 });
    const events = await t.api('/events?source=stickycards');
    expect(events).toMatchObject({ status: 200, body: { items: [{}, {}, {}, {}] } });
    expect((events.body['items'] as { status: string }[]).map((e) => e.status)).toEqual(
      Array.from({ length: 4 }, () => 'FOLDED'),
    );
  });

  test('two instances on one database: one speaks for the connection, the other asks it', async () => {
    t = await startTestApp({ databaseUrl: await makeUrl() });
    const other = await createCore(t.app.config, { log: silentLogger });
    await other.begin();
    try {
      await t.deliver(delivery('CardInstalledEvent', 1));
      const run = await other.schedule.run({ connectionId: 'default', direction: 'both', trigger: 'manual' });
      expect(run).toMatchObject({ status: 'completed', createdCount: 1 });
      expect(onlyContact(t).email).toBe('ana@example.com');
    } finally {
      await other.close();
    }
  });
});

test('a tick that finds nothing writes no row, a manual run always does', async () => {
  t = await startTestApp();
  await t.app.schedule.tick();
  expect(await listRuns(t.app.store, {}, 9)).toEqual([]);
  expect(await t.run()).toMatchObject({ status: 'completed', totalRecords: 0, apiCalls: 1 });
});

test('a tick during a run is written down as skipped-overlap; a manual request waits and then runs', async () => {
  t = await startTestApp();
  await t.deliver(delivery('CardInstalledEvent', 1));
  const calling = Promise.withResolvers<void>();
  const when = () => {
    calling.resolve();
    return true;
  };
  t.ghl.faults.add({ kind: 'delay', method: 'POST', path: /^\/contacts\/$/, delayMs: 1000, times: 1, when });
  const first = t.run();
  await calling.promise;
  await t.app.schedule.tick();
  const second = t.run();
  expect(await first).toMatchObject({ status: 'completed', createdCount: 1 });
  expect(await second).toMatchObject({ status: 'completed', totalRecords: 0 });
  const runs = await listRuns(t.app.store, {}, 9);
  expect(runs.map((r) => r.status).toSorted()).toEqual(['completed', 'completed', 'skipped-overlap']);
});

test('a run that a dead process left is closed as stale by the next holder', async () => {
  t = await startTestApp();
  const id = await openRun(t.app.store, { connectionId: 'default', direction: 'both', trigger: 'cron' });
  await t.restart();
  const { syncRunSummaries: r } = t.app.store.s;
  const [row] = await t.app.store.db.select().from(r).where(eq(r.id, id));
  expect(row).toMatchObject({ status: 'stale', completedAt: expect.any(Date) });
});

describe('in observe', () => {
  test('deliveries are staged and nothing is written anywhere; activate makes everybody a first link', async () => {
    t = await startTestApp({ env: { START_MODE: 'observe' } });
    await t.deliver(delivery('CardInstalledEvent', 1));
    await t.deliver(delivery('FeedbackCreatedEvent', 2, { rating: 1 }));
    expect(await t.run()).toMatchObject({ totalRecords: 0, lastError: expect.stringMatching(/observe/) });
    expect(t.ghl.callCount()).toBe(0);
    expect(await t.app.store.db.select().from(t.app.store.s.commands)).toEqual([]);
    expect(await t.app.store.db.select().from(t.app.store.s.stickyCardsCustomers)).toHaveLength(1);
    await t.app.connections.setMode('default', 'live', 'test');
    await t.app.registry.refresh();
    expect(await t.run()).toMatchObject({ createdCount: 1 });
    expect(await t.app.store.db.select().from(t.app.store.s.commands)).toMatchObject([{ kind: 'create_contact' }]);
  });
});

test('a service that stops between fields and tags does not take the tags for written', async () => {
  t = await startTestApp();
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.run();
  const stopping: Promise<void>[] = [];
  t.ghl.faults.add({
    kind: 'delay',
    // Longer than the doors take to close before the runs are told to end.
    delayMs: 1500,
    method: 'PUT',
    times: 1,
    when: () => {
      stopping.push(t.restart());
      return true;
    },
  });
  await t.deliver(delivery('CardExpiredEvent', 2));
  expect(await t.run()).toMatchObject({ status: 'failed', updatedCount: 0 });
  await Promise.all(stopping);
  expect(onlyContact(t)).toMatchObject({ tags: ['card holder'], customFields: { card_status: 'expired' } });
  // What the PUT wrote was settled: only the tag is left, beside the poll.
  expect(await t.run()).toMatchObject({ updatedCount: 1, apiCalls: 2 });
  expect(onlyContact(t).tags.toSorted()).toEqual(['card expired', 'card holder']);
});
