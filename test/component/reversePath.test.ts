// What people change in GHL reaches Sticky Cards (SPEC §3.2, §3.3): a test for each promise, both simulators over HTTP.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listCommands } from '../../src/store/commands.ts';
import { listProblems } from '../../src/store/problems.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
beforeEach(async () => {
  t = await startTestApp();
});
afterEach(() => t.stop());

const EMAIL = 'ana@example.com';
const PHONE = '+12125550142';

/** A customer with an installed card of 100 points, told by webhooks, linked to a contact by a first run. */
async function linkedAna(): Promise<{ customerId: string; cardId: string; contactId: string }> {
  const { customerId } = t.stickyCards.till.createCustomer({
    firstName: 'Ana',
    lastName: 'Lee',
    email: EMAIL,
    phone: PHONE,
  });
  const { cardId } = t.stickyCards.till.issueCard(customerId, { balance: 100 });
  t.stickyCards.till.installCard(cardId);
  await t.stickyCards.flushWebhooks();
  await settled();
  return { customerId, cardId, contactId: onlyContact(t).id };
}

/** Everything that either side has to tell is told, then a run, until nothing is left. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await t.stickyCards.flushWebhooks();
    await t.ghl.flushWebhooks();
    await t.run();
  }
}

const contact = () => onlyContact(t);
const problems = async () =>
  (await listProblems(t.app.store, {}, 50)).filter((p) => p.state === 'open').map((p) => p.code);
const writes = () => ({
  ghl: t.ghl.journal.filter((e) => e.method !== 'GET' && !e.path.endsWith('/search')).length,
  sticky: t.stickyCards.journal.filter((e) => e.method !== 'GET').length,
});

/** A further round finds nothing to write on either side. */
async function expectQuiet(): Promise<void> {
  const before = writes();
  await settled();
  expect(writes()).toEqual(before);
}

test('name, e-mail and phone edited in GHL arrive in Sticky Cards; the log says before and after', async () => {
  const { customerId, contactId } = await linkedAna();
  t.ghl.ui.updateContact(contactId, { firstName: 'Anna', email: 'Anna@Example.com', phone: '+12125550199' });
  await settled();
  expect(t.stickyCards.state.customer(customerId)).toMatchObject({
    firstName: 'Anna',
    lastName: 'Lee',
    email: 'anna@example.com',
    phone: '+12125550199',
  });
  const logs = await t.api(`/logs?customerId=${customerId}&connection=default`);
  const reverse = (
    logs.body['items'] as { direction: string; changes: { field: string; before: unknown; after: unknown }[] }[]
  )
    .filter((log) => log.direction === 'ghl_to_stickycards')
    .flatMap((log) => log.changes);
  expect(reverse).toContainEqual({ field: 'first_name', before: 'Ana', after: 'Anna' });
  expect(reverse).toContainEqual({ field: 'phone', before: PHONE, after: '+12125550199' });
  await expectQuiet();
  const shown = await t.api(`/customers/${customerId}`);
  expect(shown.body).toMatchObject({ firstName: 'Anna', mobile: '+12125550199', syncStatus: 'SYNCED' });
});

test('a cleared name is emptied there; a cleared phone is neither written nor refilled', async () => {
  const { customerId, contactId } = await linkedAna();
  t.ghl.ui.updateContact(contactId, { lastName: '', phone: '' });
  await settled();
  expect(t.stickyCards.state.customer(customerId)).toMatchObject({ lastName: null, phone: PHONE });
  expect(contact().phone ?? '').toBe('');
  await expectQuiet();
  t.ghl.ui.updateContact(contactId, { phone: '+12125550177' });
  await settled();
  expect(t.stickyCards.state.customer(customerId)).toMatchObject({ phone: '+12125550177' });
  await expectQuiet();
});

test('both sides change the phone: that of GHL wins, the log says so, both end equal', async () => {
  const { customerId, contactId } = await linkedAna();
  t.stickyCards.till.updateCustomer(customerId, { phone: '+12125550111' });
  t.stickyCards.till.scan(t.stickyCards.state.cards(customerId)[0]?.cardId as string);
  t.ghl.ui.updateContact(contactId, { phone: '+12125550222' });
  await settled();
  expect(contact().phone).toBe('+12125550222');
  expect(t.stickyCards.state.customer(customerId)?.phone).toBe('+12125550222');
  const logs = await t.api(`/logs?customerId=${customerId}&connection=default`);
  expect(JSON.stringify(logs.body['items'])).toContain('changed on both sides');
  await expectQuiet();
});

