// A push that had to wait (SPEC §3.4): consent that was asked for long ago is asked for again.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type CommandStage, startCommandStage } from '../helpers/commandStage.ts';

let stage: CommandStage;
beforeEach(async () => {
  stage = await startCommandStage();
  stage.stickyCards.seed([{ customerId: 'cus_1', email: 'a@example.com' }]);
});
afterEach(() => stage.stop());

const order = () =>
  stage.order('push', 'cus_1', { message: 'Hi', contactId: 'con_1', consentAtMs: stage.clock.nowMs() - 61_000 });
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
