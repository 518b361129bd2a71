import { expect, test } from '@jest/globals';
import type { Store } from '../../src/store/store.ts';
import { ownWriteMs } from '../../src/domain/eventEffects.ts';
import { cardRead, cardWritten } from '../../src/sync/stickyRows.ts';

const store = {
  clock: { now: () => new Date(7_600), nowMs: () => 7_600 },
  newId: () => 'evt_1',
} as unknown as Store;
const card = { cardId: 'card_1', balance: 5 };
const readMs = (dateMs: number | null, heardMs?: number) =>
  cardRead(store, 'default', card, 'cus_1', dateMs, heardMs).occurredAt.getTime();
const writtenMs = (dateMs: number | null) =>
  cardWritten(store, 'default', { ...card, customerId: 'cus_1' }, dateMs).occurredAt.getTime();

test('a read stands at the second of its answer, or behind what of that second had been heard', () => {
  expect([readMs(5000), readMs(5000, 5065), readMs(5000, 6065)]).toEqual([5000, 5065, 5000]);
});

test('without a Date the second of our clock is all that is known, never its milliseconds', () => {
  expect([readMs(null), readMs(null, 7065), writtenMs(null), writtenMs(null)]).toEqual([
    7000,
    7065,
    7000 + ownWriteMs(0),
    7000 + ownWriteMs(1),
  ]);
});
