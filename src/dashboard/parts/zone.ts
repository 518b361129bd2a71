import type { Connection } from '../../domain/connection.ts';

/** The zone in which a connection's times are shown. */
export const zoneOfConnection = (connection: Connection | undefined): string =>
  connection?.timeZone ?? connection?.location?.timeZone ?? 'UTC';

interface Formats {
  day: Intl.DateTimeFormat;
  date: Intl.DateTimeFormat;
  time: Intl.DateTimeFormat;
  name: Intl.DateTimeFormat;
}

const known = new Map<string, Formats>();

function formatsOf(zone: string): Formats {
  const found = known.get(zone);
  if (found) return found;
  let timeZone = zone;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch {
    timeZone = 'UTC';
  }
  const formats: Formats = {
    day: new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', month: 'short' }),
    date: new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', month: 'short', year: 'numeric' }),
    time: new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', second: '2-digit' }),
    // British English knows no American zones by their letters.
    name: new Intl.DateTimeFormat('en-US', { timeZone, hour: 'numeric', timeZoneName: 'short' }),
  };
  known.set(zone, formats);
  return formats;
}

const zoneName = (at: Date, { name }: Formats): string =>
  name.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? 'UTC';

/** `11:00:12 EDT` today, `20 Mar, 11:00:12 EDT` else, with the year when it is another one. */
export function localText(at: Date, zone: string, nowMs: number): string {
  const formats = formatsOf(zone);
  const today = formats.date.format(nowMs);
  const date = formats.date.format(at);
  const time = `${formats.time.format(at)} ${zoneName(at, formats)}`;
  if (date === today) return time;
  const sameYear = date.slice(-4) === today.slice(-4);
  return `${sameYear ? formats.day.format(at) : date}, ${time}`;
}

/** `20 Mar 2026` in the zone: for what is a day. */
export const dayText = (at: Date, zone: string): string => formatsOf(zone).date.format(at);

/** Both clocks, to hold against other logs. */
export const fullText = (at: Date, zone: string): string => {
  const formats = formatsOf(zone);
  const utc = `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  return zone === 'UTC'
    ? utc
    : `${utc} · ${formats.date.format(at)}, ${formats.time.format(at)} ${zoneName(at, formats)} (${zone})`;
};

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** `3 min`, `2 days`: the largest unit that fits. */
export function spanText(ms: number): string {
  for (const [unit, size] of UNITS) {
    if (ms < size) continue;
    const count = Math.floor(ms / size);
    return `${count} ${unit}${count > 1 && (unit === 'day' || unit === 'hour') ? 's' : ''}`;
  }
  return '0 s';
}

/** `84 ms`, `2.4 s`, `3 min 20 s`. */
export function durationText(ms: number | null): string {
  if (ms === null) return '';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
