// What a connection says about points before any are booked: how many need a person (SPEC §3.3, `pointsLimit`), and whether
// its API takes them at all (SPEC §2.4).
import { afterEach, describe, expect, test } from '@jest/globals';
import { listCommands } from '../../src/store/commands.ts';
import { listProblems } from '../../src/store/problems.ts';
import { quickTables, tablesWith } from '../helpers/dialectTables.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { onlyContact, startTestApp, type TestApp, WORKFLOW_KEY } from '../helpers/testApp.ts';

const HOUR = 3_600_000;
let t: TestApp;
let clock: ReturnType<typeof movableClock>;
let customerId: string;
let cardId: string;
afterEach(() => t.stop());

/** A linked customer with an installed card of 100 points. */
async function start(configDir = quickTables()): Promise<void> {
  clock = movableClock();
  const now = () => clock.nowMs();
  t = await startTestApp({ overrides: { clock, configDir }, ghl: { now }, stickyCards: { now } });
  ({ customerId } = t.stickyCards.till.createCustomer({ firstName: 'Ana', email: 'ana@example.com' }));
  ({ cardId } = t.stickyCards.till.issueCard(customerId, { balance: 100 }));
  t.stickyCards.till.installCard(cardId);
  await settled();
}
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    await t.stickyCards.flushWebhooks();
    await t.ghl.flushWebhooks();
    clock.ahead(HOUR);
    await t.run();
  }
}
const edit = (customFields: Record<string, string | number>) =>
  t.ghl.ui.updateContact(onlyContact(t).id, { customFields });
const balance = () => t.stickyCards.state.card(cardId)?.balance;
const commands = async () => (await listCommands(t.app.store, { kind: 'add_points' }, 9)).map(({ state }) => state);
const open = async () =>
  (await listProblems(t.app.store, {}, 50)).filter(({ state }) => state === 'open').map(({ code }) => code);

describe('the limit of one change', () => {
  const limit = async (pointsLimit: number) => {
    await t.app.connections.patch('default', { pointsLimit }, 'test');
    await t.app.registry.refresh();
  };
  const addPoints = async (points: number): Promise<unknown> => {
    const answer = await fetch(`${t.url}/actions/add-points`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${WORKFLOW_KEY}` },
      body: JSON.stringify({ contact_id: onlyContact(t).id, location_id: 'LOC1', points }),
    });
    return answer.json();
  };

  test('is 1,000 until the connection says otherwise, and the API shows it', async () => {
    await start();
    expect((await t.api('/connections/default')).body).toMatchObject({ pointsLimit: 1000 });
    await limit(50);
    expect((await t.api('/connections/default')).body).toMatchObject({ pointsLimit: 50 });
  });

  test.each([
    ['points typed in GHL', () => edit({ loyalty_points: 151 })],
    ['a bonus', () => edit({ bonus_points: 51 })],
    ['points that a workflow adds', () => addPoints(51)],
  ] as const)('a smaller one holds %s beyond it', async (_, act) => {
    await start();
    await limit(50);
    await act();
    await settled();
    expect(balance()).toBe(100);
    expect(await commands()).toEqual(['held']);
    expect(await open()).toEqual(['points_limit']);
  });

  test('a greater one lets them go', async () => {
    await start();
    await limit(5000);
    edit({ loyalty_points: 2100 });
    await settled();
    expect(balance()).toBe(2100);
    expect(await addPoints(2000)).toMatchObject({ result: 'applied' });
    expect(balance()).toBe(4100);
    expect(await open()).toEqual([]);
  });

  test('one that lets a single edit go beyond the brake is braked', async () => {
    await start();
    await limit(10_000);
    edit({ loyalty_points: 6000 });
    await settled();
    expect(balance()).toBe(100);
    expect(await open()).toEqual(['mass_change']);
  });
});

describe('an API that takes no points', () => {
  test('both sides keep their own number, listed once, and the same number by hand settles it', async () => {
    await start(
      tablesWith(({ capabilities }) => ({
        requestsPerSecond: 10_000,
        capabilities: { ...capabilities, balanceWrite: false },
      })),
    );
    edit({ loyalty_points: 130, bonus_points: 5 });
    await settled();
    t.stickyCards.till.addPoints(cardId, 10);
    await settled();
    expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 130, bonus_points: 5 });
    expect(balance()).toBe(110);
    expect(await commands()).toEqual([]);
    expect(new Set(await open())).toEqual(new Set(['not_writable_by_api']));
    expect((await t.api(`/customers/${customerId}`)).body).toMatchObject({ syncStatus: 'SYNCED' });
    t.stickyCards.till.addPoints(cardId, 20);
    await settled();
    t.stickyCards.till.addPoints(cardId, 1);
    await settled();
    expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 131 });
  });
});
