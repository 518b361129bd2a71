// What a call of a workflow is refused for (SPEC §3.2, §3.4), and which card is one already.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { callAction, linkedPerson, type LinkedPerson } from '../helpers/actions.ts';
import { LOCATION, startTestApp, type TestApp } from '../helpers/testApp.ts';

/** Another one than that of the customer's card. */
const OTHER_TEMPLATE = '1002';

let t: TestApp;
let ana: LinkedPerson;
beforeEach(async () => {
  t = await startTestApp();
  ana = await linkedPerson(t);
});
afterEach(() => t.stop());

let calls = 0;
const call = (action: string, more: object = {}) =>
  callAction(
    t.url,
    action,
    { contact_id: ana.contactId, location_id: LOCATION, ...more },
    {
      'idempotency-key': `call-${++calls}`,
    },
  );

describe('a contact that GHL refuses to show', () => {
  const NO_ACCESS = { message: 'The token does not have access to this location.' };
  const strange = (status: number, body: object, path: RegExp) =>
    t.ghl.faults.add({ kind: 'status', status, body, path, times: 5 });

  test('of another location: there is no such contact', async () => {
    strange(403, NO_ACCESS, /^\/contacts\/elsewhere$/);
    for (const action of ['card-status', 'sync-contact'])
      expect((await call(action, { contact_id: 'elsewhere', status: 'active' })).body).toMatchObject({
        result: 'rejected',
        reason_code: 'contact_not_found',
      });
  });

  test('because the token is for another location: it waits, and says so', async () => {
    strange(403, NO_ACCESS, /^\/(contacts|locations)\//);
    const { body } = await call('card-status', { contact_id: 'unknown', status: 'active' });
    expect(body).toMatchObject({ result: 'queued', reason_code: 'ghl_unavailable' });
    expect(body['message']).toMatch(/does not accept the token/);
  });

  test('because the token lacks a scope: it waits, and says so', async () => {
    strange(403, { message: 'The token does not have the scope.' }, /^\/contacts\//);
    const { body } = await call('card-status', { contact_id: 'unknown', status: 'active' });
    expect(body).toMatchObject({ result: 'queued', reason_code: 'ghl_unavailable' });
    expect(body['message']).toMatch(/scope/);
  });
});

describe('segments', () => {
  test.each(['churned', 'Reactivated', 'Card Holder', 'inactive 30d'])('the tag %s is never one', async (tag) => {
    const { body } = await call('segments', { add: ['VIP', tag] });
    expect(body).toMatchObject({ result: 'rejected', reason_code: 'reserved_tag', tag });
    expect(t.stickyCards.state.customer(ana.customerId)?.segments).toEqual([]);
  });

  test('what stands there by mistake can be taken off', async () => {
    t.stickyCards.till.linkSegment(ana.customerId, 'churned');
    expect((await call('segments', { remove: ['churned'] })).body).toMatchObject({ result: 'applied', segments: [] });
  });
});

describe('issue-card', () => {
  const cards = () => t.stickyCards.state.cards(ana.customerId);

  test('without a template: the customer keeps the card of the connection', async () => {
    const { templateId } = cards()[0] as { templateId: string };
    await t.app.connections.patch('default', { stickyCardsTemplateId: templateId }, 'test');
    await t.app.registry.refresh();
    expect((await call('issue-card')).body).toMatchObject({ reason_code: 'card_exists', card_id: ana.cardId });
  });

  test('a card of another template is not the one of the connection', async () => {
    await t.app.connections.patch('default', { stickyCardsTemplateId: OTHER_TEMPLATE }, 'test');
    await t.app.registry.refresh();
    const first = await call('issue-card');
    expect(first.body).toMatchObject({ result: 'applied', reason_code: 'ok' });
    expect(cards().map((card) => card.templateId)).toContain(OTHER_TEMPLATE);
    expect((await call('issue-card')).body).toMatchObject({
      reason_code: 'card_exists',
      card_id: first.body['card_id'],
    });
    expect(cards()).toHaveLength(2);
  });

  test.each(['removeCard', 'expireCard'] as const)('a card after %s is none', async (end) => {
    t.stickyCards.till[end](ana.cardId);
    await t.stickyCards.flushWebhooks();
    const first = await call('issue-card');
    expect(first.body).toMatchObject({ result: 'applied', reason_code: 'ok' });
    expect(first.body['card_id']).not.toBe(ana.cardId);
    expect((await call('issue-card')).body).toMatchObject({ reason_code: 'card_exists' });
    expect(cards()).toHaveLength(2);
  });
});

test.each([
  ['push', { message: 'Hi' }, '/v1/pushes', 'customer not found'],
  ['add-points', { points: 5 }, /^\/v1\/cards\/[^/]+$/, 'card not found'],
  ['add-points', { points: 5 }, /balance$/, 'card not found'],
])('%s %j for somebody who is gone at %s says so', async (action, more, path, message) => {
  t.stickyCards.faults.add({ kind: 'status', status: 404, path, body: { message }, times: 1 });
  expect((await call(action, more)).body).toMatchObject({ result: 'rejected', reason_code: 'gone_in_sticky_cards' });
});
