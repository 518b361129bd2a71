// How many calls GHL was asked today (SPEC §6): by its own word where it gave it, counted where it did not.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Clock, systemClock } from '../../src/clock.ts';
import { silentLogger } from '../../src/log.ts';
import { type CallBudget, createCallBudget } from '../../src/store/callBudget.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { databases } from '../helpers/databases.ts';

const AT = new Date('2026-03-01T10:00:00.123Z');
const HOUR_MS = 3_600_000;

describe.each(Object.entries(databases))('the calls of a day on %s', (_name, makeUrl) => {
  let nowMs = AT.getTime();
  const clock: Clock = { ...systemClock, now: () => new Date(nowMs), nowMs: () => nowMs };
  let store: Store;
  let budgets: CallBudget[];

  const open = (): CallBudget => {
    const budget = createCallBudget({ store, log: silentLogger });
    budgets.push(budget);
    return budget;
  };
  const of = async (budget: CallBudget, id = 'north') => (await budget.today([id])).get(id);
  const connect = async (id: string) => {
    const settings = { settings: {}, secrets: {}, pausedDirections: [], cursors: {}, createdAt: AT, updatedAt: AT };
    await store.tx((db) =>
      db.insert(store.s.connections).values({ id, mode: 'live' as const, dialect: 'report', ...settings }),
    );
  };

  beforeEach(async () => {
    nowMs = AT.getTime();
    budgets = [];
    store = await openStore(await makeUrl(), clock);
    await connect('north');
  });
  afterEach(async () => {
    for (const budget of budgets) await budget.close();
    await store.close();
  });

  test('calls of which GHL says nothing are counted, over restarts and by all processes together', async () => {
    const side = {};
    const first = open();
    const second = open();
    expect(await of(first)).toEqual({ usedToday: 0, perDay: 200_000 });
    for (let i = 0; i < 3; i++) first.heard('north', null, side);
    expect((await of(first))?.usedToday).toBe(3);
    await first.keep();
    await first.keep();
    first.heard('north', null, side);
    for (let i = 0; i < 5; i++) second.heard('north', null, second);
    expect([(await of(first))?.usedToday, (await of(second))?.usedToday]).toEqual([4, 8]);
    await first.close();
    await second.close();
    expect(await of(open())).toEqual({ usedToday: 9, perDay: 200_000 });
  });

  test('what GHL tells counts more than what we counted, and calls after it come on top', async () => {
    const side = {};
    const budget = open();
    budget.heard('north', null, side);
    budget.heard('north', { left: 99_400, limit: 100_000 }, side);
    budget.heard('north', null, side);
    expect(await of(budget)).toEqual({ usedToday: 601, perDay: 100_000 });
    await budget.keep();
    budget.heard('north', null, side);
    expect(await of(budget)).toEqual({ usedToday: 602, perDay: 100_000 });
    await budget.close();
    const later = open();
    later.heard('north', null, {});
    expect(await of(later)).toEqual({ usedToday: 603, perDay: 100_000 });
  });

  test('an answer that others overtook takes nothing back; a day or a location that begins anew does', async () => {
    const side = {};
    const budget = open();
    for (const left of [199_990, 199_988, 199_989]) budget.heard('north', { left, limit: null }, side);
    expect((await of(budget))?.usedToday).toBe(12);
    budget.heard('north', { left: 199_999, limit: null }, {});
    expect((await of(budget))?.usedToday).toBe(1);
    budget.heard('north', { left: 150_000, limit: null }, side);
    budget.heard('north', { left: 199_997, limit: null }, side);
    expect((await of(budget))?.usedToday).toBe(3);
  });

  test('a new day begins with nothing, and is not spoilt by a process that is late', async () => {
    const side = {};
    const budget = open();
    budget.heard('north', { left: 1_000, limit: 200_000 }, side);
    await budget.keep();
    nowMs = AT.getTime() + 14 * HOUR_MS;
    expect((await of(budget))?.usedToday).toBe(0);
    budget.heard('north', null, side);
    expect((await of(budget))?.usedToday).toBe(1);
    await budget.keep();
    expect((await of(open()))?.usedToday).toBe(1);
    nowMs = AT.getTime();
    const late = open();
    late.heard('north', { left: 500, limit: 200_000 }, {});
    await late.keep();
    nowMs = AT.getTime() + 14 * HOUR_MS;
    expect((await of(open()))?.usedToday).toBe(1);
  });

  test('many calls cost one write, none costs none, and one that was removed leaves no row', async () => {
    await connect('south');
    const budget = open();
    const writes: number[] = [];
    const counted = createCallBudget({
      store: { ...store, tx: (work, options) => (writes.push(1), store.tx(work, options)) },
      log: silentLogger,
    });
    budgets.push(counted);
    for (let i = 0; i < 500; i++) for (const id of ['north', 'south', 'gone']) counted.heard(id, null, budget);
    expect(writes).toHaveLength(0);
    await counted.keep();
    await counted.keep();
    expect(writes).toHaveLength(1);
    const { ghlCallBudgets: t } = store.s;
    expect(await store.db.select().from(t).orderBy(t.connectionId)).toMatchObject([
      { connectionId: 'north', used: 500 },
      { connectionId: 'south', used: 500 },
    ]);
  });
});
