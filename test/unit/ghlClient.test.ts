import { beforeEach, describe, expect, it } from '@jest/globals';
import { ApiError } from '../../src/platforms/apiError.ts';
import type { Api, ApiAnswer, ApiRequest } from '../../src/platforms/callApi.ts';
import { type ContactWrite, createGhlClient } from '../../src/platforms/ghl/client.ts';

let sent: ApiRequest<unknown>[];
let body: unknown;

/** Answers every call with `body`, judged by the schema as the real one does. */
const api: Api = {
  call: async <T>(request: ApiRequest<T>): Promise<ApiAnswer<T>> => {
    sent.push(request);
    if (body instanceof Error) throw body;
    const parsed = request.schema?.safeParse(body);
    const asExpected = parsed?.success !== false;
    return {
      status: 200,
      data: (parsed?.success ? parsed.data : body) as T,
      asExpected,
      traceId: 't-1',
      dateMs: 1_000,
      durationMs: 5,
    };
  },
  close: () => undefined,
};
const ghl = createGhlClient({ api, locationId: 'LOC1' });
const last = () => sent.at(-1);

beforeEach(() => {
  sent = [];
});

describe('a contact in an answer', () => {
  it('keeps absent properties apart from null', async () => {
    body = { contact: { id: 'c1', firstName: null, email: 'a@b.co' } };
    const { contact, traceId, dateMs } = await ghl.getContact('c1');
    expect(contact).toEqual({
      id: 'c1',
      firstName: null,
      email: 'a@b.co',
      tags: [],
      hasTags: false,
      customFields: {},
      hasCustomFields: false,
      dateAdded: null,
      dateUpdated: null,
    });
    expect('phone' in contact).toBe(false);
    expect([traceId, dateMs]).toEqual(['t-1', 1_000]);
  });

  it('shows custom fields by id, tags, DND and times', async () => {
    body = {
      contact: {
        id: 'c1',
        tags: ['vip'],
        customFields: [{ id: 'F1', value: 120 }, { id: 'F2', fieldValue: 'x' }, { id: 'F3', value: '' }, { id: 'F4' }],
        dnd: true,
        dndSettings: { SMS: { status: 'permanent', code: '1' } },
        dateAdded: '2026-11-20T10:00:00.000Z',
        dateUpdated: 1_763_632_800_000,
        unknown: { kept: 'out' },
      },
    };
    const { contact } = await ghl.getContact('c1');
    expect(contact).toMatchObject({
      tags: ['vip'],
      hasTags: true,
      customFields: { F1: 120, F2: 'x', F3: '', F4: null },
      hasCustomFields: true,
      dnd: true,
      dndSettings: { SMS: { status: 'permanent' } },
      dateAdded: new Date('2026-11-20T10:00:00.000Z'),
      dateUpdated: new Date(1_763_632_800_000),
    });
  });
});

describe('writing a contact', () => {
  it('sends exactly the changed fields, nulls included, under the pinned version', async () => {
    body = { succeded: true, contact: { id: 'c1' } };
    const beforeSend = async () => undefined;
    const write = { lastName: null, customFields: [{ id: 'F1', field_value: 5 }] };
    await ghl.updateContact('c1', write, { beforeSend, priority: 'background' });
    expect(last()).toMatchObject({
      method: 'PUT',
      path: '/contacts/{id}',
      params: { id: 'c1' },
      body: write,
      headers: { Version: '2021-07-28' },
      beforeSend,
      priority: 'background',
    });
  });

  it.each(['tags', 'locationId', 'gender'])('never carries %s, whatever the types said', async (key) => {
    const write = { firstName: 'Ann', [key]: ['x'] } as unknown as ContactWrite;
    await expect(ghl.updateContact('c1', write)).rejects.toMatchObject({ code: 'contact_body_forbidden' });
    await expect(ghl.createContact(write)).rejects.toMatchObject({ code: 'contact_body_forbidden' });
    expect(sent).toHaveLength(0);
  });

  it('has no place for tags in its type', () => {
    // @ts-expect-error tags have endpoints of their own
    const write: ContactWrite = { tags: ['x'] };
    expect(write).toBeDefined();
  });

  it('creates in its location', async () => {
    body = { contact: { id: 'c9' } };
    const { contact } = await ghl.createContact({ phone: '+15555550100', source: 'Sticky Cards' });
    expect(last()).toMatchObject({
      method: 'POST',
      path: '/contacts/',
      body: { phone: '+15555550100', source: 'Sticky Cards', locationId: 'LOC1' },
    });
    expect(contact.id).toBe('c9');
  });

  it('that succeeded without showing the contact is no failure for an update', async () => {
    body = { succeded: true };
    expect((await ghl.updateContact('c1', { firstName: 'Ann' })).contact).toBeNull();
  });

  it('that succeeded without naming the new contact has to be looked for', async () => {
    body = { ok: true };
    await expect(ghl.createContact({ email: 'a@b.co' })).rejects.toMatchObject({
      code: 'unexpected_answer',
      mayHaveLanded: true,
      retry: 'check-first',
    });
  });

  it('names the custom field that GHL only counts', async () => {
    body = new ApiError('no', {
      side: 'ghl',
      class: 'field',
      status: 422,
      field: 'customFields.1',
      answered: true,
      mayHaveLanded: false,
    });
    const customFields = [
      { id: 'F1', field_value: 1 },
      { id: 'F2', field_value: 2 },
    ];
    await expect(ghl.updateContact('c1', { customFields })).rejects.toMatchObject({
      class: 'field',
      field: 'customFields.F2',
      status: 422,
      retry: 'never',
    });
  });
});

