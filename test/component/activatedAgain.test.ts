// Back from observe every pair is a first link again (SPEC §1, §2.5): nobody knows since when what either side shows.
import { afterEach, expect, test } from '@jest/globals';
import { listProblems } from '../../src/store/problems.ts';
import { databases } from '../helpers/databases.ts';
import { onlyContact, startTestApp, type TestApp, type TestAppOptions } from '../helpers/testApp.ts';

let t: TestApp;
afterEach(() => t.stop());

/** A customer with an installed card of 100 points, linked to a contact by a first run. */
async function linkedAna(options: TestAppOptions = {}) {
  t = await startTestApp(options);
  const { customerId } = t.stickyCards.till.createCustomer({
    firstName: 'Ana',
    lastName: 'Lee',
    phone: '+12125550142',
  });
  const { cardId } = t.stickyCards.till.issueCard(customerId, { balance: 100 });
  t.stickyCards.till.installCard(cardId);
  await settled();
  return { customerId, cardId, contactId: onlyContact(t).id };
}

async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await t.stickyCards.flushWebhooks();
    await t.ghl.flushWebhooks();
    await t.run();
  }
}

const mode = async (verb: 'observe' | 'activate') =>
  expect(await t.api(`/connections/default/${verb}`, {})).toMatchObject({ status: 200 });
const openProblems = async () =>
  (await listProblems(t.app.store, {}, 50)).filter((problem) => problem.state === 'open').map(({ code }) => code);
const balances = () => t.stickyCards.journal.filter(({ path }) => path.endsWith('/balance')).length;

test.each(Object.entries(databases))(
  'what was typed in observe is taken by the no-base rule, no points are booked (on %s)',
  async (_name, newDatabase) => {
    const { customerId, cardId, contactId } = await linkedAna({ databaseUrl: await newDatabase() });
    await mode('observe');
    t.ghl.ui.updateContact(contactId, { lastName: 'Typed', customFields: { loyalty_points: 150, bonus_points: 30 } });
    t.ghl.ui.addTags(contactId, ['churned']);
    await settled();
    await mode('activate');
    await settled();
    expect(t.stickyCards.state.customer(customerId)).toMatchObject({ lastName: 'Typed' });
    expect(t.stickyCards.state.card(cardId)).toMatchObject({ balance: 100, status: 'installed' });
    expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 100, bonus_points: 30 });

    // What is typed from now on is an edit like any other.
    t.ghl.ui.updateContact(contactId, { lastName: 'Later' });
    await settled();
    expect(balances()).toBe(0);
    t.ghl.ui.updateContact(contactId, { customFields: { loyalty_points: 120 } });
    await settled();
    expect(t.stickyCards.state.card(cardId)).toMatchObject({ balance: 120 });
    expect(await openProblems()).toEqual([]);
  },
);

test('an edit that was paid before is not taken for the same one after it', async () => {
  const { cardId, contactId } = await linkedAna();
  const type = async (points: number) => {
    t.ghl.ui.updateContact(contactId, { customFields: { loyalty_points: points } });
    await settled();
  };
  await type(150);
  expect(t.stickyCards.state.card(cardId)).toMatchObject({ balance: 150 });
  await mode('observe');
  await mode('activate');
  await settled();
  await type(200);
  expect(t.stickyCards.state.card(cardId)).toMatchObject({ balance: 200 });
});

test('a run that writes to GHL alone does not go over what was typed in observe', async () => {
  const { contactId, customerId } = await linkedAna();
  await mode('observe');
  t.ghl.ui.updateContact(contactId, { lastName: 'Typed', customFields: { loyalty_points: 150 } });
  await mode('activate');
  await t.app.schedule.run({ connectionId: 'default', direction: 'stickycards_to_ghl', trigger: 'manual' });
  expect(onlyContact(t)).toMatchObject({ lastName: 'Typed', customFields: { loyalty_points: 100 } });
  await settled();
  expect(t.stickyCards.state.customer(customerId)).toMatchObject({ lastName: 'Typed' });
  expect(balances()).toBe(0);
});

test('a tag whose state left in observe goes; one that stands there unchanged costs no call', async () => {
  const { cardId } = await linkedAna();
  expect(onlyContact(t).tags).toEqual(['card holder']);
  await mode('observe');
  await mode('activate');
  await settled();
  expect(onlyContact(t).tags).toEqual(['card holder']);
  await mode('observe');
  t.stickyCards.till.removeCard(cardId);
  await settled();
  await mode('activate');
  await settled();
  expect(onlyContact(t).tags).toEqual([]);
});

test('activating one that is live changes nothing; after observe the next run does, once', async () => {
  await linkedAna();
  await mode('activate');
  const idle = await t.run();
  expect(idle).toMatchObject({ totalRecords: 0 });
  await mode('observe');
  await mode('activate');
  await t.restart();
  expect(await t.run()).toMatchObject({ status: 'completed', totalRecords: 1, failedCount: 0 });
  expect(await t.run()).toMatchObject({ totalRecords: 0, apiCalls: idle.apiCalls });
});
