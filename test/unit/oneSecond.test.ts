// An answer of ours knows its time to the second only: what an event of that second shows otherwise is read (SPEC §2.2).
import { describe, expect, test } from '@jest/globals';
import { ownWriteMs, READ_EFFECT, writtenEffectOf } from '../../src/domain/eventEffects.ts';
import { foldEvent, type FoldRules } from '../../src/domain/foldEvent.ts';
import { newCard, newCustomer, type StagedCustomer } from '../../src/domain/stagedRecord.ts';
import { askedAfterMs, heardUpToMs } from '../../src/domain/stamps.ts';
import { segmentStatedAtMs } from '../../src/domain/segmentPlan.ts';
import { event } from '../helpers/events.ts';

const rules: FoldRules = { statusOf: () => null, eventListIsWholeSet: false, segmentsExclusive: false };
const whole = { ...rules, eventListIsWholeSet: true };
type Told = Parameters<typeof event>[1];

const fold = (customer: StagedCustomer, type: string, atMs: number, told: Told): StagedCustomer => {
  const ours = type === 'CustomerRead' ? READ_EFFECT : writtenEffectOf(type);
  const input = { event: event(type, { cardId: null, ...told }), atMs, bodyHash: type, eventKey: `${type}${atMs}` };
  const record = { customer, card: null };
  return (ours ? foldEvent(record, input, whole, ours) : foldEvent(record, input, rules)).customer;
};
const story = (...steps: [type: string, atMs: number, told: Told][]) =>
  steps.reduce((customer, [type, atMs, told]) => fold(customer, type, atMs, told), newCustomer('cus_1'));

const LINKED = 'CustomerSegmentLinkedEvent';
const written = (segments: string[]) => ['CustomerWritten', 5999, { segments }] as [string, number, Told];

describe('segments', () => {
  test('linked in the second of our own write, known before or after it: a read tells, and closes the question', () => {
    const linked: [string, number, Told] = [LINKED, 5300, { segment: 'VIP' }];
    for (const steps of [
      [linked, written(['Lunch'])],
      [written(['Lunch']), linked],
    ]) {
      const customer = story(...steps);
      expect(customer).toMatchObject({ segments: ['Lunch'], readWanted: true });
      const read = fold(customer, 'CustomerRead', 7000, { segments: ['Lunch', 'VIP'] });
      expect(read).toMatchObject({ segments: ['Lunch', 'VIP'], readWanted: false });
    }
  });
  test('a read of that very second settles nothing', () => {
    const customer = story(written(['Lunch']), ['CustomerRead', 5000, { segments: ['Lunch', 'VIP'] }]);
    expect(customer.readWanted).toBe(true);
  });
  test('the echo of our own write, and another second, ask for nothing', () => {
    expect(story(written(['Lunch']), [LINKED, 5300, { segment: 'Lunch' }]).readWanted).toBe(false);
    expect(story(written(['Lunch']), [LINKED, 6300, { segment: 'VIP' }]).readWanted).toBe(false);
    expect(story(written(['Lunch']), [LINKED, 4300, { segment: 'VIP' }]).readWanted).toBe(false);
  });
});

test('an event about one segment states that one, whatever list it carries; a read or write states none', () => {
  const customer = story(
    [LINKED, 5300, { segment: 'VIP', segments: ['VIP'] }],
    [LINKED, 9300, { segment: 'Lunch', segments: ['VIP', 'Lunch'] }],
    written(['VIP', 'Lunch']),
    ['CustomerRead', 12_000, { segments: ['VIP', 'Lunch'] }],
  );
  const stated = ['VIP', 'Lunch', 'Gold'].map((name) => segmentStatedAtMs(customer.fold, name));
  expect(stated).toEqual([5300, 9300, 0]);
});

test('two bookings of one second: their order is known, but what the till did in that second is read', () => {
  const rules: FoldRules = { statusOf: () => null, eventListIsWholeSet: false, segmentsExclusive: false };
  const card = (...steps: [type: string, atMs: number, balance: number][]) =>
    steps.reduce(
      (before, [type, atMs, balance]) => {
        const input = { event: event(type, { balance }), atMs, bodyHash: `${atMs}`, eventKey: `${atMs}` };
        const record = { customer: newCustomer('cus_1'), card: before };
        return foldEvent(record, input, rules, writtenEffectOf(type) ?? undefined).card ?? before;
      },
      newCard('card_1', 'cus_1'),
    );
  const first: [string, number, number] = ['CardWritten', 5000 + ownWriteMs(0), 105];
  const second: [string, number, number] = ['CardWritten', 5000 + ownWriteMs(1), 135];
  const till: [string, number, number] = ['CardBalanceUpdatedEvent', 5600, 167];
  expect(card(first, second)).toMatchObject({ balance: 135, readWanted: false });
  expect(card(first, second, till).readWanted).toBe(true);
  expect(card(first, till, second).readWanted).toBe(true);
});