describe('tags', () => {
  it('come off by a DELETE with a body', async () => {
    body = { tags: ['vip'] };
    expect((await ghl.removeTags('c1', ['old'])).tags).toEqual(['vip']);
    expect(last()).toMatchObject({ method: 'DELETE', path: '/contacts/{id}/tags', body: { tags: ['old'] } });
    await ghl.addTags('c1', ['new']);
    expect(last()).toMatchObject({ method: 'POST', body: { tags: ['new'] } });
  });

  it('in bulk are settled row by row', async () => {
    body = {
      succeded: true,
      errorCount: 1,
      responses: [
        { contactId: 'c1', message: 'Tags updated', type: 'success', oldTags: [], tagsAdded: ['vip'] },
        { contactId: 'c2', message: 'contact is deleted', type: 'error' },
      ],
    };
    const { rows } = await ghl.bulkTags('add', ['c1', 'c2', 'c3'], ['vip']);
    expect(rows).toEqual([
      { contactId: 'c1', ok: true, message: 'Tags updated' },
      { contactId: 'c2', ok: false, message: 'contact is deleted' },
      { contactId: 'c3', ok: false, message: 'not in the answer' },
    ]);
    expect(last()).toMatchObject({
      path: '/contacts/bulk/tags/update/{type}',
      params: { type: 'add' },
      body: { contacts: ['c1', 'c2', 'c3'], tags: ['vip'], locationId: 'LOC1' },
    });
  });
});

describe('searching', () => {
  it('pages by searchAfter, and is a read although it is a POST', async () => {
    body = { contacts: [{ id: 'c1', searchAfter: [1, 'c1'] }, { id: 'c2' }], total: 2 };
    const sort = [{ field: 'dateUpdated', direction: 'desc' as const }];
    const page = await ghl.searchContacts({ pageLimit: 500, sort });
    expect(page.contacts.map(({ id, searchAfter }) => [id, searchAfter])).toEqual([
      ['c1', [1, 'c1']],
      ['c2', null],
    ]);
    expect(page.total).toBe(2);
    expect(last()).toMatchObject({
      method: 'POST',
      isRead: true,
      body: { locationId: 'LOC1', pageLimit: 500, page: 1, sort },
    });
    await ghl.searchContacts({ pageLimit: 500, searchAfter: [1, 'c1'] });
    expect(last()?.body).toMatchObject({ searchAfter: [1, 'c1'] });
    expect(last()?.body).not.toHaveProperty('page');
  });

  it('finds a duplicate by phone or e-mail, or nobody', async () => {
    body = { contact: { id: 'c1' } };
    expect((await ghl.searchDuplicate({ phone: '+15555550100' })).contact?.id).toBe('c1');
    expect(last()?.query).toEqual({ locationId: 'LOC1', number: '+15555550100' });
    body = { contact: null };
    expect((await ghl.searchDuplicate({ email: 'a@b.co' })).contact).toBeNull();
  });

  it('asks for opportunities in snake_case', async () => {
    body = { opportunities: [{ id: 'o1', name: 'x', monetaryValue: 12.5 }] };
    const { opportunities } = await ghl.searchOpportunities({ contactId: 'c1', pipelineId: 'p1' });
    expect(opportunities[0]).toMatchObject({ id: 'o1', monetaryValue: 12.5 });
    expect(last()?.query).toMatchObject({ location_id: 'LOC1', contact_id: 'c1', pipeline_id: 'p1', limit: 100 });
  });
});

describe('notes, tasks, opportunities, fields', () => {
  it('are made with what GHL requires', async () => {
    body = { note: { id: 'n1' }, task: { id: 't1' }, opportunity: { id: 'o1' }, customField: { id: 'F1' } };
    expect((await ghl.createNote('c1', { body: 'hello' })).note.id).toBe('n1');
    expect(last()?.body).toEqual({ body: 'hello' });
    await ghl.createTask('c1', { title: 'call', body: '', dueDate: '2026-11-23T09:00:00.000Z' });
    expect(last()?.body).toEqual({ title: 'call', body: '', dueDate: '2026-11-23T09:00:00.000Z', completed: false });
    await ghl.createOpportunity({ contactId: 'c1', pipelineId: 'p1', name: 'x', status: 'won', monetaryValue: 5 });
    expect(last()?.body).toEqual({
      contactId: 'c1',
      pipelineId: 'p1',
      name: 'x',
      status: 'won',
      monetaryValue: 5,
      locationId: 'LOC1',
    });
    await ghl.updateOpportunity('o1', { status: 'lost' });
    expect(last()).toMatchObject({ method: 'PUT', path: '/opportunities/{id}', body: { status: 'lost' } });
    await ghl.createCustomField({ name: 'card_id', dataType: 'TEXT' });
    expect(last()?.body).toEqual({ name: 'card_id', dataType: 'TEXT', model: 'contact' });
  });
});
