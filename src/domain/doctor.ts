export const COLOURS = ['green', 'yellow', 'red'] as const;
export type Colour = (typeof COLOURS)[number];

/** One thing that was looked at. */
export interface Check {
  /** As in `ghl_location`: what scripts go by. */
  id: string;
  status: Colour;
  title: string;
  /** What was found, with the values that matter; no personal data. */
  found: string;
  /** What to do now; null when there is nothing. */
  remedy: string | null;
}

export interface DoctorReport {
  connection: string;
  /** The worst of all checks. */
  status: Colour;
  checkedAt: Date;
  checks: Check[];
}

export const worst = (colours: readonly Colour[]): Colour =>
  COLOURS.findLast((colour) => colours.includes(colour)) ?? 'green';

const check =
  (status: Colour) =>
  (id: string, title: string, found: string, remedy: string | null = null): Check => ({
    id,
    status,
    title,
    found,
    remedy,
  });
export const green = check('green');
export const yellow = check('yellow');
export const red = check('red');

const MINUTE_MS = 60_000;

/** `40 s`, `12 min`, `5 h`, `3 days`. */
export function ago(ms: number): string {
  const minutes = Math.floor(ms / MINUTE_MS);
  if (minutes < 2) return `${Math.max(0, Math.round(ms / 1000))} s`;
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
}

/** A `Date` header is a whole second; the way to and fro takes its time too. */
const SKEW_YELLOW_MS = 60_000;
const SKEW_RED_MS = 5 * MINUTE_MS;

/**
 * How far the clock of this machine is from a remote side's. Deliveries dated more than 5 minutes ahead lose their time
 * (SPEC §2.1), and GHL's changes are told from ours by 2 s.
 * @param theirMs the answer's `Date`; null = it had none
 */
export function judgeSkew(id: string, side: string, theirMs: number | null, oursMs: number): Check {
  const title = `Clock, against ${side}`;
  if (theirMs === null)
    return yellow(
      id,
      title,
      `${side} did not tell its time`,
      'Compare the clock of this server with another one by hand.',
    );
  const skewMs = oursMs - theirMs;
  const words = `this server is ${ago(Math.abs(skewMs))} ${skewMs < 0 ? 'behind' : 'ahead'}`;
  const remedy =
    'Switch on time synchronisation on this server (timedatectl set-ntp true): what changed last is told by the clock.';
  if (Math.abs(skewMs) > SKEW_RED_MS) return red(id, title, words, remedy);
  if (Math.abs(skewMs) > SKEW_YELLOW_MS) return yellow(id, title, words, remedy);
  return green(id, title, `within ${Math.max(1, Math.ceil(Math.abs(skewMs) / 1000))} s`);
}

const LAG_YELLOW_MS = 15 * MINUTE_MS;
const LAG_RED_MS = 60 * MINUTE_MS;

/** @param oldestAtMs of what waits for a run or for folding; null = nothing waits */
export function judgeLag(oldestAtMs: number | null, nowMs: number, mode: 'observe' | 'live'): Check {
  const title = 'Lag';
  if (oldestAtMs === null) return green('lag', title, 'nothing waits');
  const waits = nowMs - oldestAtMs;
  const words = `the oldest change has waited for ${ago(waits)}`;
  if (mode === 'observe') return green('lag', title, `${words} (in observe everything waits for the activation)`);
  const remedy = 'Look at the last runs (sticky-ghl runs) and at the open problems: they say what holds it up.';
  if (waits > LAG_RED_MS) return red('lag', title, words, remedy);
  if (waits > LAG_YELLOW_MS) return yellow('lag', title, words, remedy);
  return green('lag', title, words);
}

const MB = 1024 * 1024;

/** @param freeBytes on the disk of the database; null = it is on another machine */
export function judgeDisk(freeBytes: number | null): Check {
  const title = 'Disk';
  if (freeBytes === null) return green('disk', title, 'the database is on a server of its own');
  const words = `${Math.floor(freeBytes / MB)} MB free`;
  const remedy = 'Make room on the disk of the database: under 200 MB nothing is accepted any more.';
  if (freeBytes < 200 * MB) return red('disk', title, words, remedy);
  if (freeBytes < 1024 * MB) return yellow('disk', title, words, remedy);
  return green('disk', title, words);
}
