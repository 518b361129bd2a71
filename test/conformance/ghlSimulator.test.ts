import { describe, expect, test } from '@jest/globals';
import { useGhlSimulator } from './ghlSimulatorClient.ts';

const gh = useGhlSimulator();
const call = gh.call.bind(gh);

async function newContact(fields: object): Promise<string> {
  const { status, body } = await gh.call('POST', '/contacts/', { locationId: 'LOC1', ...fields });
  expect(status).toBe(201);
  return body.contact.id as string;
}

describe('tokens, scopes and versions', () => {
  test('a missing or unknown token is 401, another location is 403', async () => {
    const none = await gh.call('GET', '/locations/LOC1', undefined, { authorization: '' });
    expect([none.status, none.body]).toMatchObject([401, { statusCode: 401, error: 'Unauthorized' }]);
    const unknown = await gh.call('GET', '/locations/LOC1', undefined, { authorization: 'Bearer nobody' });
    expect(unknown.body.message).toBe('Invalid token: access token is invalid');
    const foreign = await gh.call('GET', '/locations/LOC2');
    expect(foreign.status).toBe(403);
    expect(foreign.body.message).toBe('The token does not have access to this location.');
    const id = await newContact({ firstName: 'Mine' });
    expect((await gh.call('GET', `/contacts/${id}`, undefined, { authorization: 'Bearer token-2' })).status).toBe(403);
  });

  test('a missing scope is a 401 that speaks of the scope', async () => {
    gh.sim.oauth.setScopes('token-1', ['contacts.readonly']);
    const { status, body } = await gh.call('POST', '/contacts/', { locationId: 'LOC1' });
    expect(status).toBe(401);
    expect(body.message).toContain('not allowed to access this scope');
  });

  test('the Version header is required', async () => {
    expect((await gh.call('GET', '/locations/LOC1', undefined, { version: '' })).status).toBe(401);
    expect((await gh.call('GET', '/locations/LOC1', undefined, { version: 'v3' })).status).toBe(401);
  });

  test('every answer carries a trace id, a Date with the skew of the other side, and the limit', async () => {
    await gh.restart({ clockSkewMs: 90_000 });
    const { headers, body } = await gh.call('GET', '/locations/LOC1');
    expect(body.traceId).toBe(headers.get('x-trace-id'));
    expect(headers.get('date')).toBe('Fri, 20 Nov 2026 10:01:30 GMT');
    expect(headers.get('x-ratelimit-max')).toBe('100');
    expect(headers.get('x-ratelimit-remaining')).toBe('99');
    expect(headers.get('x-ratelimit-interval-milliseconds')).toBe('10000');
    expect(headers.get('x-ratelimit-limit-daily')).toBe('200000');
    expect(headers.get('x-ratelimit-daily-remaining')).toBe('199999');
  });
});

describe('rate limit', () => {
  const read = () => gh.call('GET', '/locations/LOC1');

  test('a burst over the limit is 429 until the window has slid on', async () => {
    await gh.restart({ rateLimit: { max: 2, intervalMs: 10_000, daily: 100 } });
    await read();
    gh.clock.ms += 6_000;
    await read();
    const over = await read();
    expect([over.status, over.body.message, over.headers.get('retry-after')]).toEqual([429, 'Too Many Requests', null]);
    gh.clock.ms += 4_001;
    expect((await read()).status).toBe(200);
    expect((await read()).status).toBe(429);
  });

  test('the limit of the day says so in its header and ends with the day', async () => {
    await gh.restart({ rateLimit: { max: 100, intervalMs: 10_000, daily: 1, retryAfter: true } });
    await read();
    const over = await read();
    expect([over.status, over.headers.get('x-ratelimit-daily-remaining')]).toEqual([429, '0']);
    expect(over.headers.get('retry-after')).toBe(String(14 * 3600));
    gh.clock.ms += 14 * 3_600_000;
    expect((await read()).status).toBe(200);
  });

  test('each location has a limit of its own', async () => {
    await gh.restart({ rateLimit: { max: 1, intervalMs: 10_000, daily: 100 } });
    await read();
    expect((await read()).status).toBe(429);
    expect((await gh.call('GET', '/locations/LOC2', undefined, { authorization: 'Bearer token-2' })).status).toBe(200);
  });
});

