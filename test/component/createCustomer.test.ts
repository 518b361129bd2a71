import { afterEach, describe, expect, test } from '@jest/globals';
import type { Connection } from '../../src/domain/connection.ts';
import { findLogs } from '../../src/store/activityQueries.ts';
import { listCommands } from '../../src/store/commands.ts';
import { dueMarks, type MarkRow, markContacts } from '../../src/store/marks.ts';
import { listProblems } from '../../src/store/problems.ts';
import { takeUnlinkedContact } from '../../src/sync/createCustomer.ts';
import { settleLinkedCreations } from '../../src/sync/lostCustomer.ts';
import { performCommands } from '../../src/sync/performCommands.ts';
import { databases } from '../helpers/databases.ts';
import { jobContext } from '../helpers/jobContext.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { delivery } from '../helpers/story.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp, type TestAppOptions } from '../helpers/testApp.ts';

let t: TestApp;
let clock: ReturnType<typeof movableClock>;
afterEach(() => t.stop());

const MINUTE = 60_000;
const DAY = 86_400_000;
const BEN = { firstName: 'Ben', lastName: 'Ode', email: 'ben@example.com', phone: '+12125550177' };

/**
 * Without the platform's webhooks: what is known of a customer is only what our own calls told. What is marked, the test
 * marks.
 */
async function start(options: TestAppOptions & { webhooks?: boolean } = {}): Promise<void> {
  clock = movableClock();
  t = await startTestApp({
    ghlWebhooks: false,
    ...options,
    overrides: { clock, random: () => 0.5, ...options.overrides },
  });
  if (options.webhooks !== true) t.stickyCards.setWebhookUrl(undefined);
}

const newContact = (edit: Parameters<TestApp['ghl']['ui']['createContact']>[1] = BEN) =>
  t.ghl.ui.createContact(LOCATION, edit).id;

/** Marks the contacts and takes whatever is due, all at once, as a run does. */
async function take(contactIds: string[] = [], change: Partial<Connection> = {}) {
  const { store } = t.app;
  await store.tx((db) =>
    markContacts(
      store,
      db,
      'default',
      contactIds.map((contactId) => ({ contactId, eventId: null })),
    ),
  );
  const ctx = await jobContext(t, { clock, connection: change });
  await settleLinkedCreations(ctx);
  const due = await dueMarks(store, 'default', '', 500);
  await Promise.all(due.map((mark) => takeUnlinkedContact(ctx, mark)));
  await fold();
  return ctx;
}

const fold = async () => t.app.folder.foldAll((await t.app.connections.get('default')) as Connection);
const marks = (): Promise<MarkRow[]> => t.app.store.db.select().from(t.app.store.s.contactMarks);
const links = () => t.app.store.db.select().from(t.app.store.s.entityMappings);
const claims = () => t.app.store.db.select().from(t.app.store.s.claimedIdentities);
const commands = (kind = 'create_customer') => listCommands(t.app.store, { kind }, 999);
const problems = (code: string) => listProblems(t.app.store, { code }, 9);
const posts = (path = '/v1/customers') =>
  t.stickyCards.journal.filter((each) => each.method === 'POST' && each.path === path).length;
const loseAnswer = (kind: 'reset_after' | 'reset_before', path: string) =>
  t.stickyCards.faults.add({ kind, method: 'POST', path, times: 1 });

