export const STICKY_CARDS_PATH = '/webhooks/sticky-cards';

export interface StickyCardsPath {
  /** Null = not named: the connection of a path without one. */
  connectionId: string | null;
  secret: string | null;
}

const UNNAMED: StickyCardsPath = { connectionId: null, secret: null };

/** `/webhooks/sticky-cards[/:connection[/:secret]]`, with or without a slash at the end; null for anything else. */
export function parseStickyCardsPath(url: string): StickyCardsPath | null {
  if (url === STICKY_CARDS_PATH) return UNNAMED;
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  if (!path.startsWith(STICKY_CARDS_PATH)) return null;
  const rest = path.slice(STICKY_CARDS_PATH.length);
  if (rest === '' || rest === '/') return UNNAMED;
  if (!rest.startsWith('/')) return null;
  const parts = rest.slice(1).split('/');
  if (parts.at(-1) === '') parts.pop();
  if (parts.length > 2 || parts.includes('')) return null;
  try {
    const [connectionId = null, secret = null] = parts.map(decodeURIComponent);
    return { connectionId, secret };
  } catch {
    return null;
  }
}