describe('points', () => {
  test('+50 in GHL while +20 happens at the till: the card ends with +70 and GHL shows it', async () => {
    const { cardId, contactId } = await linkedAna();
    t.ghl.ui.updateContact(contactId, { customFields: { loyalty_points: 150 } });
    t.stickyCards.till.addPoints(cardId, 20);
    await settled();
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(170);
    expect(contact().customFields).toMatchObject({ loyalty_points: 170 });
    expect(await listCommands(t.app.store, { kind: 'add_points' }, 9)).toMatchObject([
      { state: 'applied', params: { points: 50 } },
    ]);
    await expectQuiet();
  });

  test('one edit seen by webhook, poll and workflow call pays once', async () => {
    const { cardId, contactId } = await linkedAna();
    t.ghl.ui.updateContact(contactId, { customFields: { loyalty_points: 130 } });
    await t.ghl.runWorkflow(contactId, `${t.url}/webhooks/ghl/workflow`, { customData: { key: 'wf_51c9d2' } });
    await settled();
    await t.ghl.runWorkflow(contactId, `${t.url}/webhooks/ghl/workflow`, { customData: { key: 'wf_51c9d2' } });
    await settled();
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(130);
    expect(await listCommands(t.app.store, { kind: 'add_points' }, 9)).toHaveLength(1);
    await expectQuiet();
  });

  test('a bonus is paid once, cleared, and its result written; the same bonus given twice on purpose pays twice', async () => {
    const { cardId, contactId } = await linkedAna();
    t.ghl.ui.updateContact(contactId, { customFields: { bonus_points: 50 } });
    await settled();
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(150);
    expect(contact().customFields).toMatchObject({
      loyalty_points: 150,
      bonus_points_result: expect.stringMatching(/^\+50 → 150, cmd_/),
    });
    expect(contact().customFields['bonus_points'] ?? '').toBe('');
    await expectQuiet();
    t.ghl.ui.updateContact(contactId, { customFields: { bonus_points: 50 } });
    await settled();
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(200);
    expect(contact().customFields).toMatchObject({ loyalty_points: 200 });
    await expectQuiet();
  });

  test('bonus and points in one edit: both count, the bonus first', async () => {
    const { cardId, contactId } = await linkedAna();
    t.ghl.ui.updateContact(contactId, { customFields: { bonus_points: 5, loyalty_points: 110 } });
    await settled();
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(115);
    expect(contact().customFields).toMatchObject({ loyalty_points: 115 });
    await expectQuiet();
  });

  test('beyond the limit it waits for a person; confirmed, it is booked once', async () => {
    const { cardId, contactId } = await linkedAna();
    t.ghl.ui.updateContact(contactId, { customFields: { loyalty_points: 9100 } });
    await settled();
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(100);
    expect(await problems()).toContain('points_limit');
    const problem = (await listProblems(t.app.store, {}, 50)).find((p) => p.code === 'points_limit');
    expect((await t.api(`/problems/${problem?.id}/confirm`, {})).status).toBe(200);
    await settled();
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(9100);
    expect(contact().customFields).toMatchObject({ loyalty_points: 9100 });
    await expectQuiet();
  });

  test('a number that cannot be is not booked and listed; corrected, it goes on', async () => {
    const { cardId, contactId } = await linkedAna();
    t.ghl.ui.updateContact(contactId, { customFields: { loyalty_points: -5 } });
    await settled();
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(100);
    expect(await problems()).toContain('points_limit');
    t.ghl.ui.updateContact(contactId, { customFields: { loyalty_points: 105 } });
    await settled();
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(105);
    await expectQuiet();
  });

  test('cleared points are refilled, never a difference', async () => {
    const { cardId, contactId } = await linkedAna();
    t.ghl.ui.updateContact(contactId, { customFields: { loyalty_points: '' } });
    await settled();
    expect(contact().customFields).toMatchObject({ loyalty_points: 100 });
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(100);
    await expectQuiet();
  });

  test('a bonus without a card is paid when there is one', async () => {
    const { customerId } = t.stickyCards.till.createCustomer({ firstName: 'Bo', email: 'bo@example.com' });
    await settled();
    t.ghl.ui.updateContact(contact().id, { customFields: { bonus_points: 25 } });
    await settled();
    expect(await problems()).toContain('no_card');
    const { cardId } = t.stickyCards.till.issueCard(customerId, { balance: 10 });
    await settled();
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(35);
    expect(await problems()).not.toContain('no_card');
    await expectQuiet();
  });
});

