import { describe, expect, it } from '@jest/globals';
import { dateMsOf, messagesOf, retryAfterMsOf } from '../../src/platforms/answer.ts';
import { ApiError, type ApiErrorClass, isApiError } from '../../src/platforms/apiError.ts';
import { classifyGhl } from '../../src/platforms/ghl/classify.ts';
import { classifyStickyCards } from '../../src/platforms/stickycards/classify.ts';

const html = '<!DOCTYPE html><html><title>502 Bad Gateway</title></html>';
const json = { 'content-type': 'application/json' };
const cf = 'AbCdEf1234567890abcd';

type Row = [
  kind: ApiErrorClass,
  status: number,
  body: unknown,
  more?: { field?: string; code?: string; meta?: object },
];

const ghl: Row[] = [
  ['gone', 404, { statusCode: 404, message: 'Not Found' }],
  ['gone', 404, undefined],
  ['gone', 410, {}],
  ['gone', 400, { statusCode: 400, message: `Contact with id ${cf} not found` }],
  ['gone', 400, { message: [`Contact with id ${cf} not found in location LOC1`] }],
  ['gone', 404, 'Not Found'],
  ['validation', 400, { message: 'Pipeline not found' }],
  ['validation', 404, { message: 'Location not found' }],
  ['validation', 404, { message: 'Cannot PUT /contact/x' }, { code: 'no_such_route' }],
  [
    'conflict',
    400,
    {
      statusCode: 400,
      message: 'This location does not allow duplicated contacts.',
      meta: { contactId: cf, contactName: 'Ann Example', matchingField: 'phone' },
    },
    { field: 'phone', meta: { contactId: cf, matchingField: 'phone' } },
  ],
  ['conflict', 422, { message: ['duplicate email'] }],
  ['conflict', 409, {}],
  [
    'conflict',
    400,
    {
      message: 'Can not create duplicate opportunity for the contact.',
      code: 'OPPORTUNITY_NO_DUPLICATE',
      meta: { existingId: 'OPP1' },
    },
    { code: 'opportunity_no_duplicate', meta: { existingId: 'OPP1' } },
  ],
  [
    'field',
    422,
    { message: ['property companyName should not exist'], error: 'Unprocessable Entity' },
    { field: 'companyName', code: 'unknown_property' },
  ],
  ['field', 422, { message: ['email must be an email'] }, { field: 'email' }],
  ['field', 400, { message: 'Invalid phone number' }, { field: 'phone' }],
  ['field', 400, { message: 'phone is not valid' }, { field: 'phone' }],
  [
    'field',
    422,
    { message: ['customFields.1.field_value must be a string'] },
    { field: 'customFields.1', code: 'field' },
  ],
  [
    'field',
    400,
    { message: `Custom field with id ${cf} not found` },
    { field: `customFields.${cf}`, code: 'unknown_field' },
  ],
  [
    'field',
    404,
    { message: `Custom field ${cf} does not exist` },
    { field: `customFields.${cf}`, code: 'unknown_field' },
  ],
  ['field', 400, { message: `Invalid value for custom field ${cf}` }, { field: `customFields.${cf}`, code: 'field' }],
  ['field', 422, { message: ['unknown custom fields'] }, { field: 'customFields', code: 'unknown_field' }],
  ['validation', 422, { message: ['contact must be known'] }],
  ['validation', 400, { statusCode: 400, message: 'Bad Request' }],
  ['validation', 400, undefined],
  ['validation', 422, ''],
  ['validation', 413, { message: 'Payload too large' }],
  ['auth', 401, { statusCode: 401, message: 'Invalid token: access token is invalid', error: 'Unauthorized' }],
  ['auth', 401, undefined],
  ['scope', 401, { message: 'The token is not authorized for this scope.' }],
  ['auth', 401, { statusCode: 401, message: 'Invalid JWT' }],
  ['scope', 401, { message: 'This token is not allowed to access this scope' }],
  ['scope', 403, { message: 'Forbidden resource' }],
  [
    'auth',
    403,
    { message: 'The token does not have access to this location.', error: 'Forbidden' },
    { code: 'wrong_location' },
  ],
  ['auth', 400, { message: 'Location with id LOC1 is inactive' }, { code: 'location_inactive' }],
  ['auth', 403, { message: 'This sub-account is suspended' }, { code: 'location_inactive' }],
  ['auth', 401, { message: 'Location is not active' }, { code: 'location_inactive' }],
  ['gone', 400, { message: `Contact with id ${cf} has been deleted` }],
  ['rate_limited', 429, { message: 'Too Many Requests', statusCode: 429 }],
  ['rate_limited', 429, html],
  ['transient', 500, { message: 'Contact not found' }],
  ['transient', 502, html],
  ['transient', 520, ''],
  ['transient', 404, html],
  ['transient', 403, html],
  ['transient', 408, {}],
  ['transient', 302, ''],
];

