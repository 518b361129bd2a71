import { afterEach, expect, test } from '@jest/globals';
import { listProblems } from '../../src/store/problems.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { delivery, person } from '../helpers/story.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
afterEach(() => t.stop());

const fieldsMade = () =>
  t.ghl.journal.filter((x) => x.method === 'POST' && x.path.endsWith('/customFields') && x.status === 201).length;

async function deleteField(key: string): Promise<void> {
  const field = t.ghl.state.customFields(LOCATION).find((f) => f.fieldKey === `contact.${key}`);
  const answer = await fetch(`${t.ghl.url}/locations/${LOCATION}/customFields/${field?.id}`, {
    method: 'DELETE',
    headers: { authorization: 'Bearer pit-5f2c', version: '2021-07-28' },
  });
  expect(answer.status).toBe(200);
}

test('a location that has some of the fields keeps them; what is missing is made once', async () => {
  t = await startTestApp();
  const own = t.ghl.ui.addCustomField(LOCATION, { name: 'Loyalty Points', dataType: 'NUMERICAL' });
  await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { balance: 12 }));
  await t.run();
  const fields = t.ghl.state.customFields(LOCATION);
  expect(fields.filter((f) => f.fieldKey === 'contact.loyalty_points')).toMatchObject([{ id: own.id }]);
  expect(fields).toHaveLength(13);
  expect(fieldsMade()).toBe(12);
  await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { balance: 13 }));
  await t.run();
  expect(fieldsMade()).toBe(12);
});

test.each(['reset_before', 'reset_after'] as const)(
  'the answer to a new field is lost (%s): it is there once, and the first people get their values',
  async (kind) => {
    t = await startTestApp();
    t.ghl.faults.add({
      kind,
      method: 'POST',
      path: /\/customFields$/,
      when: ({ body }) => (body as { name?: string }).name === 'Card Id',
      times: 1,
    });
    await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { balance: 12 }));
    expect(await t.run()).toMatchObject({ createdCount: 1, failedCount: 0 });
    expect(t.ghl.state.customFields(LOCATION).filter((f) => f.fieldKey === 'contact.card_id')).toHaveLength(1);
    expect(onlyContact(t).customFields).toMatchObject({ card_id: 'card_1', loyalty_points: 12 });
    expect(await listProblems(t.app.store, {}, 9)).toEqual([]);
  },
);

test('a field of another type is a problem and is never overwritten; everything else arrives', async () => {
  t = await startTestApp();
  t.ghl.ui.addCustomField(LOCATION, { name: 'Loyalty Points', dataType: 'TEXT' });
  await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { balance: 12 }));
  expect(await t.run()).toMatchObject({ createdCount: 1, failedCount: 0 });
  expect(onlyContact(t).customFields).toMatchObject({ card_id: 'card_1' });
  expect(onlyContact(t).customFields).not.toHaveProperty('loyalty_points');
  expect(await listProblems(t.app.store, { code: 'field_wrong_type' }, 9)).toMatchObject([{ cause: 'loyalty_points' }]);
});

test('a field that somebody deleted in GHL is looked up once, made again and filled; nobody is failed', async () => {
  t = await startTestApp();
  for (let n = 0; n < 5; n++) await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { ...person(n), balance: 12 }));
  await t.run();
  await deleteField('loyalty_points');
  for (let n = 0; n < 5; n++)
    await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { ...person(n), balance: 50 + n }));
  const made = fieldsMade();
  expect(await t.run()).toMatchObject({ updatedCount: 5, failedCount: 0 });
  expect(fieldsMade()).toBe(made + 1);
  const points = t.ghl.state.contacts(LOCATION).map((c) => c.customFields['loyalty_points'] as number);
  expect(points.toSorted((a, b) => a - b)).toEqual([50, 51, 52, 53, 54]);
});

test('a field that can be had later is filled for everybody who was in step already, with one call each', async () => {
  const clock = movableClock();
  t = await startTestApp({ overrides: { clock } });
  const { id } = t.ghl.ui.addCustomField(LOCATION, { name: 'Loyalty Points', dataType: 'TEXT' });
  for (let n = 0; n < 5; n++)
    await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { ...person(n), balance: 50 + n }));
  await t.deliver(delivery('CustomerCreatedEvent', 1, { ...person(9), card_id: null }));
  await t.run();
  const points = () => t.ghl.state.contacts(LOCATION).map((c) => c.customFields['loyalty_points']);
  expect(points()).toEqual(Array(6).fill(undefined));
  await fetch(`${t.ghl.url}/locations/${LOCATION}/customFields/${id}`, {
    method: 'DELETE',
    headers: { authorization: 'Bearer pit-5f2c', version: '2021-07-28' },
  });
  clock.ahead(3_600_000);
  const puts = t.ghl.callCount({ method: 'PUT' });
  expect(await t.run()).toMatchObject({ updatedCount: 5, failedCount: 0 });
  expect(points()).toEqual(expect.arrayContaining([50, 51, 52, 53, 54]));
  expect(t.ghl.callCount({ method: 'PUT' })).toBe(puts + 5);
  await t.run();
  expect(t.ghl.callCount({ method: 'PUT' })).toBe(puts + 5);
});

test('two services that provision one location at the same moment make each field once', async () => {
  t = await startTestApp();
  const listed = /\/customFields$/;
  // Both list before either makes: as seen from here, somebody else made them all in between.
  t.ghl.faults.add({
    kind: 'status',
    method: 'GET',
    path: listed,
    times: 1,
    status: 200,
    body: { customFields: [] },
  });
  for (const name of ['Loyalty Points', 'Card Id', 'Card Status']) {
    t.ghl.ui.addCustomField(LOCATION, { name, dataType: name === 'Loyalty Points' ? 'NUMERICAL' : 'TEXT' });
  }
  await t.deliver(delivery('CardBalanceUpdatedEvent', 1, { balance: 12 }));
  expect(await t.run()).toMatchObject({ createdCount: 1, failedCount: 0 });
  const keys = t.ghl.state.customFields(LOCATION).map((f) => f.fieldKey);
  expect(keys).toHaveLength(13);
  expect(new Set(keys).size).toBe(13);
  expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 12, card_id: 'card_1' });
});