describe('a read that was asked for after the event had been heard of', () => {
  type Step = [type: string, atMs: number, balance: number];
  const card = (...steps: Step[]) =>
    steps.reduce(
      (before, [type, atMs, balance]) => {
        const input = { event: event(type, { balance }), atMs, bodyHash: `${balance}`, eventKey: `${type}${atMs}` };
        const effect = type === 'CardRead' ? READ_EFFECT : (writtenEffectOf(type) ?? undefined);
        return foldEvent({ customer: newCustomer('cus_1'), card: before }, input, rules, effect).card ?? before;
      },
      newCard('card_1', 'cus_1'),
    );
  const everyOrder = (steps: readonly Step[]): Step[][] =>
    steps.length < 2
      ? [[...steps]]
      : steps.flatMap((first, at) => everyOrder(steps.toSpliced(at, 1)).map((rest) => [first, ...rest]));

  const installed: Step = ['CardInstalledEvent', 5065, 100];
  const rival: Step = ['CardScannedEvent', 5065, 120];
  const read: Step = ['CardRead', askedAfterMs(5000, 5065), 150];

  test('settles what that second had told, in whichever order they are folded', () => {
    for (const steps of everyOrder([installed, rival, read]))
      expect(card(...steps)).toMatchObject({ balance: 150, readWanted: false });
  });
  test('not what the rest of that second told: that is read', () => {
    for (const steps of everyOrder([installed, read, ['CardBalanceUpdatedEvent', 5400, 130]]))
      expect(card(...steps)).toMatchObject({ balance: 130, readWanted: true });
  });
  test('and not a booking of ours in that second, nor what another read showed', () => {
    const booked: Step = ['CardWritten', 5000 + ownWriteMs(0), 160];
    for (const steps of everyOrder([installed, read, booked])) expect(card(...steps).readWanted).toBe(true);
    expect(card(['CardRead', 5000, 110], installed, read).readWanted).toBe(false);
    expect(card(installed, read, ['CardRead', 5000, 110]).readWanted).toBe(true);
  });
  test('of a person: names and segments', () => {
    const steps: [string, number, Told][] = [
      ['CardScannedEvent', 5300, { firstName: 'Ana' }],
      [LINKED, 5310, { segment: 'VIP' }],
      ['CustomerRead', askedAfterMs(5000, 5310), { firstName: 'Anna', segments: ['Lunch'] }],
    ];
    for (const each of [steps, steps.toReversed()])
      expect(story(...each)).toMatchObject({ firstName: 'Anna', segments: ['Lunch'], readWanted: false });
  });

  test('its time stays in its second, behind what was heard and before a write of ours', () => {
    expect([4999, 5000, 5065, 5989, 5995, 6000].map((heardMs) => askedAfterMs(5000, heardMs))).toEqual([
      5000, 5000, 5065, 5989, 5989, 5000,
    ]);
    expect(
      heardUpToMs([
        [5065, 2, 'a'],
        [5000 + ownWriteMs(3), READ_EFFECT.rank, 'b'],
        [4000, 0, 'c'],
      ]),
    ).toBe(5065);
    expect(heardUpToMs([])).toBe(0);
  });
});

describe('contact details', () => {
  const name: [string, number, Told] = ['CustomerWritten', 5999, { firstName: 'Anna' }];
  test('another name in the second of our own write: a read tells', () => {
    expect(story(name, ['CardScannedEvent', 5300, { firstName: 'Ana' }])).toMatchObject({
      firstName: 'Anna',
      readWanted: true,
    });
    expect(story(['CardScannedEvent', 5300, { firstName: 'Ana' }], name).readWanted).toBe(true);
  });
  test('the same name, a name of another second, or two events of one second ask for nothing', () => {
    expect(story(name, ['CardScannedEvent', 5300, { firstName: 'Anna' }]).readWanted).toBe(false);
    expect(story(name, ['CardScannedEvent', 3300, { firstName: 'Ana' }]).readWanted).toBe(false);
    const [one, two] = [{ firstName: 'Ana' }, { firstName: 'Eva' }];
    expect(story(['CardScannedEvent', 5300, one], ['CardScannedEvent', 5400, two]).readWanted).toBe(false);
  });
  test('a name that our write emptied', () => {
    const emptied: [string, number, Told] = ['CustomerWritten', 5999, { cleared: ['firstName'] }];
    expect(story(['CardScannedEvent', 5300, { firstName: 'Ana' }], emptied)).toMatchObject({
      firstName: null,
      readWanted: true,
    });
  });
});
