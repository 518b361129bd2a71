import { afterEach, describe, expect, test } from '@jest/globals';
import { markerOf } from '../../src/domain/commandTexts.ts';
import { TRANSITIONS } from '../../src/domain/commandStates.ts';
import { listLogs } from '../../src/store/runs.ts';
import { moveCommand } from '../../src/store/commands.ts';
import { type CommandStage, LOCATION, PIPELINE, report, startCommandStage } from '../helpers/commandStage.ts';

let s: CommandStage;
afterEach(() => s.stop());

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const payment = {
  about: 'payment',
  paymentId: 'pay_1',
  amount: 12.5,
  currency: 'USD',
  occurredAtMs: Date.parse('2026-03-20T15:07:00Z'),
};
const refund = { ...payment, about: 'refund', occurredAtMs: Date.parse('2026-03-21T15:07:00Z') };
const feedback = { about: 'feedback', rating: 2, comment: 'Slow today', occurredAtMs: payment.occurredAtMs };

const posts = (path: RegExp) => s.ghl.journal.filter((x) => x.method === 'POST' && path.test(x.path)).length;
const opportunities = () => s.ghl.state.opportunities(LOCATION);

describe('what staff find on the contact', () => {
  test('a note, a task due on the next business day, an opportunity that is won', async () => {
    s = await startCommandStage();
    const contactId = await s.link('cus_1');
    const note = await s.order('note', 'cus_1', feedback);
    const task = await s.order('task', 'cus_1', feedback);
    const opportunity = await s.order('opportunity', 'cus_1', payment);
    expect(await s.perform()).toEqual({ applied: 3, failed: 0, held: 0, unknown: 0, waiting: 0 });
    expect(s.ghl.state.notes(contactId)).toMatchObject([
      { body: `Feedback: ★★☆☆☆ (2 of 5)\n“Slow today”\nSticky Cards, Mar 20, 2026, 11:07 AM\n${markerOf(note)}` },
    ]);
    const [made] = s.ghl.state.tasks(contactId);
    expect(made).toMatchObject({ completed: false, body: expect.stringContaining(markerOf(task)) });
    expect(new Date(made?.dueDate ?? 0).getTime()).toBeGreaterThan(s.clock.nowMs());
    expect(opportunities()).toMatchObject([
      {
        contactId,
        pipelineId: PIPELINE,
        pipelineStageId: 'STAGE1',
        status: 'won',
        monetaryValue: 12.5,
        name: `Payment of 12.50 USD, pay_1 ${markerOf(opportunity)}`,
      },
    ]);
    expect(await s.command(opportunity)).toMatchObject({
      state: 'applied',
      attempts: 1,
      result: { opportunityId: opportunities()[0]?.id, contactId },
    });
    const logs = await listLogs(s.store, { customerId: 'cus_1' }, 9);
    expect(logs).toHaveLength(3);
    expect(logs[0]).toMatchObject({
      runId: 'run_1',
      action: 'command',
      status: 'success',
      direction: 'stickycards_to_ghl',
      entityType: 'command',
      contactId,
      traceId: expect.any(String),
      durationMs: expect.any(Number),
    });
  });

  test('a second pass sends nothing', async () => {
    s = await startCommandStage();
    await s.link('cus_1');
    await s.order('note', 'cus_1', feedback);
    await s.perform();
    const before = s.ghl.callCount();
    expect(await s.perform()).toMatchObject({ applied: 0 });
    expect(s.ghl.callCount()).toBe(before);
  });

  test('of one contact in the order in which they were made', async () => {
    s = await startCommandStage();
    const contactId = await s.link('cus_1');
    for (let n = 0; n < 12; n++) await s.order('note', 'cus_1', { ...feedback, comment: `no ${n}` }, `e${n}`);
    await s.perform();
    const told = s.ghl.state.notes(contactId).map(({ body }) => /no \d+/.exec(body)?.[0]);
    expect(told).toEqual(Array.from({ length: 12 }, (_, n) => `no ${n}`));
  });
});

