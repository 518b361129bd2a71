import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hostname } from 'node:os';
import { sql } from 'drizzle-orm';
import { systemClock } from '../../src/clock.ts';
import { newCustomerRow } from '../../src/store/staging.ts';
import { thisProcess, takeLease, releaseLeases } from '../../src/store/leases.ts';
import { clearProblems, listProblems, raiseProblems } from '../../src/store/problems.ts';
import { insertDeliveries, type NewInboxRow } from '../../src/store/inbox.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { databases } from '../helpers/databases.ts';

const at = new Date('2026-03-01T10:00:00.123Z');

const delivery = (dedupeKey: string): NewInboxRow => ({
  connectionId: 'c',
  source: 'stickycards',
  dedupeKey,
  deliveryId: dedupeKey,
  type: 'CardScannedEvent',
  occurredAt: at,
  receivedAt: at,
  customerId: 'cus',
  cardId: null,
  contactId: null,
  verification: 'verified',
  flags: [],
  headers: { 'content-type': 'application/json' },
  bodyHash: 'h',
  payload: '{"a":"\\u0000 ü"}',
});

describe.each(Object.entries(databases))('the store on %s', (_name, makeUrl) => {
  let store: Store;
  beforeAll(async () => {
    store = await openStore(await makeUrl(), systemClock);
  });
  afterAll(() => store.close());

  test('instants keep their milliseconds, JSON and booleans their shape, and null stays null, also when written in bulk', async () => {
    const { stickyCardsCustomers: t } = store.s;
    const row = {
      ...newCustomerRow('c', 'a', at),
      segments: ['VIP', 'Ünïcode "x"'],
      loyaltyPoints: 12.5,
      lastActivity: at,
      readWanted: true,
    };
    await store.tx((db) =>
      store.bulk.write(db, t, [row, { ...row, stickycardsId: 'b', extra: { tier: 'gold' } }], {
        conflict: ['connectionId', 'stickycardsId'],
        update: 'all',
      }),
    );
    await store.tx((db) =>
      store.bulk.write(db, t, [{ ...row, segments: [] }], {
        conflict: ['connectionId', 'stickycardsId'],
        update: ['segments'],
      }),
    );
    const rows = await store.db.select().from(t).orderBy(t.stickycardsId);
    expect(rows).toEqual([
      { ...row, segments: [] },
      { ...row, stickycardsId: 'b', extra: { tier: 'gold' } },
    ]);
  });

  test('a row that is there stays as it is when a bulk write does not update', async () => {
    const { stickyCardsCustomers: t } = store.s;
    const row = newCustomerRow('c', 'b', at);
    await store.tx((db) =>
      store.bulk.write(db, t, [row], { conflict: ['connectionId', 'stickycardsId'], update: 'none' }),
    );
    const [stored] = await store.db
      .select()
      .from(t)
      .where(sql`${t.stickycardsId} = 'b'`);
    expect(stored?.extra).toEqual({ tier: 'gold' });
  });

  test('a transaction that fails leaves nothing, and a read beside it does not see inside', async () => {
    const { stickyCardsCustomers: t } = store.s;
    const count = async () => (await store.db.select({ n: sql<number>`count(*)`.mapWith(Number) }).from(t))[0]?.n;
    const before = await count();
    await expect(
      store.tx(async (db) => {
        await db.insert(t).values(newCustomerRow('c', 'never', at));
        expect(await count()).toBe(before);
        throw new Error('stop');
      }),
    ).rejects.toThrow('stop');
    expect(await count()).toBe(before);
  });

  test('a repeated delivery is counted on the first one, also within one commit', async () => {
    const first = await store.tx((db) => insertDeliveries(store, db, [delivery('x'), delivery('y'), delivery('x')]));
    const second = await store.tx((db) => insertDeliveries(store, db, [delivery('x'), delivery('z')]));
    expect(first.map((r) => r.duplicate)).toEqual([false, false, true]);
    expect(first[2]?.receiptId).toBe(first[0]?.receiptId);
    expect(second).toEqual([
      { receiptId: first[0]?.receiptId, duplicate: true },
      { receiptId: expect.stringMatching(/^evt_/), duplicate: false },
    ]);
    const { webhookEvents: t } = store.s;
    const rows = await store.db
      .select({ key: t.dedupeKey, duplicates: t.duplicates, payload: t.payload })
      .from(t)
      .orderBy(t.dedupeKey);
    expect(rows).toEqual([
      { key: 'x', duplicates: 2, payload: '{"a":"\\u0000 ü"}' },
      { key: 'y', duplicates: 0, payload: '{"a":"\\u0000 ü"}' },
      { key: 'z', duplicates: 0, payload: '{"a":"\\u0000 ü"}' },
    ]);
  });

  test('a lease has one holder; a living one keeps it until it gives it back', async () => {
    const [one, two] = [thisProcess('one'), thisProcess('two')];
    expect(await takeLease(store, 'l', one)).toBe(true);
    expect(await takeLease(store, 'l', two)).toBe(false);
    expect(await takeLease(store, 'l', one)).toBe(true);
    await releaseLeases(store, one);
    expect(await takeLease(store, 'l', two)).toBe(true);
  });

  test('the lease of a process that is gone is void at once on SQLite, and after its time elsewhere', async () => {
    const dead = { id: 'dead', pid: 2 ** 22 - 3, processStartedAt: `${hostname()}/1` };
    expect(await takeLease(store, 'm', dead)).toBe(true);
    expect(await takeLease(store, 'm', thisProcess('next'))).toBe(store.dialect === 'sqlite');
  });

  test('the same cause is one problem, counted once per record; it is resolved when the last record is out and reopens by itself', async () => {
    const raised = { code: 'field_refused', cause: 'email', sample: { field: 'email' } };
    const raise = (recordId: string) => store.tx((db) => raiseProblems(store, db, 'c', [{ ...raised, recordId }]));
    const clear = (recordId: string) => store.tx((db) => clearProblems(store, db, 'c', recordId, ['field_refused']));
    const shown = async () =>
      (await listProblems(store, { connection: 'c' }, 10)).map(({ state, affected }) => ({ state, affected }));
    await raise('a');
    await raise('b');
    await raise('a');
    expect(await shown()).toEqual([{ state: 'open', affected: 2 }]);
    await clear('a');
    await clear('b');
    expect(await shown()).toEqual([{ state: 'resolved', affected: 0 }]);
    await raise('b');
    expect(await shown()).toEqual([{ state: 'open', affected: 1 }]);
  });
});

test('SQLite, a transaction at once: kept when it returns, undone when it throws, not begun while another one is open', async () => {
  const store = await openStore(await databases.sqlite(), systemClock);
  const { txNow, insertIntoInbox } = store;
  if (!txNow || !insertIntoInbox) throw new Error('SQLite has both');
  const write = (id: string) => insertIntoInbox([id], [delivery(id)]);

  expect(txNow(() => write('kept'))).toEqual([null]);
  expect(() =>
    txNow(() => {
      write('undone');
      throw new Error('on the way');
    }),
  ).toThrow('on the way');
  let meanwhile: unknown = 'not asked';
  await store.tx(async () => {
    await new Promise(setImmediate);
    meanwhile = txNow(() => write('beside'));
  });

  expect(meanwhile).toBeNull();
  const rows = await store.db.select({ id: store.s.webhookEvents.id }).from(store.s.webhookEvents);
  expect(rows).toEqual([{ id: 'kept' }]);
  await store.close();
});
