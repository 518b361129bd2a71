import { beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { customerId, type CustomerId } from '../../src/domain/customerId.ts';
import type { Api, ApiAnswer, ApiRequest } from '../../src/platforms/callApi.ts';
import { loadDialects } from '../../src/platforms/stickycards/dialect.ts';
import { createReportClient } from '../../src/platforms/stickycards/report/client.ts';

const dialect = loadDialects(join(import.meta.dirname, '../../config')).get('report');
if (!dialect) throw new Error('the report dialect is missing');

let sent: ApiRequest<unknown>[];
let answer: { status: number; body: unknown };

const api: Api = {
  call: async <T>(request: ApiRequest<T>): Promise<ApiAnswer<T>> => {
    sent.push(request);
    const said = { asExpected: true, traceId: null, dateMs: 1_000, durationMs: 1 };
    return { status: answer.status, data: answer.body as T, ...said };
  },
  close: () => undefined,
};
const client = createReportClient({ api, dialect });
const last = () => sent.at(-1);

beforeEach(() => {
  sent = [];
});

describe('the report dialect', () => {
  it('creates or updates a customer under their names', async () => {
    answer = { status: 201, body: { customer_id: 77 } };
    const made = await client.upsertCustomer({ firstName: 'Ann', lastName: null, phone: '+15555550100' });
    expect(made).toEqual({ customerId: '77', created: true, traceId: null, dateMs: 1_000 });
    expect(last()).toMatchObject({ method: 'POST', path: '/v1/customers' });
    expect(last()?.body).toEqual({ first_name: 'Ann', last_name: null, phone_number: '+15555550100' });
  });

  it('does not take a creation without an id for done', async () => {
    answer = { status: 201, body: {} };
    await expect(client.upsertCustomer({ email: 'a@b.co' })).rejects.toMatchObject({ retry: 'check-first' });
    await expect(client.issueCard({ customerId: 'k1' })).rejects.toMatchObject({ retry: 'check-first' });
  });

  it('a card that is shown without its balance is a card', async () => {
    answer = { status: 200, body: { customer_id: 'k1', cards: [{ card_id: 'd1', status: 'Installed' }] } };
    const { cards } = (await client.getCustomer('k1')).customer;
    expect(cards).toMatchObject([{ cardId: 'd1', status: 'Installed' }]);
    expect(cards?.[0]).not.toHaveProperty('balance');
    answer = { status: 201, body: { card_id: 'd2' } };
    expect((await client.issueCard({ customerId: 'k1' })).card).toMatchObject({ cardId: 'd2' });
  });

  it.each(['', '.', '..'])('the id "%s" is none', async (id) => {
    answer = { status: 200, body: { customer_id: id, cards: [] } };
    await expect(client.getCustomer('k1')).rejects.toMatchObject({ code: 'unexpected_answer' });
    answer = { status: 200, body: { customer_id: 'k1', cards: [{ card_id: id }, { card_id: '...' }] } };
    expect((await client.getCustomer('k1')).customer.cards).toMatchObject([{ cardId: '...' }]);
  });

  it('reads a customer with segments and cards; what is absent stays absent', async () => {
    answer = {
      status: 200,
      body: {
        customer_id: 'k1',
        first_name: 'Ann',
        email: null,
        segments: ['Gold', { id: 1, name: 'Silver' }],
        cards: [{ card_id: 'd1', status: 'Installed', balance: '120', template_id: 7 }, { no: 'id' }],
      },
    };
    const { customer } = await client.getCustomer('k1');
    expect(customer).toMatchObject({
      customerId: 'k1',
      firstName: 'Ann',
      email: null,
      segments: ['Gold', 'Silver'],
      cards: [{ cardId: 'd1', status: 'Installed', balance: 120, templateId: '7' }],
    });
    expect('phone' in customer).toBe(false);
    expect(last()).toMatchObject({ method: 'GET', path: '/v1/customers/{customerId}', params: { customerId: 'k1' } });
    expect(last()).not.toHaveProperty('body');
  });

  it('does not take a read of something else for a customer', async () => {
    answer = { status: 200, body: { error: 'soon' } };
    await expect(client.getCustomer('k1')).rejects.toMatchObject({ code: 'unexpected_answer', retry: 'later' });
    await expect(client.listCustomers({ page: 1, perPage: 100 })).rejects.toMatchObject({ code: 'unexpected_answer' });
  });

  it('lists customers by page', async () => {
    answer = { status: 200, body: { items: [{ customer_id: 'k1' }, {}], page: 2, total_pages: 9 } };
    const page = await client.listCustomers({ page: 2, perPage: 100 });
    expect(page).toMatchObject({ customers: [{ customerId: 'k1' }], unreadable: 1, page: 2, totalPages: 9 });
    expect(last()?.query).toEqual({ page: 2, per_page: 100 });
  });

  it('adds whole points with the marker in the comment, and says the new total', async () => {
    answer = { status: 200, body: { card_id: 'd1', balance: 170 } };
    const comment = '[ref:cmd_1]';
    expect((await client.addToBalance({ cardId: 'd1', points: 50, comment })).balance).toBe(170);
    expect(last()).toMatchObject({ method: 'PUT', path: '/cards/{cardId}/balance', params: { cardId: 'd1' } });
    expect(last()?.body).toEqual({ balance: 50, comment });
    answer = { status: 200, body: undefined };
    expect((await client.addToBalance({ cardId: 'd1', points: -5, comment })).balance).toBeNull();
    await expect(client.addToBalance({ cardId: 'd1', points: 0.5, comment })).rejects.toMatchObject({
      code: 'points_not_whole',
    });
  });

  it('writes status, segments and preferences', async () => {
    answer = { status: 200, body: { card_id: 'd1', status: 'Inactive' } };
    expect((await client.setCardStatus({ cardId: 'd1', status: 'Inactive' })).status).toBe('Inactive');
    await client.setSegments({ customerId: 'k1', segments: ['Gold'] });
    expect(last()).toMatchObject({ path: '/customers/{customerId}/segments', body: { segments: ['Gold'] } });
    await client.setPreferences({ customerId: 'k1', optIn: false });
    expect(last()?.body).toEqual({ opt_in: false });
  });

  it('pushes to one customer and never to everybody', async () => {
    answer = { status: 201, body: { push_id: 'p1' } };
    expect((await client.pushToCustomer({ customerId: customerId('k1'), message: 'hi' })).pushId).toBe('p1');
    expect(last()?.body).toEqual({ customer_id: 'k1', message: 'hi' });
    expect(() => customerId(' ')).toThrow(expect.objectContaining({ code: 'push_without_customer' }));
    const nobody = { customerId: ' ' as CustomerId, message: 'hi' };
    await expect(client.pushToCustomer(nobody)).rejects.toMatchObject({ code: 'push_without_customer' });
    const careless = {
      ...dialect,
      paths: { push: { method: 'POST' as const, path: '/p', body: { message: 'm' }, query: {}, answer: {} } },
    };
    const blind = createReportClient({ api, dialect: careless });
    await expect(blind.pushToCustomer({ customerId: customerId('k1'), message: 'hi' })).rejects.toMatchObject({
      code: 'push_without_customer',
    });
    expect(sent).toHaveLength(1);
  });

  it('says at once what the table does not have', async () => {
    const bare = createReportClient({ api, dialect: { name: 'report', paths: {} } });
    await expect(bare.setSegments({ customerId: 'k1', segments: [] })).rejects.toMatchObject({
      code: 'not_writable_by_api',
    });
    expect(sent).toHaveLength(0);
  });
});
