import { sql } from 'drizzle-orm';
import type { Kit } from '../kit.ts';

/** When a staged value was set: event time, rank of the event, hash of its body (SPEC §2.2, ties). */
export type Stamp = [atMs: number, rank: number, hash: string];

/** What the fold needs to stay independent of order and of duplicates; never shown. */
export interface CustomerFoldState {
  /** Per staged column: when its value was set. */
  stamps: Record<string, Stamp>;
  /**
   * By lower-case name: the spelling and the newest statement that the person is in it; `statedMs` = the newest event that
   * was about this very segment (ms, 0 = none): lists in events about others only repeat what is known.
   */
  segments: Record<string, { name: string; stamp: Stamp; statedMs?: number }>;
  /** The newest statement of the whole set: what was not stated since is out. */
  segmentsWholeAt: Stamp | null;
  /** Keys of the referral events counted so far. */
  referrals: string[];
  /** The greatest count that an envelope named. */
  referralFloor: number;
  /** Time of the newest event that lacked its value, and of the last read that answered it; 0 = none. */
  thinAtMs: number;
  readAtMs: number;
}

export interface CardFoldState {
  /** Per staged column, `customerId` (the holder) among them. */
  stamps: Record<string, Stamp>;
  /** Where the wallet stands, apart from expiry: a word like `installed` does not say that an expired card is valid again. */
  wallet: 'issued' | 'installed' | 'removed' | null;
  expired: boolean;
  /** No event has named the card and its holder yet: whose it is was told by contact details or a payment. */
  holderInferred?: true;
  /** Two different balances were seen at the time of `stamps.balance`. */
  balanceTie: boolean;
  thinAtMs: number;
  readAtMs: number;
}

export interface SyncError {
  class: string;
  code: string;
  message: string;
}

export const SYNC_STATUSES = ['PENDING', 'SYNCED', 'FAILED', 'SKIPPED'] as const;
export type SyncStatus = (typeof SYNC_STATUSES)[number];

/**
 * What Sticky Cards last told us of a person. Written by the fold and by settle; the run drains the rows with
 * `sync_status` PENDING. A backlog older than two ticks means that runs fail, are paused or short of budget.
 */
export const stickyCardsCustomers = (k: Kit) =>
  k.table(
    'sticky_cards_customers',
    {
      connectionId: k.text().notNull(),
      stickycardsId: k.text().notNull(),
      email: k.text(),
      mobile: k.text(),
      firstName: k.text(),
      lastName: k.text(),
      cardId: k.text(),
      cardStatus: k.text(),
      cardInstalled: k.text(),
      loyaltyPoints: k.num(),
      cardInstalledDate: k.at(),
      cardIssuedDate: k.at(),
      lastActivity: k.at(),
      lastPurchaseDate: k.at(),
      referralCount: k.int(),
      segments: k.json<string[]>().notNull(),
      optInStatus: k.text(),
      extra: k.json<Record<string, unknown>>().notNull(),
      foldState: k.json<CustomerFoldState>().notNull(),
      version: k.int().notNull(),
      pushedVersion: k.int().notNull(),
      syncStatus: k.text().$type<SyncStatus>().notNull(),
      syncError: k.json<SyncError>(),
      attempts: k.int().notNull().default(0),
      nextAttemptAt: k.at(),
      readWanted: k.bool().notNull().default(false),
      paused: k.bool().notNull().default(false),
      observedAt: k.at(),
      syncedAt: k.at(),
      createdAt: k.at().notNull(),
      updatedAt: k.at().notNull(),
    },
    (t) => [
      k.primaryKey({ columns: [t.connectionId, t.stickycardsId] }),
      // The run's claim, in keyset pages.
      k.index('sticky_cards_customers_due').on(t.connectionId, t.syncStatus, t.stickycardsId),
      // The few that lack something only a read can tell.
      k
        .index('sticky_cards_customers_read')
        .on(t.connectionId, t.stickycardsId)
        .where(sql`${t.readWanted}`),
      k.index('sticky_cards_customers_mobile').on(t.connectionId, t.mobile),
      k.index('sticky_cards_customers_email').on(t.connectionId, t.email),
    ],
  );

/** Every card that we heard of; the customer's row shows the primary one. Written by the fold. */
export const stickyCardsCards = (k: Kit) =>
  k.table(
    'sticky_cards_cards',
    {
      connectionId: k.text().notNull(),
      cardId: k.text().notNull(),
      stickycardsId: k.text().notNull(),
      templateId: k.text(),
      cardType: k.text(),
      installStatus: k.text(),
      adminStatus: k.text(),
      installed: k.text(),
      balance: k.num(),
      installedAt: k.at(),
      issuedAt: k.at(),
      extra: k.json<Record<string, unknown>>().notNull(),
      foldState: k.json<CardFoldState>().notNull(),
      readWanted: k.bool().notNull().default(false),
      observedAt: k.at(),
      createdAt: k.at().notNull(),
      updatedAt: k.at().notNull(),
    },
    (t) => [
      k.primaryKey({ columns: [t.connectionId, t.cardId] }),
      k.index('sticky_cards_cards_customer').on(t.connectionId, t.stickycardsId),
    ],
  );

/**
 * What GHL last told us of a contact. `values` are canonical, keyed as in the field map; `seen_by` says how: a page of
 * the search index (`page`, good for matching only: it lags and lower-cases names) or a GET or an answer to our own
 * write (`answer`, good for planning).
 */
export const ghlContacts = (k: Kit) =>
  k.table(
    'ghl_contacts',
    {
      connectionId: k.text().notNull(),
      ghlContactId: k.text().notNull(),
      phone: k.text(),
      phoneDigits: k.text(),
      email: k.text(),
      stickycardsCustomerId: k.text(),
      values: k.json<Record<string, string | number | boolean | null>>().notNull(),
      tags: k.json<string[]>().notNull(),
      seenBy: k.text().$type<'page' | 'answer'>().notNull(),
      deleted: k.bool().notNull().default(false),
      version: k.int().notNull(),
      pushedVersion: k.int().notNull(),
      syncStatus: k.text().$type<SyncStatus>().notNull(),
      syncError: k.json<SyncError>(),
      attempts: k.int().notNull().default(0),
      nextAttemptAt: k.at(),
      readWanted: k.bool().notNull().default(false),
      dateAdded: k.at(),
      dateUpdated: k.at(),
      observedAt: k.at(),
      createdAt: k.at().notNull(),
      updatedAt: k.at().notNull(),
    },
    (t) => [
      k.primaryKey({ columns: [t.connectionId, t.ghlContactId] }),
      k.index('ghl_contacts_phone').on(t.connectionId, t.phone),
      k.index('ghl_contacts_digits').on(t.connectionId, t.phoneDigits),
      k.index('ghl_contacts_email').on(t.connectionId, t.email),
      k.index('ghl_contacts_customer').on(t.connectionId, t.stickycardsCustomerId),
      k.index('ghl_contacts_due').on(t.connectionId, t.syncStatus, t.ghlContactId),
    ],
  );
