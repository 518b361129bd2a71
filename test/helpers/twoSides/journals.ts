import type { TestApp } from '../testApp.ts';

/** A balance that one of our commands moved, whether the service ever got the answer or not. */
export interface Booking {
  commandId: string;
  cardId: string;
  customerId: string;
  points: number;
  bonus: boolean;
}

/** What Sticky Cards did for our commands, by the markers in their comments. */
export function bookingsOf({ stickyCards }: TestApp): Booking[] {
  return stickyCards.journal.flatMap(({ method, path, body, responseBody }) => {
    const cardId = /^\/cards\/([^/]+)\/balance$/.exec(path)?.[1];
    const done = typeof (responseBody as { balance?: unknown } | undefined)?.balance === 'number';
    const { comment = '', balance = 0 } = (body ?? {}) as { comment?: string; balance?: number };
    const commandId = /\[ref:(cmd_[^\]]+)\]/.exec(comment)?.[1];
    if (method !== 'PUT' || cardId === undefined || !done || commandId === undefined) return [];
    const { customerId = '' } = stickyCards.state.card(cardId) ?? {};
    return [{ commandId, cardId, customerId, points: balance, bonus: comment.includes('bonus_points') }];
  });
}

const isRead = (method: string, path: string) => method === 'GET' || path === '/contacts/search';

/** Calls that change something, so far. */
export const writesOf = ({ ghl, stickyCards }: TestApp): { ghl: number; stickycards: number } => ({
  ghl: ghl.journal.filter(({ method, path }) => !isRead(method, path)).length,
  stickycards: stickyCards.journal.filter(({ method }) => method !== 'GET').length,
});