describe('waiting', () => {
  test('for the contact: nothing is sent before the customer is linked', async () => {
    s = await startCommandStage();
    await s.linkTo('cus_1', null, 'creating');
    const id = await s.order('note', 'cus_1', feedback);
    const other = await s.order('note', 'cus_2', feedback);
    await s.perform();
    expect(await s.command(id)).toMatchObject({ state: 'pending', attempts: 0 });
    await s.link('cus_2');
    expect(await s.perform()).toMatchObject({ applied: 1 });
    expect(await s.command(other)).toMatchObject({ state: 'applied' });
  });

  test('a contact that is gone for good: the command fails as gone, without a problem', async () => {
    s = await startCommandStage();
    await s.linkTo('cus_1', 'gone1', 'gone');
    const id = await s.order('note', 'cus_1', feedback);
    await s.perform();
    expect(await s.command(id)).toMatchObject({ state: 'failed', reason: 'gone' });
    expect(await s.problems()).toEqual([]);
  });

  test('a contact that turns out to be gone is marked for a read, and the command waits for what that shows', async () => {
    s = await startCommandStage();
    const contactId = await s.link('cus_1');
    s.ghl.ui.deleteContact(contactId);
    const id = await s.order('note', 'cus_1', feedback);
    expect(await s.perform()).toMatchObject({ waiting: 1, failed: 0 });
    expect(await s.command(id)).toMatchObject({ state: 'pending', sentAt: null });
    expect(await s.store.db.select().from(s.store.s.contactMarks)).toMatchObject([{ ghlContactId: contactId }]);
  });

  test.each([
    ['observe', { mode: 'observe' as const }],
    ['a paused direction', { pausedDirections: ['stickycards_to_ghl'] }],
    ['a paused connection', { state: 'paused' as const }],
  ])('%s: nothing is sent, nothing is lost', async (_why, settings) => {
    s = await startCommandStage();
    await s.link('cus_1');
    const id = await s.order('note', 'cus_1', feedback);
    await s.perform({}, { connection: { ...s.connection, ...settings } });
    expect(s.ghl.callCount()).toBe(0);
    expect(await s.command(id)).toMatchObject({ state: 'pending', attempts: 0 });
    expect(await s.perform()).toMatchObject({ applied: 1 });
  });

  test('a paused record waits, the others go on', async () => {
    s = await startCommandStage();
    await s.customer('cus_1', { paused: true });
    await s.customer('cus_2');
    await Promise.all([s.link('cus_1'), s.link('cus_2')]);
    await s.order('note', 'cus_1', feedback);
    await s.order('note', 'cus_2', feedback);
    expect(await s.perform()).toMatchObject({ applied: 1 });
  });

  test('older than thirty days and never sent: held for a person, once released it goes', async () => {
    s = await startCommandStage();
    await s.link('cus_1');
    const id = await s.order('note', 'cus_1', feedback);
    s.clock.ahead(31 * DAY);
    const young = await s.order('note', 'cus_1', feedback, 'young');
    expect(await s.perform()).toMatchObject({ held: 1, applied: 1 });
    expect(await s.command(id)).toMatchObject({ state: 'held', reason: 'too_old' });
    expect(await s.command(young)).toMatchObject({ state: 'applied' });
    expect(await s.problems()).toEqual([{ code: 'command_too_old', affected: 1 }]);
    await s.store.tx((db) => moveCommand(s.store, db, id, ['held'], { state: 'pending', decidedBy: 'ana' }));
    expect(await s.perform()).toMatchObject({ held: 0, applied: 1 });
    expect(await s.problems()).toEqual([]);
  });

  test('only the rows that are asked for, while everything else stays', async () => {
    s = await startCommandStage();
    await Promise.all([s.link('cus_1'), s.link('cus_2')]);
    const first = await s.order('note', 'cus_1', feedback);
    const second = await s.order('note', 'cus_2', feedback);
    await s.perform({ ids: [second] });
    expect(await s.command(first)).toMatchObject({ state: 'pending' });
    expect(await s.command(second)).toMatchObject({ state: 'applied' });
    await s.perform({ target: 'customer:cus_1' });
    expect(await s.command(first)).toMatchObject({ state: 'applied' });
  });
});

