import { afterEach, expect, test } from '@jest/globals';
import { silentLogger } from '../../src/log.ts';
import { loadMaps } from '../../src/maps.ts';
import { projectRoot } from '../../src/paths.ts';
import { createGhlSides } from '../../src/platforms/ghl/sides.ts';
import { pollContacts } from '../../src/sync/pollContacts.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { delivery, person } from '../helpers/story.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp, type TestAppOptions } from '../helpers/testApp.ts';

const { rows } = loadMaps(`${projectRoot}/config`);
const MINUTE = 60_000;

let t: TestApp;
let clock: ReturnType<typeof movableClock>;
afterEach(() => t.stop());

/** Both sides and the service share a clock that the test moves; GHL sends no app webhooks, as with a token. */
async function start(options: TestAppOptions = {}): Promise<void> {
  clock = movableClock();
  t = await startTestApp({
    ghlWebhooks: false,
    overrides: { clock },
    ...options,
    ghl: { now: () => clock.nowMs(), ...options.ghl },
  });
}

/** A connection with one linked person; what the first link wrote lies some minutes back. */
async function ana(options: TestAppOptions = {}): Promise<string> {
  await start(options);
  await t.deliver(delivery('CardInstalledEvent', 1, { balance: 85, segments: ['VIP'] }));
  await t.run();
  clock.ahead(5 * MINUTE);
  return onlyContact(t).id;
}

async function poll(signal = new AbortController().signal) {
  const connection = await t.app.connections.get('default');
  if (!connection) throw new Error('the connection is missing');
  const sides = createGhlSides({ clock, log: silentLogger });
  const side = sides.of(connection);
  if (!side) throw new Error('the connection has no location');
  const facts = connection.location ?? { fieldIds: {}, timeZone: 'UTC' };
  const { store, connections } = t.app;
  try {
    const needs = { store, log: silentLogger, connections, connection, facts, rows, ghl: side.client, signal };
    return await pollContacts(needs);
  } finally {
    sides.close();
  }
}

const marks = async () => {
  const { db, s } = t.app.store;
  return (await db.select().from(s.contactMarks)).map((mark) => mark.ghlContactId).toSorted();
};
const forgetMarks = () => t.app.store.tx((db) => db.delete(t.app.store.s.contactMarks));
const searches = () =>
  t.ghl.journal.filter(({ path, body }) => path === '/contacts/search' && JSON.stringify(body).includes('dateUpdated'));

test('nothing changed: one call, nobody is read; our own writes are known, fields and tags', async () => {
  await ana();
  const before = searches().length;
  expect(await poll()).toEqual({ calls: 1, marked: 0 });
  expect(await poll()).toEqual({ calls: 1, marked: 0 });
  expect(searches()).toHaveLength(before + 2);
  expect(await marks()).toEqual([]);
});

test('the tags that a run put on later than its PUT are its own too', async () => {
  await ana();
  await t.deliver(delivery('CardExpiredEvent', 2));
  await t.run();
  expect(onlyContact(t).tags).toContain('card expired');
  clock.ahead(MINUTE);
  expect(await poll()).toMatchObject({ marked: 0 });
});

test('an edit in GHL marks the contact once, until it was read', async () => {
  const id = await ana();
  await poll();
  clock.ahead(MINUTE);
  t.ghl.ui.updateContact(id, { firstName: 'Anna' });
  expect(await poll()).toEqual({ calls: 1, marked: 1 });
  expect(await marks()).toEqual([id]);
  // The window is read again, what was told is not told again; a second edit is.
  await forgetMarks();
  expect(await poll()).toEqual({ calls: 1, marked: 0 });
  clock.ahead(1000);
  t.ghl.ui.updateContact(id, { firstName: 'Annie' });
  expect(await poll()).toEqual({ calls: 1, marked: 1 });
  expect(await marks()).toEqual([id]);
});

test('an edit is found though the search index lags behind it', async () => {
  const id = await ana({ ghl: { searchLagMs: 3 * MINUTE } });
  await poll();
  clock.ahead(MINUTE);
  t.ghl.ui.updateContact(id, { firstName: 'Anna' });
  clock.ahead(MINUTE);
  expect(await poll()).toMatchObject({ marked: 0 });
  clock.ahead(3 * MINUTE);
  expect(await poll()).toMatchObject({ marked: 1 });
  expect(await marks()).toEqual([id]);
});

