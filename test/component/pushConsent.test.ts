// A push in the ledger (SPEC §3.4): the person is asked right before it leaves.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type CommandStage, startCommandStage } from '../helpers/commandStage.ts';

let stage: CommandStage;
beforeEach(async () => {
  stage = await startCommandStage();
  stage.stickyCards.seed([{ customerId: 'cus_1', email: 'a@example.com' }]);
});
afterEach(() => stage.stop());

const order = () => stage.order('push', 'cus_1', { message: 'Hi', contactId: 'con_1' });
const sent = () => stage.stickyCards.state.pushes().length;

test.each([
  [false, 'applied', 1],
  [true, 'failed', 0],
  ['gone', 'failed', 0],
  ['unknown', 'pending', 0],
] as const)('the contact says %s: %s', async (optedOut, state, pushes) => {
  const id = await order();
  await stage.perform({}, { optedOut: () => Promise.resolve(optedOut) });
  expect((await stage.command(id)).state).toBe(state);
  expect(sent()).toBe(pushes);
  // That somebody does not want it is nobody's problem.
  expect(await stage.problems()).toEqual([]);
});

test('nobody can be asked: nothing is sent', async () => {
  const id = await order();
  await stage.perform();
  expect((await stage.command(id)).state).toBe('pending');
  expect(sent()).toBe(0);
});

test('somebody whom Sticky Cards was told to leave alone gets nothing, whatever the contact says', async () => {
  await stage.customer('cus_1', { optInStatus: 'opted_out' });
  const id = await order();
  await stage.perform({}, { optedOut: () => Promise.resolve(false) });
  expect(await stage.command(id)).toMatchObject({ state: 'failed', reason: 'opted_out' });
  expect(sent()).toBe(0);
});
