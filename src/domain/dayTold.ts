/** What an answer of GHL said of the day's calls: left, of how many; null = nothing, or there was no answer. */
export type DayTold = { left: number; limit: number | null } | null;