describe('a new contact in GHL', () => {
  test('becomes a customer with a card, once, and the new ids stand in GHL', async () => {
    await start();
    const id = newContact();
    const ctx = await take([id]);
    const [customer] = t.stickyCards.state.customers();
    expect(customer).toMatchObject({ firstName: 'Ben', lastName: 'Ode', email: BEN.email, phone: BEN.phone });
    const customerId = customer?.customerId as string;
    const [card] = t.stickyCards.state.cards(customerId);
    expect(t.stickyCards.state.cards()).toHaveLength(1);
    expect(await commands()).toMatchObject([
      { state: 'applied', target: `contact:${id}`, identity: null, result: { customerId, contactId: id } },
    ]);
    expect(await commands('create_card')).toMatchObject([
      { state: 'applied', target: `customer:${customerId}`, result: { cardId: card?.cardId, issued: true } },
    ]);
    expect(await claims()).toEqual([]);
    expect(await marks()).toEqual([]);
    expect(ctx.counts).toMatchObject({ createdCount: 1, failedCount: 0 });
    expect(await links()).toMatchObject([
      {
        ghlId: id,
        stickycardsId: customerId,
        state: 'live',
        metadata: { matchedBy: 'created_from_ghl' },
        fields: {
          email: { base: BEN.email },
          phone: { base: BEN.phone },
          first_name: { base: 'Ben' },
          last_name: { base: 'Ode' },
        },
      },
    ]);
    expect(await findLogs(t.app.store, { customerId }, 9)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          action: 'create',
          direction: 'ghl_to_stickycards',
          entityType: 'contact',
          entityId: id,
          contactId: id,
          status: 'success',
        }),
      ]),
    );
    expect(await t.run()).toMatchObject({ failedCount: 0 });
    expect(onlyContact(t)).toMatchObject({
      ...BEN,
      customFields: { stickycards_customer_id: customerId, card_id: card?.cardId, card_status: 'issued' },
    });
    const calls = t.ghl.callCount({ method: 'PUT' }) + posts() + posts('/v1/cards');
    await t.run();
    expect(t.ghl.callCount({ method: 'PUT' }) + posts() + posts('/v1/cards')).toBe(calls);
  });

  test('comes by webhook, and one run does all of it', async () => {
    await start({ webhooks: true, ghlWebhooks: true });
    newContact();
    newContact({ firstName: 'Eve', email: 'eve@example.com' });
    await t.ghl.flushWebhooks();
    expect(await t.run()).toMatchObject({ failedCount: 0 });
    const customers = t.stickyCards.state.customers();
    expect(customers).toHaveLength(2);
    for (const { customerId, email } of customers) {
      const [card, ...others] = t.stickyCards.state.cards(customerId);
      expect(others).toEqual([]);
      const contact = t.ghl.state.contacts(LOCATION).find((each) => each.email === email);
      expect(contact?.customFields).toMatchObject({ stickycards_customer_id: customerId, card_id: card?.cardId });
    }
    // What the two sides tell of all that is no news.
    await Promise.all([t.ghl.flushWebhooks(), t.stickyCards.flushWebhooks()]);
    const writes = () => t.ghl.callCount({ method: 'PUT' }) + posts() + posts('/v1/cards');
    await t.run();
    const before = writes();
    await t.run();
    expect(writes()).toBe(before);
    expect(t.stickyCards.state.customers()).toHaveLength(2);
    expect(t.ghl.state.contacts(LOCATION)).toHaveLength(2);
    expect(await t.app.store.db.select().from(t.app.store.s.problems)).toEqual([]);
  });

  test('gets a card of the template that the connection names', async () => {
    await start({ env: { STICKY_CARDS_TEMPLATE_ID: '1002' } });
    await take([newContact()]);
    expect(t.stickyCards.state.cards()).toMatchObject([{ templateId: '1002' }]);
  });

  test('that the platform knows already is linked to that customer, and gets no second card', async () => {
    await start();
    t.stickyCards.seed([{ customerId: 'cus_7', phone: BEN.phone, cards: [{ cardId: 'card_7', balance: 40 }] }]);
    await take([newContact()]);
    expect(t.stickyCards.state.customers()).toHaveLength(1);
    expect(await links()).toMatchObject([{ stickycardsId: 'cus_7', state: 'live' }]);
    expect(t.stickyCards.state.cards()).toMatchObject([{ cardId: 'card_7' }]);
    expect(await commands('create_card')).toMatchObject([{ state: 'applied', result: { issued: false } }]);
    await t.run();
    expect(onlyContact(t).customFields).toMatchObject({ card_id: 'card_7', loyalty_points: 40 });
  });

  test('that is a customer whom we know is linked and not made again', async () => {
    await start();
    const id = newContact({ phone: '+12125550142', firstName: 'Ana' });
    await t.deliver(delivery('CardInstalledEvent', 1));
    await fold();
    // Nobody was found for the customer before: what was decided then stands no longer.
    const { stickyCardsCustomers } = t.app.store.s;
    await t.app.store.tx((db) => db.update(stickyCardsCustomers).set({ syncStatus: 'SKIPPED', attempts: 3 }));
    await take([id]);
    expect(posts()).toBe(0);
    expect(await marks()).toEqual([]);
    await t.run();
    expect(onlyContact(t)).toMatchObject({ id, customFields: { stickycards_customer_id: 'cus_1' } });
    expect(await commands()).toEqual([]);
  });

  test('whose person is linked to another contact is named in a problem, once, and nothing is made', async () => {
    await start({ location: { allowDuplicateContact: true } });
    await t.deliver(delivery('CardInstalledEvent', 1));
    await t.run();
    const first = onlyContact(t).id;
    const second = newContact({ email: 'ana@example.com', firstName: 'Ana' });
    await take([second]);
    await take([second]);
    expect(posts()).toBe(0);
    expect(await problems('already_linked')).toMatchObject([
      { affected: 1, sample: { contactId: second, customerId: 'cus_1', linkedTo: first } },
    ]);
    expect(await marks()).toEqual([]);
  });

  test('that another contact was merged into gets its customer, also when nobody told of the merge', async () => {
    await start();
    await t.deliver(delivery('CardInstalledEvent', 1));
    await t.run();
    const loser = onlyContact(t).id;
    const survivor = newContact({ firstName: 'Ana' });
    t.ghl.ui.mergeContacts(survivor, loser);
    await take([survivor]);
    expect(await problems('already_linked')).toEqual([]);
    await t.run();
    clock.ahead(2 * MINUTE);
    await t.run();
    expect((await links()).filter(({ state }) => state === 'live')).toMatchObject([
      { ghlId: survivor, stickycardsId: 'cus_1' },
    ]);
    expect(await marks()).toEqual([]);
    expect(posts()).toBe(0);
    expect(await problems('already_linked')).toEqual([]);
  });

  test.each<[string, Partial<Connection>]>([
    ['while creation is off', { createCustomers: 'off' }],
    ['without the tag that is asked for', { createCustomers: 'tag:loyalty' }],
    ['that was there before the connection went live', { activatedAt: new Date(Date.now() + DAY) }],
  ])('%s is left alone', async (_, change) => {
    await start();
    await take([newContact()], change);
    expect(posts()).toBe(0);
    expect(await commands()).toEqual([]);
    expect(await marks()).toEqual([]);
    expect(await t.app.store.db.select().from(t.app.store.s.problems)).toEqual([]);
  });

  test('becomes a customer when the tag that is asked for is put on', async () => {
    await start();
    const id = newContact();
    await take([id], { createCustomers: 'tag:Loyalty' });
    expect(posts()).toBe(0);
    t.ghl.ui.addTags(id, ['Loyalty']);
    await take([id], { createCustomers: 'tag:Loyalty' });
    expect(t.stickyCards.state.customers()).toHaveLength(1);
  });

  test('that is deleted before its turn leaves nothing behind', async () => {
    await start();
    const id = newContact();
    t.ghl.ui.deleteContact(id);
    await take([id]);
    expect(await marks()).toEqual([]);
    expect(await commands()).toEqual([]);
  });

  test('beyond 200 a day waits for the next day, with a problem, and is made then', async () => {
    await start();
    const { store } = t.app;
    const now = store.clock.now();
    await store.tx((db) =>
      db.insert(store.s.commands).values(
        Array.from({ length: 200 }, (_, n) => ({
          id: store.newId('cmd'),
          connectionId: 'default',
          kind: 'create_customer' as const,
          target: `contact:other${n}`,
          sourceEvent: `state:contact:other${n}`,
          state: 'applied' as const,
          params: {},
          createdAt: now,
          updatedAt: now,
        })),
      ),
    );
    const id = newContact();
    await take([id]);
    expect(posts()).toBe(0);
    const midnight = new Date((Math.floor(now.getTime() / DAY) + 1) * DAY);
    expect(await marks()).toMatchObject([{ ghlContactId: id, attempts: 0, nextAttemptAt: midnight }]);
    expect(await problems('create_limit')).toMatchObject([{ state: 'open', affected: 1 }]);
    clock.ahead(DAY);
    await take();
    expect(t.stickyCards.state.customers()).toHaveLength(1);
    expect(await problems('create_limit')).toMatchObject([{ state: 'resolved' }]);
  });
});

