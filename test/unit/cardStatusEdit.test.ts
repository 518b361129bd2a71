import { describe, expect, test } from '@jest/globals';
import { cardStatusEdit } from '../../src/domain/cardStatusEdit.ts';

describe('card_status typed in GHL (SPEC §3.2)', () => {
  test.each([
    ['active', 'active'],
    ['Inactive', 'inactive'],
    [' SUSPENDED ', 'suspended'],
  ])('%p sets the card', (typed, status) => {
    expect(cardStatusEdit(typed)).toEqual({ kind: 'write', status });
  });
  test.each(['installed', 'removed', 'expired', 'gone', 'in active', 0, true])(
    '%p is put back with a problem',
    (typed) => {
      expect(cardStatusEdit(typed)).toEqual({ kind: 'put_back', problem: 'not_writable' });
    },
  );
  test.each([null, '', '  '])('emptied (%p) it is filled again, never an order', (typed) => {
    expect(cardStatusEdit(typed)).toEqual({ kind: 'refill' });
  });
});