describe('an answer that was lost', () => {
  test('a note that arrived is found by its marker and not written again', async () => {
    s = await startCommandStage();
    const contactId = await s.link('cus_1');
    const id = await s.order('note', 'cus_1', feedback);
    s.ghl.faults.add({ kind: 'reset_after', method: 'POST', times: 1 });
    expect(await s.perform()).toMatchObject({ unknown: 1 });
    expect(await s.command(id)).toMatchObject({ state: 'unknown', attempts: 1 });
    expect(await s.perform()).toMatchObject({ applied: 0 });
    s.clock.ahead(2 * MINUTE);
    expect(await s.perform()).toMatchObject({ applied: 1 });
    expect(s.ghl.state.notes(contactId)).toHaveLength(1);
    expect(posts(/notes$/)).toBe(1);
    expect(await s.command(id)).toMatchObject({ state: 'applied', reason: null, looks: 1 });
  });

  test('a note that did not arrive is sent at once after the look', async () => {
    s = await startCommandStage();
    const contactId = await s.link('cus_1');
    const id = await s.order('note', 'cus_1', feedback);
    s.ghl.faults.add({ kind: 'status', status: 502, method: 'POST', times: 1 });
    await s.perform();
    s.clock.ahead(2 * MINUTE);
    expect(await s.perform()).toMatchObject({ applied: 1 });
    expect(s.ghl.state.notes(contactId)).toHaveLength(1);
    expect(await s.command(id)).toMatchObject({ attempts: 2 });
  });

  test('a look that fails leaves everything as it is, for a later look', async () => {
    s = await startCommandStage();
    await s.link('cus_1');
    const id = await s.order('note', 'cus_1', feedback);
    s.ghl.faults.add({ kind: 'reset_after', method: 'POST', times: 1 });
    await s.perform();
    s.clock.ahead(2 * MINUTE);
    s.ghl.faults.add({ kind: 'status', status: 503, method: 'GET', times: 1 });
    await s.perform();
    expect(await s.command(id)).toMatchObject({ state: 'unknown', looks: 0, nextAttemptAt: expect.any(Date) });
    s.clock.ahead(2 * MINUTE);
    await s.perform();
    expect(posts(/notes$/)).toBe(1);
  });

  test('a note of a contact that was merged meanwhile is looked for at the survivor', async () => {
    s = await startCommandStage();
    const loser = await s.link('cus_1');
    const survivor = s.ghl.ui.createContact(LOCATION, { email: 'survivor@example.com' }).id;
    await s.order('note', 'cus_1', feedback);
    s.ghl.faults.add({ kind: 'reset_after', method: 'POST', times: 1 });
    await s.perform();
    s.ghl.ui.mergeContacts(survivor, loser);
    await s.store.tx(async (db) => {
      await db.update(s.store.s.entityMappings).set({ ghlId: survivor });
    });
    await s.performAll();
    const notes = s.ghl.state.notes(survivor);
    expect(notes.length).toBe(1);
  });

  test('an opportunity is looked for twice, two minutes after the send: its index lags', async () => {
    s = await startCommandStage({ ghl: { searchLagMs: 90_000 } });
    await s.link('cus_1');
    const id = await s.order('opportunity', 'cus_1', payment);
    s.ghl.faults.add({ kind: 'reset_after', method: 'POST', times: 1 });
    await s.perform();
    s.clock.ahead(70_000);
    // Not in the index yet: that proves nothing.
    await s.perform();
    expect(await s.command(id)).toMatchObject({ state: 'unknown', looks: 1 });
    s.clock.ahead(10_000);
    await s.perform();
    expect(posts(/^\/opportunities\/?$/)).toBe(1);
    s.clock.ahead(MINUTE);
    expect(await s.perform()).toMatchObject({ applied: 1 });
    expect(opportunities()).toHaveLength(1);
  });

  test('an opportunity that is not there on the second look is made', async () => {
    s = await startCommandStage();
    await s.link('cus_1');
    await s.order('opportunity', 'cus_1', payment);
    s.ghl.faults.add({ kind: 'reset_before', method: 'POST', times: 1 });
    await s.perform();
    s.clock.ahead(70_000);
    await s.perform();
    expect(opportunities()).toHaveLength(0);
    s.clock.ahead(MINUTE);
    await s.perform();
    expect(opportunities()).toHaveLength(1);
  });

  test('what could not be stored after the answer is looked for in the next pass', async () => {
    s = await startCommandStage();
    const contactId = await s.link('cus_1');
    const id = await s.order('note', 'cus_1', feedback);
    const { store } = s;
    let commits = 0;
    const full = {
      ...store,
      tx: ((work, options) =>
        ++commits > 1 ? Promise.reject(new Error('disk full')) : store.tx(work, options)) as typeof store.tx,
    };
    await expect(s.perform({}, { store: full })).rejects.toThrow('disk full');
    expect(await s.command(id)).toMatchObject({ state: 'sending' });
    await s.perform();
    expect(await s.command(id)).toMatchObject({ state: 'unknown' });
    s.clock.ahead(MINUTE);
    expect(await s.perform()).toMatchObject({ applied: 1 });
    expect(s.ghl.state.notes(contactId)).toHaveLength(1);
  });
});

