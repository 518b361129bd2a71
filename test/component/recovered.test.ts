// A problem is over by itself once its remedy was followed (SPEC §6).
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listCommands } from '../../src/store/commands.ts';
import { callAction, linkedPerson, type LinkedPerson } from '../helpers/actions.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
let ana: LinkedPerson;
beforeEach(async () => {
  t = await startTestApp();
  ana = await linkedPerson(t);
});
afterEach(() => t.stop());

async function settled(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    await t.stickyCards.flushWebhooks();
    await t.ghl.flushWebhooks();
    await t.run();
  }
}
const type = async (customFields: Record<string, string | number>) => {
  t.ghl.ui.updateContact(ana.contactId, { customFields });
  await settled();
};
const problems = async (state: string) => {
  const { body } = await t.api(`/problems?state=${state}`);
  return (body['items'] as { code: string }[]).map(({ code }) => code);
};
const balance = () => t.stickyCards.state.card(ana.cardId)?.balance;

describe('a limit of points', () => {
  test.each([
    ['points below 0, corrected', { loyalty_points: -5 }, { loyalty_points: 105 }, 105],
    ['points below 0, put back', { loyalty_points: -5 }, { loyalty_points: 100 }, 100],
    ['half a point of bonus, corrected', { bonus_points: 1.5 }, { bonus_points: 2 }, 102],
    ['half a point of bonus, emptied', { bonus_points: 1.5 }, { bonus_points: '' }, 100],
    ['a bonus beyond the limit, corrected', { bonus_points: 5000 }, { bonus_points: 50 }, 150],
    ['a bonus beyond the limit, emptied', { bonus_points: 5000 }, { bonus_points: '' }, 100],
  ])('%s: it is over', async (_, wrong, right, end) => {
    await type(wrong);
    expect(await problems('open')).toEqual(['points_limit']);
    expect(balance()).toBe(100);
    await type(right);
    expect(balance()).toBe(end);
    expect(await problems('open')).toEqual([]);
    expect(await problems('resolved')).toEqual(['points_limit']);
  });

  test('it stays while another command of that person is held, and is over with it', async () => {
    const call = { contact_id: ana.contactId, location_id: LOCATION, points: 2000 };
    expect((await callAction(t.url, 'add-points', call)).body).toMatchObject({ reason_code: 'points_limit' });
    await type({ bonus_points: 1.5 });
    await type({ bonus_points: '' });
    expect(await problems('open')).toEqual(['points_limit', 'points_limit']);
    const [held] = await listCommands(t.app.store, { state: 'held' }, 9);
    expect((await t.api(`/commands/${held?.id}/discard`, {})).status).toBe(200);
    expect(await problems('open')).toEqual([]);
  });

  test('it stays while a number that cannot be is left, although the held command was decided', async () => {
    const call = { contact_id: ana.contactId, location_id: LOCATION, points: 2000 };
    await callAction(t.url, 'add-points', call);
    await type({ bonus_points: 1.5 });
    const [held] = await listCommands(t.app.store, { state: 'held' }, 9);
    expect((await t.api(`/commands/${held?.id}/discard`, {})).status).toBe(200);
    expect(await problems('open')).toContain('points_limit');
    await type({ bonus_points: '' });
    expect(await problems('open')).toEqual([]);
  });
});

describe('a word about consent that nobody knows', () => {
  test.each([
    ['a word that is known', 'yes'],
    ['nothing', ''],
  ])('is over with %s', async (_, word) => {
    await type({ opt_in_status: 'perhaps' });
    expect(await problems('open')).toEqual(['opt_in_unknown']);
    await type({ opt_in_status: 'maybe' });
    expect(await problems('open')).toEqual(['opt_in_unknown']);
    await type({ opt_in_status: word });
    expect(await problems('open')).toEqual([]);
  });
});

describe('churned and reactivated at once', () => {
  test.each([
    ['one is taken off: the other is followed', ['churned'], 'Active'],
    ['the other one is', ['reactivated'], 'Inactive'],
    ['both are: nothing is to be followed', ['churned', 'reactivated'], 'installed'],
  ])('%s, and it is over', async (_, off, status) => {
    t.ghl.ui.addTags(ana.contactId, ['churned', 'reactivated']);
    await settled();
    expect(await problems('open')).toEqual(['churn_conflict']);
    t.ghl.ui.removeTags(ana.contactId, off);
    await settled();
    expect(t.stickyCards.state.card(ana.cardId)?.status).toBe(status);
    expect(await problems('open')).toEqual([]);
  });
});

test('a contact that was deleted in GHL and made anew is linked, and the problem is over', async () => {
  t.ghl.ui.deleteContact(ana.contactId);
  await settled();
  expect(await problems('open')).toEqual(['deleted_in_ghl']);
  // GHL's times are told to the second.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  t.ghl.ui.createContact(LOCATION, { firstName: 'Ana', email: 'ana@example.com', phone: '+12125550142' });
  await settled();
  expect(onlyContact(t).customFields).toMatchObject({ stickycards_customer_id: ana.customerId });
  const { body } = await t.api(`/customers/${ana.customerId}`);
  expect(body).toMatchObject({ syncStatus: 'SYNCED' });
  expect(await problems('open')).toEqual([]);
});
