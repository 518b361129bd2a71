import { afterEach, describe, expect, test } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { listProblems } from '../../src/store/problems.ts';
import { decideProblem } from '../../src/store/problemActions.ts';
import { CRASH_POINTS } from '../../src/sync/crashPoints.ts';
import { type PointsStage, startPointsStage } from '../helpers/pointsStage.ts';

let s: PointsStage;
afterEach(() => s.stop());

const MINUTE = 60_000;
const PUT = { method: 'PUT', path: /\/balance$/ } as const;
const lost = { kind: 'reset_after', ...PUT, times: 1 } as const;
const neverArrived = { kind: 'reset_before', ...PUT, times: 1 } as const;

const problems = async () => (await s.problems()).map(({ code }) => code);
/** Passes three minutes apart. */
const passes = async (n: number) => {
  for (let i = 0; i < n; i++) {
    await s.perform();
    s.clock.ahead(3 * MINUTE);
  }
};

describe('points are booked once', () => {
  test('the difference is added, the new total comes back through the inbox, and the mode is proved', async () => {
    s = await startPointsStage();
    s.card(100);
    const id = await s.book(50);
    await s.perform();
    expect(s.balance()).toBe(150);
    expect(await s.command(id)).toMatchObject({
      state: 'applied',
      attempts: 1,
      before: { balance: 100 },
      result: { points: 50, balance: 150 },
    });
    expect(s.stickyCards.journal.find((each) => each.method === 'PUT')?.body).toEqual({
      balance: 50,
      comment: `GHL loyalty_points [ref:${id}]`,
    });
    expect(await s.fact()).toEqual({ mode: 'delta', state: 'proved' });
    await s.fold();
    expect(await s.staged()).toMatchObject({ balance: 150, stickycardsId: 'cus_1' });
    expect(await problems()).toEqual([]);
  });

  test('in absolute mode the total is written that was read plus the difference', async () => {
    s = await startPointsStage({ balanceMode: 'absolute' });
    s.connection.stickyCards.balanceMode = 'absolute';
    s.card(100);
    const ids = [await s.book(50), await s.book(-30)];
    await passes(2);
    expect(s.balance()).toBe(120);
    expect(await Promise.all(ids.map((id) => s.state(id)))).toEqual(['applied', 'applied']);
    expect(await s.fact()).toEqual({ mode: 'absolute', state: 'proved' });
  });

  test('a proved mode costs one read before each write and none after it', async () => {
    s = await startPointsStage();
    await s.proved();
    s.card(100);
    await s.book(50);
    await s.perform();
    expect(s.stickyCards.callCount()).toBe(2);
    await s.fold();
    expect(await s.staged()).toMatchObject({ balance: 150, readWanted: false });
  });

  test('a balance of 0 proves nothing', async () => {
    s = await startPointsStage();
    s.card(0);
    await s.book(50);
    await s.perform();
    expect(s.balance()).toBe(50);
    expect(await s.fact()).toBeUndefined();
  });

  test('many bookings of one card, in any number of passes, give the sum', async () => {
    s = await startPointsStage();
    s.card(500);
    const amounts = [10, -20, 300, 5, -7, 1, 2, 3];
    for (const n of amounts) await s.book(n);
    await passes(3);
    expect(s.balance()).toBe(500 + amounts.reduce((sum, n) => sum + n, 0));
    expect(new Set((await s.commands()).map((row) => row.state))).toEqual(new Set(['applied']));
    expect(s.writes()).toBe(amounts.length);
  });

  test('a run and an action that book on one card at the same moment do not read one balance', async () => {
    s = await startPointsStage({ balanceMode: 'absolute' });
    s.connection.stickyCards.balanceMode = 'absolute';
    await s.proved('absolute');
    s.card(100);
    const [a, b] = [await s.book(10), await s.book(20)];
    s.stickyCards.faults.add({ kind: 'delay', method: 'GET', delayMs: 60 });
    await Promise.all([s.perform({ ids: [a] }), s.perform({ ids: [b] })]);
    await passes(2);
    expect(s.balance()).toBe(130);
    expect(s.writes()).toBe(2);
  });

  test('until the mode is proved, bookings of different cards go one at a time', async () => {
    s = await startPointsStage();
    for (let n = 1; n <= 6; n++) s.card(0, `cus_${n}`, `card_${n}`);
    for (let n = 1; n <= 6; n++) await s.book(10, `card_${n}`);
    s.stickyCards.faults.add({ kind: 'delay', delayMs: 15 });
    await s.perform();
    const calls = s.stickyCards.journal.map(
      ({ method, path }) => `${method} ${path.split('/').find((p) => p.startsWith('card_'))}`,
    );
    expect(calls).toEqual([1, 2, 3, 4, 5, 6].flatMap((n) => [`GET card_${n}`, `PUT card_${n}`, `GET card_${n}`]));
  });

  test('what Sticky Cards refuses is failed with its reason, and the person is planned anew', async () => {
    s = await startPointsStage();
    await s.customer('cus_1');
    s.card(100);
    s.stickyCards.faults.add({ kind: 'status', status: 422, body: { message: 'balance is locked' }, ...PUT });
    const id = await s.book(50);
    await s.perform();
    expect(await s.command(id)).toMatchObject({ state: 'failed', reason: expect.stringContaining('422') });
    expect(await problems()).toEqual(['command_failed']);
    const { stickyCardsCustomers: t } = s.store.s;
    expect(await s.store.db.select({ version: t.version }).from(t)).toEqual([{ version: 2 }]);
  });

  test('more points than the card has wait for a person', async () => {
    s = await startPointsStage();
    s.card(40);
    const id = await s.book(-60);
    await s.perform();
    expect(await s.command(id)).toMatchObject({ state: 'held', reason: 'points_limit' });
    expect(s.writes()).toBe(0);
    expect(await problems()).toEqual(['points_limit']);
  });

  test('an API that cannot write balances is never tried', async () => {
    s = await startPointsStage();
    s.card(100);
    const id = await s.book(50);
    const { sticky } = s.context();
    if (!sticky) throw new Error('no client');
    const dialect = { ...sticky.dialect, capabilities: { ...sticky.dialect.capabilities, balanceWrite: false } };
    await s.perform(undefined, { sticky: { ...sticky, dialect } });
    expect(await s.command(id)).toMatchObject({ state: 'failed', reason: 'not_writable_by_api' });
    expect(s.stickyCards.callCount()).toBe(0);
    expect(await problems()).toEqual(['not_writable_by_api']);
  });

  test('a card that is gone fails the booking, a customer who is paused lets it wait', async () => {
    s = await startPointsStage();
    const gone = await s.book(50, 'card_9');
    await s.customer('cus_1', { paused: true });
    s.card(100);
    const waits = await s.book(50);
    await s.perform();
    expect([await s.state(gone), await s.state(waits)]).toEqual(['pending', 'pending']);
    await s.store.tx(async (db) => void (await db.update(s.store.s.stickyCardsCustomers).set({ paused: false })));
    await s.perform();
    expect([await s.state(gone), await s.state(waits)]).toEqual(['failed', 'applied']);
  });
});

