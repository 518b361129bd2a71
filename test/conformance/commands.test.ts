import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { insertCommands, type NewCommand } from '../../src/store/commands.ts';
import { settleStep } from '../../src/store/commandSteps.ts';
import { dueCommands, holdOldCommands, loseStraySends, pausedAmong } from '../../src/store/dueCommands.ts';
import { newLink } from '../../src/store/links.ts';
import { newCustomerRow } from '../../src/store/staging.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { databases } from '../helpers/databases.ts';
import { movableClock } from '../helpers/movableClock.ts';

const DAY = 86_400_000;

describe.each(Object.entries(databases))('the ledger on %s', (_name, makeUrl) => {
  const clock = movableClock();
  let store: Store;
  let connection = 0;
  let connectionId = '';
  beforeAll(async () => {
    store = await openStore(await makeUrl(), clock);
  });
  afterAll(() => store.close());

  const begin = () => {
    connection += 1;
    connectionId = `c${connection}`;
  };
  const order = (targets: string[], more: Partial<NewCommand> = {}) =>
    store.tx((db) =>
      insertCommands(
        store,
        db,
        targets.map((target) => ({ connectionId, kind: 'note', target, sourceEvent: 'e', params: {}, ...more })),
      ),
    );
  const link = (customerId: string, state: 'live' | 'creating' | 'gone') =>
    store.tx(async (db) => {
      await db
        .insert(store.s.entityMappings)
        .values(newLink(store, connectionId, customerId, `g_${customerId}`, state));
    });
  const due = async (state: 'pending' | 'unknown', more: { target?: string; ids?: string[] } = {}) =>
    (
      await dueCommands(
        store,
        connectionId,
        { state, kinds: ['note', 'push'], linkedKinds: ['note'], ...more },
        '',
        500,
      )
    ).map((row) => row.target);

  test('what is for a contact is due when there is one, or when it is gone; everything else at once', async () => {
    begin();
    await order(['customer:a', 'customer:b', 'customer:c', 'customer:d']);
    await order(['customer:d'], { kind: 'push' });
    await link('a', 'live');
    await link('b', 'creating');
    await link('c', 'gone');
    expect(await due('pending')).toEqual(['customer:a', 'customer:c', 'customer:d']);
    expect(await due('pending', { target: 'customer:c' })).toEqual(['customer:c']);
    expect(await due('pending', { ids: ['nobody'] })).toEqual([]);
  });

  test('those that wait are passed over, however many there are', async () => {
    begin();
    for (let from = 0; from < 4500; from += 500)
      await order(Array.from({ length: 500 }, (_, n) => `customer:w${from + n}`));
    await order(['customer:last']);
    await link('last', 'live');
    expect(await due('pending')).toEqual(['customer:last']);
  });

  test('a pending command without a time is due, an unknown one without a time waits for a person', async () => {
    begin();
    await order(['customer:a'], { kind: 'push' });
    await order(['customer:b'], { kind: 'push', state: 'unknown' });
    expect(await due('pending')).toEqual(['customer:a']);
    expect(await due('unknown')).toEqual([]);
    await store.tx(async (db) => {
      await db.update(store.s.commands).set({ nextAttemptAt: clock.now() });
    });
    expect(await due('unknown')).toEqual(['customer:b']);
    await store.tx(async (db) => {
      await db.update(store.s.commands).set({ nextAttemptAt: new Date(clock.nowMs() + DAY) });
    });
    expect([...(await due('pending')), ...(await due('unknown'))]).toEqual([]);
  });

  test('only what is old, was never sent and nobody decided about is held', async () => {
    begin();
    await order(['customer:old', 'customer:sent', 'customer:decided']);
    const { commands: t } = store.s;
    await store.tx(async (db) => {
      await db.update(t).set({ sentAt: clock.now() }).where(eq(t.target, 'customer:sent'));
      await db.update(t).set({ decidedBy: 'ana' }).where(eq(t.target, 'customer:decided'));
    });
    const before = new Date(clock.nowMs() + 1000);
    expect(await holdOldCommands(store, connectionId, ['note'], new Date(clock.nowMs() - DAY))).toBe(0);
    expect(await holdOldCommands(store, connectionId, ['note'], before)).toBe(1);
    expect(await holdOldCommands(store, connectionId, ['note'], before)).toBe(0);
  });

  test('a send that nobody has in hand is looked for; one that is under way is left alone', async () => {
    begin();
    await order(['customer:a', 'customer:b'], { state: 'sending' });
    const rows = (await store.db.select().from(store.s.commands)).filter((row) => row.connectionId === connectionId);
    const mine = rows.find((row) => row.target === 'customer:a')?.id ?? '';
    expect(await loseStraySends(store, connectionId, ['note'], new Set([mine]))).toBe(1);
    expect(await loseStraySends(store, connectionId, ['note'], new Set([mine]))).toBe(0);
  });

  test('a step moves the row with everything that follows, unless somebody else moved it', async () => {
    begin();
    await order(['customer:a']);
    await store.tx(async (db) => {
      const person = newCustomerRow(connectionId, 'a', clock.now());
      await db.insert(store.s.stickyCardsCustomers).values({ ...person, syncStatus: 'SYNCED', paused: true });
    });
    expect(await pausedAmong(store, connectionId, ['a', 'b'])).toEqual(new Set(['a']));
    const [row] = (await store.db.select().from(store.s.commands)).filter((each) => each.connectionId === connectionId);
    if (!row) throw new Error('the row is missing');
    const step = {
      row,
      set: { state: 'applied' as const, result: { noteId: 'n1' } },
      observations: [],
      problems: [],
      commands: [{ connectionId, kind: 'task' as const, target: row.target, sourceEvent: 'follow', params: {} }],
      logs: [],
      marks: ['g_a'],
      requeue: 'a',
    };
    expect(await store.tx((db) => settleStep(store, db, step))).toBe(true);
    expect(await store.tx((db) => settleStep(store, db, step))).toBe(false);
    const rows = (await store.db.select().from(store.s.commands)).filter((each) => each.connectionId === connectionId);
    expect(rows.map(({ kind, state }) => `${kind} ${state}`).toSorted()).toEqual(['note applied', 'task pending']);
    const [person] = (await store.db.select().from(store.s.stickyCardsCustomers)).filter(
      (each) => each.connectionId === connectionId,
    );
    expect(person).toMatchObject({ syncStatus: 'PENDING' });
  });
});
