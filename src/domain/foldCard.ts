import type { CardFoldState, Stamp } from '../../drizzle/tables/staging.ts';
import type { StickyCardsEvent } from './event.ts';
import { type EventEffect, READ_EFFECT } from './eventEffects.ts';
import type { StagedCard } from './stagedRecord.ts';
import { compareStamps, isAskedAfter, isNextOwnWrite, isOneMoment, setState } from './stamps.ts';

/** What of the dialect decides how a card's status word is read. */
export interface CardRules {
  statusOf(word: string): { axis: 'install' | 'admin'; value: string } | null;
}

/** Folds what an event tells of the card that it names (SPEC §2.2): pure, in any order the same. */
export function foldCard(
  before: StagedCard,
  { event, atMs }: { event: StickyCardsEvent; atMs: number },
  effect: EventEffect,
  stamp: Stamp,
  rules: CardRules,
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
  const answers = known && isAskedAfter(stamp, known);
  const isAnswered = known && isAskedAfter(known, stamp);
  const sameTime = known && !answers && !isAnswered && (isOneMoment(known, stamp) || known[0] === stamp[0]);
  if (sameTime && card.balance !== event.balance) card.fold.balanceTie = true;
  else if (!known || answers || (known[0] < stamp[0] && !isNextOwnWrite(known, stamp))) card.fold.balanceTie = false;
  setState(card, 'balance', event.balance, stamp);
}
