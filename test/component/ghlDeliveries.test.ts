import { afterEach, describe, expect, test } from '@jest/globals';
import { and, eq } from 'drizzle-orm';
import { systemClock } from '../../src/clock.ts';
import { postgresUrl } from '../helpers/databases.ts';
import { delivery } from '../helpers/story.ts';
import {
  LOCATION,
  onlyContact,
  startTestApp,
  type TestApp,
  type TestAppOptions,
  WORKFLOW_KEY,
} from '../helpers/testApp.ts';

/** And an hour: what was sent that long before its receipt is stale. */
const TWO_DAYS_MS = 49 * 3_600_000;

let t: TestApp;
afterEach(() => t.stop());

/** Ana: linked, with a card of 85 points and a segment; what GHL says of our own writes is taken in. */
async function ana(options: TestAppOptions = {}): Promise<string> {
  t = await startTestApp(options);
  await t.deliver(
    delivery('CardInstalledEvent', 1, {
      balance: 85,
      email: 'ana@example.com',
      phone_number: '+12125550142',
      first_name: 'Ana',
      segments: ['VIP'],
    }),
  );
  await t.run();
  await taken();
  return onlyContact(t).id;
}

/** Everything that GHL has to say has arrived and is folded. */
async function taken(): Promise<void> {
  await t.ghl.flushWebhooks();
  await fold();
}

async function fold(): Promise<void> {
  const connection = t.app.registry.get('default');
  if (connection) await t.app.folder.foldAll(connection);
}

const marks = async () => {
  const { db, s } = t.app.store;
  return (await db.select().from(s.contactMarks)).map((mark) => mark.ghlContactId);
};
const events = async (source: 'ghl' | 'ghl_workflow' = 'ghl') => {
  const { db, s } = t.app.store;
  const rows = await db
    .select()
    .from(s.webhookEvents)
    .where(eq(s.webhookEvents.source, source))
    .orderBy(s.webhookEvents.id);
  return rows.map((row) => [row.type, row.status, row.reason].filter((part) => part !== null).join(' '));
};
const last = async (source?: 'ghl' | 'ghl_workflow') => (await events(source)).at(-1);

describe('what GHL says of our own writes', () => {
  test('is an echo: after a first link nothing is to be read', async () => {
    await ana();
    expect(await events()).toEqual(['ContactCreate folded echo', 'ContactTagUpdate folded echo']);
    expect(await marks()).toEqual([]);
  });

  test('is an echo however late and how often it comes', async () => {
    await ana({ ghl: { webhooks: { url: '', auto: false, duplicateRate: 1, shuffle: true } } });
    await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { balance: 90 }));
    await t.run();
    await taken();
    expect(new Set(await events())).toEqual(
      new Set(['ContactCreate folded echo', 'ContactTagUpdate folded echo', 'ContactUpdate folded echo']),
    );
    expect(await marks()).toEqual([]);
  });

  test('an earlier value of ours is none: it could be an edit back', async () => {
    const id = await ana({ ghl: { webhooks: { url: '', auto: false } } });
    await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { balance: 90 }));
    await t.run();
    await taken();
    t.ghl.ui.updateContact(id, { customFields: { loyalty_points: 85 } });
    await taken();
    expect(await last()).toBe('ContactUpdate folded');
    expect(await marks()).toEqual([id]);
  });
});

test('on PostgreSQL it is the same: echoes, marks, strangers, workflow calls', async () => {
  const id = await ana({ databaseUrl: await postgresUrl() });
  t.ghl.ui.updateContact(id, { firstName: 'Anna' });
  const stranger = t.ghl.ui.createContact(LOCATION, { email: 'new@example.com' });
  t.ghl.ui.createContact(LOCATION, { firstName: 'Nobody' });
  await taken();
  const url = `${t.url}/webhooks/ghl/workflow?key=${WORKFLOW_KEY}`;
  expect(await t.ghl.runWorkflow(stranger.id, url)).toMatchObject({ status: 202 });
  expect(await t.ghl.runWorkflow(stranger.id, url)).toMatchObject({ status: 200 });
  t.ghl.sendAppEvent('UNINSTALL', LOCATION);
  await taken();
  expect(await events()).toEqual([
    'ContactCreate folded echo',
    'ContactTagUpdate folded echo',
    'ContactUpdate folded',
    'ContactCreate folded',
    'ContactCreate folded not_linked',
    'UNINSTALL folded',
  ]);
  expect((await marks()).toSorted()).toEqual([id, stranger.id].toSorted());
});

