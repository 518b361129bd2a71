const DAY_MS = 86_400_000;
const FRIDAY = 5;
const SATURDAY = 6;

const formats = new Map<string, Intl.DateTimeFormat>();

/** Parts of an instant in a zone, as numbers; an unknown zone counts as UTC. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (!format) {
    const make = (zone: string) =>
      new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      });
    try {
      format = make(timeZone);
    } catch {
      format = make('UTC');
    }
    formats.set(timeZone, format);
  }
  return format;
}

/** What the clock on the wall of the zone shows at an instant, counted like an instant in UTC (ms, whole seconds). */
function wallMs(timeZone: string, atMs: number): number {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(atMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The instant at which the clock on the wall shows this. Of a time that comes twice or never, one beside the change. */
function instantOf(timeZone: string, wall: number): number {
  let atMs = wall;
  // The first step may use the offset of the other side of a change of the clocks; the second one uses the right one.
  for (let step = 0; step < 2; step++) atMs += wall - wallMs(timeZone, atMs);
  return atMs;
}

/**
 * When something that came up at `afterMs` is due: the next day from Monday to Friday in the zone (IANA; unknown = UTC), at
 * `hour` o'clock there. Public holidays are not known. Answers ms.
 */
export function nextBusinessDay(timeZone: string, afterMs: number, hour = 17): number {
  const wall = wallMs(timeZone, afterMs);
  const today = wall - (((wall % DAY_MS) + DAY_MS) % DAY_MS);
  const weekday = new Date(today).getUTCDay();
  const ahead = weekday === FRIDAY ? 3 : weekday === SATURDAY ? 2 : 1;
  return instantOf(timeZone, today + ahead * DAY_MS + hour * 3_600_000);
}
