import type { StagedCard } from '../../domain/stagedRecord.ts';
import { inactiveDays } from '../../domain/inactivity.ts';
import { shownStatus } from '../../domain/shownCard.ts';
import type { PersonRow } from '../../store/customerQueries.ts';
import { cardOf, type CardRow } from '../../store/staging.ts';

const cardShape = (row: CardRow) => {
  const card: StagedCard = cardOf(row);
  return {
    cardId: row.cardId,
    templateId: row.templateId,
    cardType: row.cardType,
    status: shownStatus(card),
    installed: row.installed,
    balance: row.balance,
    installedDate: row.installedAt,
    issuedDate: row.issuedAt,
  };
};

/** A person as the API shows them (SPEC §6.1). */
export const customerShape = (person: PersonRow, nowMs: number) => {
  const { row, cards, link } = person;
  return {
    customerId: row.stickycardsId,
    connection: row.connectionId,
    email: row.email,
    mobile: row.mobile,
    firstName: row.firstName,
    lastName: row.lastName,
    cards: cards.map(cardShape),
    cardId: row.cardId,
    cardStatus: row.cardStatus,
    cardInstalled: row.cardInstalled,
    loyaltyPoints: row.loyaltyPoints,
    cardInstalledDate: row.cardInstalledDate,
    cardIssuedDate: row.cardIssuedDate,
    lastActivity: row.lastActivity,
    lastPurchaseDate: row.lastPurchaseDate,
    referralCount: row.referralCount,
    segments: row.segments,
    optInStatus: row.optInStatus,
    inactiveDays: inactiveDays(row.lastActivity, link?.createdAt ?? null, nowMs),
    ghlContactId: link?.ghlId ?? null,
    paused: row.paused,
    syncStatus: row.syncStatus,
    syncError: row.syncError,
    attempts: row.attempts,
    nextAttemptAt: row.nextAttemptAt,
  };
};

export type CustomerShape = ReturnType<typeof customerShape>;
