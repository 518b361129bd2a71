import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { newCard } from '../../src/domain/stagedRecord.ts';
import { insertCommands } from '../../src/store/commands.ts';
import { waitingEvents } from '../../src/store/foldQueue.ts';
import { insertDeliveries } from '../../src/store/inbox.ts';
import {
  endWaits,
  holdersOfClues,
  keepFormerDetails,
  keepWaiting,
  opportunitiesAmong,
  tellOfWaiting,
} from '../../src/store/nameless.ts';
import { listProblems } from '../../src/store/problems.ts';
import { cardRow, loadPeople, newCustomerRow, writePeople } from '../../src/store/staging.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { databases } from '../helpers/databases.ts';
import { movableClock } from '../helpers/movableClock.ts';

const C = 'default';
const DAY = 86_400_000;

describe.each(Object.entries(databases))('deliveries without a customer on %s', (_name, newDatabase) => {
  const clock = movableClock();
  let store: Store;
  beforeEach(async () => {
    store = await openStore(await newDatabase(), clock);
  });
  afterEach(() => store.close());

  const customer = (id: string, mobile: string | null, email: string | null, connectionId = C) => ({
    ...newCustomerRow(connectionId, id, clock.now()),
    mobile,
    email,
  });

  /** A delivery that waits, by its receipt. */
  async function waits(key: string, clues: string[], tellInMs: number, cardId: string | null = null): Promise<string> {
    return store.tx(async (db) => {
      const [receipt] = await insertDeliveries(store, db, [
        {
          connectionId: C,
          source: 'stickycards',
          dedupeKey: key,
          deliveryId: null,
          type: 'CardScannedEvent',
          occurredAt: clock.now(),
          receivedAt: clock.now(),
          customerId: null,
          cardId,
          contactId: null,
          verification: 'verified',
          flags: [],
          headers: null,
          bodyHash: key,
          payload: '{}',
          status: 'waiting',
          reason: 'card_not_known_yet',
          foldedAt: clock.now(),
        },
      ]);
      const eventId = receipt?.receiptId ?? '';
      await keepWaiting(store, db, C, [{ eventId, clues, tellAt: new Date(clock.nowMs() + tellInMs) }]);
      return eventId;
    });
  }

  const affected = async () =>
    (await listProblems(store, { code: 'customer_unknown' }, 9)).map(({ state, affected: n }) => [state, n]);

  test('a clue belongs to whoever shows it, whoever once had it, and to the customer of a payment', async () => {
    await store.tx(async (db) => {
      await writePeople(
        store,
        db,
        [
          customer('cus_1', '+12125550142', 'a@example.com'),
          customer('cus_2', null, 'b@example.com'),
          customer('cus_9', '+12125550142', 'a@example.com', 'other'),
        ],
        [],
      );
      await keepFormerDetails(store, db, C, [{ clue: 'email:a@example.com', stickycardsId: 'cus_2' }]);
      await keepFormerDetails(store, db, C, [{ clue: 'email:a@example.com', stickycardsId: 'cus_2' }]);
      await insertCommands(
        store,
        db,
        (['opportunity', 'note'] as const).map((kind, i) => ({
          connectionId: C,
          kind,
          target: `customer:cus_${i + 1}`,
          sourceEvent: `payment:pay_${i + 1}`,
          params: {},
        })),
      );
    });
    const clues = ['phone:+12125550142', 'email:a@example.com', 'payment:pay_1', 'payment:pay_2', 'payment:pay_3'];
    const found = await holdersOfClues(store, store.db, C, clues);
    expect(found.map(({ clue, customerId }) => `${clue} ${customerId}`).toSorted()).toEqual([
      'email:a@example.com cus_1',
      'email:a@example.com cus_2',
      'payment:pay_1 cus_1',
      'payment:pay_2 cus_2',
      'phone:+12125550142 cus_1',
    ]);
    expect(await holdersOfClues(store, store.db, C, [])).toEqual([]);
    expect(await opportunitiesAmong(store, store.db, C, ['pay_1', 'pay_2', 'pay_3'])).toEqual(['pay_1']);
  });

  test('what waits is found by its card and by its clues until it has found its customer', async () => {
    const byCard = await waits('a', ['card:card_1'], DAY, 'card_1');
    const byEmail = await waits('b', ['card:card_2', 'email:a@example.com'], DAY, 'card_2');
    const ask = async (cardIds: string[], clues: string[]) =>
      (await waitingEvents(store, store.db, C, { cardIds, clues })).map(({ id }) => id).toSorted();
    expect(await ask(['card_1'], ['email:a@example.com'])).toEqual([byCard, byEmail].toSorted());
    expect(await ask([], ['email:b@example.com'])).toEqual([]);
    await store.tx((db) => endWaits(store, db, C, [byEmail]));
    expect(await ask([], ['email:a@example.com'])).toEqual([]);
  });

  test('a problem tells of each delivery once, when its time has come, and is over with it', async () => {
    const first = await waits('a', ['email:a@example.com', 'phone:+12125550142'], 0);
    await waits('b', ['card:card_1'], DAY, 'card_1');
    expect(await tellOfWaiting(store, C)).toBe(1);
    expect(await tellOfWaiting(store, C)).toBe(0);
    expect(await affected()).toEqual([['open', 1]]);
    clock.ahead(DAY + 1);
    expect(await tellOfWaiting(store, 'other')).toBe(0);
    expect(await tellOfWaiting(store, C)).toBe(1);
    expect(await affected()).toEqual([['open', 2]]);
    await store.tx((db) => endWaits(store, db, C, [first]));
    expect(await affected()).toEqual([['open', 1]]);
  });

  test('the holder of a card is loaded with all their cards', async () => {
    const cards = ['card_1', 'card_2'].map((id) => cardRow(C, newCard(id, 'cus_1'), undefined, clock.now()));
    await store.tx((db) => writePeople(store, db, [customer('cus_1', null, null)], cards));
    const people = await loadPeople(store, store.db, C, [], ['card_2']);
    expect([...people.customers.keys(), ...[...people.cards.keys()].toSorted()]).toEqual(['cus_1', 'card_1', 'card_2']);
  });
});
