import { afterEach, describe, expect, test } from '@jest/globals';
import { runCli } from '../../src/cli/program.ts';
import { listLogs, type LogRow } from '../../src/store/runs.ts';
import type { SeedContact } from '../../src/simulators/ghl/index.ts';
import { at, person } from '../helpers/story.ts';
import { LOCATION, startTestApp, type TestApp, type TestAppOptions } from '../helpers/testApp.ts';

interface Report {
  contacts: number;
  customers: number;
  linked: number;
  matched: Record<string, number>;
  creates: number;
  alreadyLinked: number;
  excluded: Record<string, number>;
  ambiguous: number;
  identityConflicts: number;
  updates: number;
  fieldsToWrite: Record<string, number>;
  tagsToAdd: Record<string, number>;
  tagsToRemove: Record<string, number>;
  fieldsToMake: string[];
  apiCalls: number;
  notes: string[];
  samples: Record<string, { customerId: string; contactId: string | null; why: string }[]>;
}

let t: TestApp;
afterEach(() => t.stop());

const start = async (options: TestAppOptions = {}) => {
  t = await startTestApp({ ...options, env: { START_MODE: 'observe', ...options.env } });
};

async function api(method: string, path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${t.url}/api${path}`, {
    method,
    headers: { authorization: `Bearer ${t.app.config.adminToken ?? ''}` },
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function report(): Promise<Report> {
  const { status, body } = await api('GET', '/connections/default/first-link');
  expect([status, body['detail']]).toEqual([200, undefined]);
  return body as unknown as Report;
}

const seed = (contacts: SeedContact[]) => t.ghl.seedContacts(LOCATION, contacts);

/** Somebody with a card, and only what is given as contact details. */
const customer = (id: string, rest: Record<string, unknown>) =>
  t.deliver({
    event_type: 'CardInstalledEvent',
    timestamp: at(1),
    customer_id: id,
    card_id: `card_${id}`,
    first_name: id,
    ...rest,
  });

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, n) => total + n, 0);
const counted = (names: string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

/** Everything that the database holds besides what was received and staged. */
async function stored(): Promise<Record<string, number>> {
  const { db, s } = t.app.store;
  const tables = {
    links: s.entityMappings,
    claims: s.claimedIdentities,
    commands: s.commands,
    contacts: s.ghlContacts,
    runs: s.syncRunSummaries,
    logs: s.syncLogs,
    problems: s.problems,
  };
  const counts: Record<string, number> = {};
  for (const [name, table] of Object.entries(tables)) counts[name] = (await db.select().from(table)).length;
  return counts;
}

/** Twelve people who each meet the location in another way. */
async function mixedPeople() {
  t.ghl.ui.addCustomField(LOCATION, { name: 'Stickycards Customer Id', dataType: 'TEXT' });
  const ids = seed([
    { phone: '(212) 555-0101', firstName: 'Anna', tags: ['card holder', 'by hand'] },
    { email: 'BO@example.com', lastName: 'Berg' },
    { phone: '+12125550103', customFields: { stickycards_customer_id: 'cus_c' } },
    { phone: '+12125550108' },
    { email: 'h@example.com' },
    { email: 'two@example.com' },
    { email: 'two@example.com' },
  ]);
  await customer('cus_a', { phone_number: '+1 212 555 0101', email: 'a@example.com' });
  await customer('cus_b', { email: 'bo@example.com' });
  await customer('cus_c', { email: 'c@example.com' });
  await customer('cus_d', { phone_number: '212.555.0104', email: 'd@example.com' });
  await customer('cus_e', { phone_number: '0012125550101' });
  await customer('cus_f', {});
  await customer('cus_g', { phone_number: '12' });
  await customer('cus_h', { phone_number: '2125550108', email: 'h@example.com' });
  await customer('cus_i', { phone_number: '+12125550109', email: 'i@example.com', balance: 40 });
  await customer('cus_j', { phone_number: '+12125550109', email: 'j@example.com' });
  await customer('cus_k', { email: 'Two@example.com' });
  await customer('cus_l', { phone_number: '+12125550111' });
  // Of whom GHL knows more, or otherwise: Sticky Cards is told.
  t.stickyCards.seed(['cus_a', 'cus_b', 'cus_c'].map((customerId) => ({ customerId, firstName: customerId })));
  return ids;
}

describe('in observe', () => {
  test('everybody is counted once, each with the reason', async () => {
    await start();
    const [anna, bo, withId, phoneOf, emailOf, twice, again] = await mixedPeople();
    const shown = await report();
    expect(shown).toMatchObject({
      connection: 'default',
      mode: 'observe',
      contacts: 7,
      customers: 12,
      linked: 0,
      matched: { customerId: 1, phone: 2, email: 1 },
      creates: 3,
      alreadyLinked: 2,
      excluded: { no_contact_info: 1, invalid_phone: 1, ambiguous: 1 },
      ambiguous: 1,
      identityConflicts: 1,
      updates: 4,
      tagsToAdd: { 'card holder': 6 },
      tagsToRemove: {},
      notes: [],
    });
    expect(shown.linked + sum(shown.matched) + shown.creates + shown.alreadyLinked + sum(shown.excluded)).toBe(12);
    const { samples } = shown;
    expect(samples['matched']).toEqual(
      expect.arrayContaining([
        { customerId: 'cus_a', contactId: anna, why: 'same phone' },
        { customerId: 'cus_b', contactId: bo, why: 'same e-mail' },
        { customerId: 'cus_c', contactId: withId, why: 'the contact bears this customer id' },
      ]),
    );
    expect(samples['identityConflicts']).toMatchObject([{ customerId: 'cus_h', contactId: phoneOf }]);
    expect(samples['identityConflicts']?.[0]?.why).toContain(emailOf);
    expect(samples['alreadyLinked']?.map((s) => s.customerId)).toEqual(['cus_e', 'cus_j']);
    expect(samples['alreadyLinked']?.[0]?.why).toContain('cus_a');
    expect(samples['ambiguous']).toMatchObject([{ customerId: 'cus_k', contactId: null }]);
    for (const id of [twice, again]) expect(samples['ambiguous']?.[0]?.why).toContain(id);
    expect(samples['creates']?.map((s) => s.customerId)).toEqual(['cus_d', 'cus_i', 'cus_l']);
    // Ids and names of fields: nobody's contact details.
    expect(JSON.stringify(shown)).not.toMatch(/example\.com|555/i);
  });

  test('nothing is written, there or here', async () => {
    await start();
    await mixedPeople();
    const fields = t.ghl.state.customFields(LOCATION).length;
    const contacts = JSON.stringify(t.ghl.state.contacts(LOCATION));
    await report();
    expect(t.ghl.journal.map((x) => `${x.method} ${x.path}`)).toEqual([
      `GET /locations/${LOCATION}`,
      `GET /locations/${LOCATION}/customFields`,
      'POST /contacts/search',
    ]);
    expect(t.ghl.state.customFields(LOCATION)).toHaveLength(fields);
    expect(JSON.stringify(t.ghl.state.contacts(LOCATION))).toBe(contacts);
    expect(sum(await stored())).toBe(0);
    expect(await t.app.connections.get('default')).toMatchObject({ mode: 'observe', location: null, cursors: {} });
  });

  test.each([false, true])('activated, the first run does what it said (duplicates allowed: %s)', async (allowed) => {
    await start({ location: { allowDuplicateContact: allowed } });
    await mixedPeople();
    const said = await report();
    expect(await api('POST', '/connections/default/activate')).toMatchObject({ status: 200, body: { mode: 'live' } });
    const run = await t.run();
    expect(run).toMatchObject({
      status: 'completed',
      createdCount: said.creates,
      updatedCount: said.updates,
      skippedCount: said.alreadyLinked + sum(said.excluded),
      failedCount: 0,
      // Three of them are told to Sticky Cards: what GHL knows more of, or otherwise. The report counts the calls to GHL.
      apiCalls: said.apiCalls + 3,
    });
    const logs = (await listLogs(t.app.store, { runId: run.id }, 1000)).filter((log) => log.status === 'success');
    const toGhl = logs.filter((log: LogRow) => log.direction === 'stickycards_to_ghl');
    expect(counted(toGhl.flatMap((log) => log.changes.map((c) => c.field)))).toEqual(said.fieldsToWrite);
    expect(counted(logs.flatMap((log) => log.tagsAdded))).toEqual(said.tagsToAdd);
    expect(await t.app.store.db.select().from(t.app.store.s.entityMappings)).toHaveLength(
      sum(said.matched) + said.creates,
    );
    const again = await report();
    expect(again).toMatchObject({ mode: 'live', linked: 7, creates: 0, updates: 0, fieldsToWrite: {}, apiCalls: 1 });
    expect(sum(again.matched)).toBe(0);
  });

  test('people of many pages share their calls for tags as the run does', async () => {
    await start();
    seed(Array.from({ length: 600 }, (_, n) => ({ email: `person${n}@example.com`, firstName: `P${n}` })));
    for (let n = 480; n < 720; n += 60) {
      await Promise.all(
        Array.from({ length: 60 }, (_, i) => customer(`cus_${n + i}`, { ...person(n + i), phone_number: '' })),
      );
    }
    const said = await report();
    expect(said).toMatchObject({ contacts: 600, customers: 240, matched: { email: 120 }, creates: 120 });
    await t.app.connections.setMode('default', 'live', 'test');
    await t.app.registry.refresh();
    expect(await t.run()).toMatchObject({ createdCount: 120, updatedCount: 120, apiCalls: said.apiCalls });
  });

  test('who asks while a report is being made gets that one', async () => {
    await start();
    await customer('cus_a', { email: 'a@example.com' });
    t.ghl.faults.add({ kind: 'delay', method: 'POST', path: '/contacts/search', delayMs: 200, times: 1 });
    const both = await Promise.all([report(), report()]);
    expect(both[1]).toEqual(both[0]);
    expect(t.ghl.callCount({ path: '/contacts/search' })).toBe(1);
  });
});

describe('what is in the way is said', () => {
  test('a token that may read contacts only still tells who would be matched', async () => {
    await start({ location: { scopes: ['contacts.readonly'] } });
    seed([{ phone: '+12125550101' }]);
    await customer('cus_a', { phone_number: '+12125550101' });
    await customer('cus_b', { email: 'b@example.com' });
    const shown = await report();
    expect(shown).toMatchObject({ matched: { phone: 1 }, creates: 1, fieldsToMake: [] });
    expect(shown.notes.join()).toMatch(/customFields\.readonly/);
    expect(shown.fieldsToWrite).toMatchObject({ stickycards_customer_id: 2, card_status: 2 });
  });

  test('a field of the wrong type is named and not counted', async () => {
    await start();
    t.ghl.ui.addCustomField(LOCATION, { name: 'Card Status', dataType: 'NUMERICAL' });
    await customer('cus_a', { email: 'a@example.com' });
    const shown = await report();
    expect(shown).toMatchObject({ fieldsOfWrongType: ['card_status'] });
    expect(Object.keys(shown.fieldsToWrite)).not.toContain('card_status');
    expect(shown.fieldsToMake).toContain('card_id');
  });

  test.each([
    [401, 409, 'ghl_token_rejected'],
    [503, 503, 'ghl_unavailable'],
  ])('GHL answers %d: %d %s', async (status, expected, code) => {
    await start();
    t.ghl.faults.add({ kind: 'status', status, path: '/contacts/search', times: 1 });
    const answer = await api('GET', '/connections/default/first-link');
    expect(answer).toMatchObject({ status: expected, body: { type: expect.stringContaining(code) } });
    expect(sum(await stored())).toBe(0);
  });

  test('no location yet, no such connection', async () => {
    await start();
    await t.app.connections.create('north', {}, 'test');
    expect(await api('GET', '/connections/north/first-link')).toMatchObject({ status: 409 });
    expect(await api('GET', '/connections/nowhere/first-link')).toMatchObject({ status: 404 });
    expect(await api('GET', '/connections/default/first-link?deep=1')).toMatchObject({ status: 400 });
  });
});

test('the command line shows the same, as text and as JSON', async () => {
  await start();
  await mixedPeople();
  const said = await report();
  const cli = async (...args: string[]) => {
    let out = '';
    let err = '';
    const io = {
      out: (text: string) => void (out += text),
      err: (text: string) => void (err += text),
      config: () => ({ ...t.app.config, madeUp: null }),
    };
    return { code: await runCli(['connections', 'first-link', ...args], io), out, err };
  };
  const text = await cli('default');
  expect([text.code, text.err]).toEqual([0, '']);
  expect(text.out).toMatch(/^contacts to be made +3$/m);
  expect(text.out).toMatch(/^ {2}no_contact_info +1$/m);
  expect(text.out).toMatch(/^6 +tag \+ card holder$/m);
  expect(text.out).toMatch(/^identityConflicts +cus_h /m);
  const asJson = JSON.parse((await cli('default', '--json')).out) as Report;
  expect({ ...asJson, at: null }).toEqual({ ...said, at: null });
  expect(await cli('nowhere')).toMatchObject({ code: 1, err: 'there is no connection "nowhere"\n' });
});
