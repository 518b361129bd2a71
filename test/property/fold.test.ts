import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EVENT_TYPES, type StickyCardsEvent } from '../../src/domain/event.ts';
import { type FoldedEvent, foldEvent, type FoldRules } from '../../src/domain/foldEvent.ts';
import { newCard, newCustomer, type StagedCard, type StagedRecord } from '../../src/domain/stagedRecord.ts';
import { segmentStatedAtMs } from '../../src/domain/segmentPlan.ts';
import { event } from '../helpers/events.ts';

const statuses: Record<string, { axis: 'install' | 'admin'; value: string }> = {
  installed: { axis: 'install', value: 'installed' },
  removed: { axis: 'install', value: 'removed' },
  inactive: { axis: 'admin', value: 'inactive' },
  active: { axis: 'admin', value: 'active' },
};
const rules: FoldRules = {
  statusOf: (word) => statuses[word] ?? null,
  eventListIsWholeSet: false,
  segmentsExclusive: false,
};
const variants: FoldRules[] = [rules, { ...rules, eventListIsWholeSet: true }, { ...rules, segmentsExclusive: true }];

const unheld = newCard('card_1', 'cus_1');
const empty = (): StagedRecord => ({
  customer: newCustomer('cus_1'),
  card: { ...unheld, fold: { ...unheld.fold, holderInferred: true } },
});
const foldAll = (events: readonly FoldedEvent[], by: FoldRules = rules) =>
  events.reduce((record, folded) => foldEvent(record, folded, by), empty());

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });

/** Few times, hashes and values, so that ties, duplicates and contradictions happen all the time. */
const foldedEvent: fc.Arbitrary<FoldedEvent> = fc
  .record({
    type: fc.constantFrom(...EVENT_TYPES),
    atMs: fc.integer({ min: 1, max: 6 }),
    bodyHash: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    customerId: maybe(fc.constantFrom('cus_1', 'cus_2')),
    email: maybe(fc.constantFrom('x@example.com', 'y@example.com')),
    phone: maybe(fc.constantFrom('+12125550142', '+12125550143')),
    balance: maybe(fc.integer({ min: 0, max: 3 })),
    status: maybe(fc.constantFrom('installed', 'removed', 'inactive', 'active', 'unheard of')),
    installedAtMs: maybe(fc.integer({ min: 1, max: 6 })),
    segments: maybe(
      fc.array(fc.constantFrom('VIP', 'vip', 'Gold', 'Ünder', 'Constructor', '__proto__'), { maxLength: 2 }),
    ),
    segment: maybe(fc.constantFrom('VIP', 'Gold', '__proto__')),
    referralCount: maybe(fc.integer({ min: 0, max: 4 })),
    tier: maybe(fc.constantFrom('one', 'two')),
  })
  .map(({ type, atMs, bodyHash, status, installedAtMs, tier, ...rest }) => ({
    event: event(type, { ...rest, card: { status, installedAtMs, templateId: null, cardType: null }, extra: { tier } }),
    atMs,
    // Equal hashes mean equal bodies: what differs has to hash differently.
    bodyHash: `${bodyHash}${JSON.stringify([type, rest, status, installedAtMs, tier])}`,
    eventKey: `${type}${atMs}${bodyHash}${JSON.stringify(rest)}`,
  }));

