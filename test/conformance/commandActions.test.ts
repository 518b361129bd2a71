import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { readBalanceMode, writeBalanceMode } from '../../src/store/balanceMode.ts';
import { cardSightings } from '../../src/store/cardSightings.ts';
import { decideCommand, findCommands } from '../../src/store/commandActions.ts';
import { commandsBySource, insertCommands, listCommands, moveCommand } from '../../src/store/commands.ts';
import { pointsSentSince, pointsUnderWay } from '../../src/store/pointsUnderWay.ts';
import { insertDeliveries } from '../../src/store/inbox.ts';
import { confirmProblem } from '../../src/store/problemActions.ts';
import { clearProblems, listProblems, raiseProblems } from '../../src/store/problems.ts';
import { cardRow, newCustomerRow, writePeople } from '../../src/store/staging.ts';
import { newCard } from '../../src/domain/stagedRecord.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { wantedReads } from '../../src/store/wantedReads.ts';
import { cardRead } from '../../src/sync/stickyRows.ts';
import { databases } from '../helpers/databases.ts';

describe.each(Object.entries(databases))('the ledger of points on %s', (_name, makeUrl) => {
  let store: Store;
  let made = 0;
  beforeAll(async () => {
    store = await openStore(await makeUrl(), systemClock);
    const now = systemClock.now();
    const settings = { pausedDirections: [], settings: {}, secrets: {}, cursors: { poll: 1 } };
    await store.tx(async (db) => {
      const row = { id: 'c', mode: 'live' as const, dialect: 'report', createdAt: now, updatedAt: now, ...settings };
      await db.insert(store.s.connections).values(row);
      const customer = { ...newCustomerRow('c', 'cus_1', now), syncStatus: 'SYNCED' as const };
      await writePeople(store, db, [customer], [cardRow('c', newCard('card_1', 'cus_1'), undefined, now)]);
    });
  });
  afterAll(() => store.close());

  const book = async (state: 'pending' | 'held' | 'sending' | 'unknown', target = 'card:card_1') => {
    const sourceEvent = `test:${(made += 1)}`;
    const params = { points: 5, customerId: 'cus_1' };
    const order = { connectionId: 'c', kind: 'add_points' as const, target, sourceEvent, params };
    await store.tx((db) => insertCommands(store, db, [order]));
    const [row] = await commandsBySource(store, 'c', [sourceEvent]);
    const id = row?.id ?? '';
    const reason = state === 'held' ? 'points_limit' : null;
    await store.tx((db) => moveCommand(store, db, id, ['pending'], { state, reason, sentAt: systemClock.now() }));
    return id;
  };

  test('what is under way is found for a card and for the connection; what left later, for the card', async () => {
    const since = systemClock.now();
    const id = await book('sending');
    const under = (exceptId: string, target: string | null) => pointsUnderWay(store, store.db, 'c', exceptId, target);
    expect(await under('cmd_x', 'card:card_1')).toMatchObject({ id });
    expect(await under('cmd_x', 'card:card_2')).toBeNull();
    expect(await under('cmd_x', null)).toMatchObject({ id });
    expect(await under(id, null)).toBeNull();
    expect(await pointsSentSince(store, store.db, 'c', 'card:card_1', 'cmd_x', since)).toBe(id);
    expect(await pointsSentSince(store, store.db, 'c', 'card:card_1', id, since)).toBeNull();
    expect(
      await pointsSentSince(store, store.db, 'c', 'card:card_1', 'cmd_x', new Date(systemClock.nowMs() + 5000)),
    ).toBeNull();
  });

  test('a decision has the card read and the person planned anew', async () => {
    const id = await book('unknown');
    expect(await decideCommand(store, id, 'discard', 'ann')).toMatchObject({
      kind: 'done',
      command: { state: 'discarded', decidedBy: 'ann' },
    });
    expect(await decideCommand(store, id, 'resend', 'ann')).toMatchObject({ kind: 'not_possible' });
    expect(await decideCommand(store, 'cmd_none', 'resend', 'ann')).toBeNull();
    expect(await wantedReads(store, 'c', '', 5)).toMatchObject([
      { customer: { syncStatus: 'PENDING', version: 2 }, cards: [{ cardId: 'card_1' }] },
    ]);
    expect((await findCommands(store, { state: 'discarded' }, 5)).map((row) => row.id)).toEqual([id]);
  });

  test('a confirmed limit lets its commands go', async () => {
    const id = await book('held');
    await store.tx((db) => raiseProblems(store, db, 'c', [{ code: 'points_limit', recordId: 'cus_1', sample: {} }]));
    const [problem] = await listProblems(store, { code: 'points_limit' }, 1);
    expect(await confirmProblem(store, problem?.id ?? '', 'ann')).toMatchObject({ kind: 'done' });
    const [row] = (await listCommands(store, { state: 'pending' }, 5)).filter((each) => each.id === id);
    expect(row).toMatchObject({ decidedBy: 'ann' });
  });

  test('the balance mode is kept beside the other cursors', async () => {
    const seen = { commandId: 'cmd_1', cardId: 'card_1', before: 1, points: 2, total: 2 };
    await store.tx((db) => writeBalanceMode(store, db, 'c', { mode: 'delta', state: 'wrong', seen }));
    await store.tx((db) => raiseProblems(store, db, 'c', [{ code: 'balance_mode_wrong', recordId: 'c', sample: {} }]));
    expect(await readBalanceMode(store, store.db, 'c')).toEqual({
      fact: { mode: 'delta', state: 'wrong', seen },
      problemOpen: true,
    });
    await store.tx((db) => clearProblems(store, db, 'c', 'c', ['balance_mode_wrong']));
    expect((await readBalanceMode(store, store.db, 'c')).problemOpen).toBe(false);
    await store.tx((db) => writeBalanceMode(store, db, 'c', null));
    expect(await readBalanceMode(store, store.db, 'c')).toEqual({ fact: null, problemOpen: false });
    expect(await store.db.select({ cursors: store.s.connections.cursors }).from(store.s.connections)).toEqual([
      { cursors: { poll: 1 } },
    ]);
  });

  test('what the inbox told of a card since then is found, folded or not', async () => {
    const since = systemClock.now();
    const row = (balance: number) => cardRead(store, 'c', { cardId: 'card_7', balance }, 'cus_1', null);
    await store.tx((db) =>
      insertDeliveries(store, db, [row(1), { ...row(2), status: 'folded', foldedAt: systemClock.now() }]),
    );
    expect(await cardSightings(store, 'c', 'card_7', since)).toHaveLength(2);
    expect(await cardSightings(store, 'c', 'card_7', new Date(since.getTime() + 60_000))).toEqual([]);
    expect(await cardSightings(store, 'c', 'card_8', since)).toEqual([]);
  });
});
