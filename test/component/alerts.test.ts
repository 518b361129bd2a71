// One message per change of state of a problem, whatever happens between (SPEC §6).
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { alertMessage } from '../../src/domain/alertText.ts';
import { silentLogger } from '../../src/log.ts';
import { type Alerts, createAlerts, createHeartbeat } from '../../src/ops/alerts.ts';
import { decideProblem } from '../../src/store/problemActions.ts';
import { clearProblems, listProblems, raiseProblems } from '../../src/store/problems.ts';
import { markTold } from '../../src/store/toldProblems.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { sqliteUrl } from '../helpers/databases.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { delivery } from '../helpers/story.ts';
import { startTestApp } from '../helpers/testApp.ts';
import { startWebhookSink, type WebhookSink } from '../helpers/webhookSink.ts';

const clock = movableClock();
let sink: WebhookSink;
beforeEach(async () => {
  sink = await startWebhookSink();
});
afterEach(() => sink.stop());

const texts = () => sink.received.map(({ body }) => String(body['text']).split(':')[0]);

describe('what is told', () => {
  let store: Store;
  let alerts: Alerts;
  const warned: string[] = [];
  const open = () =>
    createAlerts({
      store,
      log: {
        ...silentLogger,
        warn: ((line: string) => void warned.push(line)) as never,
        info: (() => undefined) as never,
      },
      url: sink.url,
      publicUrl: 'https://sync.example.com',
      connectionIds: () => ['north'],
    });
  beforeEach(async () => {
    warned.length = 0;
    store = await openStore(sqliteUrl(), clock);
    alerts = open();
  });
  afterEach(async () => {
    await alerts.close();
    await store.close();
  });
  const raise = (recordId: string, code = 'record_failed', connection = 'north') =>
    store.tx((db) => raiseProblems(store, db, connection, [{ code, recordId, sample: {} }]));
  const clear = (recordId: string) => store.tx((db) => clearProblems(store, db, 'north', recordId, ['record_failed']));

  test('once when it opens, however often it is raised; once when it is over; again when it comes back', async () => {
    await raise('a');
    await alerts.tell();
    expect(texts()).toEqual(['Problem in north']);
    await raise('a');
    await raise('b');
    await alerts.tell();
    expect(texts()).toHaveLength(1);
    await clear('a');
    await alerts.tell();
    expect(texts()).toHaveLength(1);
    await clear('b');
    await alerts.tell();
    await alerts.tell();
    expect(texts()).toEqual(['Problem in north', 'Over in north']);
    await raise('a');
    await alerts.tell();
    expect(texts()).toEqual(['Problem in north', 'Over in north', 'Problem in north']);
  });

  test('nothing is told twice or forgotten over a restart', async () => {
    await raise('a');
    await alerts.tell();
    await alerts.close();
    await clear('a');
    alerts = open();
    await alerts.tell();
    expect(texts()).toEqual(['Problem in north', 'Over in north']);
    await alerts.close();
    alerts = open();
    await alerts.tell();
    expect(texts()).toHaveLength(2);
  });

  test('a message on its way when the process ends is told again, and that it is over in any case', async () => {
    await raise('a');
    await raise('b', 'identity_conflict');
    const [second, first] = await listProblems(store, {}, 2);
    await markTold(store, first?.id as string, 'unsure');
    await markTold(store, second?.id as string, 'unsure');
    await clear('a');
    await alerts.tell();
    expect(texts()).toEqual(['Over in north', 'Problem in north']);
    await alerts.tell();
    expect(texts()).toHaveLength(2);
  });

  test('what was over before anybody could be told is not told', async () => {
    await raise('a');
    await clear('a');
    await alerts.tell();
    expect(texts()).toEqual([]);
  });

  test('what a person acknowledged or ignored is not told again; it being over still is', async () => {
    await raise('a');
    await alerts.tell();
    const [problem] = await listProblems(store, {}, 1);
    await decideProblem(store, problem?.id as string, 'acknowledged', 'anna');
    await raise('b');
    await alerts.tell();
    expect(texts()).toHaveLength(1);
    await clear('a');
    await clear('b');
    await alerts.tell();
    expect(texts()).toEqual(['Problem in north', 'Over in north']);
  });

  test('an address that does not answer is tried again, more and more slowly, and gets everything then', async () => {
    sink.answer.status = 500;
    await raise('a');
    await raise('a', 'identity_conflict');
    await alerts.tell();
    await alerts.tell();
    expect(sink.received).toHaveLength(1);
    for (const waitMs of [5_000, 10_000]) {
      clock.ahead(waitMs);
      await alerts.tell();
    }
    expect(sink.received).toHaveLength(3);
    expect(warned).toHaveLength(1);
    expect(warned[0]).not.toContain('127.0.0.1');
    sink.answer.status = 200;
    clock.ahead(20_000);
    await alerts.tell();
    expect(sink.received.slice(3)).toHaveLength(2);
    await alerts.tell();
    expect(sink.received).toHaveLength(5);
  });

  test('a message that the address refuses for what it says holds up no other, and is tried again by itself', async () => {
    sink.answer.statusOf = ({ text }) => (String(text).includes('two different contacts') ? 400 : 200);
    const taken = () => sink.received.filter(({ body }) => sink.answer.statusOf?.(body) === 200).length;
    await raise('a', 'identity_conflict');
    await raise('a');
    await raise('a', 'points_limit');
    await alerts.tell();
    expect([sink.received.length, taken()]).toEqual([3, 2]);
    expect(warned).toEqual(['ALERT_WEBHOOK_URL refuses one alert; it is tried again, the others are told']);
    await alerts.tell();
    expect(sink.received).toHaveLength(3);
    // It waits longer and longer, and whatever comes meanwhile is told at once.
    for (const waitMs of [5_000, 10_000, 9_000]) {
      clock.ahead(waitMs);
      await raise('a', `made_up_${waitMs}`);
      await alerts.tell();
    }
    expect([sink.received.length, taken(), warned.length]).toEqual([8, 5, 1]);
    delete sink.answer.statusOf;
    clock.ahead(20_000);
    await alerts.tell();
    await alerts.tell();
    expect(sink.received).toHaveLength(9);
    expect(sink.received.at(-1)?.body['text']).toContain('two different contacts');
  });

  test('more refused messages than fit one page keep nobody behind them from being told', async () => {
    sink.answer.statusOf = ({ text }) => (String(text).includes('Customers could not be written') ? 200 : 422);
    for (let i = 0; i < 45; i++) await raise('a', `made_up_${i}`);
    await raise('a');
    await alerts.tell();
    await alerts.tell();
    expect(sink.received).toHaveLength(46);
    expect(sink.received.at(-1)?.body['text']).toContain('Customers could not be written');
  });

  test.each([401, 403, 404, 410, 429, 302])('HTTP %i is about the address: the others wait too', async (status) => {
    sink.answer.status = status;
    await raise('a');
    await raise('a', 'identity_conflict');
    await alerts.tell();
    await alerts.tell();
    expect(sink.received).toHaveLength(1);
  });

  test('the problem of a connection that another instance speaks for is left to it', async () => {
    await raise('a', 'record_failed', 'south');
    await alerts.tell();
    expect(sink.received).toEqual([]);
  });

  test('the message says what happened, what to do and where to look, and is safe to show', async () => {
    await raise('a');
    await alerts.tell();
    const [told] = sink.received;
    const { text, blocks } = (told as { body: unknown }).body as { text: string; blocks: unknown[] };
    expect(text).toContain('Problem in north: Customers could not be written to GHL and wait for you.');
    expect(text).toContain('press Retry');
    expect(JSON.stringify(blocks)).toMatch(/<https:\/\/sync\.example\.com\/problems\/prb_\w+\|Open it>/);
    const odd = { id: 'prb_1', connectionId: 'a<b>&c', code: 'made_up', affected: 2, firstSeenAt: clock.now() };
    expect(alertMessage(odd, 'open', null).text).toContain('a&lt;b&gt;&amp;c');
    expect(JSON.stringify(alertMessage(odd, 'open', null).blocks)).toContain('2 records');
  });
});