describe.each(Object.entries(databases))('two contacts with one phone at once (%s)', (_, makeUrl) => {
  test('are one customer: the second is told to belong to it', async () => {
    await start({ databaseUrl: await makeUrl(), location: { allowDuplicateContact: true } });
    const ids = [newContact(), newContact({ ...BEN, email: 'other@example.com' }), newContact({ phone: BEN.phone })];
    await take(ids);
    expect(posts()).toBe(1);
    // Whoever came while the first was being made waits; on a slow machine the others may come after it.
    clock.ahead(MINUTE + 1);
    await take();
    expect(t.stickyCards.state.customers()).toHaveLength(1);
    expect(t.stickyCards.state.cards()).toHaveLength(1);
    expect(await problems('already_linked')).toMatchObject([{ affected: 2 }]);
    expect(await marks()).toEqual([]);
    expect(await claims()).toEqual([]);
  });
});

describe('a creation whose answer is lost', () => {
  test.each(['reset_after', 'reset_before'] as const)('is made once, whether it landed or not: %s', async (kind) => {
    await start();
    loseAnswer(kind, '/v1/customers');
    const id = newContact();
    await take([id]);
    expect(await commands()).toMatchObject([{ state: 'unknown', identity: `phone:${BEN.phone}` }]);
    expect(await claims()).toHaveLength(2);
    expect(await marks()).toMatchObject([{ attempts: 1 }]);
    clock.ahead(2 * MINUTE);
    await take();
    expect(t.stickyCards.state.customers()).toHaveLength(1);
    expect(t.stickyCards.state.cards()).toHaveLength(1);
    expect(await links()).toMatchObject([{ ghlId: id, state: 'live' }]);
    expect(await commands()).toMatchObject([{ state: 'applied', identity: null }]);
    expect(await claims()).toEqual([]);
  });

  test('is not sent again when its webhook brought the customer', async () => {
    await start({ webhooks: true });
    loseAnswer('reset_after', '/v1/customers');
    const id = newContact();
    await take([id]);
    await t.stickyCards.flushWebhooks();
    await fold();
    clock.ahead(2 * MINUTE);
    await take();
    expect(posts()).toBe(1);
    expect(await commands()).toMatchObject([{ state: 'applied' }]);
    expect(await links()).toMatchObject([{ ghlId: id, state: 'live' }]);
    expect(t.stickyCards.state.cards()).toHaveLength(1);
  });

  test('and whose customer was linked by its own job is over all the same, and gets its card', async () => {
    await start({ webhooks: true });
    loseAnswer('reset_after', '/v1/customers');
    const id = newContact();
    await take([id]);
    await t.stickyCards.flushWebhooks();
    // A run within the minute: the customer's job finds the contact.
    await t.run();
    expect(await links()).toMatchObject([{ ghlId: id, state: 'live' }]);
    expect(await commands()).toMatchObject([{ state: 'unknown' }]);
    clock.ahead(2 * MINUTE);
    await t.run();
    expect(await marks()).toEqual([]);
    expect(await commands()).toMatchObject([{ state: 'applied', identity: null }]);
    expect(await claims()).toEqual([]);
    expect(posts()).toBe(1);
    expect(t.stickyCards.state.cards()).toHaveLength(1);
    expect(t.ghl.state.contacts(LOCATION)).toHaveLength(1);
  });

  test('is repeated with what was sent, not with the phone that the contact has by now', async () => {
    await start();
    loseAnswer('reset_after', '/v1/customers');
    const id = newContact({ phone: BEN.phone });
    await take([id]);
    t.ghl.ui.updateContact(id, { phone: '+12125550188' });
    await take([id]);
    expect(t.stickyCards.state.customers()).toMatchObject([{ phone: BEN.phone }]);
    expect(await links()).toMatchObject([{ ghlId: id, fields: { phone: { base: BEN.phone } } }]);
    // The pair's own job reads the contact and finds the edit.
    expect(await marks()).toMatchObject([{ ghlContactId: id, nextAttemptAt: null }]);
  });

  test('is carried on after the process died between the call and what came of it', async () => {
    await start();
    loseAnswer('reset_after', '/v1/customers');
    const id = newContact();
    await take([id]);
    // As a kill leaves it: still `sending`, the contact due at once.
    const { commands: c, contactMarks } = t.app.store.s;
    await t.app.store.tx(async (db) => {
      await db.update(c).set({ state: 'sending' });
      await db.update(contactMarks).set({ nextAttemptAt: null, attempts: 0 });
    });
    await t.restart();
    t.stickyCards.setWebhookUrl(undefined);
    expect(await commands()).toMatchObject([{ state: 'unknown' }]);
    await take();
    expect(t.stickyCards.state.customers()).toHaveLength(1);
    expect(await links()).toMatchObject([{ ghlId: id, state: 'live' }]);
    expect(await commands()).toMatchObject([{ state: 'applied' }]);
  });

  test('is carried on when what came of it could not be stored', async () => {
    await start();
    const id = newContact();
    const ctx = await jobContext(t, { clock });
    await t.app.store.tx((db) => markContacts(t.app.store, db, 'default', [{ contactId: id, eventId: null }]));
    const [mark] = (await marks()) as [MarkRow];
    let failed = 0;
    const tx: typeof ctx.store.tx = (work, options) => {
      if (posts() === 0 || failed > 0) return t.app.store.tx(work, options);
      failed += 1;
      return Promise.reject(new Error('database or disk is full'));
    };
    await takeUnlinkedContact({ ...ctx, store: { ...ctx.store, tx } }, mark);
    expect(failed).toBe(1);
    expect(await commands()).toMatchObject([{ state: 'sending' }]);
    expect(await links()).toEqual([]);
    clock.ahead(2 * MINUTE);
    await take();
    expect(t.stickyCards.state.customers()).toHaveLength(1);
    expect(t.stickyCards.state.cards()).toHaveLength(1);
    expect(await links()).toMatchObject([{ ghlId: id, state: 'live' }]);
    expect(await commands()).toMatchObject([{ state: 'applied' }]);
  });

  test('of its card: one card, whether it landed or not', async () => {
    for (const kind of ['reset_after', 'reset_before'] as const) {
      await start();
      loseAnswer(kind, '/v1/cards');
      await take([newContact()]);
      expect(await commands('create_card')).toMatchObject([{ state: 'unknown' }]);
      // Once more and not there: too soon to be sure.
      for (let minutes = 0; minutes < 6; minutes += 2) {
        clock.ahead(2 * MINUTE);
        const ctx = await jobContext(t, { clock });
        await performCommands(ctx);
      }
      expect(await commands('create_card')).toMatchObject([{ state: 'applied', result: { issued: true } }]);
      expect(t.stickyCards.state.cards()).toHaveLength(1);
      if (kind === 'reset_after') await t.stop();
    }
  });
});