describe('a lost answer', () => {
  test('points that arrived are found by the balance, and not paid twice', async () => {
    s = await startPointsStage();
    s.card(100);
    s.stickyCards.faults.add(lost);
    const id = await s.book(50);
    await s.perform();
    expect(await s.state(id)).toBe('unknown');
    await passes(3);
    expect(await s.command(id)).toMatchObject({ state: 'applied', result: { balance: 150 } });
    expect([s.balance(), s.writes()]).toEqual([150, 1]);
    expect(await s.fact()).toMatchObject({ state: 'proved' });
  });

  test('points that did not arrive are sent again, but not before two minutes and a second read', async () => {
    s = await startPointsStage();
    s.card(100);
    s.stickyCards.faults.add(neverArrived);
    const id = await s.book(50);
    await s.perform();
    s.clock.ahead(90_000);
    await s.perform();
    expect(await s.command(id)).toMatchObject({ state: 'unknown', looks: 1 });
    expect(s.writes()).toBe(1);
    await passes(3);
    expect(await s.command(id)).toMatchObject({ state: 'applied', attempts: 2 });
    expect([s.balance(), s.writes()]).toEqual([150, 2]);
  });

  test.each(['status', 'html', 'timeout_after'] as const)('%s counts as one that may have arrived', async (kind) => {
    s = await startPointsStage();
    s.card(100);
    s.stickyCards.faults.add({ kind, ...PUT, times: 1 });
    const id = await s.book(50);
    await s.perform();
    expect(await s.state(id)).toBe('unknown');
    await passes(4);
    expect(await s.state(id)).toBe('applied');
    expect(s.balance()).toBe(150);
  });

  test.each([
    ['arrived', lost],
    ['did not arrive', neverArrived],
  ] as const)('that %s, with the till moving the points meanwhile: a person decides', async (_what, fault) => {
    s = await startPointsStage();
    s.card(100);
    s.stickyCards.faults.add(fault);
    const id = await s.book(50);
    await s.perform();
    s.stickyCards.till.addPoints('card_1', 7);
    const now = s.balance();
    await passes(5);
    expect(await s.command(id)).toMatchObject({ state: 'unknown', nextAttemptAt: null, decidedBy: null });
    expect([s.balance(), s.writes()]).toEqual([now, 1]);
    expect(await problems()).toContain('command_unknown');
  });

  test('a balance that a delivery showed in between keeps it from being sent again', async () => {
    s = await startPointsStage();
    s.card(100);
    s.stickyCards.faults.add(neverArrived);
    const id = await s.book(50);
    await s.perform();
    s.stickyCards.till.addPoints('card_1', 30);
    s.stickyCards.till.addPoints('card_1', -30);
    await s.deliver();
    await passes(5);
    expect(await s.command(id)).toMatchObject({ state: 'unknown', nextAttemptAt: null });
    expect(s.writes()).toBe(1);
  });

  test('a delivery that names the booking proves it, even when the till has moved on', async () => {
    s = await startPointsStage();
    s.card(100);
    s.stickyCards.faults.add(lost);
    const id = await s.book(50);
    await s.perform();
    s.stickyCards.till.addPoints('card_1', -25);
    await s.deliver();
    await passes(2);
    expect(await s.command(id)).toMatchObject({ state: 'applied', result: { balance: 125 } });
    expect([s.balance(), s.writes()]).toEqual([125, 1]);
  });

  test('a late delivery from before the booking is no other balance', async () => {
    s = await startPointsStage();
    s.card(80);
    const release = s.stickyCards.webhooks.holdNext();
    s.stickyCards.till.addPoints('card_1', 5);
    s.stickyCards.till.addPoints('card_1', 15);
    await s.deliver();
    s.clock.ahead(10_000);
    s.stickyCards.faults.add(neverArrived);
    const id = await s.book(50);
    await s.perform();
    release();
    await s.deliver();
    await passes(3);
    expect(await s.state(id)).toBe('applied');
    expect(s.balance()).toBe(150);
  });

  test('a delivery that names the booking and comes after all looks keeps it from being sent again', async () => {
    s = await startPointsStage();
    s.card(100);
    s.stickyCards.faults.add(lost);
    const id = await s.book(50);
    await s.perform();
    // The points are spent at once, and what tells of it is on its way.
    s.stickyCards.till.addPoints('card_1', -50);
    s.clock.ahead(3 * MINUTE);
    // Two looks find nothing; then it is not sent yet, because the card cannot be read.
    s.stickyCards.faults.add({ kind: 'status', status: 500, method: 'GET', every: 3, times: 1 });
    await s.perform();
    expect(await s.state(id)).toBe('pending');
    await s.deliver();
    s.clock.ahead(3 * MINUTE);
    await s.perform();
    expect(await s.state(id)).toBe('applied');
    expect([s.balance(), s.writes()]).toEqual([100, 1]);
  });

  test('the next booking of the card waits for the one in doubt, that of another card does not', async () => {
    s = await startPointsStage();
    await s.proved();
    s.card(100);
    s.card(100, 'cus_2', 'card_2');
    s.stickyCards.faults.add({ ...lost, path: /card_1\/balance/ });
    const doubtful = await s.book(50);
    const next = await s.book(5);
    const elsewhere = await s.book(5, 'card_2');
    await s.perform();
    expect([await s.state(doubtful), await s.state(next), await s.state(elsewhere)]).toEqual([
      'unknown',
      'pending',
      'applied',
    ]);
    expect((await s.command(next)).reason).toContain(doubtful);
    await passes(3);
    expect([await s.state(doubtful), await s.state(next)]).toEqual(['applied', 'applied']);
    expect(s.balance()).toBe(155);
  });

  test('every third answer lost, over fifty cards: every card has its points, once', async () => {
    s = await startPointsStage();
    for (let n = 0; n < 50; n++) s.card(100, `cus_${n}`, `card_${n}`);
    for (let n = 0; n < 50; n++) await s.book(n + 1, `card_${n}`);
    s.stickyCards.faults.add({ kind: 'reset_after', ...PUT, every: 3 });
    s.stickyCards.faults.add({ kind: 'reset_before', ...PUT, every: 4 });
    s.stickyCards.faults.add({ kind: 'status', status: 503, method: 'GET', every: 7 });
    await s.performAll(25);
    const balances = Array.from({ length: 50 }, (_, n) => s.balance(`card_${n}`));
    expect(balances).toEqual(Array.from({ length: 50 }, (_, n) => 101 + n));
    expect(new Set((await s.commands()).map((row) => row.state))).toEqual(new Set(['applied']));
  }, 60_000);

  test.each(CRASH_POINTS.filter((point) => !point.startsWith('look')))(
    'a process that dies at "%s" books nothing twice and forgets nothing',
    async (point) => {
      s = await startPointsStage();
      s.card(100);
      const id = await s.book(50);
      class Died extends Error {}
      let dead = false;
      const alive = s.store;
      const tx: typeof alive.tx = (work, options) => (dead ? Promise.reject(new Died()) : alive.tx(work, options));
      await s
        .perform(undefined, {
          store: { ...alive, tx },
          crashPoint: (at) => {
            if (at !== point || dead) return;
            dead = true;
            throw new Died();
          },
        })
        .catch(() => undefined);
      expect(dead).toBe(true);
      await s.afterKill();
      await s.performAll();
      expect([s.balance(), await s.state(id)]).toEqual([150, 'applied']);
    },
  );
});

