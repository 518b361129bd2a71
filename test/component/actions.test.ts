// What GHL workflows call (SPEC §3.4): each action, and to whom no push goes.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listCommands } from '../../src/store/commands.ts';
import { listProblems } from '../../src/store/problems.ts';
import { callAction, linkedPerson, type LinkedPerson } from '../helpers/actions.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

/** Another one than that of the customer's card. */
const TEMPLATE = '1002';

let t: TestApp;
let ana: LinkedPerson;
beforeEach(async () => {
  t = await startTestApp();
  ana = await linkedPerson(t);
});
afterEach(() => t.stop());

const call = (action: string, body: object | URLSearchParams, headers?: Record<string, string>) =>
  callAction(t.url, action, body, headers);
const about = (more: object = {}) => ({ contact_id: ana.contactId, location_id: LOCATION, ...more });
const card = () => t.stickyCards.state.card(ana.cardId);
const bookings = () => t.stickyCards.callCount({ method: 'PUT', path: /\/balance$/ });
const commands = async () =>
  (await listCommands(t.app.store, { connection: 'default' }, 50)).filter((row) =>
    row.sourceEvent.startsWith('action:'),
  );

describe('each action', () => {
  test('add-points books once, answers the balance after it, and GHL shows it after the next run', async () => {
    const answer = await call('add-points', about({ points: 50 }));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      result: 'applied',
      reason_code: 'ok',
      balance_after: 150,
      contact_id: ana.contactId,
      customer_id: ana.customerId,
      action: 'add-points',
    });
    expect(String(answer.body['receiptId'])).toMatch(/^evt_/);
    expect(card()?.balance).toBe(150);
    await t.run();
    expect(onlyContact(t).customFields['loyalty_points']).toBe(150);
    const [command] = await commands();
    expect(command).toMatchObject({
      kind: 'add_points',
      state: 'applied',
      sourceEvent: expect.stringMatching(/^action:/),
    });
    const event = await t.api(`/events/${String(answer.body['receiptId'])}`);
    expect(event.body).toMatchObject({ source: 'ghl_workflow', type: 'Action add-points', status: 'FOLDED' });
  });

  test('add-points takes points off with a negative number', async () => {
    expect((await call('add-points', about({ points: '-30' }))).body).toMatchObject({
      result: 'applied',
      balance_after: 70,
    });
  });

  test('add-points beyond the limit waits for a person, who lets it go', async () => {
    const answer = await call('add-points', about({ points: 1001 }));
    expect(answer.body).toMatchObject({ result: 'queued', reason_code: 'points_limit' });
    expect(bookings()).toBe(0);
    expect((await listProblems(t.app.store, { state: 'open' }, 9)).map((p) => p.code)).toContain('points_limit');
    const [held] = await commands();
    await t.api(`/commands/${held?.id}/resend`, {});
    await t.run();
    expect(card()?.balance).toBe(1101);
  });

  test('push reaches the customer', async () => {
    const answer = await call('push', about({ message: 'Your table is ready', title: 'Hello' }));
    expect(answer.body).toMatchObject({ result: 'applied', push_id: expect.any(String) });
    expect(t.stickyCards.state.pushes()).toEqual([
      expect.objectContaining({ customerId: ana.customerId, message: 'Your table is ready', title: 'Hello' }),
    ]);
  });

  test('issue-card gives a card of the template; a customer who has it keeps it', async () => {
    const first = await call('issue-card', about({ template_id: TEMPLATE }));
    expect(first.body).toMatchObject({ result: 'applied', reason_code: 'ok', card_id: expect.any(String) });
    expect(t.stickyCards.state.cards(ana.customerId)).toHaveLength(2);
    const second = await call('issue-card', about({ template_id: TEMPLATE, idempotency_key: 'again' }));
    expect(second.body).toMatchObject({
      result: 'applied',
      reason_code: 'card_exists',
      card_id: first.body['card_id'],
    });
    expect(t.stickyCards.state.cards(ana.customerId)).toHaveLength(2);
  });

  test('two cards asked for at the same moment are one', async () => {
    const both = await Promise.all(
      ['a', 'b'].map((key) => call('issue-card', about({ template_id: TEMPLATE, idempotency_key: key }))),
    );
    expect(both.map((each) => each.body['result'])).toEqual(['applied', 'applied']);
    expect(t.stickyCards.state.cards(ana.customerId)).toHaveLength(2);
  });

  test('card-status sets the shown card, and GHL shows it after the next run', async () => {
    const answer = await call('card-status', about({ status: 'Suspended' }));
    expect(answer.body).toMatchObject({ result: 'applied', card_id: ana.cardId, status: 'suspended' });
    expect(t.stickyCards.journal.at(-1)).toMatchObject({ method: 'PUT', body: { status: 'Suspended' } });
    await t.run();
    expect(onlyContact(t).customFields['card_status']).toBe('suspended');
    const logs = await t.api(`/logs?customerId=${ana.customerId}&connection=default`);
    expect(JSON.stringify(logs.body)).toContain('"after":"suspended"');
  });

  test('segments changes only what it names, and the tags in GHL follow', async () => {
    expect((await call('segments', about({ add: 'VIP, Lunch' }))).body).toMatchObject({
      result: 'applied',
      segments: ['VIP', 'Lunch'],
    });
    await t.run();
    expect(onlyContact(t).tags).toEqual(expect.arrayContaining(['vip', 'lunch']));
    const second = await call('segments', about({ add: ['Gold'], remove: ['vip'] }));
    expect(second.body).toMatchObject({ result: 'applied', segments: ['Lunch', 'Gold'] });
    await t.run();
    await t.run();
    expect(onlyContact(t).tags).toEqual(expect.arrayContaining(['gold', 'lunch']));
    expect(onlyContact(t).tags).not.toContain('vip');
    expect(t.stickyCards.state.customer(ana.customerId)?.segments).toEqual(['Lunch', 'Gold']);
    const third = await call('segments', about({ add: ['gold'], idempotency_key: 'k3' }));
    expect(third.body).toMatchObject({ result: 'applied', reason_code: 'no_change' });
  });

  test('of two changes in one second the later one counts', async () => {
    for (const status of ['inactive', 'active', 'suspended']) {
      await call('card-status', about({ status }));
      await call(
        'segments',
        about({ add: [status], remove: ['inactive', 'active'].filter((name) => name !== status) }),
      );
    }
    await t.run();
    expect(onlyContact(t).customFields['card_status']).toBe('suspended');
    expect(onlyContact(t).tags.filter((tag) => tag !== 'card holder')).toEqual(['suspended']);
  });

  test('two changes of the segments at the same moment both count', async () => {
    await Promise.all([call('segments', about({ add: 'A' })), call('segments', about({ add: 'B' }))]);
    expect(t.stickyCards.state.customer(ana.customerId)?.segments.toSorted()).toEqual(['A', 'B']);
  });

  test('preferences tells Sticky Cards, and after an opt-out no push goes out', async () => {
    expect((await call('preferences', about({ opt_in: 'false' }))).body).toMatchObject({
      result: 'applied',
      opt_in: false,
    });
    expect(t.stickyCards.state.customer(ana.customerId)?.optIn).toBe(false);
    expect((await call('push', about({ message: 'Hi' }))).body).toMatchObject({
      result: 'rejected',
      reason_code: 'opted_out',
    });
  });

  test('sync-contact reads both sides anew', async () => {
    t.stickyCards.setWebhookUrl(undefined);
    // What is told in the second of a read may be older or newer than it.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    t.stickyCards.till.addPoints(ana.cardId, 11);
    t.ghl.ui.updateContact(ana.contactId, { firstName: 'Anna' });
    const answer = await call('sync-contact', about());
    expect(answer.body).toMatchObject({ result: 'applied', customer_id: ana.customerId, card_id: ana.cardId });
    expect(onlyContact(t).customFields['loyalty_points']).toBe(111);
    expect(t.stickyCards.state.customer(ana.customerId)?.firstName).toBe('Anna');
  });

  test('sync-contact makes a customer of a contact that belongs to nobody', async () => {
    const { id } = t.ghl.ui.createContact(LOCATION, { email: 'bo@example.com', firstName: 'Bo' });
    const answer = await call('sync-contact', { contact_id: id });
    expect(answer.body).toMatchObject({ result: 'applied', customer_id: expect.any(String) });
    expect(t.stickyCards.state.customer(String(answer.body['customer_id']))?.email).toBe('bo@example.com');
  });
});

