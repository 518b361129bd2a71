import type { CardFoldState, CustomerFoldState, Stamp } from '../../drizzle/tables/staging.ts';
import type { StickyCardsEvent } from './event.ts';
import { effectOf, type EventEffect, OWN_WRITE_FROM_MS, READ_EFFECT } from './eventEffects.ts';

/** A person as staged: values only, without the bookkeeping of the sync. Times are ms. */
export interface StagedCustomer {
  customerId: string;
  email: string | null;
  mobile: string | null;
  firstName: string | null;
  lastName: string | null;
  lastActivityMs: number | null;
  lastPurchaseMs: number | null;
  referralCount: number | null;
  /** Spellings as the platform has them, sorted by their lower-case form. */
  segments: string[];
  extra: Record<string, unknown>;
  fold: CustomerFoldState;
  /** The record lacks something that only a read can tell. */
  readWanted: boolean;
}

export interface StagedCard {
  cardId: string;
  customerId: string;
  templateId: string | null;
  cardType: string | null;
  /** issued, installed, removed or expired: follows from `fold.wallet` and `fold.expired`. */
  installStatus: string | null;
  adminStatus: string | null;
  installed: string | null;
  balance: number | null;
  installedAtMs: number | null;
  issuedAtMs: number | null;
  fold: CardFoldState;
  readWanted: boolean;
}

export interface StagedRecord {
  customer: StagedCustomer;
  /** The card that the event names; null when it names none. */
  card: StagedCard | null;
}

/** What of the dialect decides how an event is read (config/dialects). */
export interface FoldRules {
  statusOf(word: string): { axis: 'install' | 'admin'; value: string } | null;
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

export const newCustomer = (customerId: string): StagedCustomer => ({
  customerId,
  email: null,
  mobile: null,
  firstName: null,
  lastName: null,
  lastActivityMs: null,
  lastPurchaseMs: null,
  referralCount: null,
  segments: [],
  extra: {},
  fold: { stamps: {}, segments: {}, segmentsWholeAt: null, referrals: [], referralFloor: 0, thinAtMs: 0, readAtMs: 0 },
  readWanted: false,
});

export const newCard = (cardId: string, customerId: string): StagedCard => ({
  cardId,
  customerId,
  templateId: null,
  cardType: null,
  installStatus: null,
  adminStatus: null,
  installed: null,
  balance: null,
  installedAtMs: null,
  issuedAtMs: null,
  fold: { stamps: {}, wallet: null, expired: false, balanceTie: false, thinAtMs: 0, readAtMs: 0 },
  readWanted: false,
});

const secondOf = (atMs: number) => Math.floor(atMs / 1000);

/** Newer first by time, then rank, then the greater hash (SPEC §2.2). */
export function compareStamps(a: Stamp, b: Stamp): number {
  return a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : 0);
}

type Stamped<T> = T & { fold: { stamps: Record<string, Stamp> } };

/**
 * An answer of ours and something else of one second: the answer's time names no more than the second, so which came
 * first is not known. Where they differ, a read has to tell (SPEC §2.2).
 */
const isOneMoment = (a: Stamp | undefined, b: Stamp): boolean =>
  a !== undefined &&
  secondOf(a[0]) === secondOf(b[0]) &&
  (a[1] === READ_EFFECT.rank || b[1] === READ_EFFECT.rank) &&
  !(isOwnWrite(a) && isOwnWrite(b));

/** Of two writes of ours the order is known. */
const isNextOwnWrite = (a: Stamp, b: Stamp): boolean =>
  isOwnWrite(a) && isOwnWrite(b) && secondOf(a[0]) === secondOf(b[0]);
const isOwnWrite = ([atMs, rank]: Stamp): boolean => rank === READ_EFFECT.rank && atMs % 1000 >= OWN_WRITE_FROM_MS;