describe('segments and tags', () => {
  test('a tag that stands for a segment goes both ways; a hand-made tag never does; an unseen segment stays', async () => {
    const { customerId, contactId } = await linkedAna();
    // Seen at somebody else.
    const other = t.stickyCards.till.createCustomer({ email: 'other@example.com' });
    t.stickyCards.till.linkSegment(other.customerId, 'Gold Club');
    // Never told by a webhook.
    t.stickyCards.seed([]);
    t.stickyCards.faults.clear();
    await settled();
    const mine = () => t.ghl.state.contacts(LOCATION).find((c) => c.id === contactId);
    t.ghl.ui.addTags(contactId, ['gold club', 'hand made']);
    await settled();
    expect(t.stickyCards.state.customer(customerId)?.segments).toEqual(['Gold Club']);
    expect(mine()?.tags).toEqual(expect.arrayContaining(['gold club', 'hand made']));
    t.ghl.ui.removeTags(contactId, ['gold club']);
    await settled();
    expect(t.stickyCards.state.customer(customerId)?.segments).toEqual([]);
    expect(mine()?.tags).toEqual(expect.arrayContaining(['hand made']));
    expect(mine()?.tags).not.toContain('gold club');
    await expectQuiet();
  });

  test('a tag that a person took off stays off, although an event about another segment lists its segment', async () => {
    const { customerId, contactId } = await linkedAna();
    t.stickyCards.till.linkSegment(customerId, 'Gold');
    await settled();
    expect(contact().tags).toContain('gold');
    t.ghl.ui.removeTags(contactId, ['gold']);
    t.stickyCards.faults.add({ kind: 'reset_before', path: '/v1/customers', times: 1 });
    await t.ghl.flushWebhooks();
    await t.run();
    t.stickyCards.faults.clear();
    t.stickyCards.till.linkSegment(customerId, 'VIP');
    await t.stickyCards.flushWebhooks();
    // As Retry: the next run is not waited for.
    await t.api(`/customers/${customerId}/retry`, {});
    await settled();
    expect(contact().tags).toEqual(expect.arrayContaining(['vip']));
    expect(contact().tags).not.toContain('gold');
    expect(t.stickyCards.state.customer(customerId)?.segments).toEqual(['VIP']);
  });

  test('churned sets every card Inactive and takes reactivated off; reactivated brings it back', async () => {
    const { cardId, contactId } = await linkedAna();
    t.ghl.ui.addTags(contactId, ['churned']);
    await settled();
    expect(t.stickyCards.state.card(cardId)?.status).toBe('Inactive');
    expect(contact().customFields).toMatchObject({ card_status: 'inactive' });
    t.ghl.ui.addTags(contactId, ['reactivated']);
    await settled();
    expect(t.stickyCards.state.card(cardId)?.status).toBe('Active');
    expect(contact().tags).toContain('reactivated');
    expect(contact().tags).not.toContain('churned');
    expect(contact().customFields).toMatchObject({ card_status: 'installed' });
    await expectQuiet();
  });

  test('both command tags in one edit: neither acts, and it is listed', async () => {
    const { cardId, contactId } = await linkedAna();
    t.ghl.ui.addTags(contactId, ['churned', 'reactivated']);
    await settled();
    expect(t.stickyCards.state.card(cardId)?.status).toBe('installed');
    expect(await problems()).toContain('churn_conflict');
  });
});