describe('refusals', () => {
  test('for certain: failed, with a problem that carries no personal data', async () => {
    s = await startCommandStage();
    await s.link('cus_1');
    const id = await s.order('note', 'cus_1', feedback);
    const body = { statusCode: 422, message: ['body is too long'] };
    s.ghl.faults.add({ kind: 'status', status: 422, method: 'POST', body });
    expect(await s.perform()).toMatchObject({ failed: 1 });
    expect(await s.command(id)).toMatchObject({ state: 'failed', reason: expect.stringContaining('too long') });
    expect(await s.problems()).toEqual([{ code: 'command_failed', affected: 1 }]);
    s.clock.ahead(DAY);
    await s.perform();
    expect(posts(/notes$/)).toBe(1);
  });

  test('a token that is not accepted stops the side: nothing was tried, the pass ends with it', async () => {
    s = await startCommandStage();
    for (let n = 0; n < 40; n++) {
      await s.link(`cus_${n}`);
      await s.order('note', `cus_${n}`, feedback);
    }
    s.stickyCards.till.createCustomer({ customerId: 'cus_0', email: 'cus_0@example.com' });
    const push = await s.order('push', 'cus_0', { message: 'Hello' });
    s.ghl.faults.add({ kind: 'status', status: 401, body: { statusCode: 401, message: 'Invalid token' } });
    await expect(s.perform()).rejects.toMatchObject({ side: 'ghl', class: 'auth' });
    expect(posts(/notes$/)).toBeLessThan(40);
    const rows = await s.commands();
    expect(rows.filter((row) => row.kind === 'note')).toEqual(
      Array.from({ length: 40 }, () => expect.objectContaining({ state: 'pending', attempts: 0, sentAt: null })),
    );
    expect(await s.command(push)).toMatchObject({ state: 'applied' });
    s.ghl.faults.clear();
    expect(await s.perform()).toMatchObject({ applied: 40 });
  });

  test('a permission that lacks pauses that kind of command only', async () => {
    s = await startCommandStage();
    await Promise.all([s.link('cus_1'), s.link('cus_2')]);
    const opportunity = await s.order('opportunity', 'cus_1', payment);
    await s.order('note', 'cus_2', feedback);
    const body = { statusCode: 403, message: 'The token is not authorized for this scope.' };
    s.ghl.faults.add({ kind: 'status', status: 403, path: '/opportunities', body });
    expect(await s.perform()).toMatchObject({ applied: 1, waiting: 1 });
    expect(await s.problems()).toEqual([{ code: 'command_scope_missing', affected: 1 }]);
    s.ghl.faults.clear();
    s.clock.ahead(16 * MINUTE);
    expect(await s.perform()).toMatchObject({ applied: 1 });
    expect(await s.command(opportunity)).toMatchObject({ attempts: 1 });
    expect(await s.problems()).toEqual([]);
  });

  test('a side that is down: nobody is given up, however long it lasts', async () => {
    s = await startCommandStage();
    for (let n = 0; n < 8; n++) {
      await s.link(`cus_${n}`);
      await s.order('note', `cus_${n}`, feedback);
    }
    const port = Number(new URL(s.ghl.url).port);
    await s.ghl.stop();
    for (let hour = 0; hour < 30; hour++) {
      await expect(s.perform()).rejects.toMatchObject({ side: 'ghl', class: 'transient' });
      s.clock.ahead(2 * 60 * MINUTE);
    }
    const rows = await s.commands();
    expect(rows.every((row) => row.state === 'pending' && row.attempts === 0)).toBe(true);
    await s.ghl.start(port);
    expect(await s.perform()).toMatchObject({ applied: 8 });
  });

  test('a stop before a push has left is nobody’s attempt', async () => {
    s = await startCommandStage();
    s.stickyCards.till.createCustomer({ customerId: 'cus_1', email: 'cus_1@example.com' });
    const id = await s.order('push', 'cus_1', { message: 'Hello' });
    const stop = new AbortController();
    const pass = s.perform(
      {},
      { signal: stop.signal, crashPoint: (at) => at === 'sending' && stop.abort(new Error('stop')) },
    );
    await expect(pass).rejects.toThrow('stop');
    expect(s.stickyCards.state.pushes()).toEqual([]);
    expect(await s.command(id)).toMatchObject({ state: 'pending', attempts: 0, sentAt: null });
    expect(await s.perform()).toMatchObject({ applied: 1 });
  });

  test('an operator who decides while it is under way keeps the last word', async () => {
    s = await startCommandStage();
    await s.link('cus_1');
    const id = await s.order('note', 'cus_1', feedback);
    let decided: Promise<unknown> = Promise.resolve();
    await s.perform(
      {},
      {
        crashPoint: (at) => {
          if (at === 'prepared')
            decided = s.store.tx((db) =>
              moveCommand(s.store, db, id, ['pending'], { state: 'discarded', decidedBy: 'ana' }),
            );
        },
      },
    );
    await decided;
    expect(await s.command(id)).toMatchObject({ state: 'discarded', decidedBy: 'ana' });
    expect(posts(/notes$/)).toBe(0);
  });
});

