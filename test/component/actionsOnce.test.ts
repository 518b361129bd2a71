// Calls of workflows (SPEC §3.4): nothing happens twice, and nothing that was queued is forgotten.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eq } from 'drizzle-orm';
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

const call = (action: string, body: object | URLSearchParams, headers?: Record<string, string>) =>
  callAction(t.url, action, body, headers);
const about = (more: object = {}) => ({ contact_id: ana.contactId, location_id: LOCATION, ...more });
const card = () => t.stickyCards.state.card(ana.cardId);
const bookings = () => t.stickyCards.callCount({ method: 'PUT', path: /\/balance$/ });
const commands = async () =>
  (await listCommands(t.app.store, { connection: 'default' }, 50)).filter((row) =>
    row.sourceEvent.startsWith('action:'),
  );
const forgetAnswer = () =>
  t.app.store.tx(async (db) => {
    await db.update(t.app.store.s.idempotencyKeys).set({ status: null, body: null, commandId: null });
  });

describe('exactly once', () => {
  const key = { 'idempotency-key': 'order-17' };

  test('the same key gives the same answer byte for byte, also after a restart; other parameters are a conflict', async () => {
    const first = await call('add-points', about({ points: 50 }), key);
    const second = await call('add-points', about({ points: '50' }), key);
    expect(second.text).toBe(first.text);
    await t.restart();
    expect((await call('add-points', about({ points: 50, idempotency_key: 'order-17' }))).text).toBe(first.text);
    const other = await call('add-points', about({ points: 60 }), key);
    expect(other).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused' } });
    expect(bookings()).toBe(1);
    const events = await t.api('/events?source=ghl_workflow&connection=default');
    expect(
      (events.body['items'] as { duplicates: number; type: string }[]).find((e) => e.type === 'Action add-points'),
    ).toMatchObject({
      duplicates: 2,
    });
  });

  test('ten at once with one key: one effect, ten equal answers', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => call('add-points', about({ points: 50 }), key)));
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expect(answers[0]?.body).toMatchObject({ result: 'applied', balance_after: 150 });
    expect(bookings()).toBe(1);
  });

  test('ten at once without a key: one effect, nine duplicates', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => call('add-points', about({ points: 50 }))));
    expect(answers.map((answer) => String(answer.body['result'])).toSorted()).toEqual([
      'applied',
      ...Array<string>(9).fill('duplicate'),
    ]);
    expect(bookings()).toBe(1);
  });

  test('without a key another workflow, another contact or other parameters are another call', async () => {
    for (const more of [{ points: 1 }, { points: 2 }, { points: 1, workflow: { id: 'w2' } }])
      expect((await call('add-points', about(more))).body).toMatchObject({ result: 'applied' });
    expect((await call('add-points', about({ points: 1 }))).body).toMatchObject({
      result: 'duplicate',
      first_result: 'applied',
    });
    expect(card()?.balance).toBe(104);
  });

  test('a crash between the effect and its answer: the answer is made from the ledger', async () => {
    await call('add-points', about({ points: 50 }), key);
    await forgetAnswer();
    await t.restart();
    expect((await call('add-points', about({ points: 50 }), key)).body).toMatchObject({
      result: 'applied',
      balance_after: 150,
    });
    expect(bookings()).toBe(1);
  });

  test('a crash after a value was set: it is set once more, and GHL gets it', async () => {
    await call('segments', about({ add: 'VIP' }), key);
    await forgetAnswer();
    await t.restart();
    const answer = await call('segments', about({ add: 'VIP' }), key);
    expect(answer.body).toMatchObject({ result: 'applied', reason_code: 'no_change', segments: ['VIP'] });
    await t.run();
    expect(t.ghl.state.tagsOf(ana.contactId)).toContain('vip');
  });

  test('a crash before anything was done: the next start carries it out, once', async () => {
    t.ghl.faults.add({ kind: 'delay', delayMs: 3000, path: /^\/contacts\/search\/duplicate/, times: 1 });
    const lost = call('add-points', { email: 'ana@example.com', points: 50 }, key).catch(() => null);
    for (let i = 0; i < 100; i++) {
      const rows = await t.app.store.db.select().from(t.app.store.s.idempotencyKeys);
      if (rows.length > 0) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await t.restart();
    await lost;
    const answer = await call('add-points', { email: 'ana@example.com', points: 50 }, key);
    expect(['applied', 'queued']).toContain(answer.body['result']);
    for (let i = 0; i < 200 && card()?.balance !== 150; i++) await new Promise((resolve) => setTimeout(resolve, 25));
    expect(card()?.balance).toBe(150);
    expect(bookings()).toBe(1);
  });

  test('a database that takes nothing is told as such', async () => {
    const { store } = t.app;
    const works = { ...store };
    store.tx = () => Promise.reject(new Error('disk full'));
    const answer = await call('add-points', about({ points: 5 }));
    Object.assign(store, works);
    expect(answer).toMatchObject({ status: 429, body: { code: 'not_stored' } });
    const { idempotencyKeys: keys } = store.s;
    expect(await store.db.select().from(keys).where(eq(keys.connectionId, 'default'))).toEqual([]);
  });
});
describe('when nothing may be written', () => {
  test('in observe it is rejected, and no command is made', async () => {
    await t.api('/connections/default/observe', {});
    expect((await call('add-points', about({ points: 5 }))).body).toMatchObject({
      result: 'rejected',
      reason_code: 'observe',
    });
    expect(await commands()).toEqual([]);
  });

  test('while the direction is paused it is queued, and done when that is over', async () => {
    await t.api('/connections/default/pause', { direction: 'ghl_to_stickycards' });
    const answer = await call('card-status', about({ status: 'inactive', idempotency_key: 'p' }));
    expect(answer.body).toMatchObject({ result: 'queued', reason_code: 'direction_paused' });
    await t.api('/connections/default/resume', { direction: 'ghl_to_stickycards' });
    for (let i = 0; i < 400 && card()?.status !== 'Inactive'; i++)
      await new Promise((resolve) => setTimeout(resolve, 25));
    expect(card()?.status).toBe('Inactive');
    // The answer that was given is given again.
    expect((await call('card-status', about({ status: 'inactive', idempotency_key: 'p' }))).text).toBe(answer.text);
  });

  test('while Sticky Cards does not answer it is queued, and done later', async () => {
    t.stickyCards.faults.add({ kind: 'status', status: 503, path: /status$/, times: 1 });
    const answer = await call('card-status', about({ status: 'inactive' }));
    expect(answer.body).toMatchObject({ result: 'queued', reason_code: 'sticky_cards_unavailable' });
    await t.restart();
    for (let i = 0; i < 200 && card()?.status !== 'Inactive'; i++)
      await new Promise((resolve) => setTimeout(resolve, 25));
    expect(card()?.status).toBe('Inactive');
  });

  test('what Sticky Cards refuses is rejected', async () => {
    t.stickyCards.faults.add({
      kind: 'status',
      status: 422,
      path: /preferences$/,
      body: { message: 'no such thing' },
      times: 1,
    });
    const answer = await call('preferences', about({ opt_in: true }));
    expect(answer.body).toMatchObject({ result: 'rejected', reason_code: 'refused_by_sticky_cards' });
  });
});
