// Consent (SPEC §3.2, §3.4): a fresh GET decides about every push, however late it leaves, and nobody is opted in against it.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listCommands } from '../../src/store/commands.ts';
import { callAction, linkedPerson, type LinkedPerson } from '../helpers/actions.ts';
import { LOCATION, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
let ana: LinkedPerson;
beforeEach(async () => {
  t = await startTestApp();
  ana = await linkedPerson(t);
});
afterEach(() => t.stop());

const call = (action: string, more: object) =>
  callAction(t.url, action, { contact_id: ana.contactId, location_id: LOCATION, ...more });
const push = (more: object = {}) => call('push', { message: 'Hi', ...more });
const sent = () => t.stickyCards.state.pushes().length;
const onlyPush = async () => (await listCommands(t.app.store, { connection: 'default', kind: 'push' }, 9))[0];

describe('a push that could not leave at once', () => {
  const waits = async () => {
    t.stickyCards.faults.add({ kind: 'status', status: 401, path: '/v1/pushes', times: 1 });
    expect((await push()).body).toMatchObject({ result: 'queued' });
  };

  test('is not sent to somebody who switched DND on meanwhile', async () => {
    await waits();
    t.ghl.ui.setDnd(ana.contactId, true);
    await t.run();
    expect(sent()).toBe(0);
    expect(await onlyPush()).toMatchObject({ state: 'failed', reason: 'opted_out' });
  });

  test('is not sent to somebody whom a workflow opted out meanwhile', async () => {
    await waits();
    expect((await call('preferences', { opt_in: false })).body).toMatchObject({ result: 'applied' });
    await t.run();
    expect(sent()).toBe(0);
    expect(await onlyPush()).toMatchObject({ state: 'failed', reason: 'opted_out' });
  });

  test('is sent once to somebody who still agrees', async () => {
    await waits();
    await t.run();
    await t.run();
    expect(sent()).toBe(1);
  });

  test('asks again when an operator sends it once more', async () => {
    t.stickyCards.faults.add({ kind: 'reset_before', path: '/v1/pushes', times: 1 });
    expect((await push()).body).toMatchObject({ result: 'queued', reason_code: 'outcome_unknown' });
    t.ghl.ui.setDnd(ana.contactId, true);
    await t.api(`/commands/${(await onlyPush())?.id}/resend`, {});
    await t.run();
    expect(sent()).toBe(0);
    expect(await onlyPush()).toMatchObject({ state: 'failed', reason: 'opted_out' });
  });

  test('is not sent after a wait that Sticky Cards asked for without asking again', async () => {
    const headers = { 'retry-after': '20' };
    t.stickyCards.faults.add({ kind: 'status', status: 429, headers, path: '/v1/pushes', times: 1 });
    const answer = push();
    for (let i = 0; i < 200 && t.stickyCards.callCount({ path: '/v1/pushes' }) === 0; i++)
      await new Promise((resolve) => setTimeout(resolve, 25));
    t.ghl.ui.setDnd(ana.contactId, true);
    expect((await answer).body).toMatchObject({ result: 'queued' });
    // Sixteen seconds after the first attempt it has given way: sent later, it is asked for again.
    await new Promise((resolve) => setTimeout(resolve, 7000));
    expect(sent()).toBe(0);
    expect(await onlyPush()).toMatchObject({ state: 'pending' });
  }, 60_000);
});

test('a push for which GHL takes too long is rejected in time, and not sent later', async () => {
  t.ghl.faults.add({ kind: 'delay', delayMs: 9000, path: /^\/contacts\/[^/]+$/, times: 1 });
  t.ghl.faults.add({ kind: 'delay', delayMs: 9000, path: /^\/contacts\/search\/duplicate/, times: 1 });
  const startedAt = Date.now();
  const both = await Promise.all([push(), push({ contact_id: '', email: 'ana@example.com' })]);
  for (const { body } of both) expect(body).toMatchObject({ result: 'rejected', reason_code: 'unknown_consent' });
  expect(Date.now() - startedAt).toBeLessThan(9000);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await t.run();
  expect(sent()).toBe(0);
}, 60_000);

describe('nobody is opted in', () => {
  const optIn = (key: string) => call('preferences', { opt_in: true, idempotency_key: key });
  const told = () => t.stickyCards.callCount({ method: 'PUT', path: /preferences$/ });

  test('while GHL says that the person does not want it', async () => {
    t.ghl.ui.setDnd(ana.contactId, true);
    expect((await optIn('1')).body).toMatchObject({ result: 'rejected', reason_code: 'opted_out' });
    t.ghl.ui.setDnd(ana.contactId, false);
    t.ghl.ui.updateContact(ana.contactId, { customFields: { opt_in_status: 'no' } });
    expect((await optIn('2')).body).toMatchObject({ result: 'rejected', reason_code: 'opted_out' });
    expect(told()).toBe(0);
    t.ghl.ui.updateContact(ana.contactId, { customFields: { opt_in_status: '' } });
    expect((await optIn('3')).body).toMatchObject({ result: 'applied', opt_in: true });
  });

  test('before GHL was asked: without an answer it waits', async () => {
    t.ghl.faults.add({ kind: 'status', status: 500, path: /^\/contacts\/[^/]+$/, times: 1 });
    expect((await optIn('1')).body).toMatchObject({ result: 'queued', reason_code: 'ghl_unavailable' });
    expect(told()).toBe(0);
    await t.run();
    expect(t.stickyCards.state.customer(ana.customerId)?.optIn).toBe(true);
  });

  test('an opt-out asks nobody', async () => {
    t.ghl.ui.setDnd(ana.contactId, true);
    t.ghl.faults.add({ kind: 'status', status: 500, path: /^\/contacts\/[^/]+$/, times: 1 });
    expect((await call('preferences', { opt_in: false })).body).toMatchObject({ result: 'applied' });
    t.ghl.faults.clear();
  });
});
