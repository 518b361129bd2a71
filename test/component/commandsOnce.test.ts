import { afterEach, describe, expect, test } from '@jest/globals';
import type { CommandKind } from '../../drizzle/tables/commands.ts';
import { markerOf } from '../../src/domain/commandTexts.ts';
import { insertCommands } from '../../src/store/commands.ts';
import { newLink } from '../../src/store/links.ts';
import { CRASH_POINTS, type CrashPoint } from '../../src/sync/crashPoints.ts';
import { type CommandStage, LOCATION, startCommandStage } from '../helpers/commandStage.ts';
import { mass } from '../helpers/mass.ts';

let s: CommandStage;
afterEach(() => s.stop());

const PEOPLE = mass(100, 1000);
const KINDS = ['note', 'task', 'opportunity'] as const;
const params = { about: 'payment', paymentId: 'pay_1', amount: 12.5, currency: 'USD', occurredAtMs: 1_774_000_000_000 };

/** How often what a command leaves behind exists. */
function found(kind: CommandKind, contactId: string, commandId: string): number {
  const marker = markerOf(commandId);
  if (kind === 'note') return s.ghl.state.notes(contactId).filter(({ body }) => body.includes(marker)).length;
  if (kind === 'task') return s.ghl.state.tasks(contactId).filter(({ body }) => body?.includes(marker)).length;
  return s.ghl.state.opportunities(LOCATION).filter(({ name }) => name.includes(marker)).length;
}

test(`${PEOPLE} notes, tasks and opportunities each with every third answer lost: each is there exactly once`, async () => {
  s = await startCommandStage({ ghl: { searchLagMs: 30_000 } });
  const contacts = s.ghl.seedContacts(
    LOCATION,
    Array.from({ length: PEOPLE }, (_, n) => ({ email: `p${n}@example.com` })),
  );
  await s.store.tx(async (db) => {
    for (let from = 0; from < PEOPLE; from += 100) {
      const people = contacts
        .slice(from, from + 100)
        .map((contactId, i) => ({ contactId, customerId: `cus_${from + i}` }));
      await db
        .insert(s.store.s.entityMappings)
        .values(people.map((each) => newLink(s.store, 'default', each.customerId, each.contactId, 'live')));
      const orders = people.flatMap(({ customerId }) =>
        KINDS.map((kind) => ({
          connectionId: 'default',
          kind,
          target: `customer:${customerId}`,
          sourceEvent: 'e1',
          params,
        })),
      );
      await insertCommands(s.store, db, orders);
    }
  });
  // About a third: some happened, some did not, of some nobody can say; looks get lost as well.
  s.ghl.faults.add({ kind: 'reset_after', method: 'POST', every: 7 });
  s.ghl.faults.add({ kind: 'reset_before', method: 'POST', every: 8 });
  s.ghl.faults.add({ kind: 'status', status: 502, method: 'POST', every: 9 });
  s.ghl.faults.add({ kind: 'status', status: 503, method: 'GET', path: /notes|tasks|search/, every: 10 });
  await s.performAll(20);
  const rows = await s.commands();
  expect(rows).toHaveLength(3 * PEOPLE);
  const contactOf = new Map(contacts.map((contactId, n) => [`customer:cus_${n}`, contactId]));
  const twice = rows.filter((row) => found(row.kind, contactOf.get(row.target) as string, row.id) > 1);
  expect(twice).toEqual([]);
  expect(new Set(rows.map((row) => row.state))).toEqual(new Set(['applied']));
  const missing = rows.filter((row) => found(row.kind, contactOf.get(row.target) as string, row.id) === 0);
  expect(missing).toEqual([]);
  expect(await s.problems()).toEqual([]);
}, 240_000);

class Died extends Error {}

/** A pass that dies at its first `point`: from then on nothing of it reaches the disk. */
async function dieAt(point: CrashPoint): Promise<boolean> {
  let dead = false;
  const alive = s.store;
  const mortal = {
    ...alive,
    tx: (async (work, options) => {
      if (dead) throw new Died();
      return alive.tx(work, options);
    }) as typeof alive.tx,
  };
  await s
    .perform(undefined, {
      store: mortal,
      crashPoint: (at) => {
        if (at !== point || dead) return;
        dead = true;
        throw new Died();
      },
    })
    .catch((error: unknown) => {
      if (!(error instanceof Died)) throw error;
    });
  return dead;
}

/** A command that dies at `point` in one process and is carried on by the next. */
async function carryOn(kind: CommandKind, point: CrashPoint, about: Record<string, unknown>) {
  const id = await s.order(kind, 'cus_1', about);
  if (point === 'looked' || point === 'look_settled') {
    // The first answer is lost, so that there is something to look for.
    const lost = { kind: 'reset_after', method: kind === 'opportunity_lost' ? 'PUT' : 'POST', times: 1 } as const;
    if (kind === 'push') s.stickyCards.faults.add(lost);
    else s.ghl.faults.add(lost);
    await s.perform();
    s.clock.ahead(5 * 60_000);
  }
  const died = await dieAt(point);
  await s.afterKill();
  await s.performAll();
  return { died, id, row: await s.command(id) };
}

const everywhere = <K extends string>(kinds: readonly K[]) =>
  kinds.flatMap((kind) => CRASH_POINTS.map((point) => [kind, point] as const));

describe('a process that dies while it performs', () => {
  test.each(everywhere(KINDS))(
    'one %s, at "%s": the next one carries on, and it is there once',
    async (kind, point) => {
      s = await startCommandStage({ ghl: { searchLagMs: 30_000 } });
      const contactId = await s.link('cus_1');
      const { died, id, row } = await carryOn(kind, point, params);
      expect(died).toBe(true);
      expect(row).toMatchObject({ state: 'applied' });
      expect(found(kind, contactId, id)).toBe(1);
      const made = [
        ...s.ghl.state.notes(contactId),
        ...s.ghl.state.tasks(contactId),
        ...s.ghl.state.opportunities(LOCATION),
      ];
      expect(made).toHaveLength(1);
    },
  );

  test.each(CRASH_POINTS)('a refund, at "%s": its opportunity is lost in the end', async (point) => {
    s = await startCommandStage({ ghl: { searchLagMs: 30_000 } });
    await s.link('cus_1');
    await s.order('opportunity', 'cus_1', params, 'payment:pay_1');
    await s.perform();
    const { died, row } = await carryOn('opportunity_lost', point, { ...params, about: 'refund' });
    expect(died).toBe(true);
    expect(row).toMatchObject({ state: 'applied' });
    expect(s.ghl.state.opportunities(LOCATION)).toMatchObject([{ status: 'lost' }]);
  });

  // Sticky Cards cannot be asked: once a push may have left, an operator says what became of it.
  test.each([
    ['claimed', 'applied', 1],
    ['prepared', 'applied', 1],
    ['sending', 'unknown', 0],
    ['answered', 'unknown', 1],
    ['settled', 'applied', 1],
    ['looked', 'unknown', 1],
    ['look_settled', 'unknown', 1],
  ] as const)('a push, at "%s": it is %s, and was sent %i times', async (point, state, times) => {
    s = await startCommandStage();
    s.stickyCards.till.createCustomer({ customerId: 'cus_1', email: 'ana@example.com' });
    const { died, row } = await carryOn('push', point, { message: 'Hello' });
    expect(died).toBe(true);
    expect(row).toMatchObject({ state, nextAttemptAt: null, decidedBy: null });
    expect(s.stickyCards.state.pushes()).toHaveLength(times);
  });
});
