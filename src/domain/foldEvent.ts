import type { Stamp } from '../../drizzle/tables/staging.ts';
import type { StickyCardsEvent } from './event.ts';
import { effectOf, type EventEffect } from './eventEffects.ts';
import { type CardRules, foldCard } from './foldCard.ts';
import type { StagedCustomer, StagedRecord } from './stagedRecord.ts';
import { compareStamps, isOneMoment, setState } from './stamps.ts';

/** What of the dialect decides how an event is read (config/dialects). */
export interface FoldRules extends CardRules {
  /** `segments[]` of a delivery is the whole set: what it leaves out is out. */
  eventListIsWholeSet: boolean;
  /** A person is in one segment at a time. */
  segmentsExclusive: boolean;
}

export interface FoldedEvent {
  event: StickyCardsEvent;
  /** The event's time as it counts (its own, or the receipt's). */
  atMs: number;
  /** SHA-256 of the raw body: breaks ties. */
  bodyHash: string;
  /** What makes the delivery the same one (SPEC §2.1, 4): a repeated referral counts once. */
  eventKey: string;
}

const CLEARABLE = ['email', 'mobile', 'firstName', 'lastName'] as const;

/** What a write of ours emptied (SPEC §3.2): the one case in which a value goes. */
function clearStates(customer: StagedCustomer, cleared: readonly string[], stamp: Stamp): void {
  for (const key of CLEARABLE) {
    const known = customer.fold.stamps[key];
    if (!cleared.includes(key) || (known && compareStamps(known, stamp) >= 0)) continue;
    customer.fold.stamps[key] = stamp;
    customer[key] = null;
  }
}

const later = (a: number | null, b: number) => (a === null || b > a ? b : a);

/**
 * Folds one event into what is staged (SPEC §2.2): a pure function, and all events with a usable time, in any order
 * and with any duplicates, give the same record. The caller has found the record; nothing here asks when it arrived.
 */
export function foldEvent(
  record: StagedRecord,
  input: FoldedEvent,
  rules: FoldRules,
  effect: EventEffect | null = effectOf(input.event.type),
): StagedRecord {
  if (!effect) return record;
  const stamp: Stamp = [input.atMs, effect.rank, input.bodyHash];
  const customer = foldCustomer(record.customer, input, effect, stamp, rules);
  const card = record.card && foldCard(record.card, input, effect, stamp, rules);
  return { customer, card };
}

function foldCustomer(
  before: StagedCustomer,
  { event, atMs, eventKey }: FoldedEvent,
  effect: EventEffect,
  stamp: Stamp,
  rules: FoldRules,
): StagedCustomer {
  const customer: StagedCustomer = {
    ...before,
    extra: { ...before.extra },
    fold: { ...before.fold, stamps: { ...before.fold.stamps } },
  };
  let differs = differsAtOneMoment(before, event, stamp);
  setState(customer, 'email', event.email, stamp);
  setState(customer, 'mobile', event.phone, stamp);
  setState(customer, 'firstName', event.firstName, stamp);
  setState(customer, 'lastName', event.lastName, stamp);
  clearStates(customer, event.cleared ?? [], stamp);
  for (const [key, value] of Object.entries(event.extra)) {
    const known = customer.fold.stamps[`extra.${key}`];
    if (value === null || value === undefined || (known && compareStamps(known, stamp) >= 0)) continue;
    customer.fold.stamps[`extra.${key}`] = stamp;
    customer.extra[key] = value;
  }
  if (effect.lastActivity) customer.lastActivityMs = later(customer.lastActivityMs, atMs);
  if (effect.lastPurchase) customer.lastPurchaseMs = later(customer.lastPurchaseMs, atMs);
  foldReferrals(customer, event, effect, eventKey);
  differs = foldSegments(customer, event, effect, stamp, rules) || differs;
  if (event.cardId === null && tellsOfACard(event, effect)) {
    customer.fold.thinAtMs = Math.max(customer.fold.thinAtMs, atMs);
  }
  // Whatever clock the event went by: what was asked before the read is answered by it.
  if (effect.observed && event.cardId === null)
    customer.fold.readAtMs = Math.max(customer.fold.readAtMs, customer.fold.thinAtMs, atMs);
  if (differs) customer.fold.thinAtMs = Math.max(customer.fold.thinAtMs, atMs, customer.fold.readAtMs + 1);
  customer.readWanted = customer.fold.thinAtMs > customer.fold.readAtMs;
  return customer;
}

