import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { resetStaging } from '../../src/store/checkpoints.ts';
import { insertDeliveries, type NewInboxRow } from '../../src/store/inbox.ts';
import { cardRead, cardWritten, customerRead, customerWritten } from '../../src/sync/stickyRows.ts';
import { type PointsStage, startPointsStage } from '../helpers/pointsStage.ts';

let s: PointsStage;
const second = Date.UTC(2026, 2, 20, 15);
beforeEach(async () => {
  s = await startPointsStage();
});
afterEach(() => s.stop());

/** Into the inbox and folded, each in a batch of its own unless they come together. */
async function told(...rows: NewInboxRow[]) {
  await s.store.tx((db) => insertDeliveries(s.store, db, rows));
  await s.fold();
}
async function person() {
  const { stickyCardsCustomers: t } = s.store.s;
  const [row] = await s.store.db.select().from(t).where(eq(t.stickycardsId, 'cus_1'));
  if (!row) throw new Error('nobody staged');
  return row;
}
const settled = () =>
  s.store.tx(async (db) => {
    await db.update(s.store.s.stickyCardsCustomers).set({ syncStatus: 'SYNCED' });
  });
const read = (seen: Partial<Parameters<typeof customerRead>[2]> = {}, atMs = second) =>
  customerRead(s.store, 'default', { customerId: 'cus_1', firstName: 'Ana', email: 'ana@example.com', ...seen }, atMs);
const written = (change: Partial<Parameters<typeof customerWritten>[2]>, atMs = second + 5000) =>
  customerWritten(s.store, 'default', { customerId: 'cus_1', ...change }, atMs);

test('what was written of a person is staged and is no reason to write the person to GHL', async () => {
  await told(read());
  await settled();
  const before = await person();
  await told(written({ firstName: 'Anna', phone: '+12125550142' }));
  expect(await person()).toMatchObject({
    firstName: 'Anna',
    mobile: '+12125550142',
    email: 'ana@example.com',
    version: before.version,
    syncStatus: 'SYNCED',
  });
});

test('a change of Sticky Cards in the same batch is still pushed', async () => {
  await told(read());
  await settled();
  const { version } = await person();
  await told(read({ email: 'new@example.com' }, second + 1000), written({ firstName: 'Anna' }));
  expect(await person()).toMatchObject({ firstName: 'Anna', email: 'new@example.com', version: version + 1 });
  await settled();
  await told(written({ lastName: 'Lee' }, second + 6000), read({ email: 'newer@example.com' }, second + 7000));
  expect(await person()).toMatchObject({ lastName: 'Lee', email: 'newer@example.com', version: version + 2 });
});

test('an emptied column is empty, until something newer fills it; what is older does not', async () => {
  await told(read({ lastName: 'Lee', phone: '+12125550142' }));
  await told(written({ cleared: ['lastName', 'mobile'] }));
  expect(await person()).toMatchObject({ firstName: 'Ana', lastName: null, mobile: null });
  await told(read({ lastName: 'Old' }, second + 4000));
  expect((await person()).lastName).toBeNull();
  await told(read({ lastName: 'New' }, second + 8000));
  expect(await person()).toMatchObject({ lastName: 'New', mobile: null });
});

test('within one second the write is newer than what was told in it', async () => {
  await told(read());
  await told(written({ firstName: 'Anna' }, second));
  const row = read({}, second);
  await told({ ...row, occurredAt: new Date(second + 700) });
  expect((await person()).firstName).toBe('Anna');
});

test('the set of segments that was written is the whole set', async () => {
  await told(read({ segments: ['VIP', 'Gold'] }));
  const { version } = await person();
  await told(written({ segments: ['Gold', 'Regular'] }));
  expect(await person()).toMatchObject({ segments: ['Gold', 'Regular'], version });
});

test('a person who was made from GHL is new, and pushed', async () => {
  await told(written({ firstName: 'Ana', email: 'ana@example.com' }));
  expect(await person()).toMatchObject({ firstName: 'Ana', syncStatus: 'PENDING', version: 1, pushedVersion: 0 });
});

test('points and a status that were written reach GHL through staging', async () => {
  await told(
    read(),
    cardRead(s.store, 'default', { cardId: 'card_1', balance: 100, status: 'installed' }, 'cus_1', second),
  );
  await settled();
  const { version } = await person();
  await told(cardWritten(s.store, 'default', { cardId: 'card_1', customerId: 'cus_1', balance: 150 }, second + 5000));
  expect(await person()).toMatchObject({ loyaltyPoints: 150, version: version + 1, syncStatus: 'PENDING' });
  await told(
    cardWritten(s.store, 'default', { cardId: 'card_1', customerId: null, status: 'Inactive' }, second + 6000),
  );
  expect(await person()).toMatchObject({ loyaltyPoints: 150, cardStatus: 'inactive', version: version + 2 });
  expect(await s.staged()).toMatchObject({ installStatus: 'installed', readWanted: false });
});

test('a booking whose total nobody told asks for a read, and that read answers it', async () => {
  await told(read(), cardRead(s.store, 'default', { cardId: 'card_1', balance: 100 }, 'cus_1', second));
  await told(cardWritten(s.store, 'default', { cardId: 'card_1', customerId: 'cus_1', balance: null }, second + 5000));
  expect(await s.staged()).toMatchObject({ balance: 100, readWanted: true });
  expect((await person()).readWanted).toBe(true);
  await told(cardRead(s.store, 'default', { cardId: 'card_1', balance: 150 }, 'cus_1', second + 9000));
  expect(await s.staged()).toMatchObject({ balance: 150, readWanted: false });
});

test('a write answers no question that a thin event asked', async () => {
  await told(read());
  const { stickyCardsCustomers: t } = s.store.s;
  const { foldState } = await person();
  await s.store.tx(async (db) => {
    await db.update(t).set({ foldState: { ...foldState, thinAtMs: second + 1000 }, readWanted: true });
  });
  await told(written({ firstName: 'Anna' }));
  expect((await person()).readWanted).toBe(true);
});

test('a rebuild gives the same staging from what was written, too', async () => {
  await told(
    read({ lastName: 'Lee', segments: ['VIP'] }),
    cardRead(s.store, 'default', { cardId: 'card_1', balance: 100 }, 'cus_1', second),
  );
  await told(written({ firstName: 'Anna', cleared: ['lastName'], segments: ['Gold'] }));
  await told(cardWritten(s.store, 'default', { cardId: 'card_1', customerId: 'cus_1', balance: 150 }, second + 6000));
  const before = await person();
  await s.store.tx((db) => resetStaging(s.store, db, 'default'));
  await s.fold();
  const { updatedAt: _, version: __, syncStatus: ___, ...rebuilt } = await person();
  expect(before).toMatchObject(rebuilt);
});

test('an observation of ours that no table knows is put aside', async () => {
  const row = written({ firstName: 'X' });
  await told({ ...row, type: 'Odd', payload: (row.payload as string).replace('CustomerWritten', 'Odd') });
  const { webhookEvents: t } = s.store.s;
  expect(await s.store.db.select({ status: t.status, reason: t.reason }).from(t)).toEqual([
    { status: 'skipped', reason: 'unknown_event_type' },
  ]);
});