describe('bodies are strict', () => {
  test.each(['locationId', 'gender', 'companyName', 'additionalEmails'])('PUT refuses %s', async (name) => {
    const id = await newContact({ firstName: 'Ann' });
    const { status, body } = await call('PUT', `/contacts/${id}`, { lastName: 'Lee', [name]: 'LOC1' });
    expect(status).toBe(422);
    expect(body.message).toEqual([`property ${name} should not exist`]);
    expect(gh.sim.state.contact(id)?.lastName).toBeUndefined();
  });

  test('wrong types and missing properties are named', async () => {
    const { status, body } = await call('POST', '/contacts/', { firstName: 1, tags: 'vip', dnd: 'yes' });
    expect(status).toBe(422);
    expect(body.message).toEqual([
      'firstName must be a string',
      'dnd must be a boolean value',
      'tags must be an array',
      'locationId should not be empty',
    ]);
    const nested = await call('POST', '/contacts/', { locationId: 'LOC1', dndSettings: { SMS: { status: 'on' } } });
    expect(nested.body.message[0]).toContain('dndSettings.SMS.status must be one of');
  });

  test('malformed JSON is 400', async () => {
    const response = await fetch(`${gh.sim.url}/contacts/`, {
      method: 'POST',
      headers: { authorization: 'Bearer token-1', version: '2021-07-28', 'content-type': 'application/json' },
      body: '{',
    });
    expect(response.status).toBe(400);
  });
});

describe('contacts', () => {
  test('a contact is created, read, changed and deleted', async () => {
    const id = await newContact({ name: 'Ann Mary Lee', email: 'Ann@Example.com', phone: '+1 (415) 555-0100' });
    const read = (await call('GET', `/contacts/${id}`)).body.contact;
    expect(read).toMatchObject({
      firstName: 'Ann',
      lastName: 'Mary Lee',
      email: 'Ann@Example.com',
      emailLowerCase: 'ann@example.com',
      phone: '+14155550100',
      dateAdded: '2026-11-20T10:00:00.000Z',
    });
    gh.clock.ms += 1_000;
    const put = await call('PUT', `/contacts/${id}`, { lastName: '', email: null });
    expect(put.body.succeded).toBe(true);
    expect(put.body.contact).not.toHaveProperty('lastName');
    expect(put.body.contact).not.toHaveProperty('email');
    expect(put.body.contact.dateUpdated).toBe('2026-11-20T10:00:01.000Z');
    expect((await call('DELETE', `/contacts/${id}`)).body.succeded).toBe(true);
    expect(gh.sim.state.contacts('LOC1')).toEqual([]);
  });

  test('an unknown contact is 400, not 404', async () => {
    for (const [method, path, body] of [
      ['GET', '/contacts/NOBODY'],
      ['PUT', '/contacts/NOBODY', { firstName: 'A' }],
      ['DELETE', '/contacts/NOBODY'],
      ['POST', '/contacts/NOBODY/tags', { tags: ['a'] }],
      ['GET', '/contacts/NOBODY/notes'],
    ] as const) {
      const answer = await call(method, path, body);
      expect([answer.status, answer.body.message]).toEqual([400, 'Contact with id NOBODY not found']);
    }
  });

  test('an invalid e-mail and an impossible phone are named; a national number takes the country', async () => {
    const email = await call('POST', '/contacts/', { locationId: 'LOC1', email: 'nobody' });
    expect([email.status, email.body.message]).toEqual([422, ['email must be an email']]);
    const phone = await call('POST', '/contacts/', { locationId: 'LOC1', phone: '5551234' });
    expect(phone.status).toBe(400);
    expect(phone.body.message).toContain('phone');
    await gh.restart({}, { country: 'DE' });
    const id = await newContact({ phone: '030 901820' });
    expect(gh.sim.state.contact(id)?.phone).toBe('+4930901820');
  });

  test('a duplicate is refused with the id and the field that matched, in the order of the location', async () => {
    const ann = await newContact({ firstName: 'Ann', lastName: 'Lee', email: 'ann@example.com' });
    const bob = await newContact({ firstName: 'Bob', phone: '+14155550100' });
    const both = { locationId: 'LOC1', email: 'ANN@example.com', phone: '+14155550100' };
    const refused = await call('POST', '/contacts/', both);
    expect(refused.status).toBe(400);
    expect(refused.body).toMatchObject({
      statusCode: 400,
      message: 'This location does not allow duplicated contacts.',
      meta: { contactId: ann, contactName: 'Ann Lee', matchingField: 'email' },
    });
    const put = await call('PUT', `/contacts/${ann}`, { phone: '+14155550100' });
    expect(put.body.meta).toMatchObject({ contactId: bob, matchingField: 'phone' });
    expect((await call('PUT', `/contacts/${ann}`, { email: 'ann@example.com' })).status).toBe(200);
  });

  test('a location that allows duplicates has several, and search/duplicate asks for the e-mail first', async () => {
    await gh.restart({}, { allowDuplicateContact: true, uniqueIdentifierOrder: ['phone', 'email'] });
    const ann = await newContact({ email: 'ann@example.com' });
    const bob = await newContact({ phone: '+14155550100' });
    await newContact({ email: 'ann@example.com' });
    const found = (query: string) => call('GET', `/contacts/search/duplicate?locationId=LOC1&${query}`);
    expect((await found('email=ann%40example.com&number=%2B14155550100')).body.contact.id).toBe(ann);
    expect((await found('number=%2B14155550100')).body.contact.id).toBe(bob);
    expect((await found('email=none%40example.com')).body.contact).toBeNull();
  });

  test('upsert updates the first match and drops the identifier of somebody else without a word', async () => {
    const ann = await newContact({ email: 'ann@example.com', tags: ['old'] });
    const bob = await newContact({ phone: '+14155550100' });
    const { status, body } = await call('POST', '/contacts/upsert', {
      locationId: 'LOC1',
      email: 'ann@example.com',
      phone: '+14155550100',
      gender: 'female',
      tags: ['new'],
    });
    expect([status, body.new, body.contact.id]).toEqual([200, false, ann]);
    expect(body.contact).not.toHaveProperty('phone');
    expect(body.contact.tags).toEqual(['new']);
    expect(gh.sim.state.contact(bob)?.phone).toBe('+14155550100');
    const fresh = await call('POST', '/contacts/upsert', { locationId: 'LOC1', email: 'new@example.com' });
    expect(fresh.body.new).toBe(true);
  });

  test('createNewIfDuplicateAllowed works only where the location allows duplicates', async () => {
    const body = { locationId: 'LOC1', email: 'ann@example.com', createNewIfDuplicateAllowed: true };
    await call('POST', '/contacts/upsert', body);
    expect((await call('POST', '/contacts/upsert', body)).body.new).toBe(false);
    await gh.restart({}, { allowDuplicateContact: true });
    await call('POST', '/contacts/upsert', body);
    expect((await call('POST', '/contacts/upsert', body)).body.new).toBe(true);
  });
});

