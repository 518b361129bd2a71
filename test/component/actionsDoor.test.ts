// Calls of workflows (SPEC §3.4): bodies, who may call, and whom a call is about.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { callAction, linkedPerson, type LinkedPerson } from '../helpers/actions.ts';
import { LOCATION, startTestApp, type TestApp, WORKFLOW_KEY } from '../helpers/testApp.ts';

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

describe('bodies', () => {
  test('a form is taken like JSON, also with customData in brackets', async () => {
    const form = new URLSearchParams({
      contact_id: ana.contactId,
      'customData[points]': '5',
      'location[id]': LOCATION,
    });
    expect((await call('add-points', form)).body).toMatchObject({ result: 'applied', balance_after: 105 });
    const list = new URLSearchParams([
      ['contact_id', ana.contactId],
      ['add[]', 'A'],
      ['add[]', 'B'],
    ]);
    expect((await call('segments', list)).body).toMatchObject({ segments: ['A', 'B'] });
  });

  test('the standard Webhook action may point at an action: parameters under Custom Data', async () => {
    const posted = await t.ghl.runWorkflow(ana.contactId, `${t.url}/actions/add-points`, {
      customData: { points: '7', key: WORKFLOW_KEY },
    });
    expect(posted.status).toBe(200);
    expect(card()?.balance).toBe(107);
    const events = await t.api('/events?source=ghl_workflow&connection=default');
    expect(JSON.stringify(events.body)).not.toContain(WORKFLOW_KEY);
  });

  test('customData.action of the workflow webhook is answered at once, carried out behind, and marks the contact', async () => {
    const post = () =>
      t.ghl.runWorkflow(ana.contactId, `${t.url}/webhooks/ghl/workflow`, {
        customData: { action: 'add-points', points: '7', key: WORKFLOW_KEY },
      });
    expect((await post()).status).toBe(202);
    expect((await post()).status).toBe(200);
    for (let i = 0; i < 100 && card()?.balance !== 107; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(card()?.balance).toBe(107);
    expect(bookings()).toBe(1);
    const wrong = await t.ghl.runWorkflow(ana.contactId, `${t.url}/webhooks/ghl/workflow`, {
      customData: { action: 'add-points', points: 'many', key: WORKFLOW_KEY },
    });
    expect(wrong.status).toBe(400);
  });

  test.each([
    ['push', {}, 'message'],
    ['add-points', { points: 'ten' }, 'points'],
    ['add-points', { points: 1.5 }, 'points'],
    ['add-points', { points: 0 }, 'points'],
    ['card-status', { status: 'gold' }, 'status'],
    ['segments', {}, 'add'],
    ['segments', { add: 'a', remove: 'A' }, 'remove'],
    ['preferences', { opt_in: 'maybe' }, 'opt_in'],
  ])('%s with %j is refused and names the parameter', async (action, parameters, field) => {
    const answer = await call(action, about(parameters));
    expect(answer.status).toBe(400);
    expect(answer.type).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ field, detail: expect.stringContaining(field) });
  });

  test('a call that names nobody is refused; one with an empty merge field too', async () => {
    expect((await call('sync-contact', { contact_id: ' ' })).body).toMatchObject({ status: 400, field: 'contact_id' });
  });

  test('unknown actions, other methods and bodies that are neither JSON nor a form', async () => {
    expect((await call('fly', about())).status).toBe(404);
    expect((await fetch(`${t.url}/actions/push`)).status).toBe(405);
    const headers = { authorization: `Bearer ${WORKFLOW_KEY}` };
    expect((await fetch(`${t.url}/actions/push`, { method: 'POST', headers, body: '{"a":' })).status).toBe(400);
  });

  test('the description of the actions is served', async () => {
    const answer = await fetch(`${t.url}/actions/openapi.json`);
    const { paths } = (await answer.json()) as { paths: Record<string, unknown> };
    expect(Object.keys(paths)).toHaveLength(7);
    expect(JSON.stringify(paths['/actions/add-points'])).toContain('{{contact.id}}');
  });
});

describe('who may call', () => {
  test('the key in each of its places; the address may name the connection', async () => {
    const plain = (path: string, body: object, headers = {}) => callAction(t.url, path, body, headers, false);
    const places = [
      plain('sync-contact', about(), { 'x-api-key': WORKFLOW_KEY }),
      plain(`sync-contact?key=${WORKFLOW_KEY}`, about({ idempotency_key: 'b' })),
      plain('sync-contact', about({ idempotency_key: 'c', key: WORKFLOW_KEY })),
      plain('default/sync-contact', about({ customData: { key: WORKFLOW_KEY, idempotency_key: 'd' } })),
    ];
    for (const place of places) expect((await place).body).toMatchObject({ result: 'applied' });
  });

  test('a wrong key and another location are refused', async () => {
    const wrong = await callAction(t.url, 'push', about(), { authorization: 'Bearer nope' }, false);
    expect(wrong).toMatchObject({ status: 401, body: { code: 'workflow_key_wrong' } });
    const other = await call('push', { contact_id: 'x', location_id: 'LOC2' });
    expect(other).toMatchObject({ status: 401, body: { code: 'workflow_location_mismatch' } });
    expect((await callAction(t.url, 'elsewhere/push', about())).status).toBe(404);
  });

  test('failures are limited, verified calls never', async () => {
    const codes = new Set<number>();
    // Many at once: the limit counts by the minute, and a slow machine must not need longer.
    for (let round = 0; round < 16; round++) {
      const calls = Array.from({ length: 20 }, () => callAction(t.url, 'push', about(), {}, false));
      for (const { status } of await Promise.all(calls)) codes.add(status);
    }
    expect([...codes].toSorted((a, b) => a - b)).toEqual([401, 429]);
    expect((await call('add-points', about({ points: 1 }))).body).toMatchObject({ result: 'applied' });
  });
});

describe('whom it is about', () => {
  test('by phone or e-mail, as GHL knows them', async () => {
    expect((await call('add-points', { phone: '(212) 555-0142', points: 1 })).body).toMatchObject({
      contact_id: ana.contactId,
    });
    expect((await call('add-points', { email: 'ANA@example.com', points: 1 })).body).toMatchObject({
      balance_after: 102,
    });
  });

  test('nobody, or two, is nobody', async () => {
    const rejected = (code: string) => ({ status: 200, body: { result: 'rejected', reason_code: code } });
    expect(await call('add-points', { email: 'no@example.com', points: 1 })).toMatchObject(
      rejected('contact_not_found'),
    );
    expect(await call('add-points', { contact_id: 'nobody', points: 1 })).toMatchObject(rejected('contact_not_found'));
    t.ghl.ui.createContact(LOCATION, { email: 'bo@example.com' });
    expect(await call('add-points', { email: 'bo@example.com', phone: '+12125550142', points: 1 })).toMatchObject(
      rejected('contact_ambiguous'),
    );
    expect(await call('add-points', { email: 'bo@example.com', points: 1 })).toMatchObject(rejected('not_linked'));
    expect(bookings()).toBe(0);
  });

  test('somebody without a card', async () => {
    const { customerId } = t.stickyCards.till.createCustomer({ email: 'cy@example.com' });
    await t.stickyCards.flushWebhooks();
    await t.run();
    const answer = await call('add-points', { email: 'cy@example.com', points: 1 });
    expect(answer.body).toMatchObject({ result: 'rejected', reason_code: 'no_card', customer_id: customerId });
  });
});