describe('card_status', () => {
  test('suspended, in any case, is set on the card', async () => {
    const { cardId, contactId } = await linkedAna();
    t.ghl.ui.updateContact(contactId, { customFields: { card_status: 'Suspended' } });
    await settled();
    expect(t.stickyCards.state.card(cardId)?.status).toBe('Suspended');
    expect(contact().customFields).toMatchObject({ card_status: 'suspended' });
    await expectQuiet();
  });

  test('any other word is put back and listed', async () => {
    const { cardId, contactId } = await linkedAna();
    t.ghl.ui.updateContact(contactId, { customFields: { card_status: 'platinum' } });
    await settled();
    expect(contact().customFields).toMatchObject({ card_status: 'installed' });
    expect(t.stickyCards.state.card(cardId)?.status).toBe('installed');
    expect(await problems()).toContain('not_writable');
    await expectQuiet();
  });

  test('typed for somebody who holds no card, it is emptied and listed', async () => {
    t.stickyCards.till.createCustomer({ firstName: 'Bo', email: 'bo@example.com' });
    await settled();
    t.ghl.ui.updateContact(contact().id, { customFields: { card_status: 'suspended' } });
    await settled();
    expect(contact().customFields['card_status'] ?? '').toBe('');
    expect(await problems()).toEqual(['not_writable']);
    await expectQuiet();
  });

  test('answered with another status, it is held and listed; the next word is sent again', async () => {
    const { customerId, cardId, contactId } = await linkedAna();
    const answer = { status: 200, body: { card_id: cardId, status: 'Active' } };
    t.stickyCards.faults.add({ kind: 'status', ...answer, method: 'PUT', path: `/cards/${cardId}/status`, times: 1 });
    t.ghl.ui.updateContact(contactId, { customFields: { card_status: 'suspended' } });
    await settled();
    expect(await problems()).toEqual(['field_refused_by_sticky_cards']);
    expect((await t.api(`/customers/${customerId}`)).body).toMatchObject({ cardStatus: 'installed' });
    await expectQuiet();
    t.ghl.ui.updateContact(contactId, { customFields: { card_status: 'inactive' } });
    await settled();
    expect(t.stickyCards.state.card(cardId)?.status).toBe('Inactive');
    expect(await problems()).toEqual([]);
  });

  test('answered 404 by a card that is shown, the card is listed, and the contact shows what is known of it', async () => {
    const { cardId, contactId } = await linkedAna();
    t.stickyCards.faults.add({ kind: 'status', status: 404, method: 'PUT', path: `/cards/${cardId}/status` });
    t.ghl.ui.updateContact(contactId, { customFields: { card_status: 'suspended' } });
    await settled();
    expect(contact().customFields).toMatchObject({ card_status: 'installed' });
    expect(await problems()).toEqual(['card_gone_in_sticky_cards']);
    await expectQuiet();
  });
});

test('details that Sticky Cards answers for another customer are not taken for written', async () => {
  const { customerId, contactId } = await linkedAna();
  const answer = { status: 200, body: { customer_id: 'cus_other' } };
  t.stickyCards.faults.add({ kind: 'status', ...answer, method: 'POST', path: '/v1/customers', times: 1 });
  t.ghl.ui.updateContact(contactId, { firstName: 'Anna' });
  await settled();
  const found = (await listProblems(t.app.store, {}, 50)).filter(({ state }) => state === 'open');
  expect(found).toMatchObject([
    { code: 'customer_conflict', cause: 'first_name', sample: { otherCustomerId: 'cus_other' } },
  ]);
  expect((await t.api(`/customers/${customerId}`)).body).toMatchObject({ firstName: 'Ana' });
  await expectQuiet();
  t.ghl.ui.updateContact(contactId, { firstName: 'Annika' });
  await settled();
  expect(t.stickyCards.state.customer(customerId)?.firstName).toBe('Annika');
  expect(await problems()).toEqual([]);
});

describe('consent', () => {
  test('DND on opts out, DND off changes nothing, an in-word opts in', async () => {
    const { customerId, contactId } = await linkedAna();
    t.ghl.ui.setDnd(contactId, true);
    await settled();
    expect(t.stickyCards.state.customer(customerId)?.optIn).toBe(false);
    t.ghl.ui.setDnd(contactId, false);
    await settled();
    expect(t.stickyCards.state.customer(customerId)?.optIn).toBe(false);
    t.ghl.ui.updateContact(contactId, { customFields: { opt_in_status: 'Yes' } });
    await settled();
    expect(t.stickyCards.state.customer(customerId)?.optIn).toBe(true);
    await expectQuiet();
  });

  test('an unknown word is listed and changes nothing', async () => {
    const { customerId, contactId } = await linkedAna();
    t.ghl.ui.updateContact(contactId, { customFields: { opt_in_status: 'perhaps' } });
    await settled();
    expect(t.stickyCards.state.customer(customerId)?.optIn).toBe(true);
    expect(await problems()).toContain('opt_in_unknown');
    await expectQuiet();
  });
});

