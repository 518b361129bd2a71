/** What is known of a contact that a poll found, in GHL's clock (ms). */
export interface PolledKnowledge {
  /** `dateUpdated` as the last answer, or before it a page, showed it; null = never seen. */
  dateUpdatedMs: number | null;
  /** `Date` of our last write to the contact; null = none. */
  writtenAtMs: number | null;
}

/** So long after the `Date` of a write of ours an update is that write (SPEC §3.1): `Date` has whole seconds. */
const OWN_WRITE_MS = 2000;

/**
 * Was this update of a contact seen already, or made by us (SPEC §3.1)? Pure. An edit within the two seconds after one of
 * our writes cannot be told from it here; the app's webhooks show it.
 */
export const isKnownUpdate = (updatedAtMs: number, { dateUpdatedMs, writtenAtMs }: PolledKnowledge): boolean =>
  (dateUpdatedMs !== null && updatedAtMs <= dateUpdatedMs) ||
  (writtenAtMs !== null && updatedAtMs <= writtenAtMs + OWN_WRITE_MS);

/** Where the polls of a location stand; kept with the connection. */
export interface PollCursor {
  /** `Date` of the first page of the last poll that was read to its end (ms, GHL's clock). */
  untilMs: number;
  /** What that poll marked within the window that the next one reads again: contact id and its `dateUpdated` (ms). */
  told: [contactId: string, updatedAtMs: number][];
}

/** The index lags behind writes: what was changed this long before the last poll is looked at again. */
export const POLL_OVERLAP_MS = 10 * 60_000;

/** From when on a poll looks (ms); what was changed before the activation is the first link's business. */
export const pollFrom = (cursor: PollCursor | null, activatedAtMs: number): number =>
  cursor === null ? activatedAtMs : Math.max(activatedAtMs, cursor.untilMs - POLL_OVERLAP_MS);
