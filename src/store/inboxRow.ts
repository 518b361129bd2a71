import type { Schema } from '../../drizzle/schema.ts';

export type InboxRow = Schema['webhookEvents']['$inferSelect'];

/** A verified delivery or an observation, as the receivers and settle hand it over. */
export type NewInboxRow = Pick<
  InboxRow,
  | 'connectionId'
  | 'source'
  | 'dedupeKey'
  | 'deliveryId'
  | 'type'
  | 'occurredAt'
  | 'receivedAt'
  | 'customerId'
  | 'cardId'
  | 'contactId'
  | 'verification'
  | 'flags'
  | 'headers'
  | 'bodyHash'
  | 'payload'
> & { status?: InboxRow['status']; reason?: string | null; foldedAt?: Date | null };

export interface Receipt {
  receiptId: string;
  duplicate: boolean;
}