describe('what Sticky Cards refuses', () => {
  test('an e-mail of another customer stays behind: the phone says who it is', async () => {
    await start();
    t.stickyCards.seed([
      { customerId: 'cus_1', phone: BEN.phone },
      { customerId: 'cus_2', email: BEN.email },
    ]);
    const id = newContact();
    await take([id]);
    expect(await links()).toMatchObject([
      {
        ghlId: id,
        stickycardsId: 'cus_1',
        fields: { phone: { base: BEN.phone }, email: { held: { reason: 'identity_conflict', of: 'ghl' } } },
      },
    ]);
    expect(t.stickyCards.state.customer('cus_2')).toMatchObject({ email: BEN.email, phone: null });
    expect(await problems('customer_conflict')).toMatchObject([
      { sample: { contactId: id, field: 'email', otherCustomerId: 'cus_2' } },
    ]);
  });

  test('one field goes without, the rest goes at once', async () => {
    await start();
    t.stickyCards.faults.add({
      kind: 'status',
      method: 'POST',
      path: '/v1/customers',
      times: 1,
      status: 422,
      body: { code: 'invalid', message: ['email must be an e-mail address'] },
    });
    await take([newContact()]);
    expect(t.stickyCards.state.customers()).toMatchObject([{ phone: BEN.phone, email: null }]);
    expect(await links()).toMatchObject([{ fields: { email: { held: { reason: 'refused_by_sticky_cards' } } } }]);
    expect(await problems('field_refused_by_sticky_cards')).toMatchObject([{ cause: 'email' }]);
  });

  test('the whole contact: nothing is made, a person is told, and a change of the contact tries again', async () => {
    await start();
    const refusal = { code: 'invalid', message: ['this account is full'] };
    t.stickyCards.faults.add({
      kind: 'status',
      method: 'POST',
      path: '/v1/customers',
      times: 1,
      status: 422,
      body: refusal,
    });
    const id = newContact();
    const ctx = await take([id]);
    expect(ctx.counts.failedCount).toBe(1);
    expect(await commands()).toMatchObject([{ state: 'failed', identity: null }]);
    expect(await claims()).toEqual([]);
    expect(await marks()).toEqual([]);
    expect(await problems('customer_not_created')).toMatchObject([{ state: 'open', affected: 1 }]);
    await take([id]);
    expect(t.stickyCards.state.customers()).toHaveLength(1);
    expect(await problems('customer_not_created')).toMatchObject([{ state: 'resolved' }]);
  });

  test('the key: nobody is given up, the contact stays due', async () => {
    await start();
    const id = newContact();
    t.stickyCards.faults.add({ kind: 'status', method: 'POST', path: '/v1/customers', times: 1, status: 401 });
    const ctx = await take([id]);
    expect(ctx).toMatchObject({ halves: { toGhl: true, toSticky: false }, counts: { failedCount: 0 } });
    expect(await commands()).toMatchObject([{ state: 'pending' }]);
    expect(await marks()).toMatchObject([{ ghlContactId: id, attempts: 0, nextAttemptAt: null }]);
    await take();
    expect(t.stickyCards.state.customers()).toHaveLength(1);
    expect(await commands()).toMatchObject([{ state: 'applied' }]);
  });

  test('while it cannot be written to at all, contacts wait', async () => {
    await start();
    const id = newContact();
    const ctx = await jobContext(t, { clock });
    await t.app.store.tx((db) => markContacts(t.app.store, db, 'default', [{ contactId: id, eventId: null }]));
    const [mark] = (await marks()) as [MarkRow];
    await takeUnlinkedContact({ ...ctx, sticky: null }, mark);
    expect(await commands()).toEqual([]);
    clock.ahead(16 * MINUTE);
    await take();
    expect(t.stickyCards.state.customers()).toHaveLength(1);
  });
});

