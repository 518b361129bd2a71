import { describe, expect, test } from '@jest/globals';
import { contract, useGhlSimulator } from './ghlSimulatorClient.ts';

const gh = useGhlSimulator();
const call = gh.call.bind(gh);
const search = (body: object) => call('POST', '/contacts/search', { locationId: 'LOC1', pageLimit: 20, ...body });
const newestFirst = [{ field: 'dateUpdated', direction: 'desc' }];

function seed(count: number): string[] {
  const start = gh.clock.ms - count * 1_000;
  return gh.sim.seedContacts(
    'LOC1',
    Array.from({ length: count }, (_, i) => ({
      firstName: `Name${i}`,
      email: `p${i}@example.com`,
      dateAdded: start + i * 1_000,
      dateUpdated: start + i * 1_000,
    })),
  );
}

describe('contact search', () => {
  test('pages by searchAfter tell every contact once, in the order asked for, while contacts change', async () => {
    const ids = seed(1_200);
    const seen: string[] = [];
    let searchAfter: unknown;
    for (;;) {
      const { body } = await search({ pageLimit: 500, sort: newestFirst, ...(searchAfter ? { searchAfter } : {}) });
      expect(body.total).toBe(1_200);
      if (body.contacts.length === 0) break;
      seen.push(...body.contacts.map((contact: { id: string }) => contact.id));
      searchAfter = body.contacts.at(-1).searchAfter;
      // Goes to the front, which has been read already.
      gh.sim.ui.updateContact(ids[0]!, { firstName: `Changed ${seen.length}` });
    }
    expect(seen).toEqual(ids.slice(1).toReversed());
  });

  test('pages by number end at 10,000 records and hold at most 500', async () => {
    seed(3);
    const { body } = await search({ page: 2, pageLimit: 2, sort: [{ field: 'dateAdded', direction: 'asc' }] });
    expect(body.contacts).toMatchObject([{ email: 'p2@example.com' }]);
    expect((await search({ page: 21, pageLimit: 500 })).status).toBe(422);
    expect((await search({ pageLimit: 501 })).status).toBe(422);
  });

  test('it shows what was so some time ago, and names in lower case', async () => {
    await gh.restart({ searchLagMs: 3_000 });
    const { contact } = (await call('POST', '/contacts/', { locationId: 'LOC1', firstName: 'Ann', lastName: 'Lee' }))
      .body;
    const shown = async () => (await search({})).body.contacts;
    expect(await shown()).toEqual([]);
    gh.clock.ms += 3_000;
    expect(await shown()).toMatchObject([
      { id: contact.id, firstName: 'ann', lastName: 'lee', contactName: 'ann lee' },
    ]);
    await call('PUT', `/contacts/${contact.id}`, { firstName: 'Eve' });
    await call('DELETE', `/contacts/${contact.id}`);
    expect(await shown()).toMatchObject([{ firstName: 'ann' }]);
    gh.clock.ms += 3_000;
    expect(await shown()).toEqual([]);
  });

  test('search/duplicate does not lag', async () => {
    await gh.restart({ searchLagMs: 3_000 });
    await call('POST', '/contacts/', { locationId: 'LOC1', email: 'ann@example.com' });
    const { body } = await call('GET', '/contacts/search/duplicate?locationId=LOC1&email=ANN%40example.com');
    expect(body.contact.email).toBe('ann@example.com');
  });

  test('answers may lack properties that other answers have', async () => {
    await gh.restart({ searchOmits: ['phone'] });
    gh.sim.seedContacts('LOC1', [{ phone: '+14155550100' }]);
    expect((await search({})).body.contacts[0]).not.toHaveProperty('phone');
  });

  test('filters', async () => {
    const field = gh.sim.ui.addCustomField('LOC1', { name: 'Card', dataType: 'TEXT' });
    const [ann, bob] = gh.sim.seedContacts('LOC1', [
      {
        firstName: 'Ann',
        phone: '+14155550100',
        tags: ['VIP'],
        customFields: { card: 'c1' },
        dateUpdated: '2026-11-01',
      },
      { firstName: 'Bob', email: 'Bob@Example.com', dateUpdated: '2026-11-10' },
    ]);
    const ids = async (...filters: object[]) =>
      (await search({ filters })).body.contacts.map((contact: { id: string }) => contact.id).sort();
    expect(await ids({ field: 'phone', operator: 'eq', value: '+14155550100' })).toEqual([ann]);
    expect(await ids({ field: 'email', operator: 'eq', value: 'bob@example.com' })).toEqual([bob]);
    expect(await ids({ field: 'email', operator: 'contains', value: 'EXAMPLE' })).toEqual([bob]);
    expect(await ids({ field: 'email', operator: 'not_exists' })).toEqual([ann]);
    expect(await ids({ field: 'tags', operator: 'eq', value: ['vip'] })).toEqual([ann]);
    expect(await ids({ field: `customFields.${field.id}`, operator: 'exists' })).toEqual([ann]);
    const range = { field: 'dateUpdated', operator: 'range', value: { gte: '2026-11-05T00:00:00.000Z' } };
    expect(await ids(range)).toEqual([bob]);
    expect(await ids({ group: 'OR', filters: [range, { field: 'tags', operator: 'eq', value: 'vip' }] })).toEqual(
      [ann, bob].sort(),
    );
    expect((await search({ filters: [{ field: 'phone', operator: 'like', value: '1' }] })).status).toBe(422);
    expect((await search({ filters: [{ field: 'nothing', operator: 'eq', value: '1' }] })).status).toBe(422);
    expect((await search({ sort: [{ field: 'phone', direction: 'asc' }] })).status).toBe(422);
    expect((await search({ limit: 3 })).body.message).toEqual(['property limit should not exist']);
  });

  test('a page of 500 out of 30,000 comes quickly', async () => {
    seed(30_000);
    await search({ pageLimit: 500, sort: newestFirst });
    const before = performance.now();
    for (let i = 0; i < 5; i += 1) await search({ pageLimit: 500, sort: newestFirst });
    // Some 15 ms each where it was measured; a scan with sorting would take ten times as long.
    expect((performance.now() - before) / 5).toBeLessThan(150);
  });
});

test('the deprecated list is paged by the time and id of the last one', async () => {
  const ids = seed(3);
  const first = (await call('GET', '/contacts/?locationId=LOC1&limit=2')).body;
  const { startAfter, startAfterId } = first.meta;
  const next = (await call('GET', `/contacts/?locationId=LOC1&startAfter=${startAfter}&startAfterId=${startAfterId}`))
    .body;
  expect([...first.contacts, ...next.contacts].map(({ id }: { id: string }) => id)).toEqual(ids.toReversed());
});

describe('the contract itself', () => {
  test('finds what is wrong', () => {
    const answer = { method: 'GET', path: '/contacts/X', status: 200, responseBody: { contact: { id: 5, nick: 'x' } } };
    expect(contract.response(answer)).toEqual([
      'response/contact must NOT have additional properties (nick)',
      'response/contact/id must be string',
    ]);
    expect(contract.response({ method: 'GET', path: '/contacts/X', status: 418 })).toHaveLength(1);
    const request = { method: 'PUT', path: '/contacts/X', body: { gender: 'x' }, query: { a: '1' } };
    expect(contract.request(request)).toEqual([
      'header Version is required',
      'query a is not in the contract',
      'body must NOT have additional properties (gender)',
    ]);
    expect(contract.request({ method: 'GET', path: '/nowhere' })).toEqual(['no operation GET /nowhere']);
  });
});