describe('what a person changes in GHL', () => {
  test.each<[string, (id: string) => unknown, string]>([
    ['a name', (id) => t.ghl.ui.updateContact(id, { firstName: 'Anna' }), 'ContactUpdate'],
    ['points', (id) => t.ghl.ui.updateContact(id, { customFields: { loyalty_points: 100 } }), 'ContactUpdate'],
    ['a field that is empty now', (id) => t.ghl.ui.updateContact(id, { email: null }), 'ContactUpdate'],
    ['a bonus', (id) => t.ghl.ui.updateContact(id, { customFields: { bonus_points: 5 } }), 'ContactUpdate'],
    ['a tag put on', (id) => t.ghl.ui.addTags(id, ['churned']), 'ContactTagUpdate'],
    ['a tag taken off', (id) => t.ghl.ui.removeTags(id, ['vip']), 'ContactTagUpdate'],
    ['DND', (id) => t.ghl.ui.setDnd(id, true), 'ContactDndUpdate'],
    ['the contact deleted', (id) => t.ghl.ui.deleteContact(id), 'ContactDelete'],
  ])('%s marks the contact', async (_name, change, type) => {
    const id = await ana();
    change(id);
    await taken();
    expect((await events()).slice(2)).toContain(`${type} folded`);
    expect(await marks()).toEqual([id]);
    const { db, s } = t.app.store;
    const [mark] = await db.select().from(s.contactMarks);
    const [event] = await db
      .select()
      .from(s.webhookEvents)
      .where(eq(s.webhookEvents.id, mark?.eventIds[0] ?? ''));
    expect(event).toMatchObject({ source: 'ghl', contactId: id });
  });

  test('a one-way field, or one that is not ours, costs no read: the next write puts it back', async () => {
    const id = await ana();
    t.ghl.ui.updateContact(id, { customFields: { card_id: 'typed by hand' }, city: 'Springfield' });
    await taken();
    expect(await last()).toBe('ContactUpdate folded echo');
    expect(await marks()).toEqual([]);
  });

  test('old news are looked at, not believed; what is older than two days is left out with its reason', async () => {
    let ahead = 0;
    const clock = {
      ...systemClock,
      now: () => new Date(systemClock.nowMs() + ahead),
      nowMs: () => systemClock.nowMs() + ahead,
    };
    const id = await ana({ overrides: { clock } });
    ahead = TWO_DAYS_MS;
    t.ghl.ui.updateContact(id, { city: 'Springfield' });
    await taken();
    expect(await last()).toBe('ContactUpdate skipped stale');
    expect(await marks()).toEqual([id]);
  });

  test('of a stranger, in a paused connection or without the app, is left out with the reason', async () => {
    const id = await ana();
    const [stranger = ''] = t.ghl.seedContacts(LOCATION, [
      { firstName: 'Other', email: 'other@example.com', dateAdded: '2020-01-01T00:00:00Z' },
    ]);
    const edited = async (firstName: string) => {
      t.ghl.ui.updateContact(stranger, { firstName });
      await taken();
      return last();
    };
    t.ghl.sendAppEvent('UNINSTALL', LOCATION);
    await taken();
    expect(await edited('Otto')).toBe('ContactUpdate skipped app_uninstalled');
    t.ghl.sendAppEvent('INSTALL', LOCATION);
    await taken();
    expect(await edited('Olga')).toBe('ContactUpdate folded not_linked');
    await t.app.connections.pause('default', 'test');
    await t.app.registry.refresh();
    expect(await edited('Omar')).toBe('ContactUpdate skipped connection_paused');
    t.ghl.ui.updateContact(id, { city: 'Springfield' });
    await taken();
    // An echo too.
    expect(await last()).toBe('ContactUpdate skipped connection_paused');
    t.ghl.ui.deleteContact(stranger);
    await taken();
    expect(await last()).toBe('ContactDelete skipped connection_paused');
    expect(await marks()).toEqual([]);
  });

  test('in a paused connection is kept as skipped, and marked for when it goes on', async () => {
    const id = await ana();
    await t.app.connections.pause('default', 'test');
    await t.app.registry.refresh();
    t.ghl.ui.updateContact(id, { firstName: 'Anna' });
    await taken();
    expect(await last()).toBe('ContactUpdate skipped connection_paused');
    expect(await marks()).toEqual([id]);
  });

  test('in observe changes nothing and marks nothing', async () => {
    t = await startTestApp({ env: { START_MODE: 'observe' } });
    t.ghl.ui.createContact(LOCATION, { firstName: 'New', phone: '+12125550199' });
    await taken();
    expect(await events()).toEqual(['ContactCreate folded observe']);
    expect(await marks()).toEqual([]);
  });

  test('in observe it is left out all the same when it is older than two days', async () => {
    const old = { ...systemClock, nowMs: () => systemClock.nowMs() + TWO_DAYS_MS };
    const clock = { ...old, now: () => new Date(old.nowMs()) };
    t = await startTestApp({ env: { START_MODE: 'observe' }, overrides: { clock } });
    t.ghl.ui.createContact(LOCATION, { firstName: 'New', phone: '+12125550199' });
    await taken();
    expect(await events()).toEqual(['ContactCreate skipped stale']);
    expect(await marks()).toEqual([]);
  });

  test('what has nothing to do with contacts is kept and left out', async () => {
    const id = await ana();
    t.ghl.ui.updateContact(id, { city: 'Springfield' });
    const { token } = { token: 'pit-5f2c' };
    await fetch(`${t.ghl.url}/contacts/${id}/notes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, version: '2021-07-28', 'content-type': 'application/json' },
      body: JSON.stringify({ body: 'hello' }),
    });
    await taken();
    expect(await last()).toBe('NoteCreate skipped event_without_effect');
    expect(await marks()).toEqual([]);
  });
});

describe('contacts without a link', () => {
  test('one made since the activation, with a phone or an e-mail, is read: it may become a customer', async () => {
    t = await startTestApp();
    const { id } = t.ghl.ui.createContact(LOCATION, { firstName: 'New', phone: '+12125550199' });
    t.ghl.ui.createContact(LOCATION, { firstName: 'Nobody' });
    await taken();
    expect(await events()).toEqual(['ContactCreate folded', 'ContactCreate folded not_linked']);
    expect(await marks()).toEqual([id]);
  });

  test('an older one only if a customer has its phone, e-mail or id', async () => {
    t = await startTestApp();
    const [other = '', same = ''] = t.ghl.seedContacts(LOCATION, [
      { firstName: 'Other', email: 'other@example.com', dateAdded: '2020-01-01T00:00:00Z' },
      { firstName: 'Ana', phone: '(212) 555-0142', dateAdded: '2020-01-01T00:00:00Z' },
    ]);
    await t.deliver(delivery('CustomerCreatedEvent', 1, { phone_number: '+1 212 555 0142' }));
    t.ghl.ui.updateContact(other, { firstName: 'Otto' });
    t.ghl.ui.updateContact(same, { firstName: 'Anna' });
    await taken();
    expect(await events()).toEqual(['ContactUpdate folded not_linked', 'ContactUpdate folded']);
    expect(await marks()).toEqual([same]);
  });

  test('nobody is read for a connection that makes no customers, or only of tagged contacts', async () => {
    t = await startTestApp();
    await t.app.connections.patch('default', { createCustomers: 'tag:Wallet' }, 'test');
    await t.app.registry.refresh();
    const tagged = t.ghl.ui.createContact(LOCATION, { email: 'a@example.com', tags: ['wallet'] });
    t.ghl.ui.createContact(LOCATION, { email: 'b@example.com', tags: ['other'] });
    await taken();
    await t.app.connections.patch('default', { createCustomers: 'off' }, 'test');
    await t.app.registry.refresh();
    t.ghl.ui.createContact(LOCATION, { email: 'c@example.com', tags: ['wallet'] });
    await taken();
    expect(await marks()).toEqual([tagged.id]);
  });
});

describe('a workflow call', () => {
  const url = () => `${t.url}/webhooks/ghl/workflow?key=${WORKFLOW_KEY}`;

  test('that shows what we know is an echo; one that shows something else marks its contact', async () => {
    const id = await ana({ ghlWebhooks: false });
    expect(await t.ghl.runWorkflow(id, url())).toMatchObject({ status: 202 });
    await fold();
    expect(await last('ghl_workflow')).toBe('Workflow folded echo');
    expect(await marks()).toEqual([]);
    t.ghl.ui.updateContact(id, { customFields: { loyalty_points: 100 } });
    expect(await t.ghl.runWorkflow(id, url())).toMatchObject({ status: 202 });
    await fold();
    expect(await last('ghl_workflow')).toBe('Workflow folded');
    expect(await marks()).toEqual([id]);
  });

  test('that shows nothing only says that something happened', async () => {
    const id = await ana({ ghlWebhooks: false });
    const body = JSON.stringify({ contact_id: id, location_id: LOCATION, customData: { key: WORKFLOW_KEY } });
    const answer = await fetch(`${t.url}/webhooks/ghl/workflow`, { method: 'POST', body });
    expect(answer.status).toBe(202);
    await fold();
    expect(await marks()).toEqual([id]);
  });

  test('is never state: what it says is not in the contact that is planned from', async () => {
    const id = await ana({ ghlWebhooks: false });
    t.ghl.ui.updateContact(id, { customFields: { loyalty_points: 100 } });
    await t.ghl.runWorkflow(id, url());
    await fold();
    const { db, s } = t.app.store;
    const [row] = await db
      .select()
      .from(s.ghlContacts)
      .where(and(eq(s.ghlContacts.ghlContactId, id)));
    expect(row?.values['loyalty_points']).toBe(85);
  });
});

describe('the app put in and taken out', () => {
  const pause = async () => (await t.app.connections.get('default'))?.cursors['ghlPause'];
  const problems = async () => {
    const { body } = await t.api('/problems?state=open');
    return (body.items as { code: string; title: string }[]).map(({ code }) => code);
  };

  test('taken out: the side is paused with a problem; put in again: both are over', async () => {
    const id = await ana();
    t.ghl.sendAppEvent('UNINSTALL', LOCATION);
    await taken();
    expect(await last()).toBe('UNINSTALL folded');
    expect(await pause()).toMatchObject({ code: 'ghl_uninstalled' });
    expect(await problems()).toEqual(['ghl_uninstalled']);
    t.ghl.ui.updateContact(id, { firstName: 'Anna' });
    await taken();
    expect(await last()).toBe('ContactUpdate skipped app_uninstalled');
    expect(await marks()).toEqual([id]);
    t.ghl.sendAppEvent('INSTALL', LOCATION);
    await taken();
    expect(await pause()).toBeUndefined();
    expect(await problems()).toEqual([]);
  });

  test('an UNINSTALL that arrives after a later INSTALL does nothing', async () => {
    await ana({ ghl: { webhooks: { url: '', auto: false } } });
    t.ghl.webhooks.setOptions({ shuffle: true, random: () => 0 });
    t.ghl.sendAppEvent('UNINSTALL', LOCATION);
    await new Promise((resolve) => setTimeout(resolve, 5));
    t.ghl.sendAppEvent('INSTALL', LOCATION);
    await taken();
    expect((await events()).slice(-2).toSorted()).toEqual(['INSTALL folded', 'UNINSTALL folded older_than_known']);
    expect(await pause()).toBeUndefined();
  });

  test.each(['UNINSTALL', 'INSTALL'] as const)('an %s older than two days does not act', async (type) => {
    let ahead = 0;
    const nowMs = () => systemClock.nowMs() + ahead;
    const id = await ana({ overrides: { clock: { ...systemClock, nowMs, now: () => new Date(nowMs()) } } });
    if (type === 'INSTALL') t.ghl.sendAppEvent('UNINSTALL', LOCATION);
    await taken();
    const before = await pause();
    ahead = TWO_DAYS_MS;
    t.ghl.sendAppEvent(type, LOCATION);
    await taken();
    expect(await last()).toBe(`${type} skipped stale`);
    expect(await pause()).toEqual(before);
    ahead = 0;
    t.ghl.ui.updateContact(id, { firstName: 'Anna' });
    await taken();
    expect(await last()).toBe(type === 'INSTALL' ? 'ContactUpdate skipped app_uninstalled' : 'ContactUpdate folded');
  });

  test('of another app is nothing to us', async () => {
    await ana({ env: { GHL_CLIENT_ID: 'ourapp-1', GHL_CLIENT_SECRET: 'x' } });
    t.ghl.sendAppEvent('UNINSTALL', LOCATION);
    await taken();
    expect(await last()).toBe('UNINSTALL skipped other_app');
    expect(await pause()).toBeUndefined();
  });
});
