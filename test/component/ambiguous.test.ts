import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findLogs } from '../../src/store/activityQueries.ts';
import { listCommands } from '../../src/store/commands.ts';
import { listProblems } from '../../src/store/problems.ts';
import { delivery } from '../helpers/story.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
beforeEach(async () => {
  t = await startTestApp({ location: { allowDuplicateContact: true } });
});
afterEach(() => t.stop());

const PHONE = '+12125550142';
const made = (fields: Parameters<TestApp['ghl']['ui']['createContact']>[1]) =>
  t.ghl.ui.createContact(LOCATION, fields).id;

/** Left out with the reason, both contacts named, and neither of them touched. */
async function expectLeftOut(ids: string[]): Promise<void> {
  const [log] = await findLogs(t.app.store, { customerId: 'cus_1', status: 'skipped' }, 1);
  expect(log).toMatchObject({ action: 'skip', errorCode: 'ambiguous' });
  for (const id of ids) expect(log?.errorMessage).toContain(id);
  const [problem] = await listProblems(t.app.store, { code: 'ambiguous' }, 9);
  expect(problem).toMatchObject({ state: 'open', sample: { customerId: 'cus_1', contactIds: ids.toSorted() } });
  for (const id of ids) expect(t.ghl.state.contact(id)?.customFields).toEqual({});
}

test.each([
  ['phone', { phone: PHONE }],
  ['e-mail', { email: 'ana@example.com' }],
])('two contacts of the location with the same %s: none is taken, none is made', async (_name, fields) => {
  const ids = [made(fields), made(fields)];
  await t.deliver(delivery('CardInstalledEvent', 1));
  expect(await t.run()).toMatchObject({ skippedCount: 1, failedCount: 0 });
  expect(t.ghl.state.contacts(LOCATION)).toHaveLength(2);
  await expectLeftOut(ids);
});

test('two contacts that were made after the location was read: the look before the creation finds both', async () => {
  const ids: string[] = [];
  // In the last moment: what was read of the location before does not show them.
  t.ghl.faults.add({
    kind: 'delay',
    delayMs: 1,
    path: '/contacts/search/duplicate',
    times: 1,
    when: () => ids.push(made({ phone: PHONE }), made({ phone: PHONE })) > 0,
  });
  await t.deliver(delivery('CardInstalledEvent', 1));
  expect(await t.run()).toMatchObject({ skippedCount: 1, failedCount: 0 });
  expect(t.ghl.state.contacts(LOCATION)).toHaveLength(2);
  await expectLeftOut(ids);
  // The creation is over, its claims are free: once the two are told apart, the right one is linked.
  expect(await listCommands(t.app.store, { kind: 'create_contact', state: 'failed' }, 9)).toMatchObject([
    { reason: 'ambiguous' },
  ]);
  expect(await t.app.store.db.select().from(t.app.store.s.claimedIdentities)).toEqual([]);
  t.ghl.ui.updateContact(ids[1] as string, { email: 'ana@example.com' });
  await t.api('/customers/cus_1/retry', {});
  expect(await t.run()).toMatchObject({ updatedCount: 1, skippedCount: 0 });
  expect(t.ghl.state.contact(ids[1] as string)?.customFields).toMatchObject({ stickycards_customer_id: 'cus_1' });
  expect(await listProblems(t.app.store, { state: 'open' }, 9)).toEqual([]);
});

test('the answer to a creation is lost and somebody made the same contact: ours bears the id', async () => {
  await t.deliver(delivery('CardInstalledEvent', 1));
  t.ghl.faults.add({ kind: 'reset_after', method: 'POST', path: /^\/contacts\/$/, times: 1 });
  await t.run();
  const ours = onlyContact(t).id;
  const theirs = made({ phone: PHONE, email: 'ana@example.com' });
  await t.api('/customers/cus_1/retry', {});
  expect(await t.run()).toMatchObject({ skippedCount: 0, failedCount: 0 });
  expect(await listCommands(t.app.store, { kind: 'create_contact' }, 9)).toMatchObject([
    { state: 'applied', result: { contactId: ours } },
  ]);
  expect(t.ghl.state.contact(theirs)?.customFields).toEqual({});
});

test('the linked contact is gone and two could have taken its place: neither is linked, both are named', async () => {
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.run();
  t.ghl.ui.deleteContact(onlyContact(t).id);
  const ids = [made({ phone: PHONE }), made({ phone: PHONE })];
  await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { balance: 5 }));
  expect(await t.run()).toMatchObject({ skippedCount: 1, failedCount: 0 });
  expect(await listProblems(t.app.store, { code: 'ambiguous' }, 9)).toMatchObject([
    { sample: { contactIds: ids.toSorted() } },
  ]);
  // A person asks for another look.
  await t.api('/customers/cus_1/retry', {});
  expect(await t.run()).toMatchObject({ skippedCount: 1 });
  await expectLeftOut(ids);
});
