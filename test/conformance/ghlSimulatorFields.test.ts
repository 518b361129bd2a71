import { describe, expect, test } from '@jest/globals';
import { useGhlSimulator } from './ghlSimulatorClient.ts';

const gh = useGhlSimulator();
const call = gh.call.bind(gh);

async function newField(name: string, dataType: string, model = 'contact'): Promise<string> {
  const { status, body } = await call('POST', '/locations/LOC1/customFields', { name, dataType, model });
  expect(status).toBe(201);
  return body.customField.id as string;
}
const contactWith = (customFields: object[]) => call('POST', '/contacts/', { locationId: 'LOC1', customFields });

describe('definitions of custom fields', () => {
  test('GHL gives the key; a name that is taken is 400; fieldKey and options are refused', async () => {
    const made = await call('POST', '/locations/LOC1/customFields', { name: 'Card Installed Date', dataType: 'DATE' });
    expect(made.body.customField).toMatchObject({ fieldKey: 'contact.card_installed_date', model: 'contact' });
    const again = await call('POST', '/locations/LOC1/customFields', { name: 'card_installed_date', dataType: 'TEXT' });
    expect(again.status).toBe(400);
    for (const extra of [{ fieldKey: 'x' }, { options: ['a'] }, { dataType: 'NUMBER' }]) {
      const body = { name: 'Other', dataType: 'TEXT', ...extra };
      expect((await call('POST', '/locations/LOC1/customFields', body)).status).toBe(422);
    }
  });

  test('lists by model; PUT renames and keeps the key and the type; DELETE takes the values along', async () => {
    const id = await newField('Points', 'NUMERICAL');
    await newField('Order', 'TEXT', 'opportunity');
    const names = async (model: string) =>
      (await call('GET', `/locations/LOC1/customFields?model=${model}`)).body.customFields.map(
        (field: { name: string }) => field.name,
      );
    expect([await names('contact'), await names('opportunity'), await names('all')]).toEqual([
      ['Points'],
      ['Order'],
      ['Points', 'Order'],
    ]);
    const path = `/locations/LOC1/customFields/${id}`;
    expect((await call('PUT', path, { name: 'Score', dataType: 'TEXT' })).status).toBe(422);
    const renamed = (await call('PUT', path, { name: 'Score' })).body.customField;
    expect(renamed).toMatchObject({ name: 'Score', fieldKey: 'contact.points', dataType: 'NUMERICAL' });
    const { contact } = (await contactWith([{ id, field_value: 5 }])).body;
    await call('DELETE', path);
    expect((await call('GET', `/contacts/${contact.id}`)).body.contact.customFields).toEqual([]);
  });
});

describe('values of custom fields', () => {
  test('every form of writing is read back as id and value', async () => {
    const id = await newField('Nick', 'TEXT');
    for (const item of [
      { id, field_value: 'x' },
      { key: 'nick', field_value: 'x' },
      { key: 'contact.nick', field_value: 'x' },
      { id, value: 'x' },
      { id, fieldValue: 'x' },
    ]) {
      expect((await contactWith([item])).body.contact.customFields).toEqual([{ id, value: 'x' }]);
    }
  });

  test('an unknown field is refused by name', async () => {
    const { status, body } = await contactWith([{ key: 'nowhere', field_value: 'x' }]);
    expect(status).toBe(422);
    expect(body.message[0]).toContain('unknown custom field nowhere');
  });

  test('numbers are numbers: digits are taken, words are refused with the field', async () => {
    const id = await newField('loyalty_points', 'NUMERICAL');
    expect((await contactWith([{ id, field_value: ' 120 ' }])).body.contact.customFields).toEqual([{ id, value: 120 }]);
    const { status, body } = await contactWith([{ id, field_value: 'many' }]);
    expect(status).toBe(400);
    expect(body.message).toContain('contact.loyalty_points');
    expect(body.message).toContain(id);
  });

  test('dates are days that exist, read back as days or as epoch milliseconds', async () => {
    const id = await newField('Since', 'DATE');
    const { contact } = (await contactWith([{ id, field_value: '2026-02-28' }])).body;
    expect(contact.customFields).toEqual([{ id, value: '2026-02-28' }]);
    expect((await contactWith([{ id, field_value: '2026-02-30' }])).status).toBe(400);

    await gh.restart({ datesReadAs: 'epochMs' });
    const other = await newField('Since', 'DATE');
    const read = (await contactWith([{ id: other, field_value: '2026-02-28' }])).body.contact;
    expect(read.customFields).toEqual([{ id: other, value: Date.parse('2026-02-28') }]);
  });

  test('writing one field leaves the others alone; an emptied one is left out', async () => {
    const [a, b] = [await newField('A', 'TEXT'), await newField('B', 'TEXT')];
    const { contact } = (
      await contactWith([
        { id: a, field_value: '1' },
        { id: b, field_value: '2' },
      ])
    ).body;
    const put = await call('PUT', `/contacts/${contact.id}`, { customFields: [{ id: a, field_value: '' }] });
    expect(put.body.contact.customFields).toEqual([{ id: b, value: '2' }]);
  });

  test.each([
    ['empty', '', null],
    ['null', null, ''],
  ] as const)('with clearWith %s the other value changes nothing', async (clearWith, works, ignored) => {
    await gh.restart({ clearWith });
    const id = await newField('Bonus', 'NUMERICAL');
    const { contact } = (await contactWith([{ id, field_value: 50 }])).body;
    const put = (value: unknown) =>
      call('PUT', `/contacts/${contact.id}`, { customFields: [{ id, field_value: value }] });
    expect((await put(ignored)).body.contact.customFields).toEqual([{ id, value: 50 }]);
    expect((await put(works)).body.contact.customFields).toEqual([]);
  });
});

