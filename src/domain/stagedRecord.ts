import type { CardFoldState, CustomerFoldState } from '../../drizzle/tables/staging.ts';

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