test('the service tells by itself: a token that is refused, and the end of it', async () => {
  const t = await startTestApp({ env: { ALERT_WEBHOOK_URL: sink.url }, overrides: { clock } });
  try {
    await t.deliver(delivery('CardInstalledEvent', 1));
    t.ghl.faults.add({ kind: 'status', status: 401, body: { statusCode: 401, message: 'Invalid token' } });
    await t.run();
    while (texts().length === 0) await sink.next();
    expect(sink.received[0]?.body['text']).toContain('GHL does not accept the token');
    await t.restart();
    t.ghl.faults.clear();
    await t.run();
    while (texts().length < 2) await sink.next();
    expect(texts()).toEqual(['Problem in default', 'Over in default']);
  } finally {
    await t.stop();
  }
});

test('the dead man’s switch hears every tick, and a silent one is said once', async () => {
  const pings: string[] = [];
  let status = 200;
  const monitor = createServer((req, res) => {
    pings.push(req.url ?? '');
    res.writeHead(status).end();
  });
  await new Promise<void>((resolve) => void monitor.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(monitor.address() as AddressInfo).port}/ping/abc`;
  const t = await startTestApp({ env: { HEARTBEAT_URL: url } });
  await t.app.schedule.tick();
  while (pings.length === 0) await new Promise(setImmediate);
  await t.stop();
  expect(pings).toEqual(['/ping/abc']);
  const warned: string[] = [];
  status = 500;
  const beat = createHeartbeat({ url, log: { warn: ((line: string) => void warned.push(line)) as never } });
  await beat();
  await beat();
  expect(warned).toEqual(['HEARTBEAT_URL does not answer']);
  monitor.closeAllConnections();
  await new Promise((resolve) => monitor.close(resolve));
});