describe('one opportunity per contact', () => {
  test('somebody else’s is left alone: the payment becomes a note, with one problem for the connection', async () => {
    s = await startCommandStage({ location: { allowDuplicateOpportunity: false } });
    const contactId = await s.link('cus_1');
    await s.order('opportunity', 'cus_1', payment, 'payment:pay_1');
    await s.order('opportunity', 'cus_1', { ...payment, paymentId: 'pay_2' }, 'payment:pay_2');
    await s.order('opportunity', 'cus_1', { ...payment, paymentId: 'pay_3' }, 'payment:pay_3');
    expect(await s.perform()).toMatchObject({ applied: 3, failed: 2 });
    expect(opportunities()).toHaveLength(1);
    expect(s.ghl.state.notes(contactId).map(({ body }) => /pay_\d/.exec(body)?.[0])).toEqual(['pay_2', 'pay_3']);
    expect(await s.problems()).toEqual([{ code: 'opportunity_not_allowed', affected: 1 }]);
  });

  test('our own from an attempt whose answer was lost is adopted', async () => {
    s = await startCommandStage({ location: { allowDuplicateOpportunity: false }, ghl: { searchLagMs: DAY } });
    await s.link('cus_1');
    const id = await s.order('opportunity', 'cus_1', payment);
    s.ghl.faults.add({ kind: 'reset_after', method: 'POST', times: 1 });
    await s.performAll();
    expect(opportunities()).toHaveLength(1);
    expect(await s.command(id)).toMatchObject({ state: 'applied', result: { opportunityId: opportunities()[0]?.id } });
    expect(await s.problems()).toEqual([]);
  });

  test('a pipeline that is not there any more: a note, and a problem that names the reason', async () => {
    s = await startCommandStage();
    const contactId = await s.link('cus_1');
    await s.order('opportunity', 'cus_1', payment);
    const ghl = { ...s.connection.ghl, pipelineId: 'PIPE_OLD' };
    await s.perform({}, { connection: { ...s.connection, ghl } });
    expect(s.ghl.state.notes(contactId)).toHaveLength(1);
    expect(await s.problems()).toEqual([{ code: 'command_failed', affected: 1 }]);
  });
});

