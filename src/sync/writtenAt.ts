import type { LinkRow } from '../store/links.ts';

const KEY = 'writtenAtMs';

/**
 * `Date` of our last write to the contact of a link (ms, GHL's clock); null = not known. A poll that finds the contact
 * updated then, finds our own write (SPEC §3.1).
 */
export const writtenAtMs = ({ metadata }: Pick<LinkRow, 'metadata'>): number | null => {
  const value = metadata[KEY];
  return typeof value === 'number' ? value : null;
};

/** The link after a write to its contact that GHL answered at `dateMs`; null (no `Date`) changes nothing. */
export const writtenAt = <T extends Pick<LinkRow, 'metadata'>>(link: T, dateMs: number | null): T =>
  dateMs === null ? link : { ...link, metadata: { ...link.metadata, [KEY]: dateMs } };