/** Of a card that is not named it can be any of the person's: a read tells of which, nobody guesses. */
const tellsOfACard = (event: StickyCardsEvent, { needs, wallet, expired }: EventEffect): boolean =>
  needs === 'balance' || wallet !== undefined || expired !== undefined || event.balance !== null;

/** Contact details that an event and an answer of one second show differently. */
function differsAtOneMoment({ fold, ...known }: StagedCustomer, event: StickyCardsEvent, stamp: Stamp): boolean {
  const told = { email: event.email, mobile: event.phone, firstName: event.firstName, lastName: event.lastName };
  return CLEARABLE.some((key) => {
    const value = told[key] ?? (event.cleared?.includes(key) ? null : undefined);
    return value !== undefined && value !== known[key] && isOneMoment(fold.stamps[key], stamp);
  });
}

function foldReferrals(customer: StagedCustomer, event: StickyCardsEvent, effect: EventEffect, eventKey: string): void {
  const { fold } = customer;
  if (effect.referral && !fold.referrals.includes(eventKey)) fold.referrals = [...fold.referrals, eventKey].toSorted();
  if (event.referralCount !== null) fold.referralFloor = Math.max(fold.referralFloor, event.referralCount);
  // The count of distinct events; a number in the envelope only raises it.
  const count = Math.max(fold.referrals.length, fold.referralFloor);
  if (count > 0 || event.referralCount !== null || customer.referralCount !== null) customer.referralCount = count;
}

function foldSegments(
  customer: StagedCustomer,
  event: StickyCardsEvent,
  effect: EventEffect,
  stamp: Stamp,
  rules: FoldRules,
): boolean {
  const named = [...(event.segments ?? []), ...(event.segment === null ? [] : [event.segment])];
  const { fold } = customer;
  if (effect.needs === 'segment' && named.length === 0) fold.thinAtMs = Math.max(fold.thinAtMs, stamp[0]);
  const whole = (rules.eventListIsWholeSet && event.segments !== null) || (rules.segmentsExclusive && named.length > 0);
  if (named.length === 0 && !whole) return false;
  const names = new Set(named.map((name) => name.toLowerCase()));
  // The whole set of an answer, and a segment outside of it that an event of that second named.
  const missing = () => [...names].some((key) => !customer.segments.some((each) => each.toLowerCase() === key));
  const differs =
    (whole &&
      Object.entries(fold.segments).some(([key, { stamp: at }]) => !names.has(key) && isOneMoment(at, stamp))) ||
    (isOneMoment(fold.segmentsWholeAt ?? undefined, stamp) && missing());
  // As a map: somebody may call a segment `__proto__`.
  const told = new Map(Object.entries(fold.segments));
  for (const name of named) {
    const key = name.toLowerCase();
    const known = told.get(key);
    const order = known ? compareStamps(known.stamp, stamp) : -1;
    const isKnown = known && (order > 0 || (order === 0 && known.name >= name));
    const newest = isKnown ? known : { name, stamp };
    const isStated = effect.needs === 'segment' && (event.segment === null || event.segment.toLowerCase() === key);
    const statedMs = Math.max(known?.statedMs ?? 0, isStated ? stamp[0] : 0);
    told.set(key, { name: newest.name, stamp: newest.stamp, statedMs });
  }
  if (named.length > 0) fold.segments = Object.fromEntries(told);
  if (whole && (!fold.segmentsWholeAt || compareStamps(fold.segmentsWholeAt, stamp) < 0)) fold.segmentsWholeAt = stamp;
  const since = fold.segmentsWholeAt;
  customer.segments = [...told]
    .filter(([, segment]) => !since || compareStamps(segment.stamp, since) >= 0)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, segment]) => segment.name);
  return differs;
}
