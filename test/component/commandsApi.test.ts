import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { desc, eq } from 'drizzle-orm';
import type { CommandState } from '../../drizzle/tables/commands.ts';
import { SENDING_STALE_MS } from '../../src/domain/commandStates.ts';
import { insertCommands, moveCommand, type NewCommand } from '../../src/store/commands.ts';
import { raiseProblems } from '../../src/store/problems.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { delivery } from '../helpers/story.ts';
import { onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

const clock = movableClock();
let t: TestApp;
beforeAll(async () => {
  t = await startTestApp({ overrides: { clock } });
});
afterAll(() => t.stop());
beforeEach(async () => {
  await t.app.store.tx(async (db) => {
    await db.delete(t.app.store.s.commands);
    await db.delete(t.app.store.s.problems);
    await db.delete(t.app.store.s.problemRecords);
  });
});

let made = 0;
/** A row of the ledger in some state; answers its id. */
async function command(state: CommandState, more: Partial<NewCommand> = {}, sentAt: Date | null = null) {
  const { store } = t.app;
  const sourceEvent = `test:${(made += 1)}`;
  const row = {
    connectionId: 'default',
    kind: 'add_points' as const,
    target: 'card:card_9',
    sourceEvent,
    params: { points: 50, customerId: 'cus_9', contactId: 'con_9', field: 'loyalty_points', comment: 'Dear Ana' },
    ...more,
  };
  await store.tx(async (db) => {
    await insertCommands(store, db, [row]);
    const [inserted] = await db.select().from(store.s.commands).where(eq(store.s.commands.sourceEvent, sourceEvent));
    await moveCommand(store, db, inserted?.id ?? '', ['pending', 'held'], {
      state,
      sentAt,
      attempts: 1,
      reason: more.reason ?? (state === 'unknown' ? 'the answer was lost' : null),
    });
  });
  return idOf(sourceEvent);
}
const idOf = async (sourceEvent: string) => {
  const { commands: c } = t.app.store.s;
  const [row] = await t.app.store.db.select({ id: c.id }).from(c).where(eq(c.sourceEvent, sourceEvent));
  return row?.id ?? '';
};
const get = (path: string) => t.api(path);
const post = (path: string) => t.api(path, {});
const audit = async () => {
  const { syncAuditLogs: a } = t.app.store.s;
  return (await t.app.store.db.select().from(a).orderBy(desc(a.id)).limit(1))[0];
};

describe('GET /api/commands', () => {
  test('lists the ledger newest first, by state and kind, in pages, without anybody’s words', async () => {
    const first = await command('unknown');
    const second = await command('held', { reason: 'points_limit' });
    await command('applied', { kind: 'note', target: 'customer:cus_9' });
    const all = (await get('/commands')).body as { items: { id: string }[]; nextCursor: string | null };
    expect(all.items.map(({ id }) => id).slice(1)).toEqual([second, first]);
    expect((await get('/commands?state=unknown')).body).toMatchObject({ items: [{ id: first }], nextCursor: null });
    expect((await get('/commands?state=unknown&connection=other')).body).toMatchObject({ items: [] });
    expect((await get('/commands?kind=note')).body).toMatchObject({ items: [{ kind: 'note' }] });
    const page = (await get('/commands?kind=add_points&limit=1')).body as typeof all;
    expect(page.items.map(({ id }) => id)).toEqual([second]);
    const next = (await get(`/commands?kind=add_points&limit=1&cursor=${page.nextCursor}`)).body as typeof all;
    expect(next).toMatchObject({ items: [{ id: first }], nextCursor: null });
    expect((await get(`/commands/${first}`)).body).toEqual({
      id: first,
      connection: 'default',
      kind: 'add_points',
      target: 'card:card_9',
      sourceEvent: expect.stringMatching(/^test:/),
      state: 'unknown',
      reason: 'the answer was lost',
      attempts: 1,
      params: { points: 50, customerId: 'cus_9', contactId: 'con_9', field: 'loyalty_points' },
      before: null,
      result: null,
      decidedBy: null,
      possible: ['confirm', 'resend', 'discard'],
      sentAt: null,
      nextAttemptAt: null,
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      updatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  test('says what is wrong with a question', async () => {
    expect(await get('/commands?state=lost')).toMatchObject({ status: 400, body: { field: 'state' } });
    expect((await get('/commands/cmd_none')).status).toBe(404);
    expect((await post('/commands/cmd_none/resend')).status).toBe(404);
  });
});

describe('what a person decides', () => {
  test.each([
    ['unknown', 'confirm', 'applied'],
    ['unknown', 'resend', 'pending'],
    ['unknown', 'discard', 'discarded'],
    ['held', 'resend', 'pending'],
    ['held', 'discard', 'discarded'],
    ['pending', 'discard', 'discarded'],
  ] as const)('%s, %s: it becomes %s, and the audit log says who did it', async (from, verb, to) => {
    const id = await command(from);
    const answer = await post(`/commands/${id}/${verb}`);
    expect(answer).toMatchObject({ status: 200, body: { id, state: to, decidedBy: 'api', attempts: 1 } });
    expect(await audit()).toMatchObject({
      actor: 'api',
      action: `command.${verb}`,
      subject: id,
      connectionId: 'default',
      before: { state: from },
      after: { state: to },
    });
  });

  test.each([
    ['applied', 'confirm', 'it is over'],
    ['discarded', 'resend', 'it is over'],
    ['failed', 'discard', 'it is over'],
    ['pending', 'confirm', 'possible now: discard'],
    ['held', 'confirm', 'possible now: resend, discard'],
    ['sending', 'discard', 'half an hour'],
  ] as const)('%s, %s: 409, which says what is possible', async (from, verb, said) => {
    const id = await command(from, {}, clock.now());
    const answer = await post(`/commands/${id}/${verb}`);
    expect(answer).toMatchObject({ status: 409, body: { code: 'command_state', state: from } });
    expect(answer.body['detail']).toContain(said);
    expect((await get(`/commands/${id}`)).body['state']).toBe(from);
  });

  test('one that has been on its way for half an hour may be confirmed', async () => {
    const id = await command('sending', {}, new Date(clock.nowMs() - SENDING_STALE_MS));
    expect(await post(`/commands/${id}/confirm`)).toMatchObject({ status: 200, body: { state: 'applied' } });
  });

  test('two people who decide at once: one of them is told', async () => {
    const id = await command('unknown');
    const answers = await Promise.all([post(`/commands/${id}/confirm`), post(`/commands/${id}/discard`)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  });

  test('a decision ends the problem that asked for it', async () => {
    const id = await command('unknown');
    const { store } = t.app;
    await store.tx((db) =>
      raiseProblems(store, db, 'default', [{ code: 'command_unknown', cause: 'add_points', recordId: id, sample: {} }]),
    );
    await post(`/commands/${id}/confirm`);
    expect((await get('/problems?state=open')).body).toMatchObject({ items: [] });
  });

  test('a creation that is discarded frees the phone and e-mail that it held', async () => {
    const { store } = t.app;
    const id = await command('unknown', { kind: 'create_customer', target: 'contact:con_9', identity: 'phone:+1' });
    await store.tx(async (db) => {
      await db
        .insert(store.s.claimedIdentities)
        .values({ connectionId: 'default', identity: 'phone:+1', commandId: id, createdAt: clock.now() });
    });
    await post(`/commands/${id}/discard`);
    expect(await store.db.select().from(store.s.claimedIdentities)).toEqual([]);
    await command('pending', { kind: 'create_customer', target: 'contact:con_8', identity: 'phone:+1' });
  });
});

describe('points', () => {
  test('after a discard the balance of the card is in GHL again', async () => {
    t.stickyCards.seed([
      { customerId: 'cus_1', email: 'ana@example.com', cards: [{ cardId: 'card_1', balance: 100 }] },
    ]);
    await t.deliver(delivery('CardBalanceUpdatedEvent', 0, { balance: 100 }));
    await t.run();
    const contact = onlyContact(t);
    expect(contact.customFields['loyalty_points']).toBe(100);
    const { store } = t.app;
    // As the reverse half leaves it when somebody types 5,000 there: the base is the number, the command is held.
    const { entityMappings: m } = store.s;
    t.ghl.ui.updateContact(contact.id, { customFields: { loyalty_points: 5000 } });
    const [link] = await store.db.select().from(m).where(eq(m.stickycardsId, 'cus_1'));
    const fields = { ...link?.fields, loyalty_points: { base: 5000, revision: 2 } };
    const { ghlContacts: g } = store.s;
    const [seen] = await store.db.select({ values: g.values }).from(g).where(eq(g.ghlContactId, contact.id));
    await store.tx(async (db) => {
      await db.update(m).set({ fields }).where(eq(m.stickycardsId, 'cus_1'));
      const values = { ...seen?.values, loyalty_points: 5000 };
      await db.update(g).set({ values }).where(eq(g.ghlContactId, contact.id));
    });
    const params = { points: 4900, customerId: 'cus_1', contactId: contact.id, field: 'loyalty_points' };
    const id = await command('held', { target: 'card:card_1', params, reason: 'points_limit' });
    await t.run();
    expect(onlyContact(t).customFields['loyalty_points']).toBe(5000);
    expect((await post(`/commands/${id}/discard`)).status).toBe(200);
    await t.run();
    expect(onlyContact(t).customFields['loyalty_points']).toBe(100);
    expect(t.stickyCards.state.card('card_1')?.balance).toBe(100);
  });
});

describe('POST /api/problems/:id/confirm', () => {
  const problemId = async (code: string) => {
    const { items } = (await get(`/problems?code=${code}`)).body as { items: { id: string }[] };
    return items[0]?.id ?? '';
  };
  const raise = (code: string, recordId: string) =>
    t.app.store.tx((db) => raiseProblems(t.app.store, db, 'default', [{ code, recordId, sample: {} }]));

  test('lets go what the limit stopped for this customer, and only that', async () => {
    const mine = await command('held', { reason: 'points_limit' });
    const old = await command('held', { reason: 'too_old' });
    const others = await command('held', { reason: 'points_limit', params: { points: 5, customerId: 'cus_8' } });
    await raise('points_limit', 'cus_9');
    const id = await problemId('points_limit');
    expect(await post(`/problems/${id}/confirm`)).toMatchObject({
      status: 200,
      body: { state: 'resolved', affected: 0 },
    });
    expect((await get(`/commands/${mine}`)).body).toMatchObject({ state: 'pending', decidedBy: 'api', reason: null });
    expect((await get(`/commands/${old}`)).body).toMatchObject({ state: 'held' });
    expect((await get(`/commands/${others}`)).body).toMatchObject({ state: 'held' });
    expect(await audit()).toMatchObject({ action: 'problem.confirm', subject: id, after: { commands: [mine] } });
    expect(await post(`/problems/${id}/confirm`)).toMatchObject({ status: 409, body: { code: 'nothing_to_confirm' } });
  });

  test('lets go what was named by itself', async () => {
    const old = await command('held', { reason: 'too_old' });
    await raise('command_too_old', old);
    await post(`/problems/${await problemId('command_too_old')}/confirm`);
    expect((await get(`/commands/${old}`)).body).toMatchObject({ state: 'pending' });
  });

  test('of a wrong balance mode it says that the setting is right: the next booking proves it anew', async () => {
    const { store } = t.app;
    const { connections: c } = store.s;
    const wrong = { balanceMode: { mode: 'delta', state: 'wrong' }, poll: 1 };
    await store.tx(async (db) => {
      await db.update(c).set({ cursors: wrong });
    });
    await raise('balance_mode_wrong', 'default');
    const answer = await post(`/problems/${await problemId('balance_mode_wrong')}/confirm`);
    expect(answer).toMatchObject({ status: 200, body: { state: 'resolved' } });
    expect(await store.db.select({ cursors: c.cursors }).from(c)).toEqual([{ cursors: { poll: 1 } }]);
  });

  test('a problem that nothing waits for says so; an unknown one is 404', async () => {
    await raise('record_failed', 'cus_9');
    const answer = await post(`/problems/${await problemId('record_failed')}/confirm`);
    expect(answer).toMatchObject({ status: 409, body: { code: 'nothing_to_confirm', state: 'open' } });
    expect((await post('/problems/prb_none/confirm')).status).toBe(404);
  });
});
