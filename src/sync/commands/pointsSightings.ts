import type { StickyCardsEvent } from '../../domain/event.ts';
import { parseExactly } from '../../domain/exactJson.ts';
import { parseEnvelope } from '../../platforms/stickycards/envelope.ts';
import { type CardSighting, cardSightings } from '../../store/cardSightings.ts';
import type { Store } from '../../store/store.ts';

/**
 * What the inbox tells of a card since the read before a booking: the balances that deliveries, reads and writes showed,
 * and whether one of them names the booking (`marker`, in the comment that the platform repeats).
 */
export async function sightingsSince(
  store: Store,
  connectionId: string,
  cardId: string,
  read: { readAtMs: number; dateMs: number | null },
  marker: string,
): Promise<{ balances: number[]; marked: boolean }> {
  const rows = await cardSightings(store, connectionId, cardId, new Date(read.readAtMs));
  const balances: number[] = [];
  let marked = false;
  for (const row of rows) {
    const event = eventOf(row);
    // A late delivery from before the read is part of what the read showed; both times are by their clock.
    const older = row.source === 'stickycards' && read.dateMs !== null && row.occurredAt.getTime() < read.dateMs;
    if (event === null || older) continue;
    marked ||= event.comment?.includes(marker) === true;
    if (event.balance !== null) balances.push(event.balance);
  }
  return { balances, marked };
}

function eventOf({ source, payload }: CardSighting): StickyCardsEvent | null {
  if (payload === null) return null;
  try {
    const json: unknown = parseExactly(payload);
    if (source === 'read' || source === 'self') return json as StickyCardsEvent;
    const parsed = parseEnvelope(json);
    return parsed.kind === 'event' ? parsed.event : null;
  } catch {
    return null;
  }
}