describe('contacts that appear and go', () => {
  test('a contact made in GHL becomes a customer with a card, and its ids are written back', async () => {
    t.ghl.ui.createContact(LOCATION, {
      firstName: 'New',
      lastName: 'Person',
      email: 'new@example.com',
      phone: '+12125550123',
    });
    await settled();
    const [customer] = t.stickyCards.state.customers();
    expect(customer).toMatchObject({ firstName: 'New', email: 'new@example.com', phone: '+12125550123' });
    const [card] = t.stickyCards.state.cards(customer?.customerId);
    expect(contact().customFields).toMatchObject({
      stickycards_customer_id: customer?.customerId,
      card_id: card?.cardId,
    });
    expect(t.stickyCards.state.cards()).toHaveLength(1);
    await expectQuiet();
  });

  test('a contact deleted in GHL: listed, nothing is deleted in Sticky Cards, nothing is made again', async () => {
    const { customerId, cardId, contactId } = await linkedAna();
    t.ghl.ui.deleteContact(contactId);
    await settled();
    expect(await problems()).toContain('deleted_in_ghl');
    expect(t.stickyCards.state.customer(customerId)).toBeDefined();
    t.stickyCards.till.addPoints(cardId, 5);
    await settled();
    expect(t.ghl.state.contacts(LOCATION)).toEqual([]);
  });

  test('merged into another contact: the survivor is linked', async () => {
    const { cardId, contactId } = await linkedAna();
    const survivor = t.ghl.ui.createContact(LOCATION, { firstName: 'Anna', email: 'anna.work@example.com' });
    t.ghl.ui.mergeContacts(survivor.id, contactId);
    await settled();
    t.stickyCards.till.addPoints(cardId, 5);
    await settled();
    expect(contact()).toMatchObject({ id: survivor.id, customFields: { loyalty_points: 105 } });
    expect(t.stickyCards.state.customers()).toHaveLength(1);
    await expectQuiet();
  });
});

test('echoes late, twice and of values since replaced: nothing happens', async () => {
  const { customerId, contactId } = await linkedAna();
  t.ghl.ui.updateContact(contactId, { firstName: 'Anna' });
  await settled();
  const old = t.ghl.webhooks.attempts.length;
  t.ghl.ui.updateContact(contactId, { firstName: 'Annika' });
  await settled();
  expect(old).toBeGreaterThan(0);
  const before = writes();
  expect(t.stickyCards.state.customer(customerId)?.firstName).toBe('Annika');
  await settled();
  expect(writes()).toEqual(before);
});

test('a direction that is paused loses nothing: resumed, the edit arrives', async () => {
  const { customerId, contactId } = await linkedAna();
  await t.app.connections.pause('default', 'test', 'ghl_to_stickycards');
  await t.app.registry.refresh();
  t.ghl.ui.updateContact(contactId, { firstName: 'Anna' });
  await settled();
  expect(t.stickyCards.state.customer(customerId)?.firstName).toBe('Ana');
  await t.app.connections.resume('default', 'test', 'ghl_to_stickycards');
  await t.app.registry.refresh();
  await settled();
  expect(t.stickyCards.state.customer(customerId)?.firstName).toBe('Anna');
  await expectQuiet();
});