const stickyCards: Row[] = [
  ['gone', 404, { message: 'Customer not found' }],
  ['gone', 400, { error: 'card does not exist' }],
  ['validation', 404, { message: 'Template not found' }],
  ['validation', 404, { message: 'Cannot POST /v1/customer' }, { code: 'no_such_route' }],
  ['conflict', 409, { message: 'customer exists', customer_id: 77 }, { meta: { existingId: '77' } }],
  ['conflict', 422, { errors: { email: ['has already been taken'] } }, { field: 'email' }],
  ['field', 422, { errors: { phone_number: ['is invalid'] } }, { field: 'phone_number' }],
  ['field', 400, { detail: 'The email field is required' }, { field: 'email' }],
  ['field', 422, { errors: [{ message: 'balance must be an integer' }] }, { field: 'balance' }],
  ['validation', 400, { error: 'nope' }],
  ['auth', 401, { error: 'bad key' }],
  ['scope', 403, {}],
  ['transient', 503, html],
];

describe.each([
  ['GHL', classifyGhl, ghl],
  ['Sticky Cards', classifyStickyCards, stickyCards],
])('an answer of %s', (_side, classify, rows) => {
  it.each(rows)('is %s: %i %j', (kind, status, body, more = {}) => {
    const headers = typeof body === 'string' && body.startsWith('<') ? { 'content-type': 'text/html' } : json;
    expect(classify(status, headers, body, 'PUT')).toMatchObject({ class: kind, ...more });
  });

  it('tells a used-up day from a used-up window', () => {
    expect(classify(429, { 'x-ratelimit-daily-remaining': '0' }, {}, 'GET').class).toBe('daily_budget');
    expect(classify(429, { 'x-ratelimit-daily-remaining': '10' }, {}, 'GET').class).toBe('rate_limited');
  });

  it('keeps a short message without contact details', () => {
    const body = { message: [`email ann@example.com must be an email, call +1 555 555 0100 ${'x'.repeat(900)}`] };
    const { message } = classify(422, json, body, 'PUT');
    expect(message.length).toBeLessThan(330);
    expect(message).not.toMatch(/ann@example\.com|555 555 0100/);
    expect(message).toMatch(/^email: 422 /);
  });
});

describe('an ApiError', () => {
  const make = (kind: ApiErrorClass, mayHaveLanded = false) =>
    new ApiError('x', { side: 'ghl', class: kind, answered: true, mayHaveLanded });

  it.each<[ApiErrorClass, boolean, string]>([
    ['gone', false, 'never'],
    ['conflict', false, 'never'],
    ['field', false, 'never'],
    ['validation', false, 'never'],
    ['auth', false, 'later'],
    ['scope', false, 'later'],
    ['rate_limited', false, 'later'],
    ['daily_budget', false, 'later'],
    ['transient', false, 'later'],
    ['transient', true, 'check-first'],
  ])('of class %s (may have landed: %s) is retried: %s', (kind, landed, retry) => {
    expect(make(kind, landed).retry).toBe(retry);
  });

  it('is told from other errors by class', () => {
    expect(isApiError(make('gone'))).toBe(true);
    expect(isApiError(make('gone'), 'conflict', 'gone')).toBe(true);
    expect(isApiError(make('gone'), 'conflict')).toBe(false);
    expect(isApiError(new Error('gone'))).toBe(false);
  });
});

describe('what an answer says besides', () => {
  it.each([
    ['3', 3000],
    ['0.2', 200],
    ['Sat, 21 Nov 2026 09:00:30 GMT', 30_000],
    ['soon', null],
    [undefined, null],
  ])('Retry-After %s', (value, ms) => {
    const headers = { date: 'Sat, 21 Nov 2026 09:00:00 GMT', ...(value === undefined ? {} : { 'retry-after': value }) };
    expect(retryAfterMsOf(headers, 0)).toBe(ms);
  });

  it('reads Date, and nothing from an unreadable one', () => {
    expect(dateMsOf({ date: 'Sat, 21 Nov 2026 09:00:00 GMT' })).toBe(Date.UTC(2026, 10, 21, 9));
    expect(dateMsOf({ date: 'yesterday' })).toBeNull();
    expect(dateMsOf({})).toBeNull();
  });

  it('finds the messages of any shape', () => {
    expect(messagesOf({ message: ['a', 'b'], error: 'c' })).toEqual(['a', 'b', 'c']);
    expect(messagesOf({ error: { code: 'X', message: 'd', details: 'e' } })).toEqual(['d', 'e']);
    expect(messagesOf([{ msg: 'f' }, 'g'])).toEqual(['f', 'g']);
    expect(messagesOf(null)).toEqual([]);
  });
});
