import { sql } from 'drizzle-orm';
import type { Kit } from '../kit.ts';

/** A canonical value (SPEC §1, base): text, number, or null for "known to be empty". */
export type Value = string | number | boolean | null;

export interface LinkField {
  /** The last value that both sides were known to share; absent = no base yet. */
  base?: Value;
  /**
   * On its way: committed before the request leaves, gone when it is confirmed or known not to have happened. `to` says
   * which side it was sent to; left out, GHL. `lost`: an edit that GHL does not hold any more.
   */
  pending?: { value: Value; sentAtMs: number; to?: 'stickycards'; lost?: true; over?: FieldReadBefore };
  /**
   * Not planned, with the reason; lifted when the source value differs from `value`, or by a person. `of` says whose
   * value is the source; left out, that of Sticky Cards.
   */
  held?: { reason: string; value: Value; atMs: number; of?: 'ghl' };
  /** Counts changes of the base; names the commands that a state of the field makes. */
  revision: number;
  /** Two-way fields: our last writes to GHL, newest first, no more than three. */
  writes?: FieldSent[];
}

/** What the GET before a write of a two-way field showed, by GHL's own clock. */
export interface FieldReadBefore {
  /** `Date` of the GET: whole seconds. */
  getAtMs: number;
  read: Value;
  /** `dateUpdated` of the contact as it was read, to the millisecond: what was changed until then was read. */
  readUpdatedAtMs?: number | undefined;
  /** The card that the field showed. */
  cardId?: string | null;
}

/**
 * One write of a field to GHL: what the GET before it read and what was sent. A value that a delivery shows from between
 * the two was overwritten by it (SPEC §3.3).
 */
export interface FieldSent extends FieldReadBefore {
  /** `Date` of the answer: whole seconds. */
  answeredAtMs: number;
  /** `dateUpdated` of the contact by this write, to the millisecond: what was changed later was not overwritten by it. */
  writtenAtMs?: number | undefined;
  sent: Value;
  /** Of the field after the write. */
  revision: number;
}

export interface LinkTags {
  /** Owned tags (canonical) that both sides share. */
  base: string[];
  pending?: { add: string[]; remove: string[]; sentAtMs: number };
  /** Tags that a person took off in GHL, by when we saw that. */
  off: Record<string, number>;
  /** Command tags (canonical) that stood on the contact when it was last decided about; absent = never decided. */
  commands?: string[];
  /** When the contact was read that `commands` was decided from (ms, GHL's clock, to the second). */
  commandsReadMs?: number;
  /**
   * Tags whose segments are on their way to Sticky Cards: committed before the set leaves, gone when it was answered or
   * a read told what became of it.
   */
  segments?: { add: string[]; remove: string[] };
  /** The status that command tags ordered, until every card has it; `commands` counts the tags that ordered it. */
  ordered?: 'active' | 'inactive';
  /** The command tags contradict each other: a problem of it is open. */
  conflict?: true;
}

/**
 * Which Sticky Cards record is which GHL record. Written by the first link and by every settle. Contact id and
 * customer id are each unique among live links of a connection.
 */
export const entityMappings = (k: Kit) =>
  k.table(
    'entity_mappings',
    {
      id: k.text().primaryKey(),
      connectionId: k.text().notNull(),
      entityType: k.text().$type<'customer' | 'card' | 'transaction'>().notNull(),
      stickycardsId: k.text().notNull(),
      ghlId: k.text(),
      state: k.text().$type<'creating' | 'live' | 'gone'>().notNull(),
      fields: k.json<Record<string, LinkField>>().notNull(),
      tags: k.json<LinkTags>().notNull(),
      /** The card whose values the card fields' bases are. */
      cardId: k.text(),
      metadata: k.json<Record<string, unknown>>().notNull(),
      createdAt: k.at().notNull(),
      updatedAt: k.at().notNull(),
    },
    (t) => [
      k
        .unique('entity_mappings_sticky')
        .on(t.connectionId, t.entityType, t.stickycardsId)
        .where(sql`${t.state} <> 'gone'`),
      k
        .unique('entity_mappings_ghl')
        .on(t.connectionId, t.entityType, t.ghlId)
        .where(sql`${t.state} <> 'gone'`),
      k.index('entity_mappings_by_sticky').on(t.connectionId, t.entityType, t.stickycardsId, t.state),
      k.index('entity_mappings_by_ghl').on(t.connectionId, t.entityType, t.ghlId, t.state),
    ],
  );

/** Phones and e-mails of creations under way, one unique row each; freed by the settle of the creation. */
export const claimedIdentities = (k: Kit) =>
  k.table(
    'claimed_identities',
    {
      connectionId: k.text().notNull(),
      identity: k.text().notNull(),
      commandId: k.text().notNull(),
      createdAt: k.at().notNull(),
    },
    (t) => [
      k.primaryKey({ columns: [t.connectionId, t.identity] }),
      k.index('claimed_identities_command').on(t.commandId),
    ],
  );