describe('folding (SPEC §2.2)', () => {
  test('any order and any duplicates give the same staging', () => {
    fc.assert(
      fc.property(
        fc.array(foldedEvent, { maxLength: 14 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        fc.constantFrom(...variants),
        (events, random, by) => {
          const next = () => random.next().value as number;
          const repeated = [...events, ...events.filter(() => next() < 0.4)];
          const shuffled = repeated.map((value) => ({ value, key: next() })).toSorted((a, b) => a.key - b.key);
          expect(
            foldAll(
              shuffled.map((s) => s.value),
              by,
            ),
          ).toEqual(foldAll(events, by));
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('it changes nothing that it was given', () => {
    fc.assert(
      fc.property(fc.array(foldedEvent, { minLength: 1, maxLength: 5 }), (events) => {
        const before = foldAll(events.slice(0, -1));
        const copy = structuredClone(before);
        foldEvent(before, events.at(-1) as FoldedEvent, rules);
        expect(before).toEqual(copy);
      }),
    );
  });

  test('control: a fold that took whatever came last would be caught', () => {
    const naive = (events: readonly FoldedEvent[]) =>
      events.reduce<number | null>((last, e) => e.event.balance ?? last, null);
    expect(() =>
      fc.assert(
        fc.property(fc.array(foldedEvent, { minLength: 2, maxLength: 8 }), (events) => {
          expect(naive(events.toReversed())).toEqual(naive(events));
        }),
      ),
    ).toThrow(/Property failed/);
  });
});

const at = (atMs: number, of: StickyCardsEvent, bodyHash = `h${atMs}`): FoldedEvent => ({
  event: of,
  atMs,
  bodyHash,
  eventKey: bodyHash,
});

describe('what an event leaves behind', () => {
  test('an older balance does not override a newer one', () => {
    const record = foldAll([
      at(20, event('CardBalanceUpdatedEvent', { balance: 120 })),
      at(10, event('CardBalanceUpdatedEvent', { balance: 70 })),
    ]);
    expect(record.card?.balance).toBe(120);
    expect(record.card?.readWanted).toBe(false);
  });

  test('a balance event without a balance marks the card for a read, until a newer balance comes', () => {
    const thin = at(20, event('CardBalanceUpdatedEvent'));
    expect(foldAll([at(10, event('CardBalanceUpdatedEvent', { balance: 5 })), thin]).card?.readWanted).toBe(true);
    expect(foldAll([thin, at(21, event('CardBalanceUpdatedEvent', { balance: 5 }))]).card?.readWanted).toBe(false);
  });

  test.each([
    ['CardBalanceUpdatedEvent', { balance: 77 }],
    ['CardBalanceUpdatedEvent', {}],
    ['CardScannedEvent', { balance: 77 }],
    ['CardIssuedEvent', {}],
    ['CardInstalledEvent', {}],
    ['CardRemovedEvent', {}],
    ['CardExpiredEvent', {}],
  ])('%s %j without a card id marks the customer for a read', (type, rest) => {
    const record = { customer: newCustomer('cus_1'), card: null };
    const told = foldEvent(record, at(5, event(type, { ...rest, cardId: null })), rules);
    expect(told.customer.readWanted).toBe(true);
    expect(foldEvent(record, at(5, event('CardScannedEvent', { cardId: null })), rules).customer.readWanted).toBe(
      false,
    );
  });

  test('two different balances at one time mark the card for a read; a later one settles it', () => {
    const tie = [
      at(5, event('CardBalanceUpdatedEvent', { balance: 1 }), 'a'),
      at(5, event('CardScannedEvent', { balance: 2 }), 'b'),
    ];
    expect(foldAll(tie).card).toMatchObject({ balance: 2, readWanted: true });
    expect(foldAll([...tie, at(6, event('CardBalanceUpdatedEvent', { balance: 3 }))]).card).toMatchObject({
      balance: 3,
      readWanted: false,
    });
  });

  test('a card belongs to whom the newest event names, whichever was received first', () => {
    const told = [
      at(5, event('CardInstalledEvent', { customerId: 'o1' })),
      at(9, event('CardScannedEvent', { customerId: null })),
      at(7, event('CardBalanceUpdatedEvent', { customerId: 'o2', balance: 1 })),
    ];
    for (const events of [told, told.toReversed()]) expect(foldAll(events).card?.customerId).toBe('o2');
  });

  test('of a card staged before its holder was stamped, an older event does not change the holder', () => {
    const held = foldAll([at(5, event('CardInstalledEvent', { customerId: 'o1' }))]);
    const card = held.card as StagedCard;
    const { customerId: _, ...stamps } = card.fold.stamps;
    const old = { ...held, card: { ...card, fold: { ...card.fold, stamps } } };
    const holderAfter = (atMs: number) =>
      foldEvent(old, at(atMs, event('CardScannedEvent', { customerId: 'o2' })), rules).card?.customerId;
    expect([holderAfter(4), holderAfter(6)]).toEqual(['o1', 'o2']);
  });

  test('at one time removal beats installation, whichever was received first', () => {
    const both = [at(5, event('CardRemovedEvent'), 'a'), at(5, event('CardInstalledEvent'), 'b')];
    for (const events of [both, both.toReversed()]) {
      expect(foldAll(events).card).toMatchObject({ installStatus: 'removed', installed: 'removed' });
    }
  });

  test('what the event is about goes before the status word that it carries along', () => {
    const record = foldAll([
      at(
        5,
        event('CardRemovedEvent', {
          card: { status: 'installed', installedAtMs: null, templateId: null, cardType: null },
        }),
      ),
    ]);
    expect(record.card?.installStatus).toBe('removed');
  });

  const wallet = (status: string) => ({ card: { status, installedAtMs: null, templateId: null, cardType: null } });

  test('a status word that an event carries along does not make an expired card valid again; installing it does', () => {
    const expired = [
      at(5, event('CardInstalledEvent')),
      at(6, event('CardExpiredEvent')),
      at(7, event('CardScannedEvent', wallet('installed'))),
    ];
    expect(foldAll(expired).card?.installStatus).toBe('expired');
    expect(foldAll([...expired, at(8, event('CardInstalledEvent'))]).card?.installStatus).toBe('installed');
    expect(foldAll([...expired, at(8, event('CardRemovedEvent'))]).card?.installStatus).toBe('removed');
  });

  test('a card that we first hear of when it is in the wallet already counts as installed', () => {
    expect(foldAll([at(5, event('CardScannedEvent', wallet('installed')))]).card).toMatchObject({
      installStatus: 'installed',
      installed: 'installed',
    });
  });

  test('last activity is a maximum, and only of what the person did', () => {
    const record = foldAll([
      at(30, event('CardScannedEvent')),
      at(10, event('FeedbackCreatedEvent')),
      at(90, event('CardBalanceUpdatedEvent', { balance: 1 })),
      at(20, event('PaymentCompletedSuccessfulEvent')),
      at(95, event('PaymentCompletedFailedEvent')),
    ]);
    expect(record.customer).toMatchObject({ lastActivityMs: 30, lastPurchaseMs: 20 });
  });

  test('referrals are counted by distinct events; a count in the envelope only raises the number', () => {
    const referrals = [
      at(1, event('CustomerReferralCreatedEvent')),
      at(2, event('CustomerReferralCreatedEvent')),
      at(2, event('CustomerReferralCreatedEvent')),
    ];
    expect(foldAll(referrals).customer.referralCount).toBe(2);
    expect(foldAll([...referrals, at(3, event('CardScannedEvent', { referralCount: 7 }))]).customer.referralCount).toBe(
      7,
    );
    expect(foldAll([...referrals, at(3, event('CardScannedEvent', { referralCount: 1 }))]).customer.referralCount).toBe(
      2,
    );
  });

  test('null and absent say nothing: they never empty a value', () => {
    const record = foldAll([
      at(1, event('CustomerCreatedEvent', { email: 'a@example.com' })),
      at(9, event('CardScannedEvent')),
    ]);
    expect(record.customer.email).toBe('a@example.com');
  });

  test.each(['Constructor', '__proto__', 'toString'])('a segment may be called %s', (name) => {
    const events = [
      at(1, event('CustomerSegmentLinkedEvent', { segments: ['VIP'] })),
      at(2, event('CustomerSegmentLinkedEvent', { segment: name })),
    ];
    // As the database gives it back.
    const stored = JSON.parse(JSON.stringify(foldAll(events))) as StagedRecord;
    const again = foldEvent(stored, at(3, event('CustomerSegmentLinkedEvent', { segment: name })), rules);
    expect(again.customer.segments.toSorted()).toEqual(['VIP', name].toSorted());
    expect(foldAll(events, { ...rules, segmentsExclusive: true }).customer.segments).toEqual([name]);
    expect(segmentStatedAtMs(again.customer.fold, name)).toBe(3);
    expect(segmentStatedAtMs({ segments: {} }, name)).toBe(0);
  });

  test('a whole set takes out what it leaves out; a list of what was linked does not', () => {
    const events = [
      at(1, event('CustomerSegmentLinkedEvent', { segments: ['VIP'] })),
      at(2, event('CustomerSegmentLinkedEvent', { segments: ['Gold'] })),
    ];
    expect(foldAll(events).customer.segments).toEqual(['Gold', 'VIP']);
    expect(foldAll(events, { ...rules, eventListIsWholeSet: true }).customer.segments).toEqual(['Gold']);
    expect(foldAll(events, { ...rules, segmentsExclusive: true }).customer.segments).toEqual(['Gold']);
  });
});
