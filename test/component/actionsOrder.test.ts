// Calls of workflows that had to wait (SPEC §3.4): the last word counts, and nothing waits longer than what it waits for.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { callAction, linkedPerson, type LinkedPerson } from '../helpers/actions.ts';
import { LOCATION, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
let ana: LinkedPerson;
beforeEach(async () => {
  t = await startTestApp();
  ana = await linkedPerson(t);
});
afterEach(() => t.stop());

let calls = 0;
const send = (action: string, more: object) =>
  callAction(
    t.url,
    action,
    { contact_id: ana.contactId, location_id: LOCATION, ...more },
    {
      'idempotency-key': `call-${++calls}`,
    },
  );
/** Whatever kept an earlier call waiting is over with the next one. */
const call = (action: string, more: object) => {
  t.stickyCards.faults.clear();
  return send(action, more);
};
const inbox = async (receiptId: unknown) => (await t.api(`/events/${String(receiptId)}`)).body;
const customer = () => t.stickyCards.state.customer(ana.customerId);
const statusesSent = () =>
  t.stickyCards.journal
    .filter(({ method, path, status }) => method === 'PUT' && path.endsWith('/status') && status < 400)
    .map(({ body }) => (body as { status: string }).status);

async function within(ms: number, holds: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const untilMs = Date.now() + ms; Date.now() < untilMs; await new Promise((resolve) => setTimeout(resolve, 25)))
    if (await holds()) return true;
  return holds();
}

/** This write gets no answer, nor does it later (until the next call, if no number of times is given), and its call waits. */
async function waiting(action: string, more: object, path: RegExp, times?: number) {
  t.stickyCards.faults.add({ kind: 'status', status: 503, method: 'PUT', path, ...(times && { times }) });
  const { body } = await send(action, more);
  expect(body).toMatchObject({ result: 'queued', reason_code: 'sticky_cards_unavailable' });
  return body['receiptId'];
}

describe('the last word counts', () => {
  test('an opt-in that had to wait does not undo the opt-out that came after it', async () => {
    const first = await waiting('preferences', { opt_in: true }, /preferences$/);
    expect((await call('preferences', { opt_in: false })).body).toMatchObject({ result: 'applied' });
    await t.run();
    expect(customer()?.optIn).toBe(false);
    expect(await inbox(first)).toMatchObject({ status: 'SKIPPED', reason: 'superseded' });
    expect((await call('push', { message: 'Hi' })).body).toMatchObject({
      result: 'rejected',
      reason_code: 'opted_out',
    });
  });

  test('also after a restart in between, and when the later one names the person by phone', async () => {
    const first = await waiting('preferences', { opt_in: true }, /preferences$/);
    await call('preferences', { contact_id: '', phone: '+12125550142', opt_in: false });
    await t.restart();
    const isOver = async () => (await inbox(first))['reason'] !== 'sticky_cards_unavailable';
    expect(await within(5000, isOver)).toBe(true);
    expect(customer()?.optIn).toBe(false);
  });

  test('of calls that piled up during a pause only the last one is carried out', async () => {
    await t.api('/connections/default/pause', { direction: 'ghl_to_stickycards' });
    const waited: unknown[] = [];
    for (const status of ['suspended', 'active', 'inactive', 'active'])
      waited.push((await call('card-status', { status })).body['receiptId']);
    await t.api('/connections/default/resume', { direction: 'ghl_to_stickycards' });
    const isOver = async (receiptId: unknown) => (await inbox(receiptId))['reason'] !== 'direction_paused';
    expect(await within(5000, () => isOver(waited[0]))).toBe(true);
    expect(statusesSent()).toEqual(['Active']);
    expect(await inbox(waited.at(-1))).toMatchObject({ status: 'FOLDED' });
    for (const receiptId of waited.slice(0, -1)) expect(await inbox(receiptId)).toMatchObject({ reason: 'superseded' });
  });

  test('a later call that was refused is no later word', async () => {
    await waiting('preferences', { opt_in: false }, /preferences$/);
    t.ghl.ui.setDnd(ana.contactId, true);
    expect((await call('preferences', { opt_in: true })).body).toMatchObject({ result: 'rejected' });
    await t.run();
    expect(customer()?.optIn).toBe(false);
  });

  test('of segments each one for itself', async () => {
    await waiting('segments', { add: 'A, B' }, /segments$/);
    expect((await call('segments', { remove: 'a' })).body).toMatchObject({ result: 'applied' });
    await t.run();
    expect(customer()?.segments).toEqual(['B']);
  });
});

describe('nothing waits longer than what it waits for', () => {
  const isInactive = () => t.stickyCards.state.card(ana.cardId)?.status === 'Inactive';

  test('a run that a person asks for does what waited before it ends', async () => {
    await waiting('card-status', { status: 'inactive' }, /status$/, 1);
    await t.run();
    expect(isInactive()).toBe(true);
  });

  test('a run for the other half leaves it alone', async () => {
    await waiting('card-status', { status: 'inactive' }, /status$/, 1);
    const about = { connectionId: 'default', direction: 'stickycards_to_ghl', trigger: 'manual' } as const;
    await t.app.schedule.run(about);
    expect(isInactive()).toBe(false);
  });

  test('a change of the connection is reason enough to try at once', async () => {
    await waiting('card-status', { status: 'inactive' }, /status$/, 1);
    await t.app.connections.patch('default', { lowRating: 1 }, 'test');
    expect(await within(3000, isInactive)).toBe(true);
  });

  test('a long pause makes nobody wait after it', async () => {
    await t.api('/connections/default/pause', { direction: 'ghl_to_stickycards' });
    await call('card-status', { status: 'inactive' });
    // Long enough for a second try, after which the third would be ten seconds away.
    await new Promise((resolve) => setTimeout(resolve, 6500));
    await t.api('/connections/default/resume', { direction: 'ghl_to_stickycards' });
    expect(await within(3000, isInactive)).toBe(true);
  });

  test('a person who is resumed gets what waited for it', async () => {
    await t.api(`/customers/${ana.customerId}/pause`, {});
    const answer = await call('card-status', { status: 'inactive' });
    expect(answer.body).toMatchObject({ result: 'queued', reason_code: 'record_paused' });
    await new Promise((resolve) => setTimeout(resolve, 6500));
    await t.api(`/customers/${ana.customerId}/resume`, {});
    expect(await within(3000, isInactive)).toBe(true);
  });

  test('a call that waits for a run does not hold that run up', async () => {
    t.ghl.faults.add({ kind: 'delay', delayMs: 1500, path: /^\/contacts\/search$/, times: 1 });
    const synced = call('sync-contact', {});
    await within(3000, async () => (await t.app.store.db.select().from(t.app.store.s.idempotencyKeys)).length > 0);
    await t.run();
    expect((await synced).body).toMatchObject({ result: 'applied' });
  });
});
