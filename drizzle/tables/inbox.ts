import { isNotNull, isNull, sql } from 'drizzle-orm';
import type { Kit } from '../kit.ts';

/**
 * Every delivery ever received and every observation of either side, append only. Receivers and settle append;
 * `stageInbox` drains the rows whose `folded_at` is null within seconds: a backlog that grows while the service runs
 * means that no instance holds the connection's lease or that folding fails (see the log). Retention empties
 * `payload` after a checkpoint; rows and keys stay, so that a late duplicate is still recognised.
 */
export const webhookEvents = (k: Kit) =>
  k.table(
    'webhook_events',
    {
      id: k.text().primaryKey(),
      connectionId: k.text().notNull(),
      source: k.text().$type<'stickycards' | 'ghl' | 'ghl_workflow' | 'sticker' | 'self' | 'read'>().notNull(),
      dedupeKey: k.text().notNull(),
      /** The sender's own id of the delivery, without type and subject: two rows with one id are flagged. */
      deliveryId: k.text(),
      type: k.text().notNull(),
      occurredAt: k.at().notNull(),
      receivedAt: k.at().notNull(),
      customerId: k.text(),
      cardId: k.text(),
      contactId: k.text(),
      status: k.text().$type<'received' | 'folded' | 'waiting' | 'skipped' | 'rejected'>().notNull(),
      reason: k.text(),
      verification: k.text().$type<'verified' | 'unverified' | 'failed' | 'path_secret' | 'self'>().notNull(),
      flags: k.json<string[]>().notNull(),
      duplicates: k.int().notNull().default(0),
      headers: k.json<Record<string, string>>(),
      bodyHash: k.text().notNull(),
      payload: k.text(),
      foldedAt: k.at(),
    },
    (t) => [
      k.unique('webhook_events_dedupe').on(t.connectionId, t.source, t.dedupeKey),
      // What is still to be folded: stays as small as the backlog. Begins with the column that is null, or SQLite prefers
      // a list of all deliveries and walks over the folded ones.
      k.index('webhook_events_unfolded').on(t.connectionId, t.foldedAt, t.id).where(isNull(t.foldedAt)),
      // The indexes for people hold what is folded: they cost the fold, not the receiver. A list asks both halves.
      k.index('webhook_events_list').on(t.connectionId, t.id).where(isNotNull(t.foldedAt)),
      // The few that are not simply folded: what operators look for. Partial, so that folding does not touch it. Said by
      // what it leaves out: a list of words to look in costs the receiver a tenth of its insert.
      k
        .index('webhook_events_status')
        .on(t.status, t.id)
        .where(sql`${t.status} <> 'received' and ${t.status} <> 'folded'`),
      k
        .index('webhook_events_customer')
        .on(t.connectionId, t.customerId, t.id)
        .where(sql`${t.customerId} is not null and ${t.foldedAt} is not null`),
      k
        .index('webhook_events_card')
        .on(t.connectionId, t.cardId, t.id)
        .where(sql`${t.cardId} is not null and ${t.foldedAt} is not null`),
      k
        .index('webhook_events_contact')
        .on(t.connectionId, t.contactId, t.id)
        .where(sql`${t.contactId} is not null and ${t.foldedAt} is not null`),
      k.index('webhook_events_delivery').on(t.connectionId, t.source, t.deliveryId).where(isNotNull(t.deliveryId)),
    ],
  );

/**
 * Staging as it stood when everything up to `upto_event_id` was folded: what `rebuild` starts from once payloads
 * before it are pruned. Written by retention and by `rebuild --checkpoint`.
 */
export const stagingCheckpoints = (k: Kit) =>
  k.table(
    'staging_checkpoints',
    {
      connectionId: k.text().notNull(),
      entity: k.text().$type<'customer' | 'card' | 'contact'>().notNull(),
      entityId: k.text().notNull(),
      uptoEventId: k.text().notNull(),
      state: k.json<Record<string, unknown>>().notNull(),
      createdAt: k.at().notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.connectionId, t.entity, t.entityId] })],
  );
