import { plural } from './parts/basics.ts';

/** What a page says after a button was pressed, by the word in its address; `n` counts. */
const NOTICES: Readonly<Record<string, (n: number) => string>> = {
  retried: () => 'The customer is tried again by the next run.',
  retried_all: (n) =>
    n === 0 ? 'Nobody was left to try again.' : `${plural(n, 'customer')} will be tried again by the next run.`,
  resync: () => 'Both sides are read anew by the next run.',
  replayed: () => 'The event is worked in again; nothing that happens once is done twice.',
  record_paused: () => 'The customer is paused: nothing is written for them until you resume.',
  record_resumed: () => 'The customer takes part in the runs again.',
  problem_acknowledged: () => 'Acknowledged: it stays listed, and everybody sees that somebody is on it.',
  problem_resolved: () => 'Resolved. It opens again by itself if it comes back.',
  problem_ignored: () => 'Ignored: it stays quiet, also when it comes back.',
  problem_confirmed: () => 'Confirmed: what was held goes out with the next run, once.',
  command_confirm: () => 'Noted that it happened: it is not sent again.',
  command_resend: () => 'It is sent by the next run.',
  command_discard: () => 'Discarded: it is never sent.',
  run_asked: () => 'The run is asked for. It starts as soon as the one under way is over.',
  activated: () => 'It is live: from now on it writes.',
  observing: () => 'It observes: nothing is written; links stay.',
  paused: () => 'Paused. What arrives is kept, nothing is written.',
  resumed: () => 'Resumed. What waited goes out with the next runs, at the pace that GHL allows.',
};

export const noticeText = (query: Readonly<Record<string, string>>): string | null => {
  const code = query['notice'] ?? '';
  const text = Object.hasOwn(NOTICES, code) ? NOTICES[code] : undefined;
  return text ? text(Number(query['n'] ?? 0) || 0) : null;
};
