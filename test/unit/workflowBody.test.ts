import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createFieldResolver, readWorkflowBody, withoutKey } from '../../src/domain/workflowBody.ts';
import { loadMaps } from '../../src/maps.ts';
import { projectRoot } from '../../src/paths.ts';

const { rows } = loadMaps(join(projectRoot, 'config'));
const resolve = createFieldResolver(rows);
const read = (json: unknown) => readWorkflowBody(json, resolve);

test.each([
  ['Loyalty Points', 'loyalty_points'],
  ['  loyalty points ', 'loyalty_points'],
  ['LOYALTY POINTS', 'loyalty_points'],
  ['loyalty_points', 'loyalty_points'],
  ['contact.loyalty_points', 'loyalty_points'],
  ['first_name', 'first_name'],
  ['email', 'email'],
])('the label %p is the field %s', (label, key) => expect(resolve(label)?.key).toBe(key));

test.each(['full_name', 'Loyalty', 'status', 'id', ''])('%p is no field of the map', (label) =>
  expect(resolve(label)).toBeNull(),
);

describe('the body of the standard workflow action', () => {
  test('is read as far as it is used', () => {
    expect(
      read({
        contact_id: 'con_1',
        first_name: 'Ana',
        email: 'ana@example.com',
        tags: 'vip, card holder,',
        date_created: '2026-11-20T10:00:00.000Z',
        'Loyalty Points': '120',
        'Some other field': 'x',
        location: { id: 'LOC1', name: 'Demo' },
        workflow: { id: 'WF1', name: 'Push on tag' },
        contact: { attributionSource: {} },
        triggerData: {},
        customData: { action: 'send_push', message: 'Hello', key: 's3' },
      }),
    ).toEqual({
      contactId: 'con_1',
      locationId: 'LOC1',
      workflowId: 'WF1',
      createdAt: '2026-11-20T10:00:00.000Z',
      shown: { first_name: 'Ana', email: 'ana@example.com', loyalty_points: '120' },
      tags: ['vip', ' card holder'],
      action: 'send_push',
      key: 's3',
    });
  });

  test('may leave everything out', () =>
    expect(read({})).toMatchObject({ contactId: null, locationId: null, shown: {}, tags: null, action: null }));

  test('a Custom Webhook names the location at the top', () =>
    expect(read({ location_id: 'LOC1', contact_id: 7 })).toMatchObject({ locationId: 'LOC1', contactId: '7' }));

  test('nothing that is sent makes reading throw', () =>
    fc.assert(fc.property(fc.jsonValue(), (json) => expect(() => read(json)).not.toThrow())));

  test('is kept without its secret, everything else as it came', () => {
    const body = { contact_id: 'c', customData: { key: 's3', action: 'a' } };
    expect(withoutKey(body)).toEqual({ contact_id: 'c', customData: { action: 'a' } });
    const open = { contact_id: 'c', key: 'not ours', customData: { a: 1 } };
    expect(withoutKey(open)).toBe(open);
  });
});