describe('edits that our own write goes over', () => {
  /** Right before the next PUT lands, a person types: the PUT goes over it. */
  function typeBeforePut(contactId: string, edit: Parameters<TestApp['ghl']['ui']['updateContact']>[1]): void {
    t.ghl.faults.add({
      kind: 'delay',
      delayMs: 0,
      method: 'PUT',
      path: `/contacts/${contactId}`,
      times: 1,
      when: () => {
        t.ghl.ui.updateContact(contactId, edit);
        return true;
      },
    });
  }

  test('points typed between our GET and our PUT are booked all the same, once', async () => {
    const { cardId, contactId } = await linkedAna();
    t.stickyCards.till.addPoints(cardId, 5);
    await t.stickyCards.flushWebhooks();
    typeBeforePut(contactId, { customFields: { loyalty_points: 130 } });
    await t.run();
    expect(contact().customFields).toMatchObject({ loyalty_points: 105 });
    await settled();
    expect(t.stickyCards.state.card(cardId)?.balance).toBe(135);
    expect(contact().customFields).toMatchObject({ loyalty_points: 135 });
    await expectQuiet();
  });

  test('a phone typed there comes back, and reaches Sticky Cards', async () => {
    const { customerId, contactId } = await linkedAna();
    t.stickyCards.till.updateCustomer(customerId, { phone: '+12125550111' });
    t.stickyCards.till.scan(t.stickyCards.state.cards(customerId)[0]?.cardId as string);
    await t.stickyCards.flushWebhooks();
    typeBeforePut(contactId, { phone: '+12125550222' });
    await t.run();
    await settled();
    expect(contact().phone).toBe('+12125550222');
    expect(t.stickyCards.state.customer(customerId)?.phone).toBe('+12125550222');
    await expectQuiet();
  });
});

test('an edit made under the old card goes to the old card; the new one is shown as it is', async () => {
  const { customerId, cardId, contactId } = await linkedAna();
  await t.app.connections.pause('default', 'test', 'ghl_to_stickycards');
  await t.app.registry.refresh();
  t.ghl.ui.updateContact(contactId, { customFields: { loyalty_points: 140 } });
  const second = t.stickyCards.till.issueCard(customerId, { balance: 7 });
  t.stickyCards.till.removeCard(cardId);
  t.stickyCards.till.installCard(second.cardId);
  await t.stickyCards.flushWebhooks();
  await t.app.connections.resume('default', 'test', 'ghl_to_stickycards');
  await t.app.registry.refresh();
  await settled();
  expect(t.stickyCards.state.card(cardId)?.balance).toBe(140);
  expect(t.stickyCards.state.card(second.cardId)?.balance).toBe(7);
  expect(contact().customFields).toMatchObject({ card_id: second.cardId, loyalty_points: 7 });
  await expectQuiet();
});

test('lost answers of Sticky Cards: what landed is not sent again, what did not is', async () => {
  const { customerId, contactId } = await linkedAna();
  t.stickyCards.faults.add({ kind: 'reset_after', method: 'POST', path: '/v1/customers', times: 1 });
  t.ghl.ui.updateContact(contactId, { firstName: 'Anna' });
  await t.ghl.flushWebhooks();
  expect(await t.run()).toMatchObject({ failedCount: 1 });
  const sent = () => t.stickyCards.journal.filter((e) => e.method === 'POST' && e.path === '/v1/customers').length;
  const before = sent();
  await t.app.store.tx(async (db) => {
    await db.update(t.app.store.s.stickyCardsCustomers).set({ nextAttemptAt: null });
  });
  await settled();
  expect(t.stickyCards.state.customer(customerId)?.firstName).toBe('Anna');
  expect(sent()).toBe(before);
  await expectQuiet();
});

test('Sticky Cards rejects the key: GHL is kept up to date, the edit waits and arrives', async () => {
  const { customerId, cardId, contactId } = await linkedAna();
  t.stickyCards.faults.add({ kind: 'status', status: 401, path: /./ });
  t.ghl.ui.updateContact(contactId, { firstName: 'Anna' });
  t.stickyCards.till.addPoints(cardId, 5);
  await t.stickyCards.flushWebhooks();
  await t.ghl.flushWebhooks();
  await t.run();
  expect(await problems()).toContain('sticky_key_rejected');
  expect(contact().customFields).toMatchObject({ loyalty_points: 105 });
  t.stickyCards.faults.clear();
  await t.app.store.tx(async (db) => {
    await db.update(t.app.store.s.stickyCardsCustomers).set({ nextAttemptAt: null });
  });
  await settled();
  expect(t.stickyCards.state.customer(customerId)?.firstName).toBe('Anna');
  expect(await problems()).not.toContain('sticky_key_rejected');
  await expectQuiet();
});