test('after a long break everything that changed meanwhile is found, in pages', async () => {
  await start();
  await t.app.store.tx((db) => db.update(t.app.store.s.connections).set({ activatedAt: clock.now() }));
  clock.ahead(MINUTE);
  for (let n = 0; n < 260; n++) t.ghl.ui.createContact(LOCATION, { email: `new${n}@example.com` });
  const ended = new AbortController();
  ended.abort(new Error('the run ended'));
  await expect(poll(ended.signal)).rejects.toThrow('the run ended');
  expect(await poll()).toEqual({ calls: 2, marked: 260 });
  expect(await marks()).toHaveLength(260);
  expect((await t.app.connections.get('default'))?.cursors['poll']).toMatchObject({ untilMs: expect.any(Number) });
  // The window overlaps the poll before it once more; then there is nothing in it.
  clock.ahead(11 * MINUTE);
  await forgetMarks();
  expect(await poll()).toEqual({ calls: 2, marked: 0 });
  expect(await poll()).toEqual({ calls: 1, marked: 0 });
});

test('a poll that stops half-way is made again as a whole', async () => {
  await start();
  clock.ahead(MINUTE);
  for (let n = 0; n < 260; n++) t.ghl.ui.createContact(LOCATION, { email: `new${n}@example.com` });
  t.ghl.faults.add({
    kind: 'status',
    status: 400,
    path: '/contacts/search',
    when: ({ body }) => JSON.stringify(body).includes('searchAfter'),
  });
  await expect(poll()).rejects.toMatchObject({ class: 'validation' });
  expect(await marks()).toHaveLength(100);
  expect((await t.app.connections.get('default'))?.cursors['poll']).toBeUndefined();
  t.ghl.faults.clear();
  await poll();
  expect(await marks()).toHaveLength(260);
});

test('what was there before the activation is nothing new, also when it is changed without need', async () => {
  await start();
  const [old = ''] = t.ghl.seedContacts(LOCATION, [
    { email: 'old@example.com', dateAdded: '2020-01-01T00:00:00Z', dateUpdated: '2020-01-01T00:00:00Z' },
  ]);
  clock.ahead(MINUTE);
  t.ghl.ui.updateContact(old, { firstName: 'Otto' });
  t.ghl.ui.createContact(LOCATION, { firstName: 'Nobody' });
  expect(await poll()).toEqual({ calls: 1, marked: 0 });
});

test('before the contacts of the location were read, those of customers are left to the first link', async () => {
  await start();
  const people = Array.from({ length: 20 }, (_, n) => person(n));
  t.ghl.seedContacts(
    LOCATION,
    people.map((p) => ({ email: String(p['email']), dateAdded: '2020-01-01T00:00:00Z' })),
  );
  for (const p of people) await t.deliver({ ...delivery('CustomerCreatedEvent', 1), ...p });
  clock.ahead(MINUTE);
  expect(await poll()).toMatchObject({ marked: 0 });
  await t.run();
  clock.ahead(MINUTE);
  expect(await poll()).toMatchObject({ marked: 0 });
});

test('an unlinked contact that has the phone of a customer is read, once', async () => {
  await ana();
  await poll();
  const { body } = await t.deliver({ ...delivery('CustomerCreatedEvent', 2), ...person(7) });
  expect(body).toMatchObject({ duplicate: false });
  const connection = t.app.registry.get('default');
  if (connection) await t.app.folder.foldAll(connection);
  clock.ahead(MINUTE);
  const made = t.ghl.ui.createContact(LOCATION, { phone: '+12125550007' });
  expect(await poll()).toMatchObject({ marked: 1 });
  expect(await marks()).toEqual([made.id]);
});

test('a connection in observe is not polled', async () => {
  await start({ env: { START_MODE: 'observe' } });
  expect(await poll()).toEqual({ calls: 0, marked: 0 });
  expect(searches()).toEqual([]);
});
