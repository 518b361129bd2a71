import type { StagedCard } from './stagedRecord.ts';

/** The card's status as GHL shows it: the admin status when it says something, else the install status (SPEC §4). */
export const shownStatus = (card: StagedCard): string | null =>
  card.adminStatus === 'inactive' || card.adminStatus === 'suspended' ? card.adminStatus : card.installStatus;

const inUse = (card: StagedCard) => card.installStatus !== 'removed' && card.installStatus !== 'expired';

/**
 * The card that the contact shows (SPEC §2.4): of the configured template; else not removed or expired; then the
 * newest install time; then the smallest id. Activity does not switch it.
 */
export function primaryCard(cards: readonly StagedCard[], templateId: string | null): StagedCard | null {
  const rank = (card: StagedCard) => [
    templateId !== null && card.templateId === templateId ? 0 : 1,
    inUse(card) ? 0 : 1,
    -(card.installedAtMs ?? -Infinity),
  ];
  const byPreference = (a: StagedCard, b: StagedCard) => {
    const [x, y] = [rank(a), rank(b)];
    for (let i = 0; i < x.length; i++) {
      const [left, right] = [x[i] as number, y[i] as number];
      if (left !== right) return left < right ? -1 : 1;
    }
    return a.cardId < b.cardId ? -1 : 1;
  };
  return cards.toSorted(byPreference)[0] ?? null;
}

export type DerivedState = 'card_holder' | 'card_expired' | 'referrer';

/** The states that put our own tags on (SPEC §2.3); a tag leaves when its state does. */
export function derivedStates(cards: readonly StagedCard[], referralCount: number | null): Set<DerivedState> {
  const states = new Set<DerivedState>();
  if (cards.some((card) => card.installed === 'installed')) states.add('card_holder');
  // Leaves only when a card is valid again: removing the expired one does not make anything valid.
  const valid = cards.some(({ fold }) => !fold.expired && (fold.wallet === 'issued' || fold.wallet === 'installed'));
  if (!valid && cards.some(({ fold }) => fold.expired)) states.add('card_expired');
  if ((referralCount ?? 0) > 0) states.add('referrer');
  return states;
}