describe('notes and tasks', () => {
  test('notes are written, read, changed and deleted', async () => {
    const { contact } = (await contactWith([])).body;
    const path = `/contacts/${contact.id}/notes`;
    expect((await call('POST', path, { text: 'hello' })).body.message).toContain('property text should not exist');
    const made = await call('POST', path, { body: 'hello' });
    expect([made.status, made.body.note.body]).toEqual([201, 'hello']);
    await call('PUT', `${path}/${made.body.note.id}`, { body: 'bye' });
    expect((await call('GET', path)).body.notes).toMatchObject([{ body: 'bye', contactId: contact.id }]);
    await call('DELETE', `${path}/${made.body.note.id}`);
    expect(gh.sim.state.notes(contact.id)).toEqual([]);
  });

  test('a task needs a title, an ISO due date and completed', async () => {
    const { contact } = (await contactWith([])).body;
    const path = `/contacts/${contact.id}/tasks`;
    const refused = await call('POST', path, { title: 'Call', dueDate: 'tomorrow' });
    expect(refused.body.message).toEqual([
      'dueDate must be a valid ISO 8601 date string',
      'completed should not be empty',
    ]);
    const body = { title: 'Call', dueDate: '2026-11-21T09:00:00+01:00', completed: false };
    const { task } = (await call('POST', path, body)).body;
    expect(task.dueDate).toBe('2026-11-21T08:00:00.000Z');
    const done = await call('PUT', `${path}/${task.id}/completed`, { completed: true });
    expect(done.body.task.completed).toBe(true);
    expect((await call('GET', `${path}/${task.id}`)).body.task.title).toBe('Call');
    await call('DELETE', `${path}/${task.id}`);
    expect((await call('GET', path)).body.tasks).toEqual([]);
  });
});

describe('opportunities', () => {
  const base = { locationId: 'LOC1', pipelineId: 'PIPE', name: 'Sale', status: 'won', monetaryValue: 12.5 };

  test('a second one in the pipeline is refused with the id of the first, which the search does not show yet', async () => {
    await gh.restart({ searchLagMs: 5_000 });
    const { contact } = (await contactWith([])).body;
    const made = await call('POST', '/opportunities/', { ...base, contactId: contact.id });
    expect(made.status).toBe(201);
    expect(made.body.opportunity).toMatchObject({ pipelineStageId: 'ST1', status: 'won', monetaryValue: 12.5 });
    const again = await call('POST', '/opportunities/', { ...base, contactId: contact.id });
    expect(again.body).toMatchObject({
      statusCode: 400,
      code: 'OPPORTUNITY_NO_DUPLICATE',
      meta: { existingId: made.body.opportunity.id },
    });
    const search = () => call('GET', `/opportunities/search?location_id=LOC1&contact_id=${contact.id}&status=all`);
    expect((await search()).body.meta.total).toBe(0);
    gh.clock.ms += 5_000;
    expect((await search()).body.opportunities).toHaveLength(1);
    expect((await call('GET', '/opportunities/search?locationId=LOC1')).status).toBe(422);
  });

  test('upsert finds it by contact and pipeline; status and stage are changed; it is deleted', async () => {
    const { contact } = (await contactWith([])).body;
    const first = await call('POST', '/opportunities/upsert', { ...base, contactId: contact.id });
    const second = await call('POST', '/opportunities/upsert', { ...base, contactId: contact.id, monetaryValue: 20 });
    expect([first.body.new, second.body.new]).toEqual([true, false]);
    const path = `/opportunities/${first.body.opportunity.id}`;
    await call('PUT', `${path}/status`, { status: 'lost' });
    await call('PUT', path, { pipelineStageId: 'ST2' });
    expect((await call('PUT', path, { pipelineStageId: 'ST9' })).status).toBe(400);
    expect((await call('GET', path)).body.opportunity).toMatchObject({
      status: 'lost',
      pipelineStageId: 'ST2',
      monetaryValue: 20,
    });
    const body = {
      locationId: 'LOC1',
      query: '',
      limit: 20,
      page: 1,
      searchAfter: [],
      additionalDetails: { notes: false, tasks: false, calendarEvents: false, unReadConversations: false },
    };
    expect((await call('POST', '/opportunities/search', body)).body.total).toBe(1);
    await call('DELETE', path);
    expect(gh.sim.state.opportunities('LOC1')).toEqual([]);
  });

  test('a location may allow several; their custom fields are read back as fieldValue', async () => {
    await gh.restart({}, { allowDuplicateOpportunity: true });
    const id = await newField('Order', 'TEXT', 'opportunity');
    const { contact } = (await contactWith([])).body;
    const body = { ...base, contactId: contact.id, customFields: [{ id, field_value: 'A1' }] };
    await call('POST', '/opportunities/', body);
    const second = await call('POST', '/opportunities/', body);
    expect(second.body.opportunity.customFields).toEqual([{ id, fieldValue: 'A1' }]);
    expect((await call('GET', '/opportunities/pipelines?locationId=LOC1')).body.pipelines[0].stages).toHaveLength(2);
  });
});

describe('location', () => {
  test('tells its settings', async () => {
    await gh.restart({}, { allowDuplicateContact: true, timezone: 'Europe/Berlin', country: 'DE' });
    const { location } = (await call('GET', '/locations/LOC1')).body;
    expect(location).toMatchObject({
      id: 'LOC1',
      companyId: 'CO1',
      timezone: 'Europe/Berlin',
      country: 'DE',
      settings: { allowDuplicateContact: true, allowDuplicateOpportunity: false },
    });
  });
});
