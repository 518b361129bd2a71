// What calls of workflows have set (SPEC §3.4), as both databases tell a call that had to wait.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { claimAction, noteSet, setByLater } from '../../src/store/idempotency.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { databases } from '../helpers/databases.ts';

const at = (ms: number) => new Date(Date.UTC(2026, 10, 21, 9) + ms);

describe.each(Object.entries(databases))('values of calls on %s', (_name, makeUrl) => {
  let store: Store;
  beforeAll(async () => {
    store = await openStore(await makeUrl(), systemClock);
  });
  afterAll(() => store.close());

  async function come(key: string, createdAt: Date, connectionId = 'c') {
    const claimed = await claimAction(
      store,
      {
        connectionId,
        source: 'ghl_workflow',
        dedupeKey: key,
        deliveryId: null,
        type: 'Action preferences',
        occurredAt: createdAt,
        receivedAt: createdAt,
        customerId: null,
        cardId: null,
        contactId: 'con',
        verification: 'verified',
        flags: [],
        headers: {},
        bodyHash: 'h',
        payload: '{}',
        status: 'folded',
        foldedAt: createdAt,
      },
      'hash',
    );
    if (claimed.kind !== 'new') throw new Error('a new call was expected');
    return { connectionId, key, createdAt, receiptId: claimed.receiptId };
  }

  test('only what came later counts, by the receipt within a millisecond, of this customer and connection', async () => {
    const calls = [
      await come('a', at(0)),
      await come('b', at(1)),
      await come('c', at(1)),
      await come('d', at(2)),
      await come('e', at(3), 'other'),
    ] as const;
    const [a, b, c, d, e] = calls;
    await store.tx(async (db) => {
      for (const call of calls) await noteSet(store, db, call, 'cus_1', [`set by ${call.key}`]);
      await noteSet(store, db, d, 'cus_2', ['set by d']);
    });
    expect(await setByLater(store, a, 'cus_1')).toEqual(new Set(['set by b', 'set by c']));
    expect(await setByLater(store, b, 'cus_1')).toEqual(new Set(['set by c']));
    expect(await setByLater(store, c, 'cus_1')).toEqual(new Set());
    expect(await setByLater(store, c, 'cus_2')).toEqual(new Set(['set by d']));
    expect(await setByLater(store, e, 'cus_1')).toEqual(new Set());
  });
});