describe('tags', () => {
  test('they are lower-case and trimmed, adding and removing are idempotent, PUT overwrites', async () => {
    const id = await newContact({ tags: ['VIP '] });
    const added = await call('POST', `/contacts/${id}/tags`, { tags: [' Card Holder', 'vip'] });
    expect([added.status, added.body.tags]).toEqual([201, ['vip', 'card holder']]);
    const removed = await call('DELETE', `/contacts/${id}/tags`, { tags: ['VIP', 'nothing'] });
    expect([removed.status, removed.body.tags]).toEqual([200, ['card holder']]);
    await call('PUT', `/contacts/${id}`, { tags: ['only'] });
    expect(gh.sim.state.tagsOf(id)).toEqual(['only']);
    const known = (await call('GET', '/locations/LOC1/tags')).body.tags.map((tag: { name: string }) => tag.name);
    expect(known).toEqual(['vip', 'card holder', 'only']);
    const made = await call('POST', '/locations/LOC1/tags', { name: 'New' });
    expect([made.status, made.body.tag.name]).toEqual([200, 'new']);
  });

  test('the bulk endpoint answers for each contact', async () => {
    const id = await newContact({ tags: ['a'] });
    const foreign = gh.sim.ui.createContact('LOC2', { firstName: 'X' }).id;
    const body = { locationId: 'LOC1', contacts: [id, 'nobody', foreign], tags: ['B'] };
    const added = await call('POST', '/contacts/bulk/tags/update/add', body);
    expect([added.status, added.body.errorCount]).toEqual([201, 2]);
    expect(added.body.responses).toMatchObject([
      { contactId: id, type: 'success', oldTags: ['a'], tagsAdded: ['b'], tagsRemoved: [] },
      { contactId: 'nobody', type: 'error' },
      { contactId: foreign, type: 'error', message: 'contact does not belong to location' },
    ]);
    await call('POST', '/contacts/bulk/tags/update/remove', { ...body, contacts: [id], removeAllTags: true });
    expect(gh.sim.state.tagsOf(id)).toEqual([]);
  });
});

describe('do not disturb', () => {
  test('dnd and the channels are kept, a channel is changed without the others', async () => {
    const id = await newContact({ dnd: true, dndSettings: { SMS: { status: 'permanent' } } });
    const { body } = await call('PUT', `/contacts/${id}`, { dnd: false, dndSettings: { Email: { status: 'active' } } });
    expect(body.contact.dnd).toBe(false);
    expect(body.contact.dndSettings).toEqual({ SMS: { status: 'permanent' }, Email: { status: 'active' } });
  });
});