/** A state field takes the value with the newest stamp; null says nothing. */
function setState<T, K extends keyof T & string>(record: Stamped<T>, key: K, value: T[K] | null, stamp: Stamp): void {
  if (value === null) return;
  const known = record.fold.stamps[key];
  if (known && compareStamps(known, stamp) >= 0) return;
  record.fold.stamps[key] = stamp;
  record[key] = value as Stamped<T>[K];
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

function foldCard(
  before: StagedCard,
  { event, atMs }: FoldedEvent,
  effect: EventEffect,
  stamp: Stamp,
  rules: FoldRules,
): StagedCard {
  const card: StagedCard = { ...before, fold: { ...before.fold, stamps: { ...before.fold.stamps } } };
  foldHolder(card, event, effect, stamp);
  const word = event.card.status === null ? null : rules.statusOf(event.card.status);
  foldWallet(card, effect, word?.axis === 'install' ? word.value : null, stamp);
  setState(card, 'adminStatus', word?.axis === 'admin' ? word.value : null, stamp);
  setState(card, 'templateId', event.card.templateId, stamp);
  setState(card, 'cardType', event.card.cardType, stamp);
  setState(card, 'issuedAtMs', effect.cardDate === 'issuedAt' ? atMs : null, stamp);
  setState(card, 'installedAtMs', event.card.installedAtMs ?? (effect.cardDate === 'installedAt' ? atMs : null), stamp);
  // A read that tells no balance still closes the question: there is nothing more to be told.
  if (effect.observed && event.balance === null) card.fold.balanceTie = false;
  foldBalance(card, event, effect, stamp);
  if (effect.observed) card.fold.readAtMs = Math.max(card.fold.readAtMs, card.fold.thinAtMs, atMs);
  const known = card.fold.stamps['balance']?.[0] ?? 0;
  const thin = card.fold.thinAtMs > card.fold.readAtMs && card.fold.thinAtMs >= known;
  card.readWanted = thin || card.fold.balanceTie;
  return card;
}

/**
 * Whose card it is: a state like any other, told by what names both. An answer to a write of ours repeats what we took for
 * known, so it only tells of a card that nothing else was heard of: one that it issued.
 */
function foldHolder(card: StagedCard, event: StickyCardsEvent, effect: EventEffect, stamp: Stamp): void {
  if (event.customerId === null) return;
  const known = holderStamp(card);
  if (isOwnAnswer(effect) && Object.keys(card.fold.stamps).length > 0) return;
  const { holderInferred: _, ...fold } = card.fold;
  card.fold = fold;
  if (known) card.fold.stamps['customerId'] = known;
  setState(card, 'customerId', event.customerId, stamp);
}

const isOwnAnswer = ({ rank, observed }: EventEffect): boolean => rank === READ_EFFECT.rank && observed !== true;

/** When the holder was told; of a card that was staged before this was kept, the newest event about it will have told. */
function holderStamp({ fold: { stamps, holderInferred } }: StagedCard): Stamp | undefined {
  return holderInferred ? undefined : (stamps['customerId'] ?? Object.values(stamps).toSorted(compareStamps).at(-1));
}

type Wallet = NonNullable<CardFoldState['wallet']>;

/**
 * Wallet and expiry are two things: what the event is about goes before the status word that its envelope carries along,
 * and a word can say where the wallet stands, but only an event about the card (or a read) that it is valid again.
 */
function foldWallet(card: StagedCard, effect: EventEffect, word: string | null, stamp: Stamp): void {
  const told = word === null || word === 'expired' ? null : (word as Wallet);
  const wallet = effect.wallet ?? told;
  setFolded(card, 'wallet', wallet, stamp);
  setState(card, 'installed', wallet === 'installed' || wallet === 'removed' ? wallet : null, stamp);
  setFolded(
    card,
    'expired',
    effect.expired ?? (word === 'expired' ? true : effect.observed && told ? false : null),
    stamp,
  );
  const { stamps, expired } = card.fold;
  const removedSince =
    card.fold.wallet === 'removed' && compareStamps(stamps['wallet'] as Stamp, stamps['expired'] ?? [0, 0, '']) > 0;
  card.installStatus = expired && !removedSince ? 'expired' : card.fold.wallet;
}

function setFolded<K extends 'wallet' | 'expired'>(
  card: StagedCard,
  key: K,
  value: CardFoldState[K] | null,
  stamp: Stamp,
): void {
  const known = card.fold.stamps[key];
  if (value === null || (known && compareStamps(known, stamp) >= 0)) return;
  card.fold.stamps[key] = stamp;
  card.fold[key] = value;
}

/**
 * Two different balances at one time: neither is trusted, the card is read (SPEC §2.2). A read or write of ours knows its time
 * only to the second, so there "one time" is the same second.
 */
function foldBalance(card: StagedCard, event: StickyCardsEvent, effect: EventEffect, stamp: Stamp): void {
  if (event.balance === null) {
    if (effect.needs === 'balance') card.fold.thinAtMs = Math.max(card.fold.thinAtMs, stamp[0]);
    return;
  }
  const known = card.fold.stamps['balance'];
  const sameTime = known && (isOneMoment(known, stamp) || known[0] === stamp[0]);
  if (sameTime && card.balance !== event.balance) card.fold.balanceTie = true;
  else if (!known || (known[0] < stamp[0] && !isNextOwnWrite(known, stamp))) card.fold.balanceTie = false;
  setState(card, 'balance', event.balance, stamp);
}
