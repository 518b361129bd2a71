import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { systemClock } from '../../src/clock.ts';
import { createInboxAppender, getEvent, type InboxAppender, type NewInboxRow } from '../../src/store/inbox.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { databases } from '../helpers/databases.ts';

const at = new Date('2026-03-01T10:00:00.250Z');

const delivery = (key: string, change: Partial<NewInboxRow> = {}): NewInboxRow => ({
  connectionId: 'default',
  source: 'stickycards',
  dedupeKey: key,
  deliveryId: `id-${key}`,
  type: 'CardScannedEvent',
  occurredAt: at,
  receivedAt: at,
  customerId: 'c1',
  cardId: null,
  contactId: null,
  verification: 'verified',
  flags: ['time_missing'],
  headers: { 'content-type': 'application/json', signature: 'x-signature' },
  bodyHash: `hash-${key}`,
  payload: '{"event_type":"CardScannedEvent","comment":"Grüße 🎉"}',
  ...change,
});

describe.each(Object.entries(databases))('the inbox on %s', (_name, newDatabase) => {
  let store: Store;
  let inbox: InboxAppender;
  beforeEach(async () => {
    store = await openStore(await newDatabase(), systemClock);
    inbox = createInboxAppender(store);
  });
  afterEach(async () => {
    await inbox.close();
    await store.close();
  });

  const all = () => store.db.select().from(store.s.webhookEvents).orderBy(store.s.webhookEvents.id);

  test('a row comes back as it was handed over', async () => {
    const { receiptId, duplicate } = await inbox.append(delivery('a'));
    expect(receiptId).toMatch(/^evt_[0-9A-Z]{26}$/);
    expect(duplicate).toBe(false);
    expect(await getEvent(store, receiptId)).toEqual({
      ...delivery('a'),
      id: receiptId,
      status: 'received',
      reason: null,
      duplicates: 0,
      foldedAt: null,
    });
  });

  test('what the row says of its own state is kept', async () => {
    const row = delivery('a', {
      status: 'rejected',
      reason: 'signature_wrong',
      foldedAt: at,
      headers: null,
      payload: null,
    });
    const { receiptId } = await inbox.append(row);
    expect(await getEvent(store, receiptId)).toMatchObject({ ...row, status: 'rejected', foldedAt: at });
  });

  test('a duplicate is counted on the first row and answered with its id, whenever it comes', async () => {
    const [first, second] = await Promise.all([inbox.append(delivery('a')), inbox.append(delivery('a'))]);
    const third = await inbox.append(delivery('a', { payload: '{"other":1}' }));
    expect(first.duplicate).toBe(false);
    expect(second).toEqual({ receiptId: first.receiptId, duplicate: true });
    expect(third).toEqual({ receiptId: first.receiptId, duplicate: true });
    const rows = await all();
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ duplicates: 2, payload: delivery('a').payload });
  });

  test('one key is one event per connection and source', async () => {
    const receipts = await Promise.all([
      inbox.append(delivery('a')),
      inbox.append(delivery('a', { connectionId: 'north' })),
      inbox.append(delivery('a', { source: 'sticker' })),
    ]);
    expect(receipts.map((r) => r.duplicate)).toEqual([false, false, false]);
    expect(new Set(receipts.map((r) => r.receiptId)).size).toBe(3);
  });

  test('2,000 at once: each has its row, ids rise in the order of arrival, and nobody waits for ever', async () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `k${i}`);
    const receipts = await Promise.all(keys.map((key) => inbox.append(delivery(key))));
    expect(inbox.waiting()).toBe(0);
    const ids = receipts.map((r) => r.receiptId);
    expect(ids).toEqual([...ids].sort());
    expect((await all()).map((row) => row.id)).toEqual(ids);
  });

  test('whatever comes together, plain or remarked, of one sender or another, new or repeated, comes back as it was', async () => {
    const ofAll = { 'content-type': 'application/json' };
    const rows = Array.from({ length: 180 }, (_, i) =>
      delivery(`k${i % 158}`, {
        // Longer and shorter stretches of one sender, and of deliveries that share their headers.
        source: i % 23 < 17 ? 'stickycards' : 'ghl',
        connectionId: i % 61 < 40 ? 'default' : 'north',
        headers: i % 37 < 20 ? ofAll : i % 37 < 30 ? { 'x-delivery-id': `d${i}` } : null,
        flags: i % 19 === 0 ? ['time_in_future'] : [],
        contactId: i % 31 === 0 ? 'contact' : null,
        payload: `{"n":${i}}`,
      }),
    );
    const receipts = await Promise.all(rows.map((row) => inbox.append(row)));
    const stored = new Map((await all()).map((row) => [row.id, row]));
    const first = new Map<string, { row: NewInboxRow; receiptId: string }>();
    for (const [i, row] of rows.entries()) {
      const { receiptId, duplicate } = receipts[i] as (typeof receipts)[number];
      const key = `${row.connectionId} ${row.source} ${row.dedupeKey}`;
      const known = first.get(key) ?? { row, receiptId };
      expect({ receiptId, duplicate }).toEqual({ receiptId: known.receiptId, duplicate: first.has(key) });
      expect(stored.get(receiptId)).toMatchObject({ ...known.row, status: 'received', reason: null, foldedAt: null });
      first.set(key, known);
    }
    expect(first.size).toBe(stored.size);
    expect(first.size).toBeLessThan(rows.length);
  });

  test('what comes while another transaction is open waits for it, and neither is lost', async () => {
    let proceed = () => {};
    const held = new Promise<void>((resolve) => (proceed = resolve));
    const other = store.tx(async (db) => {
      await db
        .insert(store.s.contactMarks)
        .values({ connectionId: 'default', ghlContactId: 'g1', mark: 'm', eventIds: [], markedAt: at });
      await held;
    });
    const receipt = inbox.append(delivery('a'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const early = (await all()).length;
    proceed();
    await other;
    const { receiptId } = await receipt;
    // PostgreSQL writes both side by side.
    expect(early).toBe(store.dialect === 'sqlite' ? 0 : 1);
    expect((await all()).map((row) => row.id)).toEqual([receiptId]);
    expect(await store.db.select().from(store.s.contactMarks)).toHaveLength(1);
  });

  test('deliveries count as waiting until they are on disk', async () => {
    const one = inbox.append(delivery('a'));
    expect(inbox.waiting()).toBe(1);
    await one;
    expect(inbox.waiting()).toBe(0);
  });

  test('a commit that fails is told to everyone in it, and the next one works', async () => {
    const failed = await Promise.allSettled([inbox.append(delivery('a', { type: null as never }))]);
    expect(failed[0]?.status).toBe('rejected');
    expect(await inbox.append(delivery('b'))).toMatchObject({ duplicate: false });
    expect(await all()).toHaveLength(1);
  });

  test('on PostgreSQL one row that cannot be stored takes none of its neighbours with it', async () => {
    if (store.dialect !== 'postgres') return;
    const outcomes = await Promise.allSettled([
      inbox.append(delivery('a')),
      inbox.append(delivery('b', { customerId: 'nul \0 here' })),
      inbox.append(delivery('c')),
    ]);
    expect(outcomes.map((o) => o.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await all()).toHaveLength(2);
  });

  test('what a stopped process had accepted is there for the next one', async () => {
    const receipts = await Promise.all(['a', 'b', 'c'].map((key) => inbox.append(delivery(key))));
    await inbox.close();
    const rows = await store.db
      .select({ id: store.s.webhookEvents.id })
      .from(store.s.webhookEvents)
      .where(eq(store.s.webhookEvents.status, 'received'));
    expect(rows.map((r) => r.id).sort()).toEqual(receipts.map((r) => r.receiptId).sort());
  });
});