describe('the balance mode', () => {
  test('an account that sets instead of adding is found by the first booking, and everything stops', async () => {
    s = await startPointsStage({ balanceMode: 'absolute' });
    s.card(100);
    s.card(200, 'cus_2', 'card_2');
    const first = await s.book(50);
    const second = await s.book(50, 'card_2');
    await passes(2);
    expect(await s.command(first)).toMatchObject({ state: 'failed', reason: 'balance_mode_wrong' });
    expect(await s.state(second)).toBe('pending');
    expect([s.balance(), s.balance('card_2'), s.writes()]).toEqual([50, 200, 1]);
    const [problem] = await listProblems(s.store, { code: 'balance_mode_wrong' }, 5);
    expect(problem).toMatchObject({
      state: 'open',
      sample: { balanceMode: 'delta', cardId: 'card_1', before: 100, points: 50, total: 50 },
    });
  });

  test('an account that adds where it should set is found as well', async () => {
    s = await startPointsStage({ balanceMode: 'delta' });
    s.connection.stickyCards.balanceMode = 'absolute';
    s.card(100);
    await s.book(50);
    await s.perform();
    expect(await problems()).toEqual(['balance_mode_wrong']);
    expect(s.balance()).toBe(250);
  });

  test('the setting put right and the problem resolved: it goes on, and is proved anew', async () => {
    s = await startPointsStage({ balanceMode: 'absolute' });
    s.card(100);
    s.card(200, 'cus_2', 'card_2');
    await s.book(50);
    const second = await s.book(50, 'card_2');
    await s.perform();
    s.connection.stickyCards.balanceMode = 'absolute';
    await s.perform();
    expect(await s.state(second)).toBe('pending');
    const [problem] = await listProblems(s.store, { code: 'balance_mode_wrong' }, 5);
    await decideProblem(s.store, problem?.id ?? '', 'resolved', 'ann');
    await s.perform();
    expect(await s.state(second)).toBe('applied');
    expect(s.balance('card_2')).toBe(250);
    expect(await s.fact()).toEqual({ mode: 'absolute', state: 'proved' });
  });

  test('resolved with the setting as it was: nothing is booked, and the problem is there again', async () => {
    s = await startPointsStage({ balanceMode: 'absolute' });
    s.card(100);
    s.card(200, 'cus_2', 'card_2');
    await s.book(50);
    await s.book(50, 'card_2');
    await s.perform();
    const [problem] = await listProblems(s.store, { code: 'balance_mode_wrong' }, 5);
    await decideProblem(s.store, problem?.id ?? '', 'resolved', 'ann');
    await passes(2);
    expect(s.writes()).toBe(1);
    expect(await problems()).toEqual(['balance_mode_wrong']);
  });

  test('a lost answer of such an account waits for a person and stops the rest', async () => {
    s = await startPointsStage({ balanceMode: 'absolute' });
    s.card(100);
    s.card(200, 'cus_2', 'card_2');
    s.stickyCards.faults.add(lost);
    const first = await s.book(50);
    const second = await s.book(50, 'card_2');
    await passes(4);
    expect(await s.command(first)).toMatchObject({ state: 'unknown', nextAttemptAt: null });
    expect(await s.state(second)).toBe('pending');
    expect((await problems()).toSorted()).toEqual(['balance_mode_wrong', 'command_unknown']);
  });

  test.each([
    ['delta', 100],
    ['absolute', -100],
  ] as const)(
    'a booking in mode %s that did not arrive is no proof of the other mode, although that would leave the same balance',
    async (mode, points) => {
      s = await startPointsStage({ balanceMode: mode });
      s.connection.stickyCards.balanceMode = mode;
      s.card(100);
      s.stickyCards.faults.add(neverArrived);
      const id = await s.book(points);
      await passes(4);
      expect(await s.state(id)).toBe('applied');
      expect([s.balance(), s.writes()]).toEqual([100 + points, 2]);
      expect(await problems()).toEqual([]);
    },
  );

  test('a booking that arrived in the other mode and left the balance as it was is found when it is sent again', async () => {
    s = await startPointsStage({ balanceMode: 'absolute' });
    s.card(100);
    s.stickyCards.faults.add(lost);
    const id = await s.book(100);
    await passes(4);
    expect(await s.command(id)).not.toMatchObject({ state: 'applied' });
    expect(s.balance()).toBe(100);
    expect(await problems()).toContain('balance_mode_wrong');
  });

  test('somebody else’s movement between the read and the write stops nothing', async () => {
    s = await startPointsStage();
    s.card(100);
    const id = await s.book(50);
    s.stickyCards.faults.add({ kind: 'delay', ...PUT, delayMs: 120 });
    const pass = s.perform();
    while (s.writes() === 0) await s.clock.sleep(5);
    s.stickyCards.till.addPoints('card_1', 7);
    await pass;
    expect(await s.command(id)).toMatchObject({ state: 'applied', result: { balance: 157 } });
    expect(await problems()).toEqual([]);
    expect(await s.fact()).toBeUndefined();
  });

  test('a read after the booking that fails is not the end of it: the card is read by the next run', async () => {
    s = await startPointsStage();
    s.card(100);
    const id = await s.book(50);
    s.stickyCards.faults.add({ kind: 'status', status: 500, method: 'GET', every: 2 });
    await s.perform();
    expect(await s.state(id)).toBe('applied');
    await s.fold();
    expect(await s.staged()).toMatchObject({ balance: 150 });
    const { webhookEvents: t } = s.store.s;
    const rows = await s.store.db.select({ type: t.type }).from(t).where(eq(t.source, 'self'));
    expect(rows).toEqual([{ type: 'CardWritten' }]);
    expect(s.writes()).toBe(1);
  });
});
