// What a workflow's body means (SPEC §3.4), with plain values.
import { describe, expect, test } from '@jest/globals';
import { answerOfCommand, answerText, duplicate } from '../../src/domain/actionAnswer.ts';
import { type ActionName, readActionCall, sameCall, senderOf, withoutSecret } from '../../src/domain/actionCall.ts';
import { readActionBody } from '../../src/http/actionBody.ts';

const parameters = (action: ActionName, body: Record<string, unknown>, options = {}) => {
  const read = readActionCall(action, { contact_id: 'c1', ...body }, options);
  return 'field' in read ? read.field : read.parameters;
};

describe('parameters', () => {
  test.each<[ActionName, Record<string, unknown>, unknown]>([
    ['add-points', { points: '50' }, { points: 50 }],
    ['add-points', { points: ' -20 ' }, { points: -20 }],
    ['add-points', { points: '50.0' }, { points: 50 }],
    ['preferences', { opt_in: 'Yes' }, { opt_in: true }],
    ['preferences', { opt_in: 0 }, { opt_in: false }],
    ['card-status', { status: ' ACTIVE ' }, { status: 'active' }],
    ['segments', { add: 'a, b,,A' }, { add: ['A', 'b'] }],
    ['segments', { remove: '["x", "y, z"]' }, { remove: ['x', 'y, z'] }],
    ['segments', { 'add[]': ['a'] }, { add: ['a'] }],
    ['push', { message: 5, title: ' ' }, { message: '5' }],
    ['issue-card', { template_id: '' }, {}],
  ])('%s %j', (action, body, expected) => {
    expect(parameters(action, body)).toEqual({ action, ...(expected as object) });
  });

  test.each<[ActionName, Record<string, unknown>, string]>([
    ['add-points', { points: '1,000' }, 'points'],
    ['add-points', { points: '1e3' }, 'points'],
    ['add-points', { points: true }, 'points'],
    ['push', { message: { text: 'x' } }, 'message'],
    ['segments', { add: [1] }, 'add'],
    ['preferences', {}, 'opt_in'],
  ])('%s %j is a mistake', (action, body, field) => {
    expect(parameters(action, body)).toBe(field);
  });

  test('custom data goes first; of a standard Webhook action nothing else counts', () => {
    const body = { points: 1, customData: { points: 2 } };
    expect(parameters('add-points', body)).toMatchObject({ points: 2 });
    expect(parameters('add-points', { points: 1 }, { onlyCustom: true })).toBe('points');
  });

  test('equal parameters of one contact are one call, however they are written', () => {
    const text = (body: Record<string, unknown>) => {
      const read = readActionCall('add-points', body);
      return 'field' in read ? '' : sameCall(read);
    };
    expect(text({ contact_id: 'c1', points: '50' })).toBe(text({ customData: { points: 50 }, contact_id: 'c1' }));
    expect(text({ email: 'A@b.c', points: 50 })).toBe(text({ email: 'a@b.c', points: 50 }));
    expect(text({ contact_id: 'c1', points: 50 })).not.toBe(text({ contact_id: 'c2', points: 50 }));
  });
});

test('the sender, and the body without the secret', () => {
  const body = { key: 'k0', location: { id: 'L' }, customData: { key: 'k1', a: 1 } };
  expect(senderOf(body)).toEqual({ key: 'k1', locationId: 'L' });
  expect(JSON.stringify(withoutSecret(body))).not.toContain('k1');
  expect(JSON.stringify(withoutSecret(body))).not.toContain('k0');
});

describe('bodies', () => {
  const read = (text: string) => readActionBody(Buffer.from(text));
  test.each([
    ['{"a":1}', { a: 1 }],
    ['a=1&b=x+y', { a: '1', b: 'x y' }],
    ['customData[points]=5&customData.title=t', { customData: { points: '5', title: 't' } }],
    ['add[]=a&add[]=b', { 'add[]': ['a', 'b'] }],
    ['add=a&add=b', { add: ['a', 'b'] }],
    ['customData[add][]=a', { customData: { 'add[]': ['a'] } }],
    ['', {}],
  ])('%s', (text, expected) => expect(read(text)).toEqual(expected));
  test.each(['[1]', '{"a":', 'nothing', '"text"', '5'])('%s is neither', (text) => expect(read(text)).toBeNull());
});

describe('answers', () => {
  const command = { id: 'cmd_1', kind: 'add_points', reason: null, result: { balance: 170, points: 50 } };
  test.each([
    ['applied', 'applied', 'ok'],
    ['held', 'queued', 'held'],
    ['unknown', 'queued', 'outcome_unknown'],
    ['pending', 'queued', 'waiting'],
    ['sending', 'queued', 'in_progress'],
    ['discarded', 'rejected', 'discarded'],
    ['failed', 'rejected', 'refused_by_sticky_cards'],
  ] as const)('a command that is %s', (state, result, reasonCode) => {
    expect(answerOfCommand({ ...command, state })).toMatchObject({ result, reasonCode, more: { command_id: 'cmd_1' } });
  });

  test('the text says what a workflow branches on', () => {
    expect(JSON.parse(answerText('evt_1', 'add-points', answerOfCommand({ ...command, state: 'applied' })))).toEqual({
      result: 'applied',
      reason_code: 'ok',
      message: 'The points were booked.',
      receiptId: 'evt_1',
      action: 'add-points',
      command_id: 'cmd_1',
      balance_after: 170,
    });
    expect(duplicate(null).result).toBe('duplicate');
  });
});
