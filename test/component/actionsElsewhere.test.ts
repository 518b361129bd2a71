// Two instances on one database (SPEC §3.4, §7): whoever is called, the holder of the lease carries it out.
import { afterEach, expect, test } from '@jest/globals';
import { type App, createApp } from '../../src/app.ts';
import { silentLogger } from '../../src/log.ts';
import { callAction, linkedPerson } from '../helpers/actions.ts';
import { databases } from '../helpers/databases.ts';
import { startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
let other: App;
afterEach(async () => {
  await other.stop();
  await t.stop();
});

async function start(databaseUrl: string) {
  t = await startTestApp({ databaseUrl });
  other = await createApp({ ...t.app.config, port: 0 }, { log: silentLogger });
  const { url } = await other.start();
  const ana = await linkedPerson(t);
  const add = (at: string, key: string, points = 50) =>
    callAction(at, 'add-points', { contact_id: ana.contactId, points, idempotency_key: key });
  return { url, add, balance: () => t.stickyCards.state.card(ana.cardId)?.balance };
}

test.each(Object.entries(databases))(
  'on %s: a call to an instance without the lease is carried out by the holder within a second or two; ten at once on both are one',
  async (_name, database) => {
    const { url, add, balance } = await start(await database());
    const answer = await add(url, 'a');
    expect(answer.body).toMatchObject({ result: 'applied', balance_after: 150 });
    expect((await add(t.url, 'a')).text).toBe(answer.text);
    expect((await add(url, 'a', 60)).status).toBe(409);
    const both = await Promise.all(Array.from({ length: 10 }, (_, i) => add(i % 2 === 0 ? url : t.url, 'b')));
    expect(new Set(both.map((each) => each.text)).size).toBe(1);
    expect(balance()).toBe(200);
  },
);

test('a holder that is busy elsewhere: queued after ten seconds, done by it later; the answer stays what it was', async () => {
  const { url, add, balance } = await start(await databases.sqlite());
  const works = { ...t.app.actions };
  t.app.actions.sweep = () => Promise.resolve();
  const answer = await add(url, 'a');
  expect(answer.body).toMatchObject({ result: 'queued', reason_code: 'in_progress' });
  expect(balance()).toBe(100);
  Object.assign(t.app.actions, works);
  for (let i = 0; i < 200 && balance() !== 150; i++) await new Promise((resolve) => setTimeout(resolve, 25));
  expect(balance()).toBe(150);
  expect((await add(url, 'a')).text).toBe(answer.text);
});

test('what an instance without the lease rejected is not carried out later', async () => {
  const { url, add, balance } = await start(await databases.sqlite());
  await t.api('/connections/default/observe', {});
  await other.registry.refresh();
  const answer = await add(url, 'a');
  expect(answer.body).toMatchObject({ result: 'rejected', reason_code: 'observe' });
  await t.api('/connections/default/activate', {});
  await t.app.registry.refresh();
  expect(t.app.registry.get('default')?.mode).toBe('live');
  await t.app.actions.sweep();
  await t.run();
  expect(balance()).toBe(100);
  expect((await add(url, 'a')).text).toBe(answer.text);
  const event = await t.api(`/events/${String(answer.body['receiptId'])}`);
  expect(event.body).toMatchObject({ status: 'SKIPPED', reason: 'observe' });
});
