// A connection that goes while it is at work (SPEC §1: everything belongs to a connection).
import { afterEach, describe, expect, test } from '@jest/globals';
import { getTableColumns } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import { type App, createApp } from '../../src/app.ts';
import { silentLogger } from '../../src/log.ts';
import { callAction, linkedPerson } from '../helpers/actions.ts';
import { databases } from '../helpers/databases.ts';
import { delivery, person } from '../helpers/story.ts';
import { LOCATION, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
let other: App | null = null;
afterEach(async () => {
  await other?.stop();
  other = null;
  await t.stop();
});

const remove = (url: string, name = 'default') =>
  fetch(`${url}/api/connections/${name}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${t.app.config.adminToken}` },
  });

/** How many rows each table still has of the connection, and of problems that are gone. */
async function leftOf(name: string): Promise<Record<string, number>> {
  const { db, s } = t.app.store;
  const left: Record<string, number> = {};
  for (const [table, shape] of Object.entries(s) as [string, PgTable][]) {
    if (table === 'syncAuditLogs' || !('connectionId' in getTableColumns(shape))) continue;
    const rows = (await db.select().from(shape)) as { connectionId: string }[];
    const own = rows.filter((row) => row.connectionId === name).length;
    if (own > 0) left[table] = own;
  }
  const problems = new Set((await db.select().from(s.problems)).map((row) => row.id));
  const strays = (await db.select().from(s.problemRecords)).filter((row) => !problems.has(row.problemId));
  return { ...left, ...(strays.length > 0 && { problemRecords: strays.length }) };
}

const people = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, n) => t.deliver(delivery('CardInstalledEvent', 1, person(n)))));

/** Resolves when the first contact is being made in GHL, which takes its time. */
async function atWork(): Promise<void> {
  t.ghl.faults.add({ kind: 'delay', method: 'POST', path: /^\/contacts\/$/, delayMs: 600 });
  const creating = () => t.app.store.db.select().from(t.app.store.s.claimedIdentities);
  while ((await creating()).length === 0) await t.app.store.clock.sleep(10);
  await t.app.store.clock.sleep(50);
}

describe.each(Object.entries(databases))('on %s', (_name, makeUrl) => {
  test('removed while its run works: what is on its way ends first, nothing is written afterwards, nothing stays', async () => {
    t = await startTestApp({ databaseUrl: await makeUrl() });
    await people(40);
    // Somebody without phone and e-mail is a problem, with a record of its own.
    await t.deliver(delivery('CardScannedEvent', 1, { customer_id: 'c-none', email: null, phone_number: null }));
    const running = t.api('/runs', { connection: 'default', wait: true });
    await atWork();
    expect((await remove(t.url)).status).toBe(204);
    const written = [t.ghl.callCount(), t.ghl.state.contacts(LOCATION).length];
    expect(written[1]).toBeLessThan(40);
    expect(await leftOf('default')).toEqual({});
    expect(await running).toMatchObject({ status: 404, body: { code: 'unknown_connection' } });
    await t.app.store.clock.sleep(1200);
    expect([t.ghl.callCount(), t.ghl.state.contacts(LOCATION).length]).toEqual(written);
    expect(await leftOf('default')).toEqual({});
    expect((await t.deliver(delivery('CardScannedEvent', 2))).status).toBe(404);
    expect((await remove(t.url)).status).toBe(404);
  });

  test('removed through an instance that does not speak for it: the one that does ends its run first', async () => {
    t = await startTestApp({ databaseUrl: await makeUrl() });
    other = await createApp({ ...t.app.config, port: 0 }, { log: silentLogger });
    const { url } = await other.start();
    await people(40);
    const running = t.run().catch(() => null);
    await atWork();
    expect(t.app.holdsLease('default')).toBe(true);
    expect((await remove(url)).status).toBe(204);
    const written = [t.ghl.callCount(), t.ghl.state.contacts(LOCATION).length];
    await running;
    await t.app.store.clock.sleep(1200);
    expect([t.ghl.callCount(), t.ghl.state.contacts(LOCATION).length]).toEqual(written);
    expect(await leftOf('default')).toEqual({});
  });
});

test('a removal that the end of the service interrupts is made good by the next start', async () => {
  t = await startTestApp();
  await t.app.connections.create('north', {}, 'test');
  await t.app.connections.remove('north', 'test');
  await t.restart();
  for (let i = 0; i < 400 && (await leftOf('north'))['leases']; i++) await t.app.store.clock.sleep(25);
  expect(await leftOf('north')).toEqual({});
});

test('a call of a workflow that is under way ends with its connection', async () => {
  t = await startTestApp();
  const ana = await linkedPerson(t);
  t.stickyCards.faults.add({ kind: 'delay', method: 'PUT', path: /balance$/, delayMs: 600, times: 1 });
  const call = callAction(t.url, 'add-points', { contact_id: ana.contactId, points: 50 });
  while (!(await t.app.store.db.select().from(t.app.store.s.commands)).some((row) => row.state === 'sending'))
    await t.app.store.clock.sleep(10);
  expect((await remove(t.url)).status).toBe(204);
  expect(t.stickyCards.state.card(ana.cardId)?.balance).toBe(150);
  expect((await call).body).toMatchObject({ result: 'queued' });
  expect(await leftOf('default')).toEqual({});
});

test('a connection of the same name can be made right away, and starts empty', async () => {
  t = await startTestApp();
  await people(3);
  await t.run();
  expect((await remove(t.url)).status).toBe(204);
  const made = await t.api('/connections', { name: 'default', ghlLocationId: LOCATION });
  expect(made).toMatchObject({ status: 201, body: { mode: 'observe', ghlLocationId: LOCATION } });
  expect(await t.app.store.db.select().from(t.app.store.s.entityMappings)).toEqual([]);
});