describe('a refund', () => {
  const pay = () => s.order('opportunity', 'cus_1', payment, 'payment:pay_1');
  const lose = (params: Record<string, unknown>, source = 'refund:evt_1') =>
    s.order('opportunity_lost', 'cus_1', params, source);

  test('in full: the payment’s opportunity becomes lost', async () => {
    s = await startCommandStage();
    await s.link('cus_1');
    await pay();
    const id = await lose(refund);
    await s.perform();
    expect(opportunities()).toMatchObject([{ status: 'lost' }]);
    expect(await s.command(id)).toMatchObject({ state: 'applied', before: { status: 'won' } });
  });

  test('in part: it stays won; with the rest it becomes lost', async () => {
    s = await startCommandStage();
    await s.link('cus_1');
    await pay();
    await lose({ ...refund, amount: 5 });
    await s.perform();
    expect(opportunities()).toMatchObject([{ status: 'won' }]);
    await lose({ ...refund, amount: 7.5, occurredAtMs: refund.occurredAtMs + 1 }, 'refund:evt_2');
    await s.perform();
    expect(opportunities()).toMatchObject([{ status: 'lost' }]);
  });

  test('waits until its payment is final, also when it is told first', async () => {
    s = await startCommandStage();
    await s.link('cus_1');
    const id = await lose(refund);
    expect(await s.perform()).toMatchObject({ waiting: 1 });
    await pay();
    s.ghl.faults.add({ kind: 'reset_after', method: 'POST', times: 1 });
    await s.perform();
    expect(await s.command(id)).toMatchObject({ state: 'pending', reason: expect.stringContaining('not final') });
    await s.performAll();
    expect(opportunities()).toMatchObject([{ status: 'lost' }]);
    expect(await s.command(id)).toMatchObject({ state: 'applied' });
  });

  test('of a payment that is a note is over at once', async () => {
    s = await startCommandStage();
    await s.link('cus_1');
    await s.order('note', 'cus_1', payment, 'payment:pay_1');
    const id = await lose(refund);
    await s.perform();
    expect(await s.command(id)).toMatchObject({ state: 'applied', result: { nothing: expect.any(String) } });
  });

  test('of a payment that never comes is over after a week', async () => {
    s = await startCommandStage();
    await s.link('cus_1');
    const id = await lose(refund);
    s.clock.ahead(8 * DAY);
    await s.perform();
    expect(await s.command(id)).toMatchObject({ state: 'applied', result: { nothing: expect.any(String) } });
    expect(s.ghl.callCount()).toBe(0);
  });

  test('an opportunity without our marker is never changed', async () => {
    s = await startCommandStage();
    await s.link('cus_1');
    await pay();
    await s.perform();
    const [made] = opportunities();
    const ghl = s.context().ghl;
    await ghl?.updateOpportunity(made?.id ?? '', { name: 'Renamed by hand' });
    await lose(refund);
    await s.perform();
    expect(opportunities()).toMatchObject([{ status: 'won', name: 'Renamed by hand' }]);
  });
});

describe('a push', () => {
  test('goes to one customer', async () => {
    s = await startCommandStage();
    s.stickyCards.till.createCustomer({ customerId: 'cus_1', email: 'cus_1@example.com' });
    const id = await s.order('push', 'cus_1', { message: 'Hello', title: 'Hi' });
    expect(await s.perform()).toMatchObject({ applied: 1 });
    expect(s.stickyCards.state.pushes()).toMatchObject([{ customerId: 'cus_1', message: 'Hello', title: 'Hi' }]);
    expect(await s.command(id)).toMatchObject({ result: { pushId: expect.any(String) } });
    const [log] = await listLogs(s.store, { customerId: 'cus_1' }, 1);
    expect(log).toMatchObject({ direction: 'ghl_to_stickycards' });
  });

  test('without a customer none is sent', async () => {
    s = await startCommandStage();
    const id = await s.order('push', ' ', { message: 'Hello' });
    await s.perform();
    expect(await s.command(id)).toMatchObject({ state: 'failed', reason: 'push_without_customer' });
    expect(s.stickyCards.journal).toEqual([]);
  });

  test('whose answer was lost waits for an operator and is never repeated by itself', async () => {
    s = await startCommandStage();
    s.stickyCards.till.createCustomer({ customerId: 'cus_1', email: 'cus_1@example.com' });
    const id = await s.order('push', 'cus_1', { message: 'Hello' });
    s.stickyCards.faults.add({ kind: 'reset_after', method: 'POST', times: 1 });
    await s.performAll();
    s.clock.ahead(DAY);
    await s.perform();
    expect(s.stickyCards.state.pushes()).toHaveLength(1);
    expect(await s.command(id)).toMatchObject({ state: 'unknown', nextAttemptAt: null, decidedBy: null });
    expect(await s.problems()).toEqual([{ code: 'command_unknown', affected: 1 }]);
  });

  test('an API that cannot push says so at once', async () => {
    s = await startCommandStage();
    const id = await s.order('push', 'cus_1', { message: 'Hello' });
    const dialect = { ...report, capabilities: { ...report.capabilities, push: false } };
    const { sticky } = s.context();
    await s.perform({}, { sticky: sticky && { ...sticky, dialect } });
    expect(await s.command(id)).toMatchObject({ state: 'failed', reason: 'not_writable_by_api' });
    expect(s.stickyCards.journal).toEqual([]);
  });
});

test('every step that the engine takes is one that the table of states allows', () => {
  const steps = [
    ['pending', ['sending', 'applied', 'failed', 'held']],
    ['sending', ['applied', 'failed', 'pending', 'unknown']],
    ['unknown', ['applied', 'pending', 'failed']],
  ] as const;
  for (const [from, to] of steps) expect(TRANSITIONS[from]).toEqual(expect.arrayContaining([...to]));
});