test('a creation that was never sent is about what the contact shows by now', async () => {
  await start();
  const id = newContact();
  t.stickyCards.faults.add({ kind: 'status', method: 'POST', path: '/v1/customers', times: 1, status: 401 });
  await take([id]);
  expect(await commands()).toMatchObject([{ state: 'pending' }]);
  t.ghl.ui.updateContact(id, { phone: '+12125550188' });
  await take();
  expect(t.stickyCards.state.customers()).toMatchObject([{ phone: '+12125550188' }]);
  expect(await commands()).toHaveLength(1);
});

test('GHL down: contacts wait, and the run ends early instead of asking for each of them', async () => {
  await start();
  const ids = Array.from({ length: 6 }, (_, n) => newContact({ email: `p${n}@example.com` }));
  await jobContext(t, { clock });
  t.ghl.faults.add({ kind: 'status', status: 503 });
  await expect(take(ids)).rejects.toMatchObject({ code: 'ghl_down' });
  t.ghl.faults.clear();
  clock.ahead(2 * MINUTE);
  await take();
  expect(t.stickyCards.state.customers()).toHaveLength(6);
  expect(await marks()).toEqual([]);
});

test('a contact that was deleted and is there again goes back to its customer', async () => {
  await start();
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.run();
  const { id } = onlyContact(t);
  const { entityMappings } = t.app.store.s;
  const metadata = { gone: 'deleted_in_ghl', goneAtMs: Date.now() };
  await t.app.store.tx((db) => db.update(entityMappings).set({ state: 'gone', metadata }));
  await take([id]);
  expect(posts()).toBe(0);
  await t.run();
  expect(await links()).toEqual(
    expect.arrayContaining([expect.objectContaining({ ghlId: id, stickycardsId: 'cus_1', state: 'live' })]),
  );
});