describe('a push never goes to somebody who does not want it', () => {
  const push = (key: string) => call('push', about({ message: 'Hi', idempotency_key: key }));

  test('DND, a word that opts out, a word that nobody explained, and no answer of GHL', async () => {
    t.ghl.ui.setDnd(ana.contactId, true);
    expect((await push('1')).body).toMatchObject({ result: 'rejected', reason_code: 'opted_out' });
    t.ghl.ui.setDnd(ana.contactId, false);
    t.ghl.ui.updateContact(ana.contactId, { customFields: { opt_in_status: 'no' } });
    expect((await push('2')).body).toMatchObject({ result: 'rejected', reason_code: 'opted_out' });
    t.ghl.ui.updateContact(ana.contactId, { customFields: { opt_in_status: 'who knows' } });
    expect((await push('3')).body).toMatchObject({ result: 'rejected', reason_code: 'unknown_consent' });
    t.ghl.ui.updateContact(ana.contactId, { customFields: { opt_in_status: 'yes' } });
    t.ghl.faults.add({ kind: 'status', status: 500, path: /^\/contacts\/[^/]+$/, times: 1 });
    expect((await push('4')).body).toMatchObject({ result: 'rejected', reason_code: 'unknown_consent' });
    expect(t.stickyCards.state.pushes()).toEqual([]);
    expect((await push('5')).body).toMatchObject({ result: 'applied' });
    expect(await commands()).toHaveLength(1);
  });

  test('a push whose answer was lost waits for a person', async () => {
    t.stickyCards.faults.add({ kind: 'reset_after', path: '/v1/pushes', times: 1 });
    expect((await push('1')).body).toMatchObject({ result: 'queued', reason_code: 'outcome_unknown' });
    expect(t.stickyCards.state.pushes()).toHaveLength(1);
  });
});
