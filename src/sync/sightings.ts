import { valuesOfContact, tagsOfContact } from '../domain/observe.ts';
import type { Values } from '../domain/plan.ts';
import { deliveredContact } from '../platforms/ghl/webhooks.ts';
import { deliveriesOfContact } from '../store/ghlInbox.ts';
import { eventsById, type InboxRow } from '../store/inbox.ts';
import type { MarkRow } from '../store/marks.ts';
import type { JobContext } from './jobContext.ts';

/** A contact as one delivery of GHL showed it. It is never state: it only tells what an edit was before it was gone. */
export interface Sighting {
  eventId: string;
  /** When GHL sent it (ms, GHL's clock). */
  atMs: number;
  values: Values;
  tags: string[];
}

/** The deliveries that marked a contact, oldest first. Bodies of workflow actions have no time and are left out. */
export async function sightingsOf(ctx: JobContext, mark: MarkRow | undefined): Promise<Sighting[]> {
  if (!mark || mark.eventIds.length === 0) return [];
  const rows = await eventsById(ctx.store, mark.eventIds);
  return rows
    .filter((row) => row.source === 'ghl')
    .flatMap((row) => seenIn(ctx, row))
    .toSorted(byTime);
}

/** Everything that deliveries showed of a contact since a time (ms), echoes included. */
export async function seenSince(ctx: JobContext, contactId: string, sinceMs: number): Promise<Sighting[]> {
  const rows = await deliveriesOfContact(ctx.store, ctx.connection.id, contactId, sinceMs);
  return rows.flatMap((row) => seenIn(ctx, row)).toSorted(byTime);
}

const byTime = (a: Sighting, b: Sighting) => a.atMs - b.atMs;

function seenIn(ctx: JobContext, row: Pick<InboxRow, 'id' | 'occurredAt' | 'flags' | 'payload'>): Sighting[] {
  if (row.payload === null || row.flags.includes('time_missing')) return [];
  const seen = deliveredContact(JSON.parse(row.payload));
  if (!seen) return [];
  const values = valuesOfContact(seen, ctx.rows, ctx.facts.fieldIds, ctx.locale);
  return [{ eventId: row.id, atMs: row.occurredAt.getTime(), values, tags: tagsOfContact(seen.tags) }];
}
